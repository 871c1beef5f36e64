"""Model folders that somebody made by hand: each wrong value, file and link ends in one sentence, and early."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_dual import TINY

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.load import load_clip
from omninegclip.clip.save import save_clip
from omninegclip.errors import OmniNegClipError

WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 10**9, 10**30, 1.5, -0.5, "abc", "", [], [["a"]], {}, {"a": {"b": 1}}, "\ud800",
)  # fmt: skip


def paths(values: object, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of nested objects, as the way to it."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield (*place, key)
            yield from paths(value, (*place, key))


def changed(values: dict[str, Any], way: tuple[str, ...], value: object) -> str:
    copy = json.loads(json.dumps(values))
    part = copy
    for key in way[:-1]:
        part = part[key]
    if value is paths:  # stands for a key that is missing
        del part[way[-1]]
    else:
        part[way[-1]] = value
    return json.dumps(copy)


def loads_or_says_why(folder: Path) -> bool:
    try:
        load_clip(folder).embed_text(["a b"])
    except OmniNegClipError as error:
        assert "\n" not in str(error)
        return False
    return True


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def folder_of(family: str, folders: Path, request: pytest.FixtureRequest) -> Path:
    if not (folders / family).exists():
        clip = request.getfixturevalue("encoder")
        layouts = {"clip": "hf", "open_clip": "open_clip"}
        encoder = clip if family in layouts else TINY[family](layers=1)
        save_clip(folders / family, encoder, base="random", layout=layouts.get(family))
    return folders / family


TURNS = range(int(os.environ.get("TURNS","3")))
FILES = {
    "config.json": "clip",
    "omninegclip.json": "clip",
    "preprocessor_config.json": "clip",
    "tokenizer_config.json": "clip",
    "open_clip_config.json": "open_clip",
    "dual_encoder.json": "joined",
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("file", FILES)
def test_every_key_of_every_file_may_be_wrong(
    file: str, turn: int, folders: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each turn gives every key one of the wrong values; together the turns are a sample of all pairs."""
    folder = tmp_path / "m"
    shutil.copytree(folder_of(FILES[file], folders, request), folder)
    values = json.loads((folder / file).read_text())
    candidates = (*WRONG, paths)
    for number, way in enumerate(paths(values)):
        value = candidates[(number * 7 + turn) % len(candidates)]
        (folder / file).write_text(changed(values, way, value))
        loads_or_says_why(folder)
    (folder / file).write_text(json.dumps(values))
    assert loads_or_says_why(folder)
