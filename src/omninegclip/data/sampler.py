"""Which rows are in the batch of a step: a pure function of the step, so any run can be taken up again."""

from collections.abc import Iterator
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from omninegclip.errors import OmniNegClipError


class SamplerState(TypedDict):
    """What a checkpoint keeps of a sampler."""

    rows: int
    batch_size: int
    seed: int
    step: int


class BatchSampler:
    """Endless batches of row numbers: pass after pass, each shuffled and without its last, partial batch.

    The batch of step t is slice t mod len(self) of permutation t // len(self). So of two samplers that are
    read together the shorter one starts again, reshuffled, while the longer one finishes its pass.
    """

    def __init__(self, rows: int, batch_size: int, seed: int) -> None:
        """Begin at step 0.

        Args:
            rows: how many there are.
            batch_size: rows per batch, over all processes.
            seed: decides every permutation; samplers of one run need different ones.

        Raises:
            OmniNegClipError: The rows don't fill one batch.
        """
        if not 0 < batch_size <= rows:
            raise OmniNegClipError(
                f"{rows} rows don't fill a batch of {batch_size}: lower batch_size or add data."
            )
        self.rows, self.batch_size, self.seed, self.step = rows, batch_size, seed, 0
        self._shuffled: tuple[int, NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        """Return the batches in a pass."""
        return self.rows // self.batch_size

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        """Return the sampler itself, which goes on from its step."""
        return self

    def __next__(self) -> NDArray[np.int64]:
        """Return the batch of the present step and go on to the next step."""
        batch = self.batch(self.step)
        self.step += 1
        return batch

    def batch(self, step: int) -> NDArray[np.int64]:
        """Return the row numbers [batch_size] of any step."""
        number, position = divmod(step, len(self))
        start = position * self.batch_size
        return self._permutation(number)[start : start + self.batch_size]

    def seen(self, steps: int) -> list[int]:
        """Return all rows of the first `steps` batches by number; after two passes all there are."""
        if steps > 2 * len(self):  # what one pass leaves out the next one mostly holds
            return list(range(self.rows))
        return sorted({row for step in range(steps) for row in self.batch(step).tolist()})

    def state_dict(self) -> SamplerState:
        """Return what `load_state_dict` needs to go on from here."""
        return {"rows": self.rows, "batch_size": self.batch_size, "seed": self.seed, "step": self.step}

    def load_state_dict(self, state: SamplerState) -> None:
        """Continue from where `state` was taken.

        Raises:
            OmniNegClipError: It is the state of other data, another batch size or another seed.
        """
        if (state["rows"], state["batch_size"], state["seed"]) != (self.rows, self.batch_size, self.seed):
            raise OmniNegClipError(
                f"The checkpoint was made with {state['rows']} rows, batch size {state['batch_size']} and "
                f"seed {state['seed']}, and this run has {self.rows}, {self.batch_size} and {self.seed}: "
                "resume with the same data and options."
            )
        self.step = state["step"]

    def _permutation(self, number: int) -> NDArray[np.int64]:
        if self._shuffled is None or self._shuffled[0] != number:
            self._shuffled = number, np.random.default_rng([self.seed, number]).permutation(self.rows)
        return self._shuffled[1]
