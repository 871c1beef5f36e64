import os

import pytest

from omninegclip.data import sources
from omninegclip.errors import OmniNegClipError


def test_a_missing_file_and_another_encoding_are_one_sentence(tmp_path):
    with pytest.raises(OmniNegClipError, match=r"Can't read .*none\.json: No such file"):
        sources.load_json(tmp_path / "none.json", dict)
    (tmp_path / "latin.csv").write_bytes("a\n\xe9\n".encode("latin-1"))
    with pytest.raises(OmniNegClipError, match="is not UTF-8 text"):
        list(sources.csv_rows(tmp_path / "latin.csv", ["a"]))


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "bom.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    assert [row for _, row in sources.csv_rows(path, ["a"])] == [{"a": "1", "b": "2"}]


def test_an_empty_table_lacks_its_columns(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(OmniNegClipError, match="has no column 'a': it has none"):
        list(sources.csv_rows(tmp_path / "empty.csv", ["a"]))


def test_truth_is_no_number():
    with pytest.raises(OmniNegClipError, match="is of type bool: int is needed"):
        sources.field({"n": True}, "n", int, "Row 1")
    assert sources.field({"n": 1}, "n", float, "Row 1") == 1


@pytest.mark.parametrize("cell", ["", None, "nan", "1.5", "inf"])
def test_what_is_no_whole_number_is_refused(cell):
    with pytest.raises(OmniNegClipError, match=r"answer is .*: a whole number is needed"):
        sources.whole_number(cell, "answer")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "is nested too deep"),
        ('{"a": ' + "9" * 5_000 + "}", "is not complete JSON: Exceeds the limit"),
    ],
)
def test_nested_json_and_endless_numbers_are_one_sentence(tmp_path, content, message):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(OmniNegClipError, match=message):
        sources.load_json(path, dict)
    with pytest.raises(OmniNegClipError, match=message):
        list(sources.json_lines(path))


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    for read in (lambda path: sources.load_json(path, dict), lambda path: list(sources.csv_rows(path, []))):
        with pytest.raises(OmniNegClipError, match="is a pipe or a device: a regular file is needed"):
            read(tmp_path / "pipe.json")


def test_a_cell_over_the_limit_is_named_in_the_header_and_below(tmp_path):
    for text in ("a" * 200_000 + "\n1\n", "a\n" + "1" * 200_000 + "\n"):
        (tmp_path / "wide.csv").write_text(text)
        with pytest.raises(
            OmniNegClipError, match=r"not readable CSV at line .*: field larger than field limit"
        ):
            list(sources.csv_rows(tmp_path / "wide.csv", []))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400])
def test_a_number_is_finite(value):
    with pytest.raises(OmniNegClipError, match="A box is too large or not a number"):
        sources.check(value, float, "a box")


def test_half_a_character_is_no_text():
    with pytest.raises(OmniNegClipError, match="A caption holds a NUL or half a character"):
        sources.check("a \ud800", str, "a caption")
    with pytest.raises(OmniNegClipError, match="A caption holds a NUL"):
        sources.check("a\0", str, "a caption")
    with pytest.raises(OmniNegClipError, match="half a character"):
        sources.text_list('["\\ud800"]', "a cell")


def test_a_cell_of_unhashable_keys_is_no_list():
    with pytest.raises(OmniNegClipError, match="is not a list of texts"):
        sources.text_list("{[]: 1}", "a cell")
