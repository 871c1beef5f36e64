import pytest

from omninegclip.captions.lexicon import Noun, english

COCO = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
]


def test_each_of_the_80_classes_of_coco_is_one_concept() -> None:
    assert len(COCO) == 80
    resolved = [english().resolve(label) for label in COCO]
    assert all(len(names) == 1 for names in resolved)
    assert len(set(resolved)) == 80


@pytest.mark.parametrize(
    ("caption", "ruled_out"),
    [
        ("A man rides past", "person"),  # broader
        ("Some people ride past", "man"),  # narrower: one of them may be
        ("An animal on the grass", "dog"),
        ("A puppy asleep", "dog"),
        ("A puppy asleep", "animal"),
        ("Two couches by a wall", "sofa"),
        ("A surfer in the water", "surfboard"),  # implied
        ("A batter at home plate", "baseball bat"),
        ("Two zebra's in a field", "zebra"),
    ],
)
def test_what_a_caption_mentions_is_not_absent(caption: str, ruled_out: str) -> None:
    assert ruled_out in english().mentions(caption)[1]


def test_the_longest_name_counts() -> None:
    named, unsafe, _ = english().mentions("A hot dog on a plate")
    assert "hot dog" in named
    assert "dog" not in unsafe


def test_a_broader_concept_does_not_rule_out_its_other_kinds() -> None:
    assert "cat" not in english().mentions("A dog on a mat")[1]


def test_labels_of_another_domain_become_objects() -> None:
    lexicon = english().extended(["Pleural_effusion", "dog"])
    assert lexicon.resolve("pleural effusion") == {"pleural effusion"}
    assert lexicon.concepts["pleural effusion"].noun == Noun("pleural effusion", "pleural effusions")
    assert "pleural effusion" in lexicon.mentions("Both pleural effusions have grown")[1]
    assert lexicon.resolve("dog") == {"dog"}


def test_nouns_without_a_singular_are_plural_and_sheep_are_not() -> None:
    assert Noun.parse("scissors/scissors").forms(many=False)["is"] == "are"
    assert Noun.parse("sheep/sheep").forms(many=False) == {"noun": "sheep", "a_noun": "a sheep", "is": "is"}
    assert Noun.parse("umbrella").forms(many=False)["a_noun"] == "an umbrella"
    assert Noun.parse("cheese/-").forms(many=True) == {"noun": "cheese", "a_noun": "cheese", "is": "is"}


@pytest.mark.parametrize(
    ("caption", "no"),
    [
        ("A man on an orange bicycle", "orange"),
        ("A cat with orange and white fur", "orange"),
        ("A bed of flowers in a park", "bed"),
        ("Meat on a bed of lettuce", "bed"),
        ("Hay in a truck bed", "bed"),
        ("A toy train on a table", "train"),
        ("A man's hat on a chair", "man"),
        ("Signs show where to park", "park"),
        ("Two men at a gas station", "station"),
        ("A sea lion on a rock", "lion"),
        ("A mouse pad on a desk", "computer mouse"),
        ("Two Apple computers on a desk", "apple"),
        ("A girl hanging on monkey bars", "monkey"),
        ("A hot dog on a bun", "dog"),
        ("A man eats a hot dog at a hot dog stand", "dog"),
        ("A dog bed in a corner", "dog"),
        ("A boy waits at a bus stop", "bus"),
        ("A woman with a board", "whiteboard"),
    ],
)
def test_a_word_that_may_mean_something_else_names_nothing_for_sure(caption: str, no: str) -> None:
    assert no not in english().mentions(caption).sure


@pytest.mark.parametrize(
    ("caption", "yes"),
    [
        ("Oranges in a bowl", "orange"),
        ("An apple on a desk", "apple"),
        ("A dog sleeps on a bed", "dog"),
        ("A monkey on a dog", "monkey"),
        ("A dog, cat and bird", "dog"),
    ],
)
def test_a_word_with_one_meaning_names_its_thing(caption: str, yes: str) -> None:
    assert yes in english().mentions(caption).sure


def test_hundreds_of_objects_can_be_missed() -> None:
    lexicon = english()
    assert sum(not lexicon.concepts[name].generic for name in lexicon.objects) > 300
