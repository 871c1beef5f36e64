"""Kills, flipped bits, truncations and losses of everything that a run writes, at random from fixed seeds.

Each ends in bit-identical weights, or in a sentence and a clean second try. OMNINEGCLIP_CASES=500 tries more.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from run_place import Place, make_place

from omninegclip import files

CASES = int(os.environ.get("OMNINEGCLIP_CASES", "20"))
FEW = {"steps": 4, "validate_every": 2, "checkpoint_every": 2}
WRITES = 12  # a run and its features, with room for one more
WEIGHTS = "model/model.safetensors"


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place with a finished run `clean` and the features that it left."""
    place = make_place(tmp_path_factory.mktemp("damage"))
    code, _, errors = place.call("--out=clean", **FEW)
    assert code == 0, errors
    (place.folder / "features").rename(place.folder / "clean-features")
    return place


@pytest.fixture
def place(whole: Place) -> Iterator[Place]:
    yield whole
    for name in ("run", "features"):
        shutil.rmtree(whole.folder / name, ignore_errors=True)


def kill(place: Place, random: Random) -> str:
    """Run until some write, which never reaches its name."""
    left = random.randrange(WRITES)

    def count(_: Path) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    last = left
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_flush", count)
        try:
            place.call("--out=run", "--resume", **FEW)
        except Killed:
            return f"killed at write {last}"
    return "not killed"


def unfinish(place: Place, random: Random) -> str:
    """Take a finished run, or one that lacks what is written last."""
    shutil.copytree(place.folder / "clean", place.folder / "run")
    shutil.copytree(place.folder / "clean-features", place.folder / "features")
    lost = random.choice([(), ("metrics.json",), ("metrics.json", "model"), ("metrics.json", "log.jsonl")])
    for name in lost:
        path = place.folder / "run" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return f"without {lost}"


def damage(place: Place, random: Random) -> str:
    """Flip a bit of some file of the run or its features, cut it off, or remove it."""
    found = [path for name in ("run", "features") for path in sorted((place.folder / name).rglob("*"))]
    found = [path for path in found if path.is_file() and path.suffix != ".lock"]
    if not found:
        return "nothing to damage"
    path = random.choice(found)
    content = bytearray(path.read_bytes())
    kind = random.choice(["flip", "cut", "lose", "flip", "empty"])
    if kind == "lose":
        path.unlink()
    elif kind == "flip" and content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        path.write_bytes(content)
    else:
        path.write_bytes(content[: random.randrange(len(content)) if kind == "cut" and content else 0])
    return f"{kind} {path.relative_to(place.folder)}"


@pytest.mark.parametrize("case", range(CASES))
def test_a_run_comes_to_its_end_whatever_was_damaged(place: Place, case: int) -> None:
    random = Random(case)
    did = [random.choice([kill, unfinish, unfinish])(place, random), damage(place, random)]
    code, _, errors = place.call("--out=run", "--resume", **FEW)
    assert "Traceback" not in errors, did
    if code:
        assert code == 1, did
        assert len([line for line in errors.splitlines() if line.startswith("omninegclip: ")]) == 1, did
        said = " ".join(errors.split())
        # a folder that nothing says to be a run's is not touched, and its owner is told to
        assert "remove run first" in said or "no run to resume" in said, (did, errors)
        shutil.rmtree(place.folder / "run")
        code, _, errors = place.call("--out=run", "--resume", **FEW)
    assert code == 0, (did, errors)
    run, clean = place.folder / "run", place.folder / "clean"
    assert (run / WEIGHTS).read_bytes() == (clean / WEIGHTS).read_bytes(), did
    assert not list(run.rglob(f".*{files.PARTIAL}"))
