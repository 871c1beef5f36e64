from omninegclip.captions.companions import companions
from omninegclip.captions.lexicon import english


def beside(*sure: str, maybe: tuple[str, ...] = ()) -> frozenset[str]:
    return companions().beside(frozenset(sure), frozenset([*sure, *maybe]))


def test_every_word_of_the_table_is_an_object_that_can_be_missed() -> None:
    table, lexicon = companions(), english()
    assert table.expected.keys() <= lexicon.concepts.keys()
    named = frozenset().union(*table.expected.values(), *table.allowed.values())
    assert [name for name in named if name not in lexicon.objects] == []
    assert [name for name in named if lexicon.concepts[name].generic] == []


def test_what_is_there_lets_one_expect_and_every_other_thing_allows() -> None:
    assert "microwave" in beside("kitchen")
    assert "kite" in beside("beach")
    assert "kite" not in beside("beach", "kitchen")
    assert "cat" not in beside("dog", "beach")


def test_what_is_only_perhaps_there_suggests_nothing_and_rules_out() -> None:
    assert beside("man", maybe=("kitchen",)) == frozenset()
    assert "microwave" not in beside("kitchen", maybe=("beach",))


def test_an_animal_is_missed_beside_its_like_alone() -> None:
    assert "dog" in beside("field")
    assert "cow" in beside("field", "sheep")
    assert "cow" not in beside("field", "giraffe")


def test_what_is_there_is_not_missed() -> None:
    assert not beside("dog", "cat") & {"dog", "cat"}


def test_nobody_misses_beer_beside_a_child() -> None:
    assert "beer" in beside("pizza")
    assert "beer" not in beside("pizza", "child")
    assert "beer" not in beside("pizza", maybe=("boy",))
    assert "apple" in beside("banana")
    assert "apple" not in beside("banana", "tree")


def test_nobody_misses_a_dog_in_a_race_or_on_a_highway() -> None:
    assert "dog" in beside("horse")
    assert "dog" not in beside("horse", "race")
    assert "dog" not in beside("highway")
