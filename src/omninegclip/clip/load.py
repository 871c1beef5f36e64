"""One call that finds a CLIP or another dual encoder and loads it right, or says why not."""

from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, PreTrainedTokenizerBase

from omninegclip.clip import hub
from omninegclip.clip.activation import decide_activation
from omninegclip.clip.architecture import infer_config
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.facts import read_facts, read_json
from omninegclip.clip.joined import FILE as JOINED
from omninegclip.clip.layouts import is_openai, to_hugging_face
from omninegclip.clip.model import build_model
from omninegclip.clip.others import OTHERS, load_joined_encoder, load_other
from omninegclip.clip.tokenizer import find_tokenizer
from omninegclip.clip.transform import find_transform
from omninegclip.clip.weights import StateDict, read_weights
from omninegclip.errors import OmniNegClipError

SHIPPED = {"scenes-tiny": "scenes/weights/scenes-tiny"}  # name -> folder inside this package
HUGGING_FACE, OPEN_CLIP = "config.json", "open_clip_config.json"  # the file that tells a folder's layout
OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
OPENAI_WEIGHTS = "model.pt"


def load_clip(
    name: str | Path, *, activation: str | None = None, tokenizer: Path | None = None
) -> ClipEncoder:
    """Load a CLIP, as float32.

    Args:
        name: of a model that ships (`scenes-tiny`); a folder in Hugging Face's or open_clip's layout, or one
            that we saved; a weight file with OpenAI's, open_clip's or Hugging Face's names, bare or in a
            training checkpoint; or an id of the Hugging Face hub. What is local never touches the network.
            Beside CLIP, folders may hold a SigLIP, a VisionTextDualEncoder or a dual encoder of our own.
        activation: "quick_gelu" or "gelu", for weights that don't say it.
        tokenizer: a folder that has the tokenizer, for weights that come without one.

    Raises:
        OmniNegClipError: it isn't there, can't be read, is incomplete or damaged, or contradicts itself or
            `activation`.
    """
    path = locate(str(name))
    if path.is_file():
        return _load_file(path, activation, tokenizer)
    if (path / JOINED).exists():
        return load_joined_encoder(path, activation, tokenizer)
    if (path / HUGGING_FACE).exists():
        return _load_hugging_face(path, activation, tokenizer)
    if (path / OPEN_CLIP).exists():
        return _load_open_clip(path, activation, tokenizer)
    if (path / OPENAI_WEIGHTS).exists():
        return _load_file(path / OPENAI_WEIGHTS, activation, tokenizer)
    raise OmniNegClipError(f"{path} holds no CLIP: there is no {HUGGING_FACE} and no {OPEN_CLIP} in it.")


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
    raise OmniNegClipError(f"{name} is no file, no folder and no model that ships ({', '.join(SHIPPED)}).")


def _load_hugging_face(folder: Path, asked: str | None, tokenizer_folder: Path | None) -> ClipEncoder:
    raw = read_json(folder / HUGGING_FACE)
    if raw.get("model_type") in OTHERS:
        return load_other(folder, raw, asked, tokenizer_folder)
    if raw.get("model_type") != "clip":
        raise OmniNegClipError(
            f"{folder} holds a model of type {raw.get('model_type')!r}: a CLIP is needed, or one of the "
            f"types {', '.join(OTHERS)}."
        )
    try:
        config = CLIPConfig.from_dict(raw)
    except Exception as error:  # the library's validation raises errors of its own kinds
        raise OmniNegClipError(f"{folder / HUGGING_FACE} describes no CLIP: {error}") from error
    text, vision = cast(CLIPTextConfig, config.text_config), cast(CLIPVisionConfig, config.vision_config)
    sources = {"its text_config": text.hidden_act, "its vision_config": vision.hidden_act}
    decide_activation(str(folder), sources | _voices(folder, asked))
    tokenizer = find_tokenizer(tokenizer_folder or folder, text.vocab_size)
    if text.eos_token_id == 2:  # legacy (transformers#24650): pool at the end of text by its real id
        text.eos_token_id = tokenizer.eos_token_id
    if text.eos_token_id != tokenizer.eos_token_id:
        raise OmniNegClipError(
            f"The end-of-text id is {text.eos_token_id} in {folder / HUGGING_FACE} and "
            f"{tokenizer.eos_token_id} in the tokenizer: correct the wrong one."
        )
    return _assemble(folder, config, folder, tokenizer)


def _load_open_clip(folder: Path, asked: str | None, tokenizer_folder: Path | None) -> ClipEncoder:
    shape = read_json(folder / OPEN_CLIP).get("model_cfg", {})
    weights = next((folder / name for name in OPEN_CLIP_WEIGHTS if (folder / name).exists()), None)
    if weights is None:
        raise OmniNegClipError(
            f"{folder} has an {OPEN_CLIP} and no weights: {OPEN_CLIP_WEIGHTS[0]} is missing."
        )
    state = to_hugging_face(read_weights(weights))
    written = "quick_gelu" if shape.get("quick_gelu") else "gelu"
    activation = decide_activation(str(folder), {OPEN_CLIP: written} | _voices(folder, asked))
    tokenizer = find_tokenizer(tokenizer_folder or folder, _vocabulary(state))
    vision, text = shape.get("vision_cfg", {}), shape.get("text_cfg", {})
    heads = {"vision": vision.get("width", 768) // vision.get("head_width", 64), "text": text.get("heads", 8)}
    return _assemble(folder, infer_config(state, activation, tokenizer, heads), state, tokenizer)


def _load_file(path: Path, asked: str | None, tokenizer_folder: Path | None) -> ClipEncoder:
    if (path.parent / HUGGING_FACE).exists() or (path.parent / OPEN_CLIP).exists():
        return load_clip(path.parent, activation=asked, tokenizer=tokenizer_folder)
    state = read_weights(path)
    # only OpenAI's own archives hold these; all of OpenAI's models have QuickGELU
    release = "quick_gelu" if {"input_resolution", "context_length", "vocab_size"} <= state.keys() else None
    state = to_hugging_face(state) if is_openai(state) else state
    activation = decide_activation(str(path), {"OpenAI's archive": release} | _voices(path.parent, asked))
    tokenizer = find_tokenizer(tokenizer_folder or path.parent, _vocabulary(state))
    return _assemble(path, infer_config(state, activation, tokenizer), state, tokenizer)


def _assemble(
    path: Path, config: CLIPConfig, weights: StateDict | Path, tokenizer: PreTrainedTokenizerBase
) -> ClipEncoder:
    folder = path if path.is_dir() else path.parent
    transform = find_transform(folder, cast(Any, config.vision_config).image_size)
    return ClipEncoder(build_model(config, weights, str(path), CLIPModel), tokenizer, transform)


def _voices(folder: Path, asked: str | None) -> dict[str, str | None]:
    return {"omninegclip.json": read_facts(folder).get("activation"), "--activation": asked}


def _vocabulary(state: StateDict) -> int:
    embedding = state.get("text_model.embeddings.token_embedding.weight")
    return 0 if embedding is None else embedding.shape[0]
