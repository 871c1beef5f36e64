from random import Random

import pytest

pytest.importorskip("spacy", reason="the negate extra is not installed")
from omninegclip.captions.contrast_sets import NOTHING, CaptionAssertion, contrast_set, named_literally
from omninegclip.captions.lexicon import english
from omninegclip.captions.parse import parse

CAPTION = "A man throws a frisbee to a dog in the park."
# the bench is in another caption of the image
NAMED = frozenset({"man", "frisbee", "dog", "park", "bench"})


def written(
    seed: int,
    absent: tuple[str, ...] = ("kite", "horse"),
    denial: str | None = None,
) -> list[CaptionAssertion]:
    lexicon = english()
    return contrast_set(next(parse([CAPTION])), CAPTION, NAMED, absent, denial, lexicon, Random(seed))


def test_what_is_denied_decides_what_holds() -> None:
    for seed in range(30):
        said = written(seed)
        assert said[0] == CaptionAssertion(CAPTION, said[0].affirms, (), True, CAPTION)
        assert set(said[0].affirms) >= {"frisbee", "dog"}
        for each in said:
            assert set(each.affirms) <= NAMED or not each.holds
            if not each.negates:
                assert each.affirmed == each.text
                assert each.holds == (set(each.affirms) <= NAMED)
                continue
            (denied,) = each.negates
            assert each.holds == (denied not in NAMED and set(each.affirms) <= NAMED)
            assert denied not in each.affirms
            assert denied in each.text
            assert each.denied == (f"a {denied}",)
            if each.affirmed == CAPTION:
                assert each.affirms == said[0].affirms
            elif each.affirms:
                before, thing, _ = str(each.affirmed).partition(each.affirms[0])
                assert thing
                assert each.text.startswith(f"{before}{thing} ")
            else:
                assert each.affirmed == NOTHING


def test_true_and_false_denials_share_their_words() -> None:
    for seed in range(10):
        bare = [each for each in written(seed) if each.affirmed == NOTHING]
        assert {each.holds for each in bare} == {True, False}
        alike = {
            each.text.replace(f"an {each.negates[0]}", "a X").replace(each.negates[0], "X") for each in bare
        }
        assert len(alike) == 1


def test_of_the_captions_own_denial_its_falsehood_alone_is_known() -> None:
    text = "A man throws no frisbee to a dog in the park."
    for absent in (("kite", "horse"), ()):
        (own,) = [each for each in written(0, absent, text) if each.text == text]
        assert own == CaptionAssertion(text, (), (), False, None, None)


def test_what_goes_unsaid_too_often_is_never_denied() -> None:
    for seed in range(60):
        denied = {name for each in written(seed) for name in each.negates}
        assert denied <= {"kite", "horse", "frisbee", "dog", "bench"}  # not the man, not the park


def test_where_nothing_is_safely_absent_the_caption_stands_alone() -> None:
    assert [each.text for each in written(0, absent=())] == [CAPTION]


def test_a_noun_that_may_mean_several_things_says_of_none_that_it_is_there() -> None:
    lexicon = english()
    assert lexicon.mentions("A girl on a seat with two dogs.")[0] > {"bench", "chair", "dog"}
    assert {"bench", "chair"}.isdisjoint(named_literally("A girl on a seat with two dogs.", lexicon))
    assert "dog" in named_literally("A girl on a seat with two dogs.", lexicon)
