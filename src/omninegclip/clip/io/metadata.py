"""`omninegclip.json`: facts about a saved model (activation, base, fingerprints, probe)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from omninegclip.clip.io.untrusted import JSON_LIMIT, read_own
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject

FILE = "omninegclip.json"
TEXTS = ("activation", "base", "fingerprint", "image_fingerprint")


def read_metadata(folder: Path) -> JsonObject:
    """Return what `omninegclip.json` says of the model in `folder`; nothing when there is none.

    Raises:
        OmniNegClipError: it can't be read, or holds what we never write.
    """
    metadata = read_json(folder / FILE) if (folder / FILE).exists() else {}
    for key in TEXTS:
        if key in metadata and not isinstance(metadata[key], str):
            raise OmniNegClipError(f"{folder / FILE} is damaged: {key} is no text. Copy the folder again.")
    return metadata


def write_metadata(folder: Path, metadata: Mapping[str, object]) -> None:
    """Write `omninegclip.json` into `folder`."""
    (folder / FILE).write_text(json.dumps(metadata, indent=2) + "\n")


def read_json(path: Path) -> JsonObject:
    """Return the JSON object in a file of a model folder.

    Raises:
        OmniNegClipError: there is no such file, it is a link out of the folder, or it holds no JSON object.
    """
    if not path.exists():
        raise OmniNegClipError(f"{path.parent} has no {path.name}: name a folder with a saved CLIP.")
    try:
        content = json.loads(read_own(path, JSON_LIMIT), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise OmniNegClipError(f"Can't read {path}: it is no JSON file.") from error
    if not isinstance(content, dict):
        raise OmniNegClipError(f"Can't read {path}: it holds no JSON object.")
    return content


def read_part(parent: Mapping[str, object], key: str, path: Path) -> JsonObject:
    """Return the object under `key`, empty when there is none; `path` is the file that it was read from.

    Raises:
        OmniNegClipError: it is no object.
    """
    part = parent.get(key)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise OmniNegClipError(f"{path} is wrong: {key} holds no JSON object.")
    return part


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
