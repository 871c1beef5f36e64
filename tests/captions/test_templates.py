from random import Random

from omninegclip.captions.lexicon import Noun
from omninegclip.captions.negation_words import cue
from omninegclip.captions.parse import parse
from omninegclip.captions.templates import FORMS, affirm, fill_in, multiple_choice, swap

DOG, BALL = Noun("dog", "dogs"), Noun("ball", "balls")


SCISSORS = Noun("scissors", "scissors")


def test_the_swap_changes_what_is_there_and_nothing_else() -> None:
    for seed in range(40):
        true, false = swap(DOG, BALL, Random(seed))
        assert true.index("dog") < true.index("ball")
        assert cue(true) != "none"
        assert true.replace("dog", "X").replace("ball", "dog").replace("X", "ball") == false


def test_no_form_tells_by_a_comma_and_only_denials_have_a_cue() -> None:
    for form in FORMS:
        filled = [fill_in(template, DOG, BALL) for template in form]
        assert [cue(text) != "none" for text in filled] == [False, True, True]
        assert not any("," in text for text in filled)
        assert ["dog" in text for text in filled] == [True, False, True]
        assert ["ball" in text for text in filled] == [False, True, True]


def test_scissors_have_no_article_and_are_many() -> None:
    said = {fill_in(template, SCISSORS, SCISSORS) for form in FORMS for template in form}
    assert not any("a scissors" in text or "scissors is" in text or "is scissors" in text for text in said)
    assert {"scissors are visible", "there are no scissors here"} <= said


def test_the_false_affirmation_asserts_without_negating() -> None:
    tree = next(parse(["A cat on a mat ."]))
    text = affirm(tree, BALL, Random(0))
    assert text.startswith("A cat on a mat ")
    assert "a ball" in text
    assert " no " not in text


def test_a_question_has_four_captions_of_which_one_is_true() -> None:
    kinds, answers = set(), set()
    for seed in range(60):
        choice = multiple_choice(DOG, BALL, Random(seed))
        kinds.add(choice.template)
        answers.add(choice.answer)
        assert len(set(choice.captions)) == 4
        for at, caption in enumerate(choice.captions):
            names = sorted((name for name in ("dog", "ball") if name in caption), key=caption.index)
            # in a hybrid the first is there; alone, it is there or not
            there = names[0] == "dog" if len(names) == 2 else (names == ["dog"]) == (cue(caption) == "none")
            assert there == (at == choice.answer)
    assert kinds == {"positive", "negative", "hybrid"}
    assert answers == {0, 1, 2, 3}
