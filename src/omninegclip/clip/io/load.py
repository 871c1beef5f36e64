"""One call that finds a CLIP or another dual encoder and loads it right, or says why not."""

import math
from importlib.resources import files
from pathlib import Path

from omninegclip.clip.device import ComputePlace
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.families.clip import assemble
from omninegclip.clip.families.family import ModelParts
from omninegclip.clip.families.registry import families
from omninegclip.clip.io import hub
from omninegclip.clip.io.activation import decide_activation, stated
from omninegclip.clip.io.architecture import infer_config
from omninegclip.clip.io.config import LARGEST
from omninegclip.clip.io.layouts import is_openai, to_hugging_face
from omninegclip.clip.io.metadata import FILE as FACTS
from omninegclip.clip.io.metadata import read_json, read_metadata, read_part
from omninegclip.clip.io.name import ModelName
from omninegclip.clip.io.untrusted import CARD_LIMIT, WEIGHTS_LIMIT, read_own, require_own
from omninegclip.clip.io.weights import StateDict, read_weights
from omninegclip.clip.parity import put
from omninegclip.clip.scale import wrong_scale
from omninegclip.clip.text.tokenizer import find_tokenizer
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject
from omninegclip.progress import console

SHIPPED = {"scenes-small": "scenes/weights/scenes-small"}  # name -> folder inside this package
HUGGING_FACE, OPEN_CLIP = "config.json", "open_clip_config.json"  # the file that tells a folder's layout
OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
OPENAI_WEIGHTS = "model.pt"


def load_clip(
    name: str | Path,
    *,
    activation: str | None = None,
    tokenizer: Path | None = None,
    place: ComputePlace | None = None,
    checked: bool = True,
) -> ClipEncoder:
    """Load a CLIP, as float32.

    Args:
        name: of a model that ships (`scenes-small`); a folder in Hugging Face's or open_clip's layout, or one
            that we saved; a weight file with OpenAI's, open_clip's or Hugging Face's names, bare or in a
            training checkpoint; or an id of the Hugging Face hub. What is local never touches the network.
            Beside CLIP, folders may hold a SigLIP, a VisionTextDualEncoder or a dual encoder of our own.
        activation: "quick_gelu" or "gelu", for weights that don't say it.
        tokenizer: a folder that has the tokenizer, for weights that come without one.
        place: where it computes, and in which number format if that will do; None for the CPU and fp32.
        checked: whether a model that we saved must still have the fingerprint that was stored with it, which
            takes a second per gigabyte or two. With `tokenizer` it isn't looked at, for that is a part of it.

    Raises:
        OmniNegClipError: it isn't there, can't be read, is incomplete or damaged, or contradicts itself or
            `activation`.
    """
    if isinstance(name, ModelName):
        activation, tokenizer = activation or name.activation, tokenizer or name.tokenizer
        place = place or name.place
    path = locate(str(name))
    encoder = ClipEncoder(*_load(path, activation, tokenizer))
    _check_scale(encoder, path)
    if checked and tokenizer is None and path.is_dir():
        _check_fingerprint(encoder, path)
    if place is not None:
        put(encoder, place)
    return encoder


def _load(path: Path, activation: str | None, tokenizer: Path | None) -> ModelParts:
    if path.is_file():
        return _load_file(path, activation, tokenizer)
    for family in families().values():
        if family.marker != HUGGING_FACE and (path / family.marker).exists():
            return family.load(path, activation, tokenizer)
    if (path / HUGGING_FACE).exists():
        return _load_hugging_face(path, activation, tokenizer)
    if (path / OPEN_CLIP).exists():
        return _load_open_clip(path, activation, tokenizer)
    if (path / OPENAI_WEIGHTS).exists():
        return _load_file(path / OPENAI_WEIGHTS, activation, tokenizer)
    raise OmniNegClipError(f"{path} holds no CLIP: there is no {HUGGING_FACE} and no {OPEN_CLIP} in it.")


def read_card(name: str) -> str | None:
    """Return the model card that lies beside the weights of a model, None when there is none."""
    path = locate(name) / "README.md"
    return read_own(path, CARD_LIMIT) if path.exists() else None


def is_bare(name: str) -> bool:
    """Tell whether a name stands for weights without a configuration beside them."""
    path = Path(name)
    if not path.is_file() and not (path / OPENAI_WEIGHTS).exists():
        return False
    folder = path if path.is_dir() else path.parent
    markers = {OPEN_CLIP, *(family.marker for family in families().values())}
    described = any((folder / file).exists() for file in markers)
    return not described and "activation" not in read_metadata(folder)


def locate(name: str) -> Path:
    """Return the file or folder that a name stands for, downloading a hub model.

    Raises:
        OmniNegClipError: there is none.
    """
    if name in SHIPPED:
        return Path(str(files("omninegclip"))) / SHIPPED[name]
    path = Path(name)
    if path.exists():
        return path
    if hub.looks_like_id(name):
        return hub.download(name)
    raise OmniNegClipError(f"{name} is not a file, a folder or a model that ships ({', '.join(SHIPPED)}).")


