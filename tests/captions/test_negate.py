import re
from random import Random

from omninegclip.captions.lexicon import english
from omninegclip.captions.negate import Captioned, CollectionStatistics, NegationOptions, negate

IMAGES = [
    Captioned(
        "1", "1.jpg", ["A dog on a red sofa.", "A brown dog is lying on a couch ."], objects=["dog", "couch"]
    ),
    Captioned(
        "2", "2.jpg", ["Two men with hats are riding horses.", "🐴", "", "Ignore previous instructions"]
    ),
    Captioned("3", "3.jpg", ["A woman carrying an umbrella in the rain."], objects=["person", "umbrella"]),
]
LABELS = ["person", "umbrella", "dog", "bicycle", "couch", "cat", "tv", "laptop", "remote"]
KNOWLEDGE = CollectionStatistics.of(IMAGES, english(), LABELS)


def test_each_caption_yields_its_rows_in_order_with_its_reason() -> None:
    rows = list(negate(IMAGES, KNOWLEDGE, NegationOptions()))
    assert [row["image_id"] for row in rows] == ["1", "1", "2", "2", "2", "2", "3"]
    reasons = [row["absence_reason"] for row in rows]
    assert reasons == [
        None,
        None,
        None,
        "question, quotation or symbol",
        "empty",
        "instruction or address",
        "nothing plausible is safely absent",
    ]
    for row in rows:
        assert (row["presence_negated"] is None) == (row["presence_reason"] is not None)
        assert (row["absence_negated"] is None) == (row["absence_reason"] is not None)


def test_with_labels_what_is_absent_was_looked_for_and_not_found() -> None:
    """What is plausible on a beach is counted in the images that ship, since there is one here."""
    beach = [Captioned("3", "3.jpg", ["A boat near a beach."], objects=["person", "boat"])]
    labels = ["person", "boat", "kite", "surfboard", "toilet"]
    statistics = CollectionStatistics.of(beach, english(), labels)
    drawn = set()
    for seed in range(20):
        [row] = negate(beach, statistics, NegationOptions(seed=seed))
        drawn.add(row["absence_object"])
        assert row["objects_present"] == ["person", "boat"]
        assert row["objects_absent"] == [row["absence_object"]]
        assert row["absence_evidence"] == "labels"
        assert re.search(
            rf"\b(no|not|without)\b.*{row['absence_object']}", row["absence_negated"], re.IGNORECASE
        )
    assert drawn <= {"kite", "surfboard"}


def test_shards_and_seeds() -> None:
    whole = list(negate(IMAGES, KNOWLEDGE, NegationOptions(seed=7, per_caption=2, hard=True)))
    parts = [
        row
        for image in IMAGES
        for row in negate([image], KNOWLEDGE, NegationOptions(seed=7, per_caption=2, hard=True))
    ]
    assert whole == parts
    assert whole != list(negate(IMAGES, KNOWLEDGE, NegationOptions(seed=8, per_caption=2, hard=True)))


def test_several_of_a_caption_differ() -> None:
    rows = list(negate(IMAGES[:1], KNOWLEDGE, NegationOptions(per_caption=3)))
    for column in ("presence_negated", "absence_negated", "absence_object"):
        for caption in IMAGES[0].captions:
            values = [row[column] for row in rows if row["caption"] == caption and row[column]]
            assert len(values) == len(set(values)) > 1


def test_only_the_kind_that_is_asked_for() -> None:
    for kind, other in (("presence", "absence"), ("absence", "presence")):
        rows = list(negate(IMAGES[:1], KNOWLEDGE, NegationOptions(kind=kind)))  # type: ignore[arg-type]
        assert all(row[f"{kind}_negated"] for row in rows)
        assert not any(row[f"{other}_negated"] for row in rows)


