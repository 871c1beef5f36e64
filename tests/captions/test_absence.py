from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from omninegclip.captions.absence import (
    AbsentConcept,
    ImageEvidence,
    absent_objects,
    balanced,
    draw,
    draw_balanced,
    is_usually_mentioned,
    plausible_absences,
)
from omninegclip.captions.cooccurrence import Cooccurrence
from omninegclip.captions.lexicon import Mentions, english

NOTHING: frozenset[str] = frozenset()


def names(found: list[AbsentConcept]) -> set[str]:
    return {each.concept.name for each in found}


def said(*names: str) -> Mentions:
    return Mentions(frozenset(names), frozenset(names), frozenset(names))


def streets(times: int = 50) -> Cooccurrence:
    """Streets with hydrants, kitchens with refrigerators, each named by every caption of its image."""
    counts = Cooccurrence()
    for _ in range(times):
        counts.add([said("street", "fire hydrant")] * 3)
        counts.add([said("street")] * 3)
        counts.add([said("kitchen", "refrigerator")] * 3)
        counts.add([said("kitchen")] * 3)
    return counts


def plausible(
    image: ImageEvidence, counts: Cooccurrence, vocabulary: frozenset[str] = NOTHING
) -> list[AbsentConcept]:
    return plausible_absences(image, said(*image.named), english(), counts, vocabulary)


def seen(
    *named: str, unsafe: frozenset[str] = NOTHING, labelled: frozenset[str] | None = None
) -> ImageEvidence:
    return ImageEvidence(frozenset(named), unsafe, labelled, frozenset(named), captions=3)


def test_plausible_is_what_goes_with_the_scene_in_this_collection() -> None:
    found = plausible(seen("street"), streets())
    assert names(found) == {"fire hydrant"}
    assert found[0].fit == 0.5
    assert found[0].evidence == "captions"


def test_with_too_few_images_of_the_kind_nothing_is_plausible() -> None:
    assert plausible(seen("street"), streets(times=10)) == []
    assert plausible(seen("beach"), streets()) == []


def test_people_and_tables_tell_no_scene_and_are_missed_in_none() -> None:
    counts = Cooccurrence()
    for _ in range(100):
        counts.add([said("man", "table", "elephant")] * 3)
        counts.add([said("street", "man", "table")] * 3)
        counts.add([said("street")] * 3)
    assert plausible(seen("man", "table"), counts) == []
    assert plausible(seen("street"), counts) == []


def test_beside_one_thing_only_its_like_and_what_mostly_goes_with_it_is_plausible() -> None:
    counts = Cooccurrence()
    for number in range(1000):
        more = ("computer keyboard",) if number < 40 else ("dog",) if number < 80 else ()
        counts.add([said("cat", *more)] * 3)
        counts.add([said("beach")] * 9)
    assert names(plausible(seen("cat"), counts)) == {"dog"}


def test_what_is_never_seen_with_one_of_the_things_is_not_plausible() -> None:
    counts = Cooccurrence()
    for _ in range(100):
        counts.add([said("beach", "kite")] * 3)
        counts.add([said("beach")] * 3)
        counts.add([said("train")] * 3)
    assert names(plausible(seen("beach"), counts)) == {"kite"}
    assert plausible(seen("beach", "train"), counts) == []


def test_what_captions_rule_out_is_never_absent() -> None:
    assert plausible(seen("street", unsafe=frozenset({"fire hydrant"})), streets()) == []


def test_without_labels_only_what_is_seldom_left_unsaid() -> None:
    counts = streets()
    for _ in range(50):
        counts.add([said("street", "car"), said("street"), said("street")])
        counts.add([said("street", "dog")] * 2 + [said("street")])
    found = names(plausible(seen("street"), counts))
    assert "car" not in found  # one caption of three mentions it
    assert "dog" in found


def test_fewer_captions_leave_more_unsaid() -> None:
    """A dog that two captions of three name is told by one in two thirds of the cases."""
    counts = streets()
    for _ in range(50):
        counts.add([said("street", "dog")] * 2 + [said("street")])
    assert counts.silent_odds("dog", 3) == 0
    assert counts.silent_odds("dog", 1) == pytest.approx(1 / 2)
    single = replace(seen("street"), captions=1)
    assert "dog" not in names(plausible(single, counts))


