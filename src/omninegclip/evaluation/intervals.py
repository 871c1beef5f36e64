"""A figure with its 95 % interval."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """A figure, the ends of its 95 % interval and the number of items behind it."""

    value: float
    low: float
    high: float
    n: int
