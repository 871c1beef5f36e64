from scene_reader import kinds_in

from omninegclip.reading.rules import read_by_rules
from omninegclip.scenes.claims import holds
from omninegclip.scenes.probe_forms import NEGATED_PLACE, SEVERAL_NEGATIONS
from omninegclip.scenes.scene import rng, sample_scene
from omninegclip.scenes.several_denials import _PLACE, _THREE, _TWO, several_denials

SCENES = 1000


def test_every_sentence_says_what_it_denies_and_whether_it_holds() -> None:
    truth = {True: 0, False: 0}
    counts: set[int] = set()
    for index in range(SCENES):
        random = rng("test", index)
        scene = sample_scene(random)
        for each in several_denials(random, scene):
            assert holds(each.caption.statement, scene) is each.holds
            assert each.affirmed in each.caption.text
            assert set(each.caption.statement.absent) == set(each.negates)
            assert set(each.negates) <= set(kinds_in(each.caption.text)) - set(kinds_in(each.affirmed))
            assert not any(kind.held_out for kind in each.negates)
            truth[each.holds] += 1
            counts.add(len(each.denied))
            if each.negates:
                assert each.denied == tuple(kind.indefinite for kind in each.negates)
            else:
                (place,) = each.denied
                assert place.removeprefix("a scene ") in each.caption.text
    assert counts == {1, 2, 3}
    assert min(truth.values()) > 0.1 * sum(truth.values())


def test_the_robustness_suite_says_it_in_other_words() -> None:
    forms = {form.negated for form in (*SEVERAL_NEGATIONS, *NEGATED_PLACE)}
    assert forms.isdisjoint((*_TWO, *_THREE, *_PLACE))


def test_the_rules_find_as_many_denials() -> None:
    for index in range(200):
        random = rng("rules", index)
        for each in several_denials(random, sample_scene(random)):
            if "," not in each.affirmed:  # no list, no remark: nothing that the rules could take for more
                assert len(read_by_rules(each.caption.text).negated) == len(each.denied), each.caption.text
