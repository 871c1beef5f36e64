"""The suite's answers, by what its captions claim and once more by their words and the objects alone."""

import hashlib
import re
from collections import Counter

import numpy as np
import pytest
from scene_reader import kinds_in

from omninegclip.data.items import ImageRef
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation import blind
from omninegclip.evaluation.metrics import choice
from omninegclip.scenes import probe_forms
from omninegclip.scenes.benchmark import make_benchmark, scene_number
from omninegclip.scenes.claims import holds
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.robustness import PROBES, Robustness, RobustnessQuestion, make_robustness
from omninegclip.scenes.scene import Scene

SIZE = 400
NUMBERS = {"two": 2, "three": 3}
SIDES = {"left of": (1, 0), "right of": (-1, 0), "above": (0, 1), "below": (0, -1)}


@pytest.fixture(scope="module")
def suite() -> Robustness:
    return make_robustness(seed=3, size=SIZE)


def asked(suite: Robustness, *probes: str) -> list[tuple[RobustnessQuestion, Scene, Scene]]:
    return [
        (each, suite.scenes[each.right], suite.scenes[each.wrong])
        for each in suite.questions
        if not probes or each.probe in probes
    ]


def test_captions_are_true_of_the_right_image_alone_and_foils_of_the_wrong_one(suite: Robustness) -> None:
    for each, right, wrong in asked(suite):
        assert (holds(each.caption.statement, right), holds(each.caption.statement, wrong)) == (
            True,
            False,
        ), each
        assert (holds(each.foil.statement, right), holds(each.foil.statement, wrong)) == (False, True), each
        assert holds(each.plain.statement, right) != holds(each.plain.statement, wrong), each


def test_both_images_hold_what_the_caption_affirms(suite: Robustness) -> None:
    for each, right, wrong in asked(suite):
        for caption in (each.caption, each.foil):
            affirmed = caption.statement._replace(absent=(), denied=(), only=False)
            assert holds(affirmed, right), each
            assert holds(affirmed, wrong), each


def test_plain_sentences_deny_nothing_and_are_as_long(suite: Robustness) -> None:
    longer = Counter[str]()
    for each, _, _ in asked(suite):
        claims = each.plain.statement
        assert (claims.absent, claims.denied, claims.only) == ((), (), False)
        assert blind.fewest_negations([[each.plain.text]]) == 0, each.plain.text
        difference = len(each.plain.text.split()) - len(each.caption.text.split())
        assert abs(difference) <= 4, each
        longer[each.probe] += difference
    assert all(abs(longer[probe]) < SIZE for probe in PROBES), "less than a word in the mean"


def test_two_denials_affirm(suite: Robustness) -> None:
    for each, right, wrong in asked(suite, "double_negation"):
        assert kinds_in(each.caption.text) == set(right.kinds), each
        assert kinds_in(each.foil.text) == set(wrong.kinds), each


def test_the_wrong_image_holds_one_of_those_denied(suite: Robustness) -> None:
    for probe, negations in (("several_negations", 2), ("distant_negation", 1)):
        for each, right, wrong in asked(suite, probe):
            denied = kinds_in(each.caption.text) - set(right.kinds)
            assert len(denied) == negations, each
            assert len(denied & set(wrong.kinds)) == 1, each
            assert kinds_in(each.caption.text) - denied <= set(wrong.kinds), each
            assert [item._replace(kind=None) for item in right.items] == [  # type: ignore[arg-type]
                item._replace(kind=None)  # type: ignore[arg-type]
                for item in wrong.items
            ], "the images differ in one object only"


def test_the_denied_number_is_that_of_the_wrong_image(suite: Robustness) -> None:
    more = 0
    for each, right, wrong in asked(suite, "negated_count"):
        (kind,) = kinds_in(each.caption.text)
        (word,) = re.findall(r"\b(two|three)\b", each.caption.text)
        assert wrong.counts[kind] == len(wrong.items) == NUMBERS[word], each
        assert right.counts[kind] == len(right.items) == 5 - NUMBERS[word], each
        more += len(right.items) > len(wrong.items)
    assert more == SIZE // 2, "neither more nor fewer is the key"


def test_the_denied_side_is_where_the_object_stands_in_the_wrong_image(suite: Robustness) -> None:
    for each, right, wrong in asked(suite, "negated_relation"):
        (side,) = re.findall(r"\b(left of|right of|above|below)\b", each.caption.text)
        reference = re.search(r"the ([a-z ]+?)(?:$|, and)", each.caption.text.split(side + " ")[-1])
        named = kinds_in(reference[0]) if reference else kinds_in(each.caption.text.split(", and")[0])
        (two,) = named
        for scene, sign in ((wrong, 1), (right, -1)):
            (it,) = [item for item in scene.items if item.kind == two]
            (mover,) = [item for item in scene.items if item.kind != two]
            x, y = SIDES[side]
            assert sign * (x * (it.x - mover.x) + y * (it.y - mover.y)) >= 18, each


