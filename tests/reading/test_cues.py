"""Cues are looked for at words that can begin one: nothing that the whole expression finds may be missed."""

import random
import re
from collections.abc import Iterable

import pytest

from omninegclip.reading.cues import CUE, cues_in
from omninegclip.reading.tokens import Tokens, joined
from omninegclip.reading.words import words

# Pieces of every cue, and what may stand beside one so that it is none.
PIECES = sorted(
    words(
        "what's_not_part_of_it_is_the what's_not_in_this_room_is_one nowhere_in_it one_thing_you_won't_see "
        "absent missing excluded omitted nowhere_to_be_seen absence not_present_from is_a_dog are_cats. "
        "none_of_them neither_of_which not_one_of_the no_one nobody not_any_of_those but_none_is exclude "
        "avoid hide omit skip leave_out filter_out without with_none_of sans minus_the devoid_of bereft_of "
        "void_of empty_of bare_of free_of free_from lack_of absent_of unaccompanied_by not_accompanied_by "
        "excluding excludes with_the_exception_of lacks lacking_in lacked stripped_of neither nor "
        "not_a_single zero noone no-one almost_no practically_no virtually_no next_to_no no not n't can't "
        "cannot doesn’t isn't never instead_of as_opposed_to other_than rather_than apart_from aside_from "
        "except excepting_for hardly_any barely_any scarcely_any anything_but anyone_but anybody_but "
        "everything_but nothing has_been_removed have_been_removed had_been_removed removed. left_out "
        "nowhere_in_sight anywhere_but any_number_but cloudless dog-less car-free sugar-free homeless "
        'no-entry non-slip knot nothingness free less -less a_dog , . " “ please and but 1'
    )
)


@pytest.mark.parametrize("seed", range(200))
def test_the_cues_of_a_text_are_those_that_the_expression_finds(seed: int) -> None:
    draw = random.Random(seed)
    for glue in (" ", ", "):
        text = joined(glue.join(draw.choices(PIECES, k=draw.randint(1, 9))))
        if draw.random() < 0.3:
            text = text.upper()
        assert _places(cues_in(Tokens(text))) == _places(CUE.finditer(text)), text


def _places(cues: Iterable[re.Match[str]]) -> list[tuple[tuple[int, int], str | None]]:
    return [(found.span(), found.lastgroup) for found in cues]
