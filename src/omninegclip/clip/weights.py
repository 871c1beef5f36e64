"""A weight file of any kind to one flat state dict, without running anything that is in it."""

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from omninegclip.clip.torchscript import is_torchscript, read_torchscript
from omninegclip.errors import OmniNegClipError

StateDict = dict[str, Tensor]
BROKEN = (
    pickle.UnpicklingError,
    SafetensorError,
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
)
LANDMARKS = (
    "visual.conv1.weight",
    "vision_model.embeddings.patch_embedding.weight",
)  # every ViT CLIP has one


def read_weights(path: Path) -> StateDict:
    """Return the one CLIP state dict in a file: safetensors, a PyTorch checkpoint, or a TorchScript archive.

    A checkpoint may nest it (`{"model": ...}`, `{"state_dict": ...}`) and prefix it (`module.` of DDP, ...).

    Raises:
        OmniNegClipError: the file is broken, needs code to be run, or holds none or several CLIP models.
    """
    try:
        content = _read(path)
    except BROKEN as error:
        if "GLOBAL" in str(error):  # torch's word for a name that is on no list of harmless things
            raise OmniNegClipError(
                f"{path} holds more than plain weights, and reading that could run code: save its state dict "
                "alone, as safetensors, in a place where you trust it."
            ) from error
        raise OmniNegClipError(
            f"Can't read {path}: it is truncated or no weight file; copy it again."
        ) from error
    return _find_clip(content, path)


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    if is_torchscript(path):
        return read_torchscript(path)
    with torch.serialization.safe_globals([argparse.Namespace]):  # a plain holder of a training job's options
        return torch.load(path, map_location="cpu", weights_only=True)


def _find_clip(content: Any, path: Path) -> StateDict:
    levels = [("", content)] if isinstance(content, Mapping) else []
    levels += [(f"[{key!r}]", value) for _, top in levels for key, value in top.items()]
    found = [
        (place + prefix, _without_prefix(level, prefix))
        for place, level in levels
        if isinstance(level, Mapping)
        for prefix in _prefixes(level)
    ]
    if len(found) > 1:
        places = ", ".join(place or "top" for place, _ in found)
        raise OmniNegClipError(f"{path} holds several models ({places}): save the one that you mean alone.")
    if not found:
        raise OmniNegClipError(
            f"{path} holds no CLIP with a vision transformer: its names are of another model."
        )
    return found[0][1]


def _prefixes(level: Mapping[Any, Any]) -> list[str]:
    keys = [key for key in level if isinstance(key, str) and isinstance(level[key], Tensor)]
    return [key.removesuffix(mark) for mark in LANDMARKS for key in keys if key.endswith(mark)]


def _without_prefix(level: Mapping[Any, Any], prefix: str) -> StateDict:
    return {
        key.removeprefix(prefix): value
        for key, value in level.items()
        if isinstance(key, str) and key.startswith(prefix) and isinstance(value, Tensor)
    }
