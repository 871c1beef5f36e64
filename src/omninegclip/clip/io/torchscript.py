"""The weights of a TorchScript archive (OpenAI's own releases), read without running any of its code."""

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "BoolStorage": torch.bool,
}


def is_torchscript(path: Path) -> bool:
    """Tell whether `path` is a zip archive with TorchScript code in it."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Return the parameters and buffers of the archived module by their dotted names.

    The archive's pickle is read with an allow-list of harmless names, and its modules become plain objects.

    Raises:
        pickle.UnpicklingError: it names anything else.
    """
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].split("/")[0]
        module = _Reader(archive, root).load()
    return dict(_tensors(module, "", set()))


class _Module:
    """Stands for any class of the archive's own; its attributes arrive in __dict__."""


class _Storage:
    def __init__(self, dtype: torch.dtype, data: bytes) -> None:
        """Hold the elements of a stored tensor."""
        self.elements = (
            torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
        )


# Not the Unpickler in C: it takes as much memory as the largest number of a memo says.
class _Reader(pickle._Unpickler):
    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        """Read `root/data.pkl`, and the tensors it refers to, from `archive`."""
        super().__init__(io.BytesIO(archive.read(f"{root}/data.pkl")))
        self.archive, self.root = archive, root
        self.storages: dict[tuple[torch.dtype, str], _Storage] = {}

    def find_class(self, module: str, name: str) -> object:
        if module.split(".")[0] == "__torch__":
            return _Module
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"unsupported GLOBAL {module}.{name}")

    def persistent_load(self, reference: tuple[str, torch.dtype, str, *tuple[object, ...]]) -> _Storage:
        _, dtype, key, *_ = reference
        if (dtype, key) not in self.storages:  # a thousand tensors of one storage take it once
            self.storages[dtype, key] = _Storage(dtype, self.archive.read(f"{self.root}/data/{key}"))
        return self.storages[dtype, key]


def _rebuild(
    storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    return torch.as_strided(storage.elements, size, stride, offset)  # refuses to leave the storage


def _tensors(module: _Module, prefix: str, seen: set[int]) -> list[tuple[str, Tensor]]:
    """Return what is in a module; one that is in it twice counts once, or forty could be a trillion."""
    seen.add(id(module))
    found: list[tuple[str, Tensor]] = []
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            found.append((prefix + name, value))
        elif isinstance(value, _Module) and id(value) not in seen:
            found.extend(_tensors(value, f"{prefix}{name}.", seen))
    return found
