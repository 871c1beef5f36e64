"""Every name that a file can have comes back as it was, and makes a text that engines can hold."""

import os

import pytest

from omninegclip.index.names import id_of, lot_of, path_of, text_of

NAMES = [b"/photos/a b.jpg", "/фото/猫/שלום/🐈.png".encode(), b"/latin-1/caf\xe9.jpg", b"/\x80\xff\n'\"%.png"]


@pytest.mark.parametrize("raw", [*NAMES, "/private \uf7e9.jpg".encode(), "/both \uf7e9".encode() + b"\xe9"])
def test_paths_come_back(raw: bytes) -> None:
    path = os.fsdecode(raw)
    text = text_of(path)
    text.encode()  # valid Unicode
    assert path_of(text) == path


def test_different_paths_have_different_keys() -> None:
    texts = {text_of(os.fsdecode(raw)) for raw in (b"/\xe9", "/\uf7e9".encode(), b"/\xc3\xa9")}
    assert len({id_of(text) for text in texts}) == 3


def test_lots_are_spread() -> None:
    lots = [lot_of(id_of(f"/photos/{number}.jpg")) for number in range(2000)]
    assert 0 <= min(lots) <= max(lots) < 1
    assert 170 < sum(lot < 0.1 for lot in lots) < 230
