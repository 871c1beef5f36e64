"""Every caption is checked against its scene twice: by its claims, and by a reader of its words alone."""

from collections import Counter

import pytest
from scene_reader import kinds_in, phrasings_of, read

from omninegclip.scenes.captioning import training_captions
from omninegclip.scenes.claims import Claims, Relation, holds
from omninegclip.scenes.grammar import (
    ALT_TEXT_REMARKS,
    PLACE_SHAPES,
    RELATION_SHAPES,
    SHAPES,
    affirmative,
    mention,
)
from omninegclip.scenes.negation import NAMING, PHRASINGS, affirmed_part, negate
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.scene import Scene, SceneItem, plausible_kind, rng, sample_scene

SCENES = 3000
KIND = {kind.singular: kind for kind in KINDS}


def scene_of(*objects: tuple[str, float, float], place: str = "meadow") -> Scene:
    items = tuple(SceneItem(KIND[name], x, y, 30, 0.0, False) for name, x, y in objects)
    return Scene(next(each for each in PLACES if each.name == place), items)


def test_there_are_as_many_shapes_and_phrasings_as_promised() -> None:
    shapes = [*SHAPES, *PLACE_SHAPES, *(shape for shapes in RELATION_SHAPES.values() for shape in shapes)]
    assert len(set(shapes)) == len(shapes) >= 40
    assert len({phrasing.template for phrasing in PHRASINGS}) == len(PHRASINGS) >= 20
    assert sum(phrasing.held_out for phrasing in PHRASINGS) * 4 == len(PHRASINGS)


@pytest.mark.parametrize(
    ("statement", "true"),
    [
        (Claims(((KIND["dog"], 1),)), False),
        (Claims(((KIND["dog"], 2),)), True),
        (Claims(((KIND["dog"], 0), (KIND["cat"], 1)), "meadow"), True),
        (Claims(((KIND["cat"], 1),), "beach"), False),
        (Claims(((KIND["cat"], 1),), absent=(KIND["owl"],)), True),
        (Claims(((KIND["cat"], 1),), absent=(KIND["dog"],)), False),
        (Claims(((KIND["cat"], 1),), only=True), False),
        (Claims(((KIND["cat"], 1), (KIND["dog"], 0)), only=True), True),
        (Claims(relation=Relation(KIND["cat"], "left of", KIND["dog"])), True),
        (Claims(relation=Relation(KIND["cat"], "right of", KIND["dog"])), False),
        (Claims(relation=Relation(KIND["cat"], "above", KIND["dog"])), False),
    ],
)
def test_statements_are_judged_as_a_person_would(statement: Claims, true: bool) -> None:
    scene = scene_of(("cat", 20, 40), ("dog", 60, 40), ("dog", 80, 45))
    assert holds(statement, scene) is true


def test_affirmative_captions_are_true_and_name_only_what_is_there() -> None:
    for index in range(SCENES):
        random = rng("test", "affirmative", index)
        scene = sample_scene(random)
        caption = affirmative(random, scene)
        assert holds(caption.statement, scene), caption
        named = kinds_in(caption.text)
        assert named <= set(scene.kinds), caption
        assert named >= set(caption.statement.affirmed), caption


def test_complete_captions_name_everything_and_the_place() -> None:
    for index in range(300):
        random = rng("test", "complete", index)
        scene = sample_scene(random)
        text = affirmative(random, scene, complete=True, remarks=False).text
        assert kinds_in(text) == set(scene.kinds)
        assert any(phrase in text for phrase in scene.place.phrases)


def test_training_captions_are_true_false_true_by_claims_and_by_words() -> None:
    denied_words = Counter[str]()
    for index in range(SCENES):
        random = rng("test", "training", index)
        scene = sample_scene(random)
        captions = training_captions(random, scene)
        assert holds(captions.caption.statement, scene)
        assert holds(captions.absence_negated.statement, scene)
        absent = read(captions.absence_negated.text)
        assert absent.is_true_of(scene), captions.absence_negated.text
        if captions.presence_negated is None:
            assert all(kind.held_out for kind in captions.caption.statement.affirmed)
            continue
        assert not holds(captions.presence_negated.statement, scene)
        present = read(captions.presence_negated.text)
        assert not present.is_true_of(scene), captions.presence_negated.text
        for reading in (absent, present):
            if reading.denied:
                assert not reading.denied.held_out
                denied_words[reading.denied.singular] += 1
    assert len(denied_words) > 100, "many kinds are denied, not a few"


def test_training_never_sees_a_held_out_phrasing() -> None:
    seen = set()
    for index in range(1000):
        random = rng("test", "phrasings", index)
        scene = sample_scene(random)
        captions = training_captions(random, scene)
        for caption, denied in (
            (captions.presence_negated, captions.denied_present),
            (captions.absence_negated, captions.denied_absent),
        ):
            if caption is None or denied is None:
                continue
            seen |= {found.phrasing for found in phrasings_of(caption.text, denied)}
    assert seen == {phrasing for phrasing in NAMING if not phrasing.held_out}


@pytest.mark.parametrize("phrasing", PHRASINGS, ids=lambda phrasing: phrasing.template)
def test_every_phrasing_denies_for_every_kind(phrasing) -> None:  # type: ignore[no-untyped-def]
    scene = scene_of(("cat", 30, 40), ("octopus", 70, 40))
    for kind in KINDS:
        random = rng("test", "phrasing", kind.index)
        if kind in scene.kinds:
            continue
        text = negate(random, affirmed_part(random, scene, scene.kinds), kind, phrasing).text
        assert "{" not in text
        reading = read(text)
        assert reading.affirmed == set(scene.kinds), text
        assert reading.denied == (kind if phrasing.names else None), text
        assert reading.only is not phrasing.names, text


def test_nouns_without_a_singular_are_denied_in_the_plural() -> None:
    texts = {phrasing.negate("a cat", KIND["glasses"]) for phrasing in NAMING}
    assert "a cat without glasses" in texts
    assert "a cat; the glasses are missing" in texts
    assert "a cat, and there aren't any glasses here" in texts
    assert not any(" a glasses" in text or "glasses is" in text for text in texts)


def test_negation_words_of_alt_texts_say_nothing_of_objects() -> None:
    assert all(kinds_in(remark) == frozenset() for remark in ALT_TEXT_REMARKS)


def test_what_is_plausible_but_absent_comes_mostly_from_the_place_and_its_company() -> None:
    at_home = 0
    for index in range(1000):
        random = rng("test", "plausible", index)
        scene = sample_scene(random)
        kind = plausible_kind(random, scene.place, scene.kinds)
        assert kind not in scene.kinds
        company = {present.group for present in scene.kinds} | set(scene.place.groups)
        at_home += kind.group in company
    assert at_home > 800


def test_a_mention_is_never_empty_and_complete_when_asked() -> None:
    scene = scene_of(("cat", 20, 40), ("dog", 60, 40), ("owl", 80, 80))
    for index in range(100):
        assert 1 <= len(mention(rng("test", "mention", index), scene)) <= 3
    assert set(mention(rng("test"), scene, complete=True)) == set(scene.kinds)
