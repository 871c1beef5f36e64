"""Ranges of numeric options, each said in one sentence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Between:
    """A validator of the command line: from `low` to `high`, both included; not a number is outside."""

    low: int
    high: int

    def __call__(self, kind: object, value: float | None) -> None:
        """Raise ValueError for a value outside."""
        if value is not None and not self.low <= value <= self.high:
            raise ValueError(f"It must be from {self.low:,} to {self.high:,}.")


@dataclass(frozen=True)
class Above:
    """A validator of the command line: above `low`, up to `high`; not a number is outside."""

    low: int
    high: int

    def __call__(self, kind: object, value: float | None) -> None:
        """Raise ValueError for a value outside."""
        if value is not None and not self.low < value <= self.high:
            raise ValueError(f"It must be above {self.low:,}, and {self.high:,} at most.")
