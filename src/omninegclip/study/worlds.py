"""Worlds kept on disk, so that every process and every later run of a study shares one per seed."""

import hashlib
import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from omninegclip import __version__
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.data.record import ASSERTION, read_records
from omninegclip.errors import DamagedError
from omninegclip.files import atomic_file, read_sealed, write_sealed
from omninegclip.progress import console
from omninegclip.scenes.records import RECORDS
from omninegclip.study.world import Size, World, assemble, make_world

_EMBEDDINGS, _SEAL = "embeddings.safetensors", "world.json"


def keep_world(encoder: ClipEncoder, folder: Path, seed: int, size: Size) -> Path:
    """Return the folder of the world of `seed` within `folder`, and make it if it isn't there.

    It holds the records and what the image tower makes of every image, not the images. Its name says for
    which image tower, size and version of the package it is.

    Raises OmniNegClipError when it can't be written.
    """
    decisive = [__version__, ASSERTION.names, encoder.image_fingerprint, size]
    key = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:16]
    kept = folder / f"seed-{seed}-{key}"
    if _is_whole(kept):
        return kept
    with tempfile.TemporaryDirectory() as drawn:
        world = make_world(encoder, Path(drawn) / "data", seed, size)
        features = world.records.features[torch.arange(size.scenes)]
        with atomic_file(kept / RECORDS) as temporary:
            shutil.copyfile(Path(drawn) / "data" / RECORDS, temporary)
    with atomic_file(kept / _EMBEDDINGS) as temporary:
        save_file({"pictures": torch.from_numpy(world.images), "features": features}, temporary)
    write_sealed(kept / _SEAL, _hashes(kept))
    return kept


def read_world(encoder: ClipEncoder, kept: Path, seed: int, size: Size) -> World:
    """Return the world that `keep_world` made with the same image tower, seed and size."""
    tensors = load_file(kept / _EMBEDDINGS)
    records = list(read_records(kept / RECORDS))
    return assemble(encoder, seed, size, tensors["pictures"].numpy(), records, tensors["features"])


def _is_whole(kept: Path) -> bool:
    """Tell whether a world is there and is what was written; the seal is its last file."""
    if not (kept / _SEAL).exists():
        return False
    with suppress(DamagedError, FileNotFoundError):
        if read_sealed(kept / _SEAL) == _hashes(kept):
            return True
    console.print(f"{kept} is damaged: it is made again.")
    return False


def _hashes(kept: Path) -> dict[str, str]:
    found = {}
    for name in (RECORDS, _EMBEDDINGS):
        with (kept / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
