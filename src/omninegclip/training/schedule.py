"""Learning-rate schedules: the step in, the factor of the learning rate out."""

from math import cos, pi


def paper(step: int, warmup: int, total: int) -> float:
    """Return the authors' factor: linear warm-up that overshoots, then half a cosine to 0 at the last step.

        (step + 1) / W                                    while step <= W, so 1 + 1/W at step W
        (1 + cos(pi (step - W) / (T - 1 - W))) / 2        after that, so 0 at step T - 1

    Args:
        step: from 0 to T - 1.
        warmup: W, at least 1.
        total: T, the steps of the run.

    Source: Omni-NegCLIP, arXiv 2603.29258, its authors' training code.
    """
    if step <= warmup:
        return (step + 1) / warmup
    return (1 + cos(pi * (step - warmup) / (total - 1 - warmup))) / 2


def cosine(step: int, warmup: int, total: int) -> float:
    """Return the usual factor: it never exceeds 1, and the last step still learns.

        (step + 1) / W                                    while step < W
        (1 + cos(pi (step - W) / (T - W))) / 2            after that, so 1 at step W and 0 only at step T

    Args:
        step: from 0 to T - 1.
        warmup: W; 0 starts at the full learning rate.
        total: T, the steps of the run.
    """
    if step < warmup:
        return (step + 1) / warmup
    return (1 + cos(pi * (step - warmup) / (total - warmup))) / 2