def _load_hugging_face(folder: Path, asked: str | None, tokenizer_folder: Path | None) -> ModelParts:
    kind = read_json(folder / HUGGING_FACE).get("model_type")
    known = {name: family for name, family in families().items() if family.marker == HUGGING_FACE}
    if isinstance(kind, str) and kind in known:
        return known[kind].load(folder, asked, tokenizer_folder)
    for family in known.values():
        if isinstance(kind, str) and kind in family.refused:
            raise OmniNegClipError(f"{folder} can't be loaded: {family.refused[kind]}")
    raise OmniNegClipError(
        f"{folder} holds a model of type {kind!r}: known are the types {', '.join(sorted(known))}."
    )


def _load_open_clip(folder: Path, asked: str | None, tokenizer_folder: Path | None) -> ModelParts:
    shape = read_part(read_json(folder / OPEN_CLIP), "model_cfg", folder / OPEN_CLIP)
    weights = next((folder / name for name in OPEN_CLIP_WEIGHTS if (folder / name).exists()), None)
    if weights is None:
        raise OmniNegClipError(
            f"{folder} has an {OPEN_CLIP} and no weights: {OPEN_CLIP_WEIGHTS[0]} is missing."
        )
    require_own(weights, WEIGHTS_LIMIT)
    state = _renamed(read_weights(weights), weights)
    written = "quick_gelu" if _flag(shape, "quick_gelu", folder / OPEN_CLIP) else "gelu"
    activation = decide_activation(str(folder), {OPEN_CLIP: written} | stated(folder, asked))
    tokenizer = find_tokenizer(tokenizer_folder or folder, _vocabulary(state))
    heads = _open_clip_heads(shape, folder / OPEN_CLIP)
    return assemble(folder, infer_config(state, activation, tokenizer, heads), state, tokenizer)


def _load_file(path: Path, asked: str | None, tokenizer_folder: Path | None) -> ModelParts:
    if (path.parent / HUGGING_FACE).exists() or (path.parent / OPEN_CLIP).exists():
        return _load(path.parent, asked, tokenizer_folder)
    state = read_weights(path)
    # only OpenAI's own archives hold these; all of OpenAI's models have QuickGELU
    release = "quick_gelu" if {"input_resolution", "context_length", "vocab_size"} <= state.keys() else None
    state = _renamed(state, path) if is_openai(state) else state
    activation = decide_activation(str(path), {"OpenAI's archive": release} | stated(path.parent, asked))
    tokenizer = find_tokenizer(tokenizer_folder or path.parent, _vocabulary(state))
    return assemble(path, infer_config(state, activation, tokenizer), state, tokenizer)


def _check_scale(encoder: ClipEncoder, path: Path) -> None:
    wrong = wrong_scale(encoder)
    if wrong and (not math.isfinite(encoder.logit_scale) or encoder.logit_scale <= 0):
        raise OmniNegClipError(f"{path} is damaged: {wrong}.")
    if wrong:
        console.print(f"{path}: {wrong}; its cosines are still used.")


def _check_fingerprint(encoder: ClipEncoder, folder: Path) -> None:
    stored = read_metadata(folder).get("fingerprint")
    if stored is not None and stored != encoder.fingerprint:
        raise OmniNegClipError(
            f"The weights or settings of {folder} are not those that were saved: its fingerprint is "
            f"{encoder.fingerprint}, and {FACTS} says {stored}. Copy the folder again, or remove {FACTS} to "
            "take it as it is."
        )


def _vocabulary(state: StateDict) -> int:
    embedding = state.get("text_model.embeddings.token_embedding.weight")
    return embedding.shape[0] if embedding is not None and embedding.ndim == 2 else 0


def _renamed(state: StateDict, path: Path) -> StateDict:
    try:
        return to_hugging_face(state)
    except (ValueError, RuntimeError, IndexError) as error:  # a fused projection that has no three parts
        raise OmniNegClipError(f"{path} holds no CLIP: its weights have shapes that no CLIP has.") from error


def _open_clip_heads(shape: JsonObject, path: Path) -> dict[str, int]:
    vision, text = read_part(shape, "vision_cfg", path), read_part(shape, "text_cfg", path)
    sizes = (vision.get("width", 768), vision.get("head_width", 64), text.get("heads", 8))
    if not all(type(size) is int and 0 < size <= LARGEST for size in sizes):
        raise OmniNegClipError(f"{path} is wrong: width, head_width and heads must be whole numbers above 0.")
    return {"vision": max(sizes[0] // sizes[1], 1), "text": sizes[2]}


def _flag(shape: JsonObject, key: str, path: Path) -> bool:
    value = shape.get(key)
    if not isinstance(value, bool | None):
        raise OmniNegClipError(f"{path} is wrong: {key} can't be {value!r}.")
    return bool(value)
