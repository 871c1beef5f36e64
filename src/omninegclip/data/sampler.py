"""Which rows are in the batch of a step: a pure function of the step, so any run can be taken up again."""

from collections.abc import Iterator
from itertools import count
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from omninegclip.errors import OmniNegClipError


class SamplerFacts(TypedDict):
    """What decides every batch of a sampler."""

    rows: int
    batch_size: int
    seed: int


class BatchSampler:
    """Endless batches of row numbers: pass after pass, each shuffled and without its last, partial batch.

    The batch of step t is slice t mod len(self) of permutation t // len(self). So of two samplers that are
    read together the shorter one starts again, reshuffled, while the longer one finishes its pass.
    """

    def __init__(self, rows: int, batch_size: int, seed: int) -> None:
        """Hold what decides the batches.

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
        self.rows, self.batch_size, self.seed = rows, batch_size, seed
        self._shuffled: tuple[int, NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        """Return the batches in a pass."""
        return self.rows // self.batch_size

    def batches(self, first_step: int = 0) -> Iterator[NDArray[np.int64]]:
        """Yield the batches from a step on, without end."""
        return map(self.batch, count(first_step))

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

    @property
    def facts(self) -> SamplerFacts:
        """What a checkpoint keeps: its step tells the rest."""
        return {"rows": self.rows, "batch_size": self.batch_size, "seed": self.seed}

    def require_same(self, facts: SamplerFacts) -> None:
        """Raise OmniNegClipError if the facts are of other data, another batch size or another seed."""
        if (facts["rows"], facts["batch_size"], facts["seed"]) != (self.rows, self.batch_size, self.seed):
            raise OmniNegClipError(
                f"The checkpoint was made with {facts['rows']} rows, batch size {facts['batch_size']} and "
                f"seed {facts['seed']}, and this run has {self.rows}, {self.batch_size} and {self.seed}: "
                "resume with the same data and options."
            )

    def _permutation(self, number: int) -> NDArray[np.int64]:
        if self._shuffled is None or self._shuffled[0] != number:
            self._shuffled = number, np.random.default_rng([self.seed, number]).permutation(self.rows)
        return self._shuffled[1]
