"""A model id of the Hugging Face hub to a folder on this machine."""

import re
from pathlib import Path

from huggingface_hub import snapshot_download

from omninegclip.errors import OmniNegClipError

ID = re.compile(r"[\w.-]+/[\w.-]+")
SMALL = ["*.json", "*.txt", "spiece.model"]
WEIGHTS = (
    "model*.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model*.bin",
)  # the first that is there


def looks_like_id(name: str) -> bool:
    """Tell whether `name` has the form owner/model."""
    return ID.fullmatch(name) is not None


def download(name: str) -> Path:
    """Return the folder with the files of a hub model, from the cache when there is no network.

    Raises:
        OmniNegClipError: there is no such model, no network and no cached copy, or no weights in it.
    """
    try:
        for weights in WEIGHTS:
            folder = Path(snapshot_download(name, allow_patterns=[*SMALL, weights]))
            if any(folder.glob(weights)):
                return folder
    except Exception as error:  # the client raises errors of several HTTP libraries
        raise OmniNegClipError(
            f"{name} is not a local file or folder, and can't be downloaded from the Hugging Face hub: "
            "check the name and the network, or give a local folder."
        ) from error
    raise OmniNegClipError(f"The hub model {name} has no weights in a format that PyTorch reads.")
