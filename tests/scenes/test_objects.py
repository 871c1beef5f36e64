from omninegclip.scenes.backgrounds import _STYLES
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.objects import GROUPS, KINDS
from omninegclip.scenes.places import PLACES


def test_the_world_is_as_large_as_promised() -> None:
    assert len(KINDS) >= 120
    assert len(PLACES) >= 10


def test_names_are_unique_and_every_kind_has_its_graphic() -> None:
    assert len({kind.singular for kind in KINDS}) == len(KINDS)
    assert len({kind.graphic for kind in KINDS}) == len(KINDS)
    assert [kind.singular for kind in KINDS if not graphic_exists(kind.graphic)] == []


def graphic_exists(graphic: str) -> bool:
    return len(graphic) == 1 and (graphics_folder() / f"{ord(graphic):x}.png").is_file()


def test_every_sixth_kind_is_held_out() -> None:
    assert [kind.index for kind in KINDS if kind.held_out] == list(range(5, len(KINDS), 6))


def test_nouns_take_the_right_article_and_plural() -> None:
    forms = {kind.singular: (kind.indefinite, kind.plural) for kind in KINDS}
    assert forms["dog"] == ("a dog", "dogs")
    assert forms["owl"] == ("an owl", "owls")
    assert forms["fox"] == ("a fox", "foxes")
    assert forms["glasses"] == ("glasses", "glasses")


def test_every_place_can_be_drawn_and_its_groups_exist() -> None:
    assert {place.name for place in PLACES} == set(_STYLES)
    assert {group for place in PLACES for group in place.groups} <= set(GROUPS)
    assert {group for place in PLACES for group in place.groups} == set(GROUPS), (
        "every group is at home somewhere"
    )
