"""Conditions are read, checked, and said as SQL that holds nothing but what was read."""

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.index.where import Compare, Denied, IsKnown, Joined, in_sql, read_where


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("width >= 1024", Compare("width", ">=", 1024)),
        ("latitude > -3.5", Compare("latitude", ">", -3.5)),
        ("taken < '2024-05-01'", Compare("taken", "<", "2024-05-01T00:00:00")),
        ("path like '%it''s%'", Compare("path", "like", "%it's%")),
        ("camera not like '%Canon%'", Denied(Compare("camera", "like", "%Canon%"))),
        ("taken is not null", IsKnown("taken", True)),
        (
            "not (size = 1 or size <> 2) AND width == 3",
            Joined(
                True,
                (
                    Denied(Joined(False, (Compare("size", "=", 1), Compare("size", "!=", 2)))),
                    Compare("width", "=", 3),
                ),
            ),
        ),
    ],
)
def test_conditions(text: str, condition: object) -> None:
    assert read_where(text) == condition


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "where a column"),
        ("vector = 1", "a column \\(path"),
        ("size = '1'", "a number, which size"),
        ("path = 1", "a text in single quotes"),
        ("path = '1'; drop table images", "can't be read at '; drop"),
        ("size = 1 size = 2", "and, or, or the end"),
        ("(size = 1", "has the end where \\)"),
        ("taken > 'yesterday'", "write a date as"),
        ("size like '1'", "a text|a number"),
        ("lot < 1", "a column"),
        ("(" * 60 + "size = 1" + ")" * 60, "nested"),
        ("size = 1 or " * 400 + "size = 1", "shorten"),
        ("path = (select 1)", "a text in single quotes"),
    ],
)
def test_what_is_no_condition(text: str, says: str) -> None:
    with pytest.raises(OmniNegClipError, match=says):
        read_where(text)


def test_sql_quotes_what_a_user_wrote() -> None:
    condition = read_where("path = ''' or 1=1 --' and not size < 3")
    assert in_sql(condition) == "((path = ''' or 1=1 --') AND (NOT (size < 3)))"
