from random import Random

import pytest

pytest.importorskip("spacy", reason="the negate extra is not installed")
from omninegclip.captions.absence import Absent
from omninegclip.captions.contrast import NOTHING, Assertion, contrast_set, literal
from omninegclip.captions.lexicon import english
from omninegclip.captions.parse import parse

CAPTION = "A man throws a frisbee to a dog in the park."
# the bench is in another caption of the picture
NAMED = frozenset({"man", "frisbee", "dog", "park", "bench"})


def written(seed: int, plausible: tuple[str, ...] = ("kite", "horse", "umbrella")) -> list[Assertion]:
    lexicon = english()
    absent = [Absent(lexicon.concepts[name], "captions", 2.0) for name in plausible]
    return contrast_set(next(parse([CAPTION])), CAPTION, NAMED, absent, lexicon, Random(seed))


def test_what_is_denied_decides_what_holds() -> None:
    for seed in range(30):
        said = written(seed)
        assert said[0] == Assertion(CAPTION, said[0].affirms, None, True, CAPTION)
        assert set(said[0].affirms) >= {"frisbee", "dog"}
        for each in said:
            assert set(each.affirms) <= NAMED or not each.holds
            if each.denies is None:
                assert each.affirmed == each.text
                assert each.holds == (set(each.affirms) <= NAMED)
                continue
            assert each.holds == (each.denies not in NAMED)
            assert each.denies not in each.affirms
            assert each.denies in each.text
            assert each.affirmed in (NOTHING, CAPTION) or each.text.startswith(each.affirmed.split(" is ")[0])


def test_true_and_false_denials_share_their_words() -> None:
    for seed in range(10):
        bare = [each for each in written(seed) if each.affirmed == NOTHING]
        assert {each.holds for each in bare} == {True, False}
        assert len({each.text.replace(each.denies or "", "X") for each in bare}) == 1


def test_where_nothing_is_safely_absent_the_caption_stands_alone() -> None:
    assert [each.text for each in written(0, plausible=())] == [CAPTION]


def test_a_noun_that_may_mean_several_things_says_of_none_that_it_is_there() -> None:
    lexicon = english()
    assert lexicon.mentions("A girl on a seat with two dogs.")[0] > {"bench", "chair", "dog"}
    assert {"bench", "chair"}.isdisjoint(literal("A girl on a seat with two dogs.", lexicon))
    assert "dog" in literal("A girl on a seat with two dogs.", lexicon)
