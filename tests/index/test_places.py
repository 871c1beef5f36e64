"""What the stores behind URLs say of their files."""

from datetime import UTC, datetime

import pytest

from omninegclip.index.places import changed_there


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"mtime": 1.5}, 1_500_000_000),
        ({"LastModified": datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)}, 2_000_000_000),
        ({"mtime": 1e300}, 2**63 - 1),
        ({"mtime": -1e300}, 1 - 2**63),
        ({"mtime": float("nan")}, 0),
        ({"mtime": float("inf")}, 2**63 - 1),
        ({"updated": "yesterday"}, 0),
        ({}, 0),
    ],
)
def test_a_time_of_change_fits_the_column_whatever_a_store_says(
    info: dict[str, object], expected: int
) -> None:
    assert changed_there(info) == expected
