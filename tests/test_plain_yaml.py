import os
from pathlib import Path

import pytest

from omninegclip import plain_yaml
from omninegclip.errors import OmniNegClipError


def test_plain_values_are_read() -> None:
    text = "a: 1\nb: [x, 2.5, null, true]\nc: {d: 'e'}"
    assert plain_yaml.parse(text, "it") == {"a": 1, "b": ["x", 2.5, None, True], "c": {"d": "e"}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "expected the node content"),
        ("a: &x [1]\nb: *x", "an anchor or alias, where the value itself is needed, line 1"),
        ("a: !!python/object/apply:os.system [exit]", "a tag, where a plain value is needed"),
        ("[" * 5000, "more than 20 levels of nesting"),
        ("a: 2020-13-45", "month must be in 1..12"),
        ("a: " + "9" * 5000, "integer string conversion"),
        ("a: b\n---\nc", "another document"),
        ("a: \x1b[31m", "special characters are not allowed"),
    ],
)
def test_what_could_be_more_than_a_plain_value_is_refused(text: str, reason: str) -> None:
    with pytest.raises(OmniNegClipError, match="it is not valid YAML") as caught:
        plain_yaml.parse(text, "it")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_text("#" * (plain_yaml.LARGEST + 1))
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbfa: b")
    for name, reason in {
        "pipe": "no file",
        "large": "larger than 64 KiB",
        "latin": "not UTF-8",
        ".": "no file",
    }.items():
        with pytest.raises(OmniNegClipError, match=reason):
            plain_yaml.read(tmp_path / name, name)
    assert plain_yaml.read(tmp_path / "marked", "marked") == {"a": "b"}