def test_with_labels_only_what_annotators_looked_for_and_did_not_find() -> None:
    counts, vocabulary = streets(), frozenset({"car", "fire hydrant"})
    for _ in range(20):
        counts.add([said("street")], labelled=frozenset({"car"}))
    bare = seen("street", labelled=NOTHING)
    assert names(plausible(bare, counts, vocabulary)) == {"car", "fire hydrant"}
    full = seen("street", labelled=frozenset({"car"}))
    assert names(plausible(full, counts, vocabulary)) == {"fire hydrant"}
    assert names(plausible(bare, counts, frozenset({"car"}))) == {"car"}


def test_a_labelled_man_rules_out_people() -> None:
    image = seen("street", labelled=frozenset({"man"}))
    assert plausible(image, streets(), frozenset({"person"})) == []


def test_denied_as_often_as_named() -> None:
    """The noun alone then tells nothing: dogs are named three times as often as cats, and denied so too."""
    pool = [AbsentConcept(english().concepts[name], "captions", 0.1) for name in ("cat", "dog")]
    balance, drawn = balanced([pool] * 400, {"cat": 100, "dog": 300})
    assert drawn["dog"] / drawn["cat"] == pytest.approx(3, rel=0.1)
    first = Counter(next(draw(pool, balance, Random(seed))).concept.name for seed in range(2000))
    assert first["dog"] / first["cat"] == pytest.approx(3, rel=0.2)


def test_the_likelier_comes_first_more_often_and_none_comes_twice() -> None:
    found = [
        AbsentConcept(english().concepts[name], "captions", lift)
        for name, lift in (("dog", 0.8), ("cat", 0.02))
    ]
    first = Counter(next(draw(found, {}, Random(seed))).concept.name for seed in range(200))
    assert first["dog"] > 3 * first["cat"] > 0
    assert names(list(draw(found, {}, Random(0)))) == {"dog", "cat"}


def test_what_is_lacking_need_not_be_plausible_but_must_be_told() -> None:
    counts = streets()
    for _ in range(50):
        counts.add([said("street", "car"), said("street"), said("street")])
    assert is_usually_mentioned("fire hydrant", counts)
    assert not is_usually_mentioned(
        "car", counts
    )  # one caption of three mentions it, so others may be left unsaid
    found = absent_objects(ImageEvidence(frozenset({"kitchen"}), NOTHING), english(), counts, NOTHING)
    assert names(found) == {"fire hydrant", "refrigerator"}  # and not the zebra, of which nothing is known
    assert names(
        absent_objects(ImageEvidence(NOTHING, frozenset({"refrigerator"})), english(), counts, NOTHING)
    ) == {"fire hydrant"}
    labelled = ImageEvidence(NOTHING, NOTHING, labelled=frozenset({"car"}))
    assert names(absent_objects(labelled, english(), counts, frozenset({"car", "dog"}))) == {"dog"}


def test_where_silence_cannot_be_weighed_only_what_has_a_star_is_absent_objects() -> None:
    single = Cooccurrence()
    for _ in range(300):
        single.add([said("chair", "dog")])
    for counts in (single, streets(times=2)):
        found = names(absent_objects(ImageEvidence(NOTHING, NOTHING), english(), counts, NOTHING))
        assert "dog" in found
        assert "chair" not in found


def test_what_goes_well_with_a_image_is_lacking_only_at_a_lower_risk() -> None:
    counts = Cooccurrence()
    for _ in range(40):
        counts.add([said("kitchen", "oven")] * 3)
    for _ in range(16):
        counts.add([said("kitchen", "oven"), said("kitchen")])
        counts.add([said("kitchen", "oven")] * 2)
    for _ in range(900):
        counts.add([said("street")] * 3)
    assert is_usually_mentioned("oven", counts)
    assert "oven" in names(
        absent_objects(ImageEvidence(frozenset({"street"}), NOTHING), english(), counts, NOTHING)
    )
    assert "oven" not in names(
        absent_objects(ImageEvidence(frozenset({"kitchen"}), NOTHING), english(), counts, NOTHING)
    )


def test_a_balanced_draw_takes_what_is_often_there_more_often() -> None:
    image_counts = Counter({"dog": 90, "kite": 9, "sled": 1})
    found = [AbsentConcept(english().concepts[name], "captions", 0.0) for name in ("sled", "kite", "dog")]
    rng = Random(0)
    first = Counter(next(draw_balanced(found, image_counts, rng)).concept.name for _ in range(4000))
    assert abs(first["dog"] / 4000 - 0.90) < 0.02
    assert abs(first["kite"] / 4000 - 0.09) < 0.02
    assert names(list(draw_balanced(found, image_counts, rng))) == {"sled", "kite", "dog"}
