import json
from pathlib import Path

import pytest


@pytest.fixture
def shared():
    folder = Path(__file__).parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real files, ../shared/data, are not here")
    return folder


@pytest.fixture
def write(tmp_path):
    """Write text, or anything else as JSON, into a file and return its path."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return write
