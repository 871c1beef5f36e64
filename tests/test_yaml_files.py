import os

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.yaml_files import parse_yaml, read_yaml


def test_plain_values_and_a_few_aliases_are_read():
    text = "a: &one {x: 1}\nb: *one\nc: {<<: *one, y: [2, null]}"
    assert parse_yaml(text, "It") == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": [2, None]}}
    assert parse_yaml("", "It") is None


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "It stands for more than 100,000 values: its aliases multiply them"),
        ("&a [*a]", "stands for more than 100,000 values"),
        ("[" * 20_000, "nested too deep"),
        ("a: " + "9" * 5_000, "has a value that can't be read"),
        ("a: 2020-13-45", "has a value that can't be read"),
        ("a: [", "is no valid YAML"),
        ("!!python/object/apply:os.system [true]", "is no valid YAML"),
    ],
)
def test_what_would_harm_is_one_sentence(text, message):
    with pytest.raises(OmniNegClipError, match=message):
        parse_yaml(text, "It")


def test_a_file_is_regular_small_and_utf8(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_yaml(path, "It") == {"a": 1}
    path.write_bytes(b"\xff")
    with pytest.raises(OmniNegClipError, match="is no UTF-8 text at byte 0"):
        read_yaml(path, "It")
    path.write_text("a: 1\n" * 300_000)
    with pytest.raises(OmniNegClipError, match="larger than 1 MiB"):
        read_yaml(path, "It")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(OmniNegClipError, match="is a pipe or a device"):
        read_yaml(tmp_path / "pipe.yaml", "It")
