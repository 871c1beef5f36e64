"""Every phrasing of the picture world is read right: the scenes know what they affirm and what they deny."""

import re
from collections.abc import Iterator
from random import Random

import pytest

from omninegclip.reading.reading import BESIDES, ELSE, Reading
from omninegclip.reading.rules import read_by_rules
from omninegclip.scenes import probe_forms
from omninegclip.scenes.benchmark import make_benchmark
from omninegclip.scenes.grammar import affirmative
from omninegclip.scenes.negation import EXCLUSIVE, NAMING, Phrasing, affirmed_part, forms, negate
from omninegclip.scenes.objects import KINDS, ObjectKind
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.scene import sample_scene

DRAWS = range(150)
# What a template puts around the words that it affirms.
FRAME = re.compile(r"^(?:(?:a (?:photo|picture) (?:of|with)|you see|there (?:is|are)) )+")


def affirmed(random: Random, place: bool | None = None, least: int = 1) -> str:
    scene = sample_scene(random)
    kinds = scene.kinds[: random.randint(least, 3)]
    return affirmed_part(random, scene, kinds, place=place).text


def names(kind: ObjectKind, text: str) -> bool:
    return text in (kind.indefinite, kind.plural)


def unframed(text: str) -> str:
    return FRAME.sub("", text)


@pytest.mark.parametrize("phrasing", NAMING, ids=lambda each: each.template)
def test_phrasings_that_name_what_they_deny(phrasing: Phrasing) -> None:
    random = Random(phrasing.template)
    for kind in KINDS:
        scene = sample_scene(random)
        part = affirmed_part(random, scene, scene.kinds[: random.randint(0, 3)])
        caption = negate(random, part, kind, phrasing).text
        reading = read_by_rules(caption)
        assert unframed(reading.affirmed) == ("" if part.text == "a scene" else unframed(part.text)), caption
        assert len(reading.negated) == 1, caption
        assert names(kind, reading.negated[0]), caption


@pytest.mark.parametrize("phrasing", EXCLUSIVE, ids=lambda each: each.template)
def test_phrasings_that_deny_all_else(phrasing: Phrasing) -> None:
    random = Random(1)
    for kind in KINDS:
        text = affirmed(random)
        assert read_by_rules(phrasing.negate(text, kind)) == Reading(text, (ELSE,))


def test_affirmative_captions_with_any_remark_are_unchanged() -> None:
    random = Random(2)
    for _ in range(3000):
        caption = affirmative(random, sample_scene(random)).text
        assert read_by_rules(caption) == Reading(caption)


def test_options_and_queries_of_the_benchmark() -> None:
    benchmark = make_benchmark(0, 48)
    for item in benchmark.multiple_choice:
        denials = [len(read_by_rules(option).negated) for option in item.options]
        assert sorted(denials) == ([0, 0, 1, 1] if item.groups["template"] == "positive" else [0, 1, 1, 1])
    for query in benchmark.negated_queries:
        assert len(read_by_rules(query.text).negated) == 1
    for choice in benchmark.absence_choice:
        assert len(read_by_rules(choice.text).negated) == 1


def probe(form: str, random: Random, **more: object) -> Iterator[tuple[str, str, ObjectKind, ObjectKind]]:
    for _ in DRAWS:
        text = affirmed(random)
        one, two = random.sample(KINDS, 2)
        yield form.format(A=text, d=forms(one), e=forms(two), **more), text, one, two


@pytest.mark.parametrize("form", [each.negated for each in probe_forms.DOUBLE_NEGATION])
def test_double_negations_affirm(form: str) -> None:
    for sentence, text, kind, _ in probe(form, Random(3)):
        reading = read_by_rules(sentence)
        assert not reading.negated
        assert text in reading.affirmed
        assert kind.singular in reading.affirmed
        assert not re.search(r"\b(?:no|not|without|missing|absent)\b|n't", reading.affirmed), sentence


@pytest.mark.parametrize("form", [each.negated for each in probe_forms.SEVERAL_NEGATIONS])
def test_several_denials(form: str) -> None:
    for sentence, text, one, two in probe(form, Random(4)):
        reading = read_by_rules(sentence)
        assert reading.affirmed == text, sentence
        assert len(reading.negated) == 2
        assert names(one, reading.negated[0])
        assert names(two, reading.negated[1])


@pytest.mark.parametrize("form", [each.negated for each in probe_forms.DISTANT_NEGATION])
def test_far_denials(form: str) -> None:
    for sentence, text, kind, _ in probe(form, Random(5)):
        reading = read_by_rules(sentence)
        assert reading.affirmed.endswith(text), sentence
        assert len(reading.negated) == 1
        assert names(kind, reading.negated[0])


@pytest.mark.parametrize("form", [each.negated for each in probe_forms.NEGATED_PLACE])
@pytest.mark.parametrize("place", [phrase for place in PLACES for phrase in place.phrases])
def test_denied_places(form: str, place: str) -> None:
    random = Random(6)
    for _ in range(5):
        text = affirmed(random, place=False)
        reading = read_by_rules(form.format(A=text, place=place))
        assert reading.affirmed.startswith(text)
        assert len(reading.negated) == 1
        assert reading.negated[0].endswith(place)


@pytest.mark.parametrize("form", [each.negated for each in probe_forms.NEGATED_COUNT])
def test_denied_numbers(form: str) -> None:
    random = Random(7)
    for kind in KINDS:
        if kind.has_singular:
            text = f"{kind.plural} {random.choice(random.choice(PLACES).phrases)}"
            sentence = form.format(A=text, d=forms(kind), number="three")
            assert read_by_rules(sentence) == Reading(text, (f"three {kind.plural}",))


@pytest.mark.parametrize("form", [each.negated for each in probe_forms.NEGATED_RELATION])
@pytest.mark.parametrize("relation", ["left of", "right of", "above", "below"])
def test_denied_relations(form: str, relation: str) -> None:
    random = Random(8)
    for _ in DRAWS:
        one, two = random.sample(KINDS, 2)
        reading = read_by_rules(form.format(d=forms(one), e=forms(two), relation=relation))
        assert len(reading.negated) == 1
        denied = rf"(?:an? )?{one.singular} {relation} (?:the |an? )?{two.singular}"
        assert re.fullmatch(denied, reading.negated[0])
        assert one.singular in reading.affirmed
        assert relation not in reading.affirmed


@pytest.mark.parametrize("form", probe_forms.QUANTIFIER, ids=lambda each: each.only)
def test_only_denies_all_else_and_not_only_affirms_something_else(form: probe_forms.Quantified) -> None:
    random = Random(9)
    for _ in DRAWS:
        text = affirmed(random, place=False)
        assert read_by_rules(form.only.format(A=text)) == Reading(text, (ELSE,))
        assert read_by_rules(form.not_only.format(A=text)) == Reading(f"{text}{BESIDES}")
