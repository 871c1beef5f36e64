"""Models in the Hugging Face folder layout, with a file of our own that says what they are."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from transformers import AutoTokenizer, CLIPConfig, CLIPModel

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.transform import FILE as TRANSFORM_FILE
from omninegclip.clip.transform import ImageTransform
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_folder

FILE = "omninegclip.json"


def save_clip(
    folder: Path,
    encoder: ClipEncoder,
    *,
    base: str,
    dtype: torch.dtype = torch.float32,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a model as a folder that Hugging Face libraries load, in one atomic step.

    Beside `config.json`, `model.safetensors`, the tokenizer and `preprocessor_config.json`, a file
    `omninegclip.json` carries the activation, the base model and the fingerprint.

    Args:
        folder: must be new or empty.
        encoder: what to save.
        base: the name of the model that it was made from, or what it was made from if from none.
        dtype: of the stored weights; the fingerprint is that of the weights as they will be loaded.
        extra: more facts for `omninegclip.json`.

    Raises:
        OmniNegClipError: the folder is occupied or can't be written.
    """
    with atomic_folder(folder) as partial:
        weights = {name: weight.to(dtype) for name, weight in encoder.model.state_dict().items()}
        encoder.model.save_pretrained(partial, state_dict=weights)
        encoder.tokenizer.save_pretrained(partial)
        encoder.transform.save(partial)
        stored = encoder if dtype == torch.float32 else load_folder(partial)
        facts = {
            **(extra or {}),
            "activation": encoder.activation,
            "base": base,
            "fingerprint": stored.fingerprint,
            "image_fingerprint": stored.image_fingerprint,
        }
        (partial / FILE).write_text(json.dumps(facts, indent=2) + "\n")


def load_folder(folder: Path) -> ClipEncoder:
    """Load a folder in the Hugging Face layout, as float32; the network is never touched.

    Raises:
        OmniNegClipError: it holds no CLIP model, or not all weights of one.
    """
    config = _read_json(folder / "config.json")
    if config.get("model_type") != "clip":
        raise OmniNegClipError(
            f"{folder} holds a model of type {config.get('model_type')!r}: a CLIP is needed."
        )
    return ClipEncoder(
        _load_model(folder, CLIPConfig.from_dict(config)),
        AutoTokenizer.from_pretrained(folder, local_files_only=True),
        ImageTransform.from_config(_read_json(folder / TRANSFORM_FILE)),
    )


def read_facts(folder: Path) -> dict[str, Any]:
    """Return what `omninegclip.json` says of the model in `folder`; nothing when there is none."""
    return _read_json(folder / FILE) if (folder / FILE).exists() else {}


def _load_model(folder: Path, config: CLIPConfig) -> CLIPModel:
    with _silent_transformers():  # what it would warn of is raised here
        result: Any = CLIPModel.from_pretrained(
            folder, config=config, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
    model, report = result
    if report["missing_keys"] or report["mismatched_keys"]:
        missing = sorted([*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])])
        raise OmniNegClipError(
            f"{folder} lacks weights of its model, first {missing[0]}: copy it again, whole."
        )
    return cast(CLIPModel, model)


@contextmanager
def _silent_transformers() -> Iterator[None]:
    logging: Any = transformers.utils.logging
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _read_json(path: Path) -> dict[str, Any]:
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
