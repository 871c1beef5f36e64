from scene_reader import kinds_in

from omninegclip.scenes.claims import holds
from omninegclip.scenes.contrast_sets import contrast_set
from omninegclip.scenes.negation import NAMING
from omninegclip.scenes.scene import rng, sample_scene

SCENES = 2000


def test_every_assertion_is_what_it_says_over_many_scenes() -> None:
    negations = {True: 0, False: 0}
    for index in range(SCENES):
        random = rng("test", index)
        scene = sample_scene(random)
        first, *rest = contrast_set(random, scene)
        assert first.holds
        assert set(first.caption.statement.affirmed) == set(scene.kinds)
        for each in (first, *rest):
            assert holds(each.caption.statement, scene) is each.holds
            named = set(kinds_in(each.caption.text))
            assert named >= set(each.caption.statement.affirmed)
            assert set(each.caption.statement.absent) == set(each.negates)
            if not each.negates:
                assert each.affirmed == each.caption.text
                continue
            negations[each.holds] += 1
            assert not any(kind.held_out for kind in each.negates)
            assert set(each.negates) <= named
            assert any(
                not p.held_out and p.negate(each.affirmed, kind) == each.caption.text
                for p in NAMING
                for kind in each.negates
            )
    assert min(negations.values()) > 0.35 * sum(negations.values())


def test_each_denial_has_a_twin_that_differs_in_the_denied_thing_alone() -> None:
    for index in range(300):
        random = rng("twins", index)
        said = [each for each in contrast_set(random, sample_scene(random)) if each.negates]
        for each in said:
            twins = [t for t in said if t.affirmed == each.affirmed and t.negates != each.negates]
            assert twins
