import gzip
from pathlib import Path

import pytest

from omninegclip.clip.text.tokenizer import find_tokenizer, from_merges
from omninegclip.errors import OmniNegClipError


def test_merges_give_openais_ids(tmp_path: Path) -> None:
    merges = "header of the file\nc a\nca t</w>\nn o</w>"
    (tmp_path / "merges.txt.gz").write_bytes(gzip.compress(merges.encode()))
    tokenizer = from_merges(tmp_path / "merges.txt.gz")
    # 256 bytes, 256 that end a word, three merges, begin (515) and end (516) of text; "." is byte symbol 13
    assert tokenizer("No CAT.").input_ids == [515, 514, 513, 256 + 13, 516]
    assert len(tokenizer) == 517


def test_a_folder_without_a_tokenizer_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match="name a folder with the model's own"):
        find_tokenizer(tmp_path, 600)


def test_a_tokenizer_that_is_too_big_is_refused(tmp_path: Path, tokenizer: object) -> None:
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(OmniNegClipError, match="514 tokens, the model 500"):
        find_tokenizer(tmp_path, 500)
