import pytest

from omninegclip.data import sources
from omninegclip.errors import OmniNegClipError


def test_a_missing_file_and_another_encoding_are_one_sentence(tmp_path):
    with pytest.raises(OmniNegClipError, match=r"Can't read .*none\.json: No such file"):
        sources.load_json(tmp_path / "none.json", dict)
    (tmp_path / "latin.csv").write_bytes("a\n\xe9\n".encode("latin-1"))
    with pytest.raises(OmniNegClipError, match="is no UTF-8 text"):
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
