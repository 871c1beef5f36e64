"""A sampler that draws what a test says."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class DrawnRows:
    """A sampler of one batch."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = np.array(rows)

    def batches(self, first_step: int = 0) -> Iterator[NDArray[np.int64]]:
        return iter([self.rows])

    def seen(self, steps: int) -> list[int]:
        return list(map(int, self.rows))


def drawn(rows: Sequence[int]) -> Any:
    return DrawnRows(rows)
