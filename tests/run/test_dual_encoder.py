"""The verb `train` on a dual encoder of our own layout."""

import json

from run_place import Place
from tiny_dual import tiny_own

from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.text.padding import say_padded


def test_train_makes_a_folder_of_the_same_layout(place: Place) -> None:
    save_clip(place.folder / "own", tiny_own(), base="random weights")
    say_padded.cache_clear()
    code, output, errors = place.call("--out=run-own", "--json", model="own")
    assert code == 0, errors
    assert json.loads(output)["steps"] == 12
    base, tuned = load_clip(place.folder / "own"), load_clip(place.folder / "run-own/model")
    assert tuned.image_fingerprint == base.image_fingerprint
    assert tuned.fingerprint != base.fingerprint
    assert "onc.load" in (place.folder / "run-own/model/README.md").read_text()


def test_dry_run_counts_it(place: Place) -> None:
    save_clip(place.folder / "counted", tiny_own(), base="random weights")
    code, output, errors = place.call("--out=run-counted", "--dry-run", "--json", model="counted")
    assert code == 0, errors
    assert json.loads(output)["image_flops"] > 0
