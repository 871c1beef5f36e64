"""NumPy's numbers in a checkpoint (`"loss": np.float64(...)`), read without NumPy's own unpickling."""

import pickle
from typing import Any

import numpy as np

NUMBERS = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"}


class _Kind:
    """Stands for `numpy.dtype`, whose own would take fields, shapes and sizes from the file."""

    def __init__(self, name: Any, *_: Any) -> None:
        """Hold the name of a kind of number."""
        if name not in NUMBERS:
            raise pickle.UnpicklingError(f"unsupported GLOBAL numpy.dtype of {name!r}")
        self.name, self.order = name, "<"

    def __setstate__(self, state: Any) -> None:
        """Take the byte order from the state, and nothing else."""
        order = state[1]
        self.order = order if order in ("<", ">") else "="


def _number(kind: Any, data: Any) -> Any:
    """Stand for `numpy...multiarray.scalar`: one number from its bytes."""
    if not isinstance(kind, _Kind) or not isinstance(data, bytes):
        raise pickle.UnpicklingError("unsupported GLOBAL scalar")
    dtype = np.dtype(kind.name).newbyteorder(kind.order)
    if len(data) != dtype.itemsize:
        raise pickle.UnpicklingError("a number of another size than its kind")
    return np.frombuffer(data, dtype)[0].item()


# The names are those of NumPy 2 and of NumPy 1.
STAND_INS: list[tuple[Any, str]] = [
    (_number, "numpy._core.multiarray.scalar"),
    (_number, "numpy.core.multiarray.scalar"),
    (_Kind, "numpy.dtype"),
]
