"""The places of the picture world: what they are called and which groups of objects are at home there."""

from typing import NamedTuple


class Place(NamedTuple):
    """A background with the phrases that name it and the groups that are plausible in it."""

    name: str
    phrases: tuple[str, ...]
    groups: tuple[str, ...]


PLACES = (
    Place(
        "beach", ("on a beach", "at the beach", "on the sand"), ("boats", "sea", "sport", "fruit", "trees")
    ),
    Place(
        "street",
        ("on a street", "in the street", "in the city"),
        ("traffic", "pets", "clothing", "sport", "meals"),
    ),
    Place(
        "snow", ("in the snow", "on a snowy field", "in winter"), ("winter", "woodland", "trees", "clothing")
    ),
    Place(
        "living room",
        ("in a living room", "in the living room"),
        ("furniture", "pets", "electronics", "music"),
    ),
    Place(
        "kitchen", ("in a kitchen", "in the kitchen"), ("meals", "fruit", "vegetables", "sweets", "tableware")
    ),
    Place(
        "night sky",
        ("under the night sky", "at night", "in the dark"),
        ("sky", "woodland", "music", "traffic"),
    ),
    Place(
        "meadow",
        ("on a meadow", "in a green field", "on the grass"),
        ("farm", "garden", "pets", "sport", "trees"),
    ),
    Place("forest", ("in a forest", "in the woods"), ("woodland", "trees", "garden", "tools")),
    Place("desert", ("in a desert", "in the desert"), ("wild", "trees", "traffic", "clothing")),
    Place("sea", ("in the sea", "under water", "in the ocean"), ("sea", "boats")),
    Place("clear sky", ("in the sky", "against a blue sky", "up in the air"), ("sky", "garden", "sport")),
    Place("stage", ("on a stage", "on stage"), ("music", "clothing", "electronics", "furniture")),
    Place(
        "workshop", ("in a workshop", "in the workshop"), ("tools", "traffic", "electronics", "stationery")
    ),
    Place(
        "desk", ("on a desk", "on the desk"), ("stationery", "electronics", "tableware", "sweets", "fruit")
    ),
    Place("savanna", ("on the savanna", "in the dry grass"), ("wild", "trees", "farm")),
)
