"""Our own .npz files read back: whole, or known to be damaged."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from omninegclip.errors import DamagedError


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a .npz file by name; nothing but plain numbers and texts is read from it.

    Raises DamagedError if it is not whole.
    """
    try:
        with ZipFile(path) as archive:
            if broken := archive.testzip():  # numpy itself may stop before the end, where the checksum is
                raise ValueError(f"the checksum of {broken} is wrong")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:  # a flipped byte makes zipfile, zlib and numpy raise nearly anything
        raise DamagedError(f"{path} is damaged: {error}.") from error
