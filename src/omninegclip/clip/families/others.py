"""Folders with dual encoders beside CLIP: of our own layout, SigLIP's, and `VisionTextDualEncoderModel`'s."""

from pathlib import Path
from typing import Any

from transformers import (
    PreTrainedTokenizerBase,
    SiglipConfig,
    SiglipModel,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
)

from omninegclip.clip.families.dual_encoder import DualEncoder
from omninegclip.clip.families.own import load_joined
from omninegclip.clip.io.build import build_model
from omninegclip.clip.io.config import known_config
from omninegclip.clip.io.weights import read_folder
from omninegclip.clip.text.tokenizer import find_tokenizer
from omninegclip.clip.transform import FILE, PROCESSOR, find_transform
from omninegclip.errors import OmniNegClipError

# `model_type` -> configuration and model; SigLIP 2 at a fixed resolution has the type of SigLIP
OTHERS: dict[str, tuple[Any, Any] | str] = {
    "siglip": (SiglipConfig, SiglipModel),
    "vision-text-dual-encoder": (VisionTextDualEncoderConfig, VisionTextDualEncoderModel),
    "siglip2": "SigLIP 2 for pictures of any shape (NaFlex) cuts each into a grid of its own, which is not "
    "done here: take a SigLIP 2 of a fixed resolution, whose type is siglip.",
}


def load_other(
    folder: Path, raw: dict[str, Any], activation: str | None, tokenizer_folder: Path | None
) -> DualEncoder:
    """Load a folder in Hugging Face's layout whose `config.json` is `raw`, of a type in OTHERS.

    Raises:
        OmniNegClipError: it is incomplete or damaged, or of a kind that is not supported.
    """
    known = OTHERS[raw["model_type"]]
    if isinstance(known, str):
        raise OmniNegClipError(f"{folder} can't be loaded: {known}")
    config = known_config(known[0], raw, folder / "config.json")
    model = build_model(config, read_folder(folder), str(folder), known[1])
    size = getattr(config.vision_config, "image_size", None)
    return _encoder(folder, model, size, activation, tokenizer_folder)


def load_joined_encoder(folder: Path, activation: str | None, tokenizer_folder: Path | None) -> DualEncoder:
    """Load a folder of our own layout; raises as `load_joined` does."""
    return _encoder(folder, load_joined(folder), None, activation, tokenizer_folder)


def _encoder(
    folder: Path, model: Any, size: int | None, activation: str | None, tokenizer_folder: Path | None
) -> DualEncoder:
    tokenizer: PreTrainedTokenizerBase = find_tokenizer(
        tokenizer_folder or folder, model.text_model.config.vocab_size, needs_end=False
    )
    if not any((folder / name).exists() for name in (FILE, PROCESSOR)):
        raise OmniNegClipError(
            f"{folder} has no {FILE}: how its images are resized and normalised can't be guessed."
        )
    encoder = DualEncoder(model, tokenizer, find_transform(folder, size))
    if activation not in (None, encoder.activation):
        raise OmniNegClipError(
            f"The activation of {folder} is {encoder.activation}, not {activation}: leave --activation out."
        )
    return encoder
