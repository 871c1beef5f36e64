"""Captions read back into what they affirm and deny."""

from random import Random

import pytest

from omninegclip.scenes.grammar import affirmative
from omninegclip.scenes.negation import EXCLUSIVE, NAMING, affirmed_part, negate, split
from omninegclip.scenes.scene import plausible_kind, sample_scene


@pytest.mark.parametrize("number", range(len(NAMING)))
def test_every_phrasing_is_split_as_it_was_put_together(number: int) -> None:
    phrasing = NAMING[number]
    for seed in range(40):
        random = Random(1000 * number + seed)
        scene = sample_scene(random)
        denied = plausible_kind(random, scene.place, scene.kinds)
        affirmed = affirmed_part(random, scene, scene.kinds)
        text = negate(random, affirmed, denied, phrasing).text
        parts = split(text)
        assert parts is not None, text
        assert parts[0].endswith(affirmed.text), text
        assert parts[1] in (denied.singular, denied.plural, denied.indefinite), text


def test_a_caption_that_names_no_denial_is_left_whole() -> None:
    random = Random(0)
    for _ in range(300):
        scene = sample_scene(random)
        caption = affirmative(random, scene, remarks=False)
        assert split(caption.text) is None, caption.text
        only = negate(random, affirmed_part(random, scene, scene.kinds), scene.kinds[0], EXCLUSIVE[0])
        assert split(only.text) is None
