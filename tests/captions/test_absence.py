from collections import Counter
from random import Random

from omninegclip.captions.absence import Absent, Image, absent, draw, draw_balanced, lacking, told
from omninegclip.captions.cooccurrence import Cooccurrence
from omninegclip.captions.lexicon import english

NOTHING: frozenset[str] = frozenset()


def names(found: list[Absent]) -> set[str]:
    return {each.concept.name for each in found}


def streets(times: int = 50) -> Cooccurrence:
    """Streets with hydrants, kitchens with refrigerators; trucks that only one of the captions mentions."""
    seen = Cooccurrence()
    for _ in range(times):
        seen.add([frozenset({"street", "fire hydrant"})] * 3)
        seen.add([frozenset({"street"})] * 3)
        seen.add([frozenset({"kitchen", "refrigerator"})] * 3)
        seen.add([frozenset({"kitchen"})] * 3)
    return seen


def test_plausible_is_what_goes_with_the_scene_in_this_collection() -> None:
    found = absent(Image(frozenset({"street"}), NOTHING), english(), streets(), NOTHING)
    assert names(found) == {"fire hydrant"}
    assert found[0].lift == 50 * 200 / (50 * 100)
    assert found[0].evidence == "captions"


def test_what_captions_rule_out_is_never_absent() -> None:
    image = Image(frozenset({"street"}), frozenset({"fire hydrant"}))
    assert absent(image, english(), streets(), NOTHING) == []


def test_without_labels_only_what_is_seldom_left_unsaid() -> None:
    seen = streets()
    for _ in range(50):
        seen.add([frozenset({"street", "car"}), frozenset({"street"}), frozenset({"street"})])
        seen.add([frozenset({"street", "dog"}), frozenset({"street"}), frozenset({"street"})])
    found = names(absent(Image(frozenset({"street"}), NOTHING), english(), seen, NOTHING))
    assert "car" not in found  # no star
    assert "dog" not in found  # a star, yet here one caption of three mentions it


def test_with_labels_only_what_annotators_looked_for_and_did_not_find() -> None:
    seen, vocabulary = streets(), frozenset({"car", "fire hydrant"})
    seen.count["car"] += 5
    seen.pairs[("car", "street")] += 5
    bare = Image(frozenset({"street"}), NOTHING, labelled=NOTHING)
    assert names(absent(bare, english(), seen, vocabulary)) == {"car", "fire hydrant"}
    full = Image(frozenset({"street"}), NOTHING, labelled=frozenset({"car"}))
    assert names(absent(full, english(), seen, vocabulary)) == {"fire hydrant"}
    assert names(absent(bare, english(), seen, frozenset({"car"}))) == {"car"}


def test_a_labelled_man_rules_out_people() -> None:
    image = Image(frozenset({"street"}), NOTHING, labelled=frozenset({"man"}))
    assert absent(image, english(), Cooccurrence(), frozenset({"person"})) == []


def test_the_likelier_comes_first_more_often_and_none_comes_twice() -> None:
    found = [
        Absent(english().concepts[name], "captions", lift) for name, lift in (("dog", 8.0), ("cat", 1.1))
    ]
    first = Counter(next(draw(found, Random(seed))).concept.name for seed in range(200))
    assert first["dog"] > 3 * first["cat"] > 0
    assert names(list(draw(found, Random(0)))) == {"dog", "cat"}


def test_what_is_lacking_need_not_be_plausible_but_must_be_told() -> None:
    seen = streets()
    for _ in range(50):
        seen.add([frozenset({"street", "car"}), frozenset({"street"}), frozenset({"street"})])
    assert told("fire hydrant", seen)
    assert not told("car", seen)  # one caption of three mentions it, so others may be left unsaid
    found = lacking(Image(frozenset({"kitchen"}), NOTHING), english(), seen, NOTHING)
    assert names(found) == {"fire hydrant", "refrigerator"}  # and not the zebra, of which nothing is known
    assert names(lacking(Image(NOTHING, frozenset({"refrigerator"})), english(), seen, NOTHING)) == {
        "fire hydrant"
    }
    labelled = Image(NOTHING, NOTHING, labelled=frozenset({"car"}))
    assert names(lacking(labelled, english(), seen, frozenset({"car", "dog"}))) == {"dog"}


def test_where_silence_cannot_be_weighed_only_what_has_a_star_is_lacking() -> None:
    single = Cooccurrence()
    for _ in range(300):
        single.add([frozenset({"chair", "dog"})])
    for seen in (single, streets(times=2)):
        found = names(lacking(Image(NOTHING, NOTHING), english(), seen, NOTHING))
        assert "dog" in found
        assert "chair" not in found


def test_what_goes_well_with_a_image_is_lacking_only_at_a_lower_risk() -> None:
    seen = Cooccurrence()
    for _ in range(40):
        seen.add([frozenset({"kitchen", "oven"})] * 3)
    for _ in range(16):
        seen.add([frozenset({"kitchen", "oven"}), frozenset({"kitchen"})])
        seen.add([frozenset({"kitchen", "oven"})] * 2)
    for _ in range(900):
        seen.add([frozenset({"street"})] * 3)
    assert told("oven", seen)
    assert "oven" in names(lacking(Image(frozenset({"street"}), NOTHING), english(), seen, NOTHING))
    assert "oven" not in names(lacking(Image(frozenset({"kitchen"}), NOTHING), english(), seen, NOTHING))


def test_a_balanced_draw_takes_what_is_often_there_more_often() -> None:
    holders = Counter({"dog": 90, "kite": 9, "sled": 1})
    found = [Absent(english().concepts[name], "captions", 0.0) for name in ("sled", "kite", "dog")]
    rng = Random(0)
    first = Counter(next(draw_balanced(found, holders, rng)).concept.name for _ in range(4000))
    assert abs(first["dog"] / 4000 - 0.90) < 0.02
    assert abs(first["kite"] / 4000 - 0.09) < 0.02
    assert names(list(draw_balanced(found, holders, rng))) == {"sled", "kite", "dog"}
