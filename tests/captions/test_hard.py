from random import Random

from omninegclip.captions.hard import affirm, multiple_choice, swap
from omninegclip.captions.lexicon import Noun
from omninegclip.captions.parse import parse

DOG, BALL = Noun("dog", "dogs"), Noun("ball", "balls")


def test_the_swap_changes_what_is_there_and_nothing_else() -> None:
    for seed in range(8):
        true, false = swap(DOG, BALL, Random(seed))
        assert "no ball" in true
        assert "no dog" in false
        assert true.replace("dog", "X").replace("ball", "dog").replace("X", "ball") == false


def test_the_false_affirmation_asserts_without_negating() -> None:
    tree = next(parse(["A cat on a mat ."]))
    text = affirm(tree, BALL, Random(0))
    assert text.startswith("A cat on a mat ")
    assert text.endswith("a ball .") or "a ball" in text
    assert " no " not in text


def test_a_question_has_four_captions_of_which_one_is_true() -> None:
    kinds, answers = set(), set()
    for seed in range(60):
        choice = multiple_choice(DOG, BALL, Random(seed))
        kinds.add(choice.template)
        answers.add(choice.answer)
        assert len(set(choice.captions)) == 4
        for at, caption in enumerate(choice.captions):
            denies_dog, denies_ball = "no dog" in caption, "no ball" in caption
            true = not denies_dog and (denies_ball or "ball" not in caption)
            assert true == (at == choice.answer)
    assert kinds == {"positive", "negative", "hybrid"}
    assert answers == {0, 1, 2, 3}
