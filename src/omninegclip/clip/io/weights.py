"""A weight file of any kind to one flat state dict, without running anything that is in it."""

import argparse
import mmap
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from omninegclip.clip.io.metadata import read_json, read_part
from omninegclip.clip.io.scalars import STAND_INS
from omninegclip.clip.io.torchscript import is_torchscript, read_torchscript
from omninegclip.clip.io.untrusted import WEIGHTS_LIMIT, require_own, require_regular
from omninegclip.errors import OmniNegClipError

StateDict = dict[str, Tensor]
LANDMARKS = (
    "visual.conv1.weight",
    "vision_model.embeddings.patch_embedding.weight",
)  # every ViT CLIP has one
# The weight files of a folder in Hugging Face's layout, whole and in shards, in the order of preference.
FOLDER_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
INDEX = ".index.json"
SLACK = 1 << 20  # bytes that a small checkpoint may need beside its tensors


def read_weights(path: Path) -> StateDict:
    """Return the one CLIP state dict in a file: safetensors, a PyTorch checkpoint, or a TorchScript archive.

    A checkpoint may nest it (`{"model": ...}`, `{"state_dict": ...}`) and prefix it (`module.` of DDP, ...).

    Raises:
        OmniNegClipError: the file is broken, needs code to be run, or holds none or several CLIP models.
    """
    return _find_clip(_read(path), path)


def read_folder(folder: Path) -> StateDict:
    """Return all weights of a folder in Hugging Face's layout, whole or in shards.

    Raises:
        OmniNegClipError: there are none, a file is broken, or a shard is no file of this folder.
    """
    for name in FOLDER_WEIGHTS:
        if (folder / name).exists():
            return _read_part(folder / name)
        if (folder / (name + INDEX)).exists():
            parts = [_read_part(folder / shard) for shard in _shards(folder / (name + INDEX))]
            return {key: weight for part in parts for key, weight in part.items()}
    raise OmniNegClipError(
        f"Can't load the weights of {folder}: it has no {' and no '.join(FOLDER_WEIGHTS)}."
    )


def _shards(index: Path) -> list[str]:
    shards = read_part(read_json(index), "weight_map", index).values()
    for shard in shards:
        plain = isinstance(shard, str) and shard == Path(shard).name
        if not plain or not shard.endswith((".safetensors", ".bin")):
            raise OmniNegClipError(f"{index} is wrong: {shard!r} is not the name of a weight file beside it.")
    return sorted(set(shards))


def _read_part(path: Path) -> StateDict:
    require_own(path, WEIGHTS_LIMIT)
    try:
        content = _read(path)
    except OmniNegClipError as error:
        raise OmniNegClipError(f"Can't load the weights of {path.parent}: {error}") from error
    if not isinstance(content, Mapping):
        raise OmniNegClipError(f"{path} holds no weights.")
    return _require_plain({str(k): v for k, v in content.items() if isinstance(v, Tensor)}, path)


def _read(path: Path) -> object:
    require_regular(path, WEIGHTS_LIMIT)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        _require_unpacked(path)
        _require_no_bytearray(path)
        if is_torchscript(path):
            return read_torchscript(path)
        # beside plain weights, what training jobs put in: their options, and NumPy's numbers
        with torch.serialization.safe_globals([argparse.Namespace, *STAND_INS]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OmniNegClipError:
        raise
    except Exception as error:  # a broken pickle can raise anything
        if "GLOBAL" in str(error):  # torch's word for a name that is on no list of harmless things
            raise OmniNegClipError(
                f"{path} holds more than plain weights, and reading that could run code: save its state dict "
                "alone, as safetensors, in a place where you trust it."
            ) from error
        raise OmniNegClipError(
            f"Can't read {path}: it is truncated or not a weight file: copy it again."
        ) from error


def _require_unpacked(path: Path) -> None:
    """Refuse an archive that unpacks to more than it has: PyTorch writes weights as they are."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > path.stat().st_size + SLACK:
        raise OmniNegClipError(
            f"{path} is compressed and would unpack to {unpacked:,} bytes: save it with torch.save or as "
            "safetensors, which store weights as they are."
        )


def _require_no_bytearray(path: Path) -> None:
    """Refuse the one harmless name of torch's list that makes gigabytes of a number."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(b"bytearray") >= 0:
            raise OmniNegClipError(
                f"{path} holds a bytearray, which is not a weight: save only its state dict, as safetensors."
            )


def _require_plain(state: StateDict, path: Path) -> StateDict:
    """Refuse tensors that claim more than the file has, such as one number that is seen a billion times."""
    for name, weight in state.items():
        if weight.layout != torch.strided or weight.device.type != "cpu" or weight.is_quantized:
            raise OmniNegClipError(
                f"{path} holds {name} in a form that is not a plain tensor: save it as one."
            )
    claimed = sum(weight.numel() * weight.element_size() for weight in state.values())
    if claimed > 2 * path.stat().st_size + SLACK:
        raise OmniNegClipError(
            f"{path} claims weights of {claimed:,} bytes, and has {path.stat().st_size:,}: save them with "
            "contiguous tensors that share no memory."
        )
    return state


def _find_clip(content: object, path: Path) -> StateDict:
    levels: list[tuple[str, object]] = [("", content)]
    if isinstance(content, Mapping):
        levels += [(f"[{key!r}]", value) for key, value in content.items()]
    found = [
        (place + prefix, _without_prefix(level, prefix))
        for place, level in levels
        if isinstance(level, Mapping)
        for prefix in _prefixes(level)
    ]
    if len(found) > 1:
        places = ", ".join(place or "top" for place, _ in found)
        raise OmniNegClipError(f"{path} holds several models ({places}): save only the one that you mean.")
    if not found:
        raise OmniNegClipError(
            f"{path} holds no CLIP with a vision transformer: its weight names are those of another model."
        )
    return _require_plain(found[0][1], path)


def _prefixes(level: Mapping[object, object]) -> list[str]:
    keys = [key for key in level if isinstance(key, str) and isinstance(level[key], Tensor)]
    return [key.removesuffix(mark) for mark in LANDMARKS for key in keys if key.endswith(mark)]


def _without_prefix(level: Mapping[object, object], prefix: str) -> StateDict:
    return {
        key.removeprefix(prefix): value
        for key, value in level.items()
        if isinstance(key, str) and key.startswith(prefix) and isinstance(value, Tensor)
    }
