"""NumPy's numbers in a checkpoint (`"loss": np.float64(...)`), read without NumPy's own unpickling."""

import pickle
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

NUMBERS = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"}


class _Kind:
    """Stands for `numpy.dtype`, whose own would take fields, shapes and sizes from the file."""

    def __init__(self, name: object, *_: object) -> None:
        """Hold the name of a kind of number."""
        if not isinstance(name, str) or name not in NUMBERS:
            raise pickle.UnpicklingError(f"unsupported GLOBAL numpy.dtype of {name!r}")
        self.name = name
        self.order: Literal["<", ">", "="] = "<"

    def __setstate__(self, state: Sequence[object]) -> None:
        """Take the byte order from the state, and nothing else."""
        self.order = "<" if state[1] == "<" else ">" if state[1] == ">" else "="


def _number(kind: object, data: object) -> object:
    """Stand for `numpy...multiarray.scalar`: one number from its bytes."""
    if not isinstance(kind, _Kind) or not isinstance(data, bytes):
        raise pickle.UnpicklingError("unsupported GLOBAL scalar")
    dtype = np.dtype(kind.name).newbyteorder(kind.order)
    if len(data) != dtype.itemsize:
        raise pickle.UnpicklingError("a number of another size than its kind")
    return np.frombuffer(data, dtype)[0].item()


# The names are those of NumPy 2 and of NumPy 1.
STAND_INS: list[tuple[Callable[..., object], str]] = [
    (_number, "numpy._core.multiarray.scalar"),
    (_number, "numpy.core.multiarray.scalar"),
    (_Kind, "numpy.dtype"),
]
