"""What a statement denies, against claims judged one by one from the objects themselves."""

from collections.abc import Iterator
from random import Random

import pytest

from omninegclip.scenes.claims import RELATIONS, Claims, Relation, holds
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.scene import Scene, SceneItem, plausible_kind, rng, sample_scene

SCENES = 3000
KIND = {kind.singular: kind for kind in KINDS}


def cases() -> Iterator[tuple[Random, Scene]]:
    for index in range(SCENES):
        random = rng("test", "statement", index)
        yield random, sample_scene(random)


def any_claim(random: Random, scene: Scene) -> Claims:
    """Draw a claim of any sort, about what is there or not; about half of them are true."""
    kind = random.choice([*scene.kinds, plausible_kind(random, scene.place, scene.kinds)])
    other = random.choice(scene.kinds)
    return random.choice(
        [
            Claims(((kind, random.choice((0, 1, 2, 3))),)),
            Claims(place=random.choice((scene.place, random.choice(PLACES))).name),
            Claims(relation=Relation(kind, random.choice(list(RELATIONS)), other)),
            Claims(absent=(kind,)),
            Claims(((other, 0),), only=True),
        ]
    )


def test_a_denied_claim_holds_where_the_claim_does_not_and_denied_twice_where_it_does() -> None:
    true = 0
    for random, scene in cases():
        claim = any_claim(random, scene)
        denial = Claims(denied=(claim,))
        true += holds(claim, scene)
        assert holds(denial, scene) is not holds(claim, scene)
        assert holds(Claims(denied=(denial,)), scene) is holds(claim, scene)
    assert SCENES // 4 < true < 3 * SCENES // 4


def test_of_several_denied_claims_none_may_hold() -> None:
    for random, scene in cases():
        claims = tuple(any_claim(random, scene) for _ in range(random.randint(1, 3)))
        expected = sum(holds(claim, scene) for claim in claims) == 0
        assert holds(Claims(denied=claims), scene) is expected


def test_denied_counts_places_and_relations_are_what_the_objects_show() -> None:
    for random, scene in cases():
        kind, number = random.choice(scene.kinds), random.choice((1, 2, 3))
        count = sum(item.kind == kind for item in scene.items)
        assert holds(Claims(((kind, 0),), denied=(Claims(((kind, number),)),)), scene) is (count != number)
        place = random.choice((scene.place, random.choice(PLACES)))
        assert holds(Claims(denied=(Claims(place=place.name),)), scene) is (place.name != scene.place.name)
        other = random.choice(scene.kinds)
        left = any(
            b.x - a.x >= 18 for a in scene.items for b in scene.items if a.kind == kind and b.kind == other
        )
        denied = Claims(relation=Relation(kind, "left of", other))
        assert holds(Claims(denied=(denied,)), scene) is not left


DOG, CAT, OWL = KIND["dog"], KIND["cat"], KIND["owl"]


@pytest.mark.parametrize(
    ("statement", "true"),
    [
        (Claims(denied=(Claims(absent=(DOG,)),)), True),  # not without a dog
        (Claims(denied=(Claims(absent=(OWL,)),)), False),  # not without an owl
        (Claims(((DOG, 0),), denied=(Claims(((DOG, 3),)),)), True),  # dogs, but not three
        (Claims(((DOG, 0),), denied=(Claims(((DOG, 2),)),)), False),  # dogs, but not two
        (Claims(((DOG, 0),), denied=(Claims(place="beach"),)), True),  # dogs, not on the beach
        (Claims(((OWL, 0),), denied=(Claims(place="beach"),)), False),  # an owl, not on the beach
        (Claims(((CAT, 1),), denied=(Claims(((CAT, 1),), only=True),)), True),  # not only a cat
        (Claims(denied=(Claims(relation=Relation(CAT, "left of", DOG)),)), False),
        (Claims(denied=(Claims(relation=Relation(DOG, "left of", CAT)),)), True),
    ],
)
def test_denials_are_judged_as_a_person_would(statement: Claims, true: bool) -> None:
    items = tuple(SceneItem(kind, x, 40, 30, 0.0, False) for kind, x in ((CAT, 20), (DOG, 50), (DOG, 80)))
    assert holds(statement, Scene(next(each for each in PLACES if each.name == "meadow"), items)) is true
