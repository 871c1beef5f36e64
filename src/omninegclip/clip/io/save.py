"""Models in each layout that others read, with a file of our own that says what they are."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.families.registry import families
from omninegclip.clip.io import hub
from omninegclip.clip.io.layouts import to_openai
from omninegclip.clip.io.load import OPEN_CLIP, OPEN_CLIP_WEIGHTS, OPENAI_WEIGHTS, load_clip
from omninegclip.clip.io.metadata import write_metadata
from omninegclip.clip.io.untrusted import in_one_line
from omninegclip.clip.io.weights import StateDict
from omninegclip.clip.parity import in_fp32, probe_cosines, probe_embeddings
from omninegclip.clip.text.tokenizer import OPENAI_VOCABULARY
from omninegclip.errors import OmniNegClipError
from omninegclip.files import WRITE_ERRORS, JsonObject, atomic_folder

UNKNOWN_REPOSITORY = "put-the-repository-id-here"  # no name on the hub, where open_clip would look for it
PARITY = 0.99999  # the lowest cosine between what was embedded before and after saving


def save_clip(
    folder: Path,
    encoder: ClipEncoder,
    *,
    base: str,
    layout: str | None = None,
    dtype: torch.dtype = torch.float32,
    card: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> float:
    """Write a model as a folder, load it again, and let it stand only when it embeds the probe as before.

    Beside the weights lie the tokenizer, `preprocessor_config.json`, and `omninegclip.json` with the
    activation, the base model, the fingerprints and the probe. Nothing half-written is ever left.

    Args:
        folder: must be new or empty.
        encoder: what to save.
        base: the name of the model that it was made from, or what it was made from if from none.
        layout: "hf" (transformers, sentence-transformers, diffusers; can be pushed to the hub), "open_clip",
            or "openai" (a state dict `model.pt` for OpenAI's `clip`); "own" for a model of our own. None is
            the model's: "hf" or "own". Other dual encoders than CLIP have that one alone.
        dtype: of the stored weights; fingerprints and probe are those of the weights as they will be loaded.
        card: the model card, Markdown with the hub's YAML header; goes to `README.md`.
        extra: more facts for `omninegclip.json`.

    Returns:
        The lowest cosine between the embeddings of the probe before and after.

    Raises:
        OmniNegClipError: the folder is occupied or can't be written, the layout can't hold this model, or the
            cosine is below PARITY.
    """
    own, *_ = encoder.family.layouts
    layout = layout or own
    _require_layout(encoder, layout)
    with atomic_folder(folder) as partial:
        weights = {
            name: weight.to(dtype) if weight.is_floating_point() else weight
            for name, weight in encoder.model.state_dict().items()
        }
        with _full_disk_said(folder):
            if layout == own:
                encoder.family.save(partial, weights)
            else:
                CLIP_LAYOUTS[layout](partial, encoder, weights, base)
            _save_tokenizer(partial, encoder)
        encoder.transform.save(partial)
        write_metadata(partial, {"activation": encoder.activation})
        stored = load_clip(partial)
        cosine = float((probe_embeddings(in_fp32(encoder)) * probe_embeddings(stored)).sum(axis=1).min())
        if not cosine >= PARITY:
            raise OmniNegClipError(
                f"Nothing was written to {folder}: as {layout} the model would give other embeddings "
                f"(lowest cosine {cosine:.6f}, {PARITY} is needed)."
            )
        write_metadata(partial, {**(extra or {}), **describe(stored), "base": base})
        if card is not None:
            (partial / "README.md").write_text(card, "utf-8")
    return cosine


def _require_layout(encoder: ClipEncoder, layout: str) -> None:
    """Raise OmniNegClipError unless there is such a layout, and it can hold the model."""
    layouts = list(dict.fromkeys(name for each in families().values() for name in each.layouts))
    own, *_ = encoder.family.layouts
    if layout not in layouts:
        raise OmniNegClipError(f"There is no layout {layout!r}: choose {', '.join(layouts)}.")
    if layout not in encoder.family.layouts:
        alone = "a layout of our own" if own == "own" else own
        raise OmniNegClipError(
            f"A {type(encoder.model).__name__} can't be saved in the layout {layout}, only in {alone}."
        )


def _save_tokenizer(folder: Path, encoder: ClipEncoder) -> None:
    """Write the tokenizer without the padding and the cut of its last use: the same bytes each time."""
    backend = getattr(encoder.tokenizer, "backend_tokenizer", None)
    if backend is not None:
        backend.no_padding()
        backend.no_truncation()
    encoder.tokenizer.save_pretrained(folder)


@contextmanager
def _full_disk_said(folder: Path) -> Iterator[None]:
    """Make one sentence of what PyTorch and tokenizers raise when they can't write, which is no OSError."""
    try:
        yield
    except (OmniNegClipError, *WRITE_ERRORS):
        raise
    except Exception as error:
        raise OmniNegClipError(f"Can't write {folder}: {in_one_line(error)}.") from error


def describe(encoder: ClipEncoder) -> JsonObject:
    """Return the facts by which a saved model is known again."""
    return {
        "activation": encoder.activation,
        "fingerprint": encoder.fingerprint,
        "image_fingerprint": encoder.image_fingerprint,
        "probe": probe_cosines(encoder).tolist(),
    }


def _write_openai(folder: Path, encoder: ClipEncoder, weights: StateDict, base: str) -> None:
    """Refuse what OpenAI's code would compute differently: it takes all this for granted."""
    text, vision = encoder.family.text_config, encoder.family.image_config
    if encoder.activation != "quick_gelu":
        raise OmniNegClipError(
            f"OpenAI's code has QuickGELU only, and the model has {encoder.activation}: use open_clip."
        )
    if any(tower.num_attention_heads * 64 != tower.hidden_size for tower in (text, vision)):
        raise OmniNegClipError(
            "OpenAI's code needs attention heads of width 64, and the model has others: use open_clip."
        )
    if any(tower.intermediate_size != 4 * tower.hidden_size for tower in (text, vision)):
        raise OmniNegClipError(
            "OpenAI's code needs MLP blocks of four times the width, and the model has others: use open_clip."
        )
    if encoder.tokenizer.eos_token_id != text.vocab_size - 1:
        raise OmniNegClipError(
            "OpenAI's code reads a text at its highest token id, which is not where texts of this "
            "model end: use open_clip."
        )
    torch.save(to_openai(weights), folder / OPENAI_WEIGHTS)


def _write_open_clip(folder: Path, encoder: ClipEncoder, weights: StateDict, base: str) -> None:
    text, vision = encoder.family.text_config, encoder.family.image_config
    end = encoder.tokenizer.eos_token_id
    text_cfg: JsonObject = {
        "context_length": text.max_position_embeddings,
        "vocab_size": text.vocab_size,
        "width": text.hidden_size,
        "heads": text.num_attention_heads,
        "layers": text.num_hidden_layers,
        "mlp_ratio": text.intermediate_size / text.hidden_size,
    }
    if (text.vocab_size, end) != (OPENAI_VOCABULARY, OPENAI_VOCABULARY - 1):
        # Of a local folder, any name makes open_clip take the tokenizer in it instead of OpenAI's. Of a hub
        # repository it takes the one of this name, so that must be a repository, if we know one.
        known = hub.looks_like_id(base) and not Path(base).exists()
        name = base if known else UNKNOWN_REPOSITORY
        text_cfg |= {"hf_tokenizer_name": name, "pool_type": "eos", "eos_id": end}
    vision_cfg = {
        "image_size": vision.image_size,
        "patch_size": vision.patch_size,
        "width": vision.hidden_size,
        "head_width": vision.hidden_size // vision.num_attention_heads,
        "layers": vision.num_hidden_layers,
        "mlp_ratio": vision.intermediate_size / vision.hidden_size,
    }
    config = {
        "model_cfg": {
            "embed_dim": encoder.dim,
            "quick_gelu": encoder.activation == "quick_gelu",
            "vision_cfg": vision_cfg,
            "text_cfg": text_cfg,
        },
        "preprocess_cfg": {
            "mean": encoder.transform.mean,
            "std": encoder.transform.std,
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }
    (folder / OPEN_CLIP).write_text(json.dumps(config, indent=2) + "\n")
    contiguous = {name: weight.contiguous() for name, weight in to_openai(weights).items()}
    save_file(contiguous, folder / OPEN_CLIP_WEIGHTS[0], metadata={"format": "pt"})


CLIP_LAYOUTS: dict[str, Callable[[Path, ClipEncoder, StateDict, str], None]] = {
    "openai": _write_openai,
    "open_clip": _write_open_clip,
}
