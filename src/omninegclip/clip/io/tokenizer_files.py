"""What of a folder's tokenizer reaches the library: known files, and known keys of the right kinds."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from omninegclip.clip.io.metadata import read_json
from omninegclip.clip.io.untrusted import TOKENIZER_LIMIT, require_own
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject

CONFIG, MODEL_CONFIG, WHOLE = "tokenizer_config.json", "config.json", "tokenizer.json"
FILES = (
    WHOLE, "vocab.json", "vocab.txt", "merges.txt", "spiece.model", "sentencepiece.bpe.model",
    "tokenizer.model", "special_tokens_map.json", "added_tokens.json",
)  # fmt: skip
CLASSES = (
    "CLIPTokenizer", "BertTokenizer", "DistilBertTokenizer", "MPNetTokenizer", "RobertaTokenizer",
    "XLMRobertaTokenizer", "SiglipTokenizer", "GemmaTokenizer", "T5Tokenizer", "GPT2Tokenizer",
    "PreTrainedTokenizer", "TokenizersBackend",
)  # fmt: skip
NOTHING = type(None)
TOKENS = tuple(f"{kind}_token" for kind in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"))
FLAGS = (
    "do_lower_case", "do_basic_tokenize", "tokenize_chinese_chars", "strip_accents", "add_prefix_space",
    "clean_up_tokenization_spaces", "split_special_tokens", "trim_offsets", "add_bos_token", "add_eos_token",
    "keep_accents", "remove_space", "legacy",
)  # fmt: skip
KEYS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(TOKENS, (str, dict, NOTHING)),
    **dict.fromkeys(FLAGS, (bool, NOTHING)),
    "tokenizer_class": (str, NOTHING),
    "model_max_length": (int, float, NOTHING),
    "added_tokens_decoder": (dict, NOTHING),
    "additional_special_tokens": (list, NOTHING),
    "extra_special_tokens": (list, dict, NOTHING),
    "model_input_names": (list, NOTHING),
    "errors": (str, NOTHING),
    "backend": (str, NOTHING),
}


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a folder with what is known of the tokenizer in `folder`, which the library may read as it likes.

    Raises:
        OmniNegClipError: a file is a link out of the folder or too big, or a value is of a wrong kind.
    """
    config = _known(folder / CONFIG) if (folder / CONFIG).exists() else {}
    raw = read_json(folder / MODEL_CONFIG) if (folder / MODEL_CONFIG).exists() else {}
    with TemporaryDirectory(prefix="omninegclip-") as name:
        place = Path(name)
        try:
            for file in FILES:
                if (folder / file).exists():
                    require_own(folder / file, TOKENIZER_LIMIT)
                    shutil.copyfile(folder / file, place / file)
            (place / CONFIG).write_text(json.dumps(config), "utf-8")
            if isinstance(raw.get("model_type"), str):  # by it the library finds a class that is not named
                (place / MODEL_CONFIG).write_text(json.dumps({"model_type": raw["model_type"]}), "utf-8")
        except OSError as error:  # such as a full disk
            raise OmniNegClipError(
                f"Can't copy the tokenizer of {folder} to {place}: {error.strerror or error}."
            ) from error
        yield place


def _known(path: Path) -> JsonObject:
    raw = read_json(path)
    config = {key: raw[key] for key in KEYS if key in raw}
    for key, value in config.items():
        if type(value) not in KEYS[key]:
            raise OmniNegClipError(f"{path} is wrong: {key} can't be {str(value)[:60]!r}.")
    name = config.get("tokenizer_class")
    if name is not None and name.removesuffix("Fast") not in CLASSES:
        if not (path.parent / WHOLE).exists():
            raise OmniNegClipError(f"{path}: there is no tokenizer {name!r}; known are {', '.join(CLASSES)}.")
        del config["tokenizer_class"]  # tokenizer.json says all that it needs
    return config
