"""`omninegclip.json`: what a saved model says of itself (activation, base, fingerprints, probe)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omninegclip.errors import OmniNegClipError

FILE = "omninegclip.json"


def read_facts(folder: Path) -> dict[str, Any]:
    """Return what `omninegclip.json` says of the model in `folder`; nothing when there is none."""
    return read_json(folder / FILE) if (folder / FILE).exists() else {}


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `omninegclip.json` into `folder`."""
    (folder / FILE).write_text(json.dumps(facts, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        OmniNegClipError: there is no such file, or it holds no JSON object.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise OmniNegClipError(
            f"{path.parent} has no {path.name}: name a folder with a saved CLIP."
        ) from error
    except (OSError, ValueError) as error:
        raise OmniNegClipError(f"Can't read {path}: it is no JSON file.") from error
    if not isinstance(content, dict):
        raise OmniNegClipError(f"Can't read {path}: it holds no JSON object.")
    return content