def test_the_denied_place_is_that_of_the_wrong_image_and_nothing_else_differs(suite: Robustness) -> None:
    for each, right, wrong in asked(suite, "negated_place"):
        said = {place.name for place in PLACES for phrase in place.phrases if phrase in each.caption.text}
        assert wrong.place.name in said, each
        assert right.place.name not in said, each
        assert right.items == wrong.items
        assert "clear sky" not in (right.place.name, wrong.place.name)


def test_only_is_true_of_what_is_alone_and_not_only_of_what_is_not(suite: Robustness) -> None:
    only = 0
    for each, right, wrong in asked(suite, "quantifier"):
        named = kinds_in(each.caption.text)
        forms = [
            form
            for form in probe_forms.QUANTIFIER
            if re.fullmatch(form.only.replace("{A}", "(.+)"), each.caption.text)
            and not each.caption.text.startswith("not ")
            and " not alone" not in each.caption.text
        ]
        alone, more = (right, wrong) if forms else (wrong, right)
        assert set(alone.kinds) == named < set(more.kinds), each
        only += bool(forms)
    assert only == SIZE // 2, "a reader of neither scores 50 %"


def test_probes_and_groups_come_in_equal_parts(suite: Robustness) -> None:
    parts = Counter((each.probe, each.held_out) for each in suite.questions)
    assert parts == {(probe, held_out): SIZE // 2 for probe in PROBES for held_out in (False, True)}


def test_held_out_questions_are_about_held_out_objects(suite: Robustness) -> None:
    for each, right, wrong in asked(suite):
        there, elsewhere = set(right.kinds), set(wrong.kinds)
        about = there ^ elsewhere or {kind for kind in there if kind.held_out == each.held_out}
        assert about, each
        assert {kind.held_out for kind in about} == {each.held_out}, each


def test_every_form_is_asked(suite: Robustness) -> None:
    forms = [
        text
        for table in (probe_forms.DOUBLE_NEGATION, probe_forms.SEVERAL_NEGATIONS, probe_forms.NEGATED_COUNT,
                      probe_forms.NEGATED_RELATION, probe_forms.NEGATED_PLACE, probe_forms.QUANTIFIER,
                      probe_forms.DISTANT_NEGATION)
        for form in table
        for text in form
    ]  # fmt: skip
    texts = "\n".join(each.text for question in suite.questions for each in question[3:6])
    for form in forms:
        assert re.search(rf"^{re.sub(r'{[^}]+}', '.+', form)}$", texts, re.MULTILINE), form


def test_no_rule_that_sees_no_image_tells_caption_from_foil() -> None:
    questions = make_robustness(seed=0, size=1200).questions
    for probe in PROBES:
        pairs = [(each.caption.text, each.foil.text) for each in questions if each.probe == probe]
        for name, rule in blind.RULES.items():
            score = choice(rule(pairs), np.zeros(len(pairs), int)).mean()
            assert abs(score - 0.5) < 4 * 0.5 / len(pairs) ** 0.5, (probe, name)


def test_the_same_seed_asks_the_same_questions(suite: Robustness) -> None:
    assert make_robustness(seed=3, size=SIZE) == suite
    assert make_robustness(seed=4, size=8).questions != make_robustness(seed=3, size=8).questions


def test_more_questions_begin_with_the_same_ones(suite: Robustness) -> None:
    few = make_robustness(seed=3, size=8)
    for probe in PROBES:
        mine, all_of_them = (
            [each.caption for each in one.questions if each.probe == probe] for one in (few, suite)
        )
        assert mine == all_of_them[:8]


def test_too_few_questions_are_refused() -> None:
    with pytest.raises(OmniNegClipError, match="--count must be 4 or more questions of each probe, not 3"):
        make_robustness(seed=0, size=3)


def test_the_benchmark_asks_what_it_asked_before_there_was_a_suite() -> None:
    benchmark = make_benchmark(seed=5, size=120)
    first = min(scene_number(image) for each in benchmark.negated_queries for image in each.relevant)

    def number(image: ImageRef) -> str:
        return str(scene_number(image))

    def in_family(image: ImageRef) -> int:
        return scene_number(image) - first

    lines = [
        *(" ".join([number(each.image), *each.options]) for each in benchmark.presence),
        *(" ".join([each.text, *map(number, each.images)]) for each in benchmark.absence_choice),
        *(f"{number(each.image)} {each.options} {each.answer}" for each in benchmark.multiple_choice),
        *(each.captions[0] for each in benchmark.gallery),
        *(f"{each.text} {tuple(map(in_family, each.relevant))}" for each in benchmark.negated_queries),
        *(f"{scene.place.name} {[item.kind.singular for item in scene.items]}" for scene in benchmark.scenes),
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert digest == "17ac8d404c3a6f3e7438fb41442cb684c52df7054f471e548e7664c23711877d"
