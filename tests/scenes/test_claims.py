"""What a statement denies, against claims judged one by one from the objects themselves."""

from collections.abc import Iterator
from random import Random

import pytest

from omninegclip.scenes.claims import RELATIONS, Relation, Statement, holds
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.places import PLACE_BY_NAME, PLACES
from omninegclip.scenes.scene import Item, Scene, plausible_kind, rng, sample_scene

SCENES = 3000
KIND = {kind.singular: kind for kind in KINDS}


def cases() -> Iterator[tuple[Random, Scene]]:
    for index in range(SCENES):
        random = rng("test", "statement", index)
        yield random, sample_scene(random)


def any_claim(random: Random, scene: Scene) -> Statement:
    """Draw a claim of any sort, about what is there or not; about half of them are true."""
    kind = random.choice([*scene.kinds, plausible_kind(random, scene.place, scene.kinds)])
    other = random.choice(scene.kinds)
    return random.choice(
        [
            Statement(((kind, random.choice((0, 1, 2, 3))),)),
            Statement(place=random.choice((scene.place, random.choice(PLACES))).name),
            Statement(relation=Relation(kind, random.choice(list(RELATIONS)), other)),
            Statement(absent=(kind,)),
            Statement(((other, 0),), only=True),
        ]
    )


def test_a_denied_claim_holds_where_the_claim_does_not_and_denied_twice_where_it_does() -> None:
    true = 0
    for random, scene in cases():
        claim = any_claim(random, scene)
        denial = Statement(denied=(claim,))
        true += holds(claim, scene)
        assert holds(denial, scene) is not holds(claim, scene)
        assert holds(Statement(denied=(denial,)), scene) is holds(claim, scene)
    assert SCENES // 4 < true < 3 * SCENES // 4


def test_of_several_denied_claims_none_may_hold() -> None:
    for random, scene in cases():
        claims = tuple(any_claim(random, scene) for _ in range(random.randint(1, 3)))
        expected = sum(holds(claim, scene) for claim in claims) == 0
        assert holds(Statement(denied=claims), scene) is expected


def test_denied_counts_places_and_relations_are_what_the_objects_show() -> None:
    for random, scene in cases():
        kind, number = random.choice(scene.kinds), random.choice((1, 2, 3))
        count = sum(item.kind == kind for item in scene.items)
        assert holds(Statement(((kind, 0),), denied=(Statement(((kind, number),)),)), scene) is (
            count != number
        )
        place = random.choice((scene.place, random.choice(PLACES)))
        assert holds(Statement(denied=(Statement(place=place.name),)), scene) is (
            place.name != scene.place.name
        )
        other = random.choice(scene.kinds)
        left = any(
            b.x - a.x >= 18 for a in scene.items for b in scene.items if a.kind == kind and b.kind == other
        )
        denied = Statement(relation=Relation(kind, "left of", other))
        assert holds(Statement(denied=(denied,)), scene) is not left


DOG, CAT, OWL = KIND["dog"], KIND["cat"], KIND["owl"]


@pytest.mark.parametrize(
    ("statement", "true"),
    [
        (Statement(denied=(Statement(absent=(DOG,)),)), True),  # not without a dog
        (Statement(denied=(Statement(absent=(OWL,)),)), False),  # not without an owl
        (Statement(((DOG, 0),), denied=(Statement(((DOG, 3),)),)), True),  # dogs, but not three
        (Statement(((DOG, 0),), denied=(Statement(((DOG, 2),)),)), False),  # dogs, but not two
        (Statement(((DOG, 0),), denied=(Statement(place="beach"),)), True),  # dogs, not on the beach
        (Statement(((OWL, 0),), denied=(Statement(place="beach"),)), False),  # an owl, not on the beach
        (Statement(((CAT, 1),), denied=(Statement(((CAT, 1),), only=True),)), True),  # not only a cat
        (Statement(denied=(Statement(relation=Relation(CAT, "left of", DOG)),)), False),
        (Statement(denied=(Statement(relation=Relation(DOG, "left of", CAT)),)), True),
    ],
)
def test_denials_are_judged_as_a_person_would(statement: Statement, true: bool) -> None:
    items = tuple(Item(kind, x, 40, 30, 0.0, False) for kind, x in ((CAT, 20), (DOG, 50), (DOG, 80)))
    assert holds(statement, Scene(PLACE_BY_NAME["meadow"], items)) is true
