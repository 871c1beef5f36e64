"""A run's state in one safetensors file, written whole or not at all, and known again when it is damaged."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, uint8

from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import atomic_file

_FACTS, _CHECKSUM = "facts", "checksum"  # safetensors keeps texts beside the tensors


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Write tensors and JSON values; what was there before stays until the new file is complete.

    Raises OmniNegClipError when it can't be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(dict(values))
    with atomic_file(path) as temporary:
        try:
            metadata = {_FACTS: text, _CHECKSUM: _checksum(contiguous, text)}
            save_file(contiguous, temporary, metadata=metadata)
        except SafetensorError as error:  # a full disk is one of these
            raise OSError(f"{error}; the checkpoint before this one is unharmed") from error


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what `save_checkpoint` wrote.

    Raises DamagedError when it is no such file, or not what was written, OmniNegClipError when it can't be
    read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        whole = metadata.get(_CHECKSUM) == _checksum(tensors, metadata[_FACTS])
        values: dict[str, Any] = json.loads(metadata[_FACTS])
    except FileNotFoundError as error:
        raise DamagedError(f"{path} is not there any more: begin the run anew.") from error
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise DamagedError(
            f"{path} is no checkpoint of a training run: remove it to begin the run anew."
        ) from error
    except OSError as error:
        raise OmniNegClipError(f"Can't read {path}: {error.strerror or error}.") from error
    if not whole:
        raise DamagedError(
            f"{path} is damaged, its content is not what was written: remove it to begin the run anew."
        )
    return tensors, values


def _checksum(tensors: Mapping[str, Tensor], values: str) -> str:
    """Return the SHA-256 of the facts, and of names, types, shapes and bytes of all tensors."""
    digest = hashlib.sha256(values.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().reshape(-1).view(uint8).numpy().data)
    return digest.hexdigest()
