"""Whatever happens to the files of an index, it works or says in a sentence why not."""

import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from image_folders import Place, stored

from omninegclip.errors import OmniNegClipError
from omninegclip.index.names import id_of
from omninegclip.index.rows import STATE, table_of
from omninegclip.index.store import Header, open_store, writable_store
from omninegclip.index.transfer import export
from omninegclip.index.where import read_where

DIM, ROWS = 16, 600
HEADER = Header("none", DIM, "", "", {})
HARMS: dict[str, Callable[[bytearray, Random], bytes]] = {
    "a bit": lambda raw, random: flipped(raw, random, len(raw)),
    "a bit near the end": lambda raw, random: flipped(raw, random, 300),
    "cut off": lambda raw, random: bytes(raw[: random.randrange(len(raw))]),
    "empty": lambda raw, random: b"",
    "other bytes": lambda raw, random: random.randbytes(len(raw)),
}


def flipped(raw: bytearray, random: Random, last: int) -> bytes:
    raw[-1 - random.randrange(min(last, len(raw)))] ^= 1 << random.randrange(8)
    return bytes(raw)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index with several versions, of which some rows were replaced and some deleted."""
    place = Place("lance", tmp_path_factory.mktemp("whole"), DIM)
    files = [{"path": f"/photos/{row}.jpg", "width": row} for row in range(ROWS)]
    with place.writable() as store:
        store.engine.add(table_of(files[:500], place.vectors[:500]))
        store.engine.tidy()
        store.engine.add(table_of(files[500:], place.vectors[500:]))
        store.engine.replace(table_of(files[5:9], place.vectors[15:19]))
        store.engine.delete([id_of(f"/photos/{row}.jpg") for row in range(100, 110)])
    return Path(place.name)


def search(db: Path) -> None:
    store = open_store(str(db))
    store.background()
    store.engine.facts(store.engine.nearest(np.full(DIM, 0.25, np.float32), 200).keys)
    assert list(store.engine.scan(read_where("width > 5 and path like '%1%'")))


def write(db: Path) -> None:
    with writable_store(str(db), HEADER) as store:
        assert [row for batch in store.engine.read(STATE) for row in batch.to_pylist()]
        row = np.full((1, DIM), 0.25, np.float32)
        store.engine.add(table_of([{"path": "/new.jpg"}], row))
        store.engine.replace(table_of([{"path": "/photos/3.jpg"}], row))
        store.engine.tidy()


@pytest.mark.slow
@pytest.mark.parametrize("harm", HARMS)
def test_damage_is_one_sentence(harm: str, whole: Path, tmp_path: Path) -> None:
    random = Random(harm)
    for number, name in enumerate(sorted(each for each in whole.rglob("*") if each.is_file())):
        db = tmp_path / f"{number}"
        shutil.copytree(whole, db)
        file = db / name.relative_to(whole)
        file.write_bytes(HARMS[harm](bytearray(file.read_bytes()), random))
        for use in (search, lambda db: export(open_store(str(db)), db / "out.parquet"), write, search):
            try:
                use(db)
            except OmniNegClipError as error:
                assert str(db) in str(error)  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017
        shutil.rmtree(db)


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_header_is_refused(harm: str, whole: Path, tmp_path: Path) -> None:
    db = shutil.copytree(whole, tmp_path / "db")
    raw = bytearray((db / "index.json").read_bytes())
    (db / "index.json").write_bytes(HARMS[harm](raw, Random(harm)))
    for use in (search, write):
        with pytest.raises(OmniNegClipError, match=r"index\.json is damaged"):
            use(db)


def test_a_full_disk_leaves_what_was_there(whole: Path, tmp_path: Path) -> None:
    db = shutil.copytree(whole, tmp_path / "db")
    before = stored(db)
    rows = table_of(
        [{"path": f"/more/{row}.jpg"} for row in range(4000)],
        np.random.default_rng(0).random((4000, DIM), np.float32),
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with writable_store(str(db), HEADER) as store, pytest.raises(OmniNegClipError, match="can't use"):
            store.engine.add(rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert stored(db) == before
    with writable_store(str(db), HEADER) as store:
        store.engine.add(rows)
        store.engine.tidy()
    assert len(stored(db)) == len(before) + 4000


def test_one_process_at_a_time_writes(whole: Path, tmp_path: Path) -> None:
    db = str(shutil.copytree(whole, tmp_path / "db"))
    with (
        writable_store(db, HEADER),
        pytest.raises(OmniNegClipError, match=r"Another process is writing .*db: wait until it ends"),
        writable_store(db, HEADER),
    ):
        pass
