"""A run's state in one safetensors file, written whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file

_FACTS = "facts"  # safetensors keeps text beside the tensors: ours is one JSON object


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and JSON values; what was there before stays until the new file is complete.

    Raises OmniNegClipError when it can't be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_file(path) as temporary:
        try:
            save_file(contiguous, temporary, metadata={_FACTS: json.dumps(dict(facts))})
        except SafetensorError as error:  # a full disk is one of these
            raise OSError(f"{error}; the checkpoint before this one is unharmed") from error


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what `save_checkpoint` wrote.

    Raises OmniNegClipError when it is no such file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[_FACTS])
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise OmniNegClipError(
            f"{path} is no checkpoint of a training run: remove it to begin the run anew."
        ) from error
