from collections import Counter
from random import Random

from omninegclip.captions.absence import (
    AbsentConcept,
    ImageEvidence,
    absent_objects,
    draw,
    draw_balanced,
    is_usually_mentioned,
    plausible_absences,
)
from omninegclip.captions.cooccurrence import Cooccurrence
from omninegclip.captions.lexicon import english

NOTHING: frozenset[str] = frozenset()


def names(found: list[AbsentConcept]) -> set[str]:
    return {each.concept.name for each in found}


def streets(times: int = 50) -> Cooccurrence:
    """Streets with hydrants, kitchens with refrigerators; trucks that only one of the captions mentions."""
    counts = Cooccurrence()
    for _ in range(times):
        counts.add([frozenset({"street", "fire hydrant"})] * 3)
        counts.add([frozenset({"street"})] * 3)
        counts.add([frozenset({"kitchen", "refrigerator"})] * 3)
        counts.add([frozenset({"kitchen"})] * 3)
    return counts


def test_plausible_is_what_goes_with_the_scene_in_this_collection() -> None:
    found = plausible_absences(ImageEvidence(frozenset({"street"}), NOTHING), english(), streets(), NOTHING)
    assert names(found) == {"fire hydrant"}
    assert found[0].lift == 50 * 200 / (50 * 100)
    assert found[0].evidence == "captions"


def test_what_captions_rule_out_is_never_absent() -> None:
    image = ImageEvidence(frozenset({"street"}), frozenset({"fire hydrant"}))
    assert plausible_absences(image, english(), streets(), NOTHING) == []


def test_without_labels_only_what_is_seldom_left_unsaid() -> None:
    counts = streets()
    for _ in range(50):
        counts.add([frozenset({"street", "car"}), frozenset({"street"}), frozenset({"street"})])
        counts.add([frozenset({"street", "dog"}), frozenset({"street"}), frozenset({"street"})])
    found = names(
        plausible_absences(ImageEvidence(frozenset({"street"}), NOTHING), english(), counts, NOTHING)
    )
    assert "car" not in found  # no star
    assert "dog" not in found  # a star, yet here one caption of three mentions it


def test_with_labels_only_what_annotators_looked_for_and_did_not_find() -> None:
    counts, vocabulary = streets(), frozenset({"car", "fire hydrant"})
    counts.count["car"] += 5
    counts.pairs[("car", "street")] += 5
    bare = ImageEvidence(frozenset({"street"}), NOTHING, labelled=NOTHING)
    assert names(plausible_absences(bare, english(), counts, vocabulary)) == {"car", "fire hydrant"}
    full = ImageEvidence(frozenset({"street"}), NOTHING, labelled=frozenset({"car"}))
    assert names(plausible_absences(full, english(), counts, vocabulary)) == {"fire hydrant"}
    assert names(plausible_absences(bare, english(), counts, frozenset({"car"}))) == {"car"}


def test_a_labelled_man_rules_out_people() -> None:
    image = ImageEvidence(frozenset({"street"}), NOTHING, labelled=frozenset({"man"}))
    assert plausible_absences(image, english(), Cooccurrence(), frozenset({"person"})) == []


def test_the_likelier_comes_first_more_often_and_none_comes_twice() -> None:
    found = [
        AbsentConcept(english().concepts[name], "captions", lift)
        for name, lift in (("dog", 8.0), ("cat", 1.1))
    ]
    first = Counter(next(draw(found, Random(seed))).concept.name for seed in range(200))
    assert first["dog"] > 3 * first["cat"] > 0
    assert names(list(draw(found, Random(0)))) == {"dog", "cat"}


def test_what_is_lacking_need_not_be_plausible_but_must_be_told() -> None:
    counts = streets()
    for _ in range(50):
        counts.add([frozenset({"street", "car"}), frozenset({"street"}), frozenset({"street"})])
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
        single.add([frozenset({"chair", "dog"})])
    for counts in (single, streets(times=2)):
        found = names(absent_objects(ImageEvidence(NOTHING, NOTHING), english(), counts, NOTHING))
        assert "dog" in found
        assert "chair" not in found


def test_what_goes_well_with_a_image_is_lacking_only_at_a_lower_risk() -> None:
    counts = Cooccurrence()
    for _ in range(40):
        counts.add([frozenset({"kitchen", "oven"})] * 3)
    for _ in range(16):
        counts.add([frozenset({"kitchen", "oven"}), frozenset({"kitchen"})])
        counts.add([frozenset({"kitchen", "oven"})] * 2)
    for _ in range(900):
        counts.add([frozenset({"street"})] * 3)
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