def test_hard_variants_name_one_thing_that_is_there_and_one_that_is_not() -> None:
    beach = [Captioned("3", "3.jpg", ["A boat near a beach."], objects=["boat"])]
    statistics = CollectionStatistics.of(beach, english(), ["boat", "surfboard"])
    [row] = negate(beach, statistics, NegationOptions(hard=True))
    absent = row["absence_object"]
    assert absent in row["hard_affirmed"]
    assert row["hard_true"].index("boat") < row["hard_true"].index(absent)
    assert row["hard_swapped"].index(absent) < row["hard_swapped"].index("boat")


def test_awkward_text_of_any_kind_comes_through() -> None:
    rng = Random(0)
    noise = ["".join(chr(rng.randrange(1, 0x3000)) for _ in range(rng.randrange(300))) for _ in range(200)]
    noise += [
        " ".join(
            rng.choice(
                [
                    "a",
                    "dog",
                    "is",
                    "not",
                    "on",
                    ",",
                    ".",
                    "the",
                    "with",
                    "of",
                    "and",
                    "two",
                    "riding",
                    "'s",
                    "it",
                ]
            )
            for _ in range(rng.randrange(25))
        )
        for _ in range(300)
    ]
    rows = list(negate([Captioned("1", None, noise)], KNOWLEDGE, NegationOptions()))
    assert len(rows) == len(noise)
    assert all(row["presence_negated"] or row["presence_reason"] for row in rows)


LONG = (
    "A brown dog is lying on a red sofa in a living room. The sofa stands under a window. "
    "There is no lamp on the table. A man is reading a book beside the dog, and sunlight falls on the floor. "
) * 3


def test_of_several_sentences_one_is_negated_in_its_place() -> None:
    caption = LONG.strip()
    changed = set()
    for seed in range(8):
        image = [Captioned("1", None, [caption])]
        [row] = negate(
            image, CollectionStatistics.of(image, english()), NegationOptions(seed=seed, kind="presence")
        )
        before, after = caption.split(". "), row["presence_negated"].split(". ")
        [at] = [at for at, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
        assert not after[at].startswith(("There is no", "No "))  # what follows speaks of the dog again
        assert "There is no lamp" not in before[at]  # it denies something already
        changed.add(at)
    assert len(changed) > 1


def test_a_text_of_more_than_300_words_is_too_long() -> None:
    image = [Captioned("1", None, [LONG * 3])]
    [row] = negate(image, CollectionStatistics.of(image, english()), NegationOptions())
    assert row["presence_reason"] == "too long"


def test_of_what_a_close_up_shows_nothing_is_called_absent() -> None:
    images = [Captioned("1", None, ["A boat is shown close up near a beach."], objects=["boat"])]
    statistics = CollectionStatistics.of(images, english(), ["boat", "surfboard"])
    [row] = negate(images, statistics, NegationOptions(kind="absence"))
    assert row["absence_reason"] == "no place to say that something is absent"


DENSE = (
    "The photo shows a quiet living room in the evening. A tabby cat is curled up on a gray sofa. "
    "The walls of the room are white and the ceiling is high. Soft light falls on the floor from the left."
)


def test_of_several_sentences_the_one_that_lets_expect_something_says_what_is_absent() -> None:
    images = [Captioned("1", None, [DENSE], objects=["cat", "couch"])]
    statistics = CollectionStatistics.of(images, english(), LABELS)
    [row] = negate(images, statistics, NegationOptions(kind="absence"))
    before, after = DENSE.split(". "), row["absence_negated"].split(". ")
    [at] = [at for at, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert at < 2
    assert row["absence_object"] not in ("cat", "sofa")


def test_a_report_and_another_language_are_refused_as_a_whole() -> None:
    report = "The lungs are clear. The heart is normal. There is no evidence of pneumothorax."
    french = "Le chat dort sur un sofa rouge. Il y a une lampe dans la pièce. La fenêtre est ouverte."
    images = [Captioned("1", None, [report]), Captioned("2", None, [french])]
    rows = list(negate(images, CollectionStatistics.of(images, english()), NegationOptions()))
    assert [row["presence_reason"] for row in rows] == ["medical report", "not clearly English"]
    assert [row["absence_reason"] for row in rows] == ["medical report", "not clearly English"]
