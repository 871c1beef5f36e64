"""The tokenizer of a model, also for weights that come without one."""

import gzip
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from transformers import AutoTokenizer, CLIPTokenizer, PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

from omninegclip.clip.io.quiet import silent_transformers
from omninegclip.clip.io.tokenizer_files import staged
from omninegclip.errors import OmniNegClipError

FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "merges.txt",
)  # a folder with one of these has a tokenizer
MERGES = "bpe_simple_vocab_16e6.txt.gz"
PACKAGES = ("open_clip", "clip")  # ordinary packages that ship OpenAI's merges; they are not imported
OPENAI_VOCABULARY = 49408


def find_tokenizer(folder: Path, vocabulary: int, *, needs_end: bool = True) -> PreTrainedTokenizerBase:
    """Return the tokenizer in `folder`, or OpenAI's when there is none and the vocabulary has its size.

    `needs_end` asks for an end-of-text token, at which a CLIP reads a text.

    Raises:
        OmniNegClipError: there is none, it can't be read, or it has more tokens than `vocabulary`.
    """
    if any((folder / name).exists() for name in FILES):
        tokenizer = load_tokenizer(folder, needs_end=needs_end)
    elif vocabulary == OPENAI_VOCABULARY:
        tokenizer = openai_tokenizer()
    else:
        raise OmniNegClipError(
            f"{folder} has no tokenizer: name a folder with the model's own (--tokenizer)."
        )
    tokens = max(len(tokenizer), *(number + 1 for number in tokenizer.get_vocab().values()))
    if tokens > vocabulary:
        raise OmniNegClipError(
            f"The tokenizer has {tokens} tokens, the model {vocabulary}: name a folder with the "
            "model's own (--tokenizer)."
        )
    return tokenizer


def load_tokenizer(folder: Path, *, needs_end: bool = True) -> PreTrainedTokenizerBase:
    """Load the tokenizer in a folder; no network, no code of the folder's own.

    Raises:
        OmniNegClipError: it can't be read, or has no end-of-text token though it needs one.
    """
    try:
        with staged(folder) as place, silent_transformers():
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                place, local_files_only=True, trust_remote_code=False
            )
        tokenizer.name_or_path = str(folder)
        tokenizer("a")  # some damage shows only here
    except OmniNegClipError:
        raise
    except Exception as error:  # the library raises nearly anything on a broken file
        raise OmniNegClipError(
            f"The tokenizer in {folder} can't be read: name a folder with another (--tokenizer)."
        ) from error
    if needs_end and tokenizer.eos_token_id is None:
        raise OmniNegClipError(
            f"The tokenizer in {folder} has no end-of-text token: CLIP reads a text there."
        )
    return tokenizer


def openai_tokenizer() -> PreTrainedTokenizerBase:
    """Return OpenAI's tokenizer, built from the merges that an installed CLIP package ships.

    Raises:
        OmniNegClipError: no such package is installed.
    """
    for package in PACKAGES:
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            if (Path(place) / MERGES).exists():
                return from_merges(Path(place) / MERGES)
    raise OmniNegClipError(
        "The weights come without a tokenizer: name a folder that has it (--tokenizer), or install "
        "open_clip_torch, which ships OpenAI's."
    )


def from_merges(path: Path) -> CLIPTokenizer:
    """Build OpenAI's tokenizer from its gzipped merges: 512 byte symbols, then the merges, then two marks."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        # as OpenAI's code cuts the list: a header line, then as many merges as fill the vocabulary
        lines = file.read().split("\n")[1 : OPENAI_VOCABULARY - 512 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    letters = byte_symbols()
    pieces = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges)]
    vocabulary = {piece: index for index, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocabulary, merges=cast(list[str], merges), model_max_length=77)


def byte_symbols() -> list[str]:
    """Return the printable characters by which byte-level tokenizers write the 256 bytes, in their order."""
    symbols: Callable[[], dict[int, str]] = bytes_to_unicode  # which has no types of its own
    return list(symbols().values())
