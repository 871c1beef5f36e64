"""The recipe of photos-negation: questions, what is held out, figures, and a whole small run."""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tiny_dual import tiny_own

pytest.importorskip("spacy", reason="the negate extra is not installed")

from omninegclip.captions.lexicon import english
from omninegclip.captions.negate import Captioned, CollectionStatistics, NegationOptions, negate
from omninegclip.captions.negation_words import cue
from omninegclip.clip.io.save import save_clip
from omninegclip.data.items import ImageRef
from omninegclip.data.record import read_records
from omninegclip.errors import OmniNegClipError
from omninegclip.scoring.texts import whole_texts

RECIPE = Path(__file__).parents[2] / "recipes" / "photos-negation"
NAMES = ("make", "questions", "records", "score", "searches")
HELD_OUT = frozenset({"kite"})
THINGS = ("dog", "cat", "kite", "boat", "horse", "bench")


@pytest.fixture(scope="module")
def recipe() -> Iterator[Any]:
    """Import the recipe's files under their bare names, as its command does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(RECIPE))
        for name in NAMES:
            sys.modules.pop(name, None)
        import make
        import questions
        import records
        import score
        import searches

        yield SimpleNamespace(make=make, questions=questions, records=records, score=score, searches=searches)
        for name in NAMES:
            sys.modules.pop(name, None)


def photos(count: int = 240) -> list[Captioned]:
    """Photos of two things each, which all of their captions name."""
    found = []
    for number in range(count):
        one, other = THINGS[number % 6], THINGS[(number + 1 + number // 6 % 5) % 6]
        captions = [f"A {one} stands beside a {other} .", f"There is a {other} and a {one} outside ."]
        found.append(Captioned(f"{number:03}", f"{number:03}.png", captions))
    return found


@pytest.fixture(scope="module")
def asked(recipe: Any) -> Any:
    shown = photos()
    return recipe.questions.ask(shown, CollectionStatistics.of(shown, english()), HELD_OUT, 0)


@pytest.fixture(scope="module")
def negated() -> list[dict[str, Any]]:
    shown = photos()
    return list(negate(shown, CollectionStatistics.of(shown, english()), NegationOptions(hard=True)))


@cache
def there(photo: str) -> frozenset[str]:
    (captions,) = [each.captions for each in photos() if each.image == photo]
    return frozenset(name for name in THINGS if name in captions[0])


def holds(text: str, photo: str) -> bool:
    """Tell by the words alone if a sentence of a form is true: what comes behind its cue is denied."""
    found = sorted((text.index(name), name) for name in THINGS if name in text)
    names = [name for _, name in found]
    if cue(text) == "none":
        return set(names) <= there(photo)
    affirmed, denied = names[:-1], names[-1]
    return set(affirmed) <= there(photo) and denied not in there(photo)


def test_every_answer_follows_from_the_captions(asked: Any) -> None:
    assert len(asked.multiple_choice) > 100
    for item in asked.multiple_choice:
        truths = [holds(text, item.image.path) for text in item.options]
        assert truths == [number == item.answer for number in range(4)]
    for item in asked.absence_choice:
        assert [holds(item.text, image.path) for image in item.images] == [True, False]
    forms = [item for item in asked.presence if item.groups["denied"] == "template"]
    for item in forms:
        assert [holds(text, item.image.path) for text in item.options] == [True, False]
    for item in asked.recognition:
        assert item.present == (item.object.split()[-1] in there(item.image.path))
    for query in asked.search:
        assert all(holds(query.text, image.path) for image in query.relevant)
        assert not any(holds(query.text, image.path) for image in query.excluded)


def denies_held_out(item: Any) -> bool:
    return item.groups["condition"] in {"held_out", "held_out_both"}


def is_unseen(item: Any) -> bool:
    return item.groups["condition"] in {"held_out_phrasings", "held_out_both"}


def test_groups_say_what_training_never_denied(asked: Any, negated: list[dict[str, Any]]) -> None:
    for item in asked.absence_choice:
        denied = max((name for name in THINGS if name in item.text), key=item.text.index)
        assert denies_held_out(item) == (denied == "kite")
    for item in asked.multiple_choice:
        named = {name for text in item.options for name in THINGS if name in text}
        assert denies_held_out(item) == ("kite" in named)
    assert {is_unseen(item) for item in asked.multiple_choice} == {False, True}
    written = {each["text"].lower() for row in negated for each in row["contrast_set"]}
    unseen = [i for i in asked.multiple_choice if is_unseen(i)]
    assert not {text for item in unseen for text in item.options if cue(text) != "none"} & written


def test_nothing_held_out_is_denied_in_training(recipe: Any, negated: list[dict[str, Any]]) -> None:
    lexicon, before = english(), negated
    after = [recipe.records.without(row, HELD_OUT, lexicon) for row in before]
    assert "kite" in set(recipe.records.denied(before))
    assert "kite" not in set(recipe.records.denied(after))
    for row in after:
        for each in row["contrast_set"]:
            assert "kite" not in each["negates"]
    assert [row["caption"] for row in after] == [row["caption"] for row in before]
    assert not any(
        "kite" in (row["presence_denied"] or "") for row in after if row["presence_negated"] is not None
    )
    kept = recipe.records.without(before[0], frozenset(), lexicon)
    assert kept == before[0]


class Told:
    """An encoder that was told of every sentence what it affirms and denies; images are what they hold."""

    def embed_text(self, texts: list[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), len(THINGS) + 1), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            denying = cue(text) != "none"
            names = sorted((name for name in THINGS if name in text), key=text.index)
            affirmed, denied = (names[:-1], names[-1:]) if denying else (names, [])
            for name in affirmed:
                row[THINGS.index(name)] = 1
            for name in denied:
                row[THINGS.index(name)] = -3
            row[-1] = 1 if denying and not affirmed else 0
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def embedded() -> dict[ImageRef, NDArray[np.float32]]:
    found = {}
    for photo in photos():
        row = np.array([*(name in there(str(photo.image)) for name in THINGS), 1], dtype=np.float32)
        found[ImageRef(str(photo.image))] = row / np.linalg.norm(row)
    return found


def test_who_knows_what_is_denied_scores_full_marks(recipe: Any, asked: Any) -> None:
    figures = recipe.score.score(whole_texts(Told().embed_text), asked, embedded(), 0)
    assert figures["absence_choice_accuracy"]["seen"].value == 1
    assert figures["absence_choice_accuracy"]["held_out_both"].value == 1
    assert figures["exclusion_at_10"]["seen"].value < 0.1
    assert figures["search_r5"]["seen"].value == 1
    assert figures["zero_shot_auc"]["seen"].value == 1
    assert figures["presence_accuracy"]["template"].value == 1


def test_figures_are_those_of_a_plain_loop(recipe: Any, asked: Any) -> None:
    class Deaf:
        def embed_text(self, texts: list[str]) -> NDArray[np.float32]:
            rows = np.stack([np.random.default_rng(len(t) * 7 + ord(t[2])).normal(size=7) for t in texts])
            return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    images, deaf = embedded(), Deaf()
    figures = recipe.score.score(whole_texts(deaf.embed_text), asked, images, 0)
    right = {"seen": [], "held_out_phrasings": []}
    for item in asked.multiple_choice:
        if not denies_held_out(item):
            scores = deaf.embed_text(list(item.options)) @ images[item.image]
            best = np.isclose(scores, scores.max(), atol=1e-7)
            right[item.groups["condition"]].append(best[item.answer] / best.sum())
    found = figures["multiple_choice_accuracy"]
    assert found["seen"].value == pytest.approx(np.mean(right["seen"]), abs=1e-6)
    assert found["held_out_phrasings"].value == pytest.approx(np.mean(right["held_out_phrasings"]), abs=1e-6)
    assert found["seen"].n == len(right["seen"])
    gallery = np.stack(list(images.values()))
    hits = []
    for number, query in enumerate(asked.retrieval):
        order = np.argsort(-(gallery @ deaf.embed_text(list(query.captions))[0]), kind="stable")
        hits.append(number in order[:10])
    assert figures["retrieval_text_to_image_r10"]["seen"].value == pytest.approx(np.mean(hits), abs=1e-6)


def test_a_search_is_right_when_captions_name_what_it_wants_and_not_what_it_denies(recipe: Any) -> None:
    shown = [
        Captioned("1", "1.png", ["A dog runs .", "A puppy on grass ."]),
        Captioned("2", "2.png", ["A dog chases a ball .", "A dog ."]),
        Captioned("3", "3.png", ["A man throws a ball .", "A man ."]),
    ]
    right = recipe.searches.truth(shown, english())
    texts = [wanted.text for wanted in recipe.searches.SEARCHES]
    assert len(texts) == len(set(texts)) == 20
    assert right[texts.index("a dog but no ball")].tolist() == [True, False, False]
    assert right[texts.index("grass without a dog")].tolist() == [False, False, False]
    best = np.array([[3.0, 2.0, 1.0]] * 20, dtype=np.float32)
    (figure,) = recipe.searches.figure(best, right).values()
    assert figure["seen"].value == pytest.approx(right.mean())


def test_coco_is_one_split_with_captions_boxes_and_photos(recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match="for one X such as train2017"):
        recipe.make.coco_files(tmp_path)
    notes = tmp_path / "annotations"
    (tmp_path / "val2017").mkdir()
    notes.mkdir()
    for name in ("captions_val2017", "instances_val2017", "instances_train2017"):
        (notes / f"{name}.json").write_text("{}")
    captions, boxes, photos_ = recipe.make.coco_files(tmp_path)
    assert (captions.name, boxes.name) == ("captions_val2017.json", "instances_val2017.json")
    assert photos_ == tmp_path / "val2017"
    (notes / "captions_train2017.json").write_text("{}")
    with pytest.raises(OmniNegClipError, match="for one X"):
        recipe.make.coco_files(tmp_path)


def test_boxes_say_what_is_there_where_captions_do_not(recipe: Any) -> None:
    shown = [Captioned(str(n), f"{n}.jpg", ["A dog outside ."], ["dog", "car"]) for n in range(3)]
    shown.append(Captioned("3", "3.jpg", ["A dog outside ."], ["dog", "cat"]))
    statistics = CollectionStatistics.of(shown, english(), ["dog", "car", "cat", "bus"])
    *others, last = recipe.questions.look(shown, statistics)
    for each in others:
        assert set(each.holds) == {"dog", "car"}
        assert each.lacks == ("cat",)  # and not the bus, which is nowhere
    assert (set(last.holds), last.lacks) == ({"dog", "cat"}, ("car",))


def test_the_whole_recipe_trains_asks_and_does_nothing_twice(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "flickr8k"
    (data / "images").mkdir(parents=True)
    shown, lines = photos(70), []
    for number, photo in enumerate(shown):
        colour = (number * 4, 255 - number * 4, number * 37 % 255)
        Image.new("RGB", (20, 24), colour).save(data / "images" / str(photo.image))
        lines += [f"{photo.image}#{k}\t{text}" for k, text in enumerate(photo.captions)]
    (data / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n")
    for split, part in (("train", shown[:20]), ("dev", shown[20:24]), ("test", shown[24:])):
        (data / f"{split}.txt").write_text("\n".join(str(photo.image) for photo in part) + "\n")
    save_clip(tmp_path / "model", tiny_own(), base="test", card="")
    options = argparse.Namespace(
        data=data, model=tmp_path / "model", work=tmp_path / "work", coco=None, seeds=1, workers=1,
        only=["omni", "omni-plus", "reader"], steps=3, warm_up=1, set=["batch_size=2"],
        learned=("train", "dev"), asked="test",
    )  # fmt: skip
    monkeypatch.setattr(recipe.make, "parse", lambda: options)
    recipe.make.main()
    figures = json.loads((options.work / "test.json").read_text())
    make = recipe.make
    assert set(figures) == {"pretrained", "omni", "omni-plus", make.BY_READER, make.GATED}
    before, gated = figures["pretrained"], figures[make.GATED]
    assert figures[make.BY_READER] != gated
    for name in ("text_to_image_r1", "text_to_image_r5", "image_to_text_r1"):  # plain captions, as before
        assert gated[f"retrieval_{name}"] == before[f"retrieval_{name}"]
    assert gated["multiple_choice_accuracy"] != before["multiple_choice_accuracy"]
    retrieval = figures["pretrained"]["retrieval_text_to_image_r1"]["seen"]
    assert retrieval["n"] == 46
    page = (options.work / "test.html").read_text()
    assert all(wanted.text in page for wanted in recipe.searches.SEARCHES)
    assert "seeds" in capsys.readouterr().out
    denied = set(recipe.records.denied(read_records(options.work / "training.parquet")))
    assert denied
    assert not denied & recipe.questions.held_out_objects(english())
    weights = options.work / "runs" / "omni-0" / "model"
    changed = {path: path.stat().st_mtime_ns for path in weights.iterdir()}
    recipe.make.main()
    assert {path: path.stat().st_mtime_ns for path in weights.iterdir()} == changed
    options.set = ["batch_size=5"]
    monkeypatch.setattr(recipe.make, "asked", lambda _: {})  # questions are not what is refused
    with pytest.raises(OmniNegClipError, match=r"began with set=\['batch_size=2'\], not \['batch_size=5'\]"):
        recipe.make.main()
    assert json.loads((options.work / "test.json").read_text()) == figures


def test_settings_are_chosen_on_photos_that_no_figure_asks_about(
    recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["make.py", "--data=d", "--model=m", "--work=w"]
    for flags, learned, asked in (([], {"train", "dev"}, "test"), (["--validation"], {"train"}, "dev")):
        monkeypatch.setattr("sys.argv", [*command, *flags])
        options = recipe.make.parse()
        assert (set(options.learned), options.asked) == (learned, asked)
        assert asked not in options.learned
