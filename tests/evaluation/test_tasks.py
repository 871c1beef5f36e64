from collections import Counter

import numpy as np
import pytest

from omninegclip.data.items import (
    CaptionedImage,
    ImageChoice,
    ImageRef,
    LabelledImage,
    ObjectQuestion,
    SearchQuery,
    TextChoice,
)
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation import tasks
from omninegclip.scoring.texts import WholeTexts


def text_choices(n):
    return [TextChoice(str(i), ImageRef(f"{i}.png"), ("right", "wrong a", "wrong b"), 0) for i in range(n)]


def test_strictly_the_answer_may_stand_anywhere_and_stays_the_answer():
    prepared = tasks.prepare(text_choices(300), "strict", seed=0)
    assert {item.options[item.answer] for item in prepared} == {"right"}
    assert min(Counter(item.answer for item in prepared).values()) > 70
    assert prepared == tasks.prepare(text_choices(300), "strict", seed=0)
    assert prepared != tasks.prepare(text_choices(300), "strict", seed=1)


def test_images_are_shuffled_too_and_officially_nothing_is():
    item = ImageChoice("0", "a cup", tuple(ImageRef(f"{i}.png") for i in range(9)), 0)
    shuffled = tasks.prepare([item], "strict", seed=0)[0]
    assert shuffled.images != item.images
    assert shuffled.images[shuffled.answer] == item.images[0]
    assert tasks.prepare([item], "official", seed=0) == [item]


def test_an_always_first_scorer_gains_nothing_strictly():
    prepared = tasks.prepare(text_choices(3000), "strict", seed=0)
    first = np.tile([1.0, 0.5, 0.0], (3000, 1))
    answers = np.array([item.answer for item in prepared])
    assert tasks.protocols.choose(first, answers, "strict").mean() == pytest.approx(1 / 3, abs=0.03)


def test_empty_captions_are_left_out_strictly():
    items = [CaptionedImage("a", ImageRef("a"), ("one", " ")), CaptionedImage("b", ImageRef("b"), ("",))]
    assert [item.captions for item in tasks.prepare(items, "strict", 0)] == [("one",)]
    assert tasks.prepare(items, "official", 0) == items


def test_class_embeddings_are_means_over_templates():
    items = [LabelledImage("0", ImageRef("0"), "a"), LabelledImage("1", ImageRef("1"), "b")]
    task = tasks.ZeroShot(items, templates=("one {}", "two {}"))
    assert task.texts == ["one a", "two a", "one b", "two b"]
    images = np.array([[1, 0], [0, 1]], np.float32)
    # Class a points at (1, 1) on the whole, class b at (0, 1): image 0 is nearer to a, image 1 to b.
    texts = np.array([[1, 0], [0, 1], [0, 1], [0, 1]], np.float32)
    top1, top5 = task.score(images, WholeTexts(texts), "strict")
    assert (top1.values.tolist(), top5.values.tolist()) == ([1, 1], [1, 1])
    assert top1.groups == {"class": ["a", "b"]}


def test_exclusion_asks_only_captions_that_name_what_is_absent():
    items = [
        CaptionedImage("a", ImageRef("a"), ("a mat, no dogs", "a mat"), ("mat",), ("dog", "cat")),
        CaptionedImage("b", ImageRef("b"), ("a dog",), ("dog",), ("mat",)),
    ]
    images = np.array([[1, 0], [0, 1]], np.float32)
    texts = np.array([[0.8, 0.6], [1, 0], [0, 1]], np.float32)
    figure = tasks.Retrieval(items).score(images, WholeTexts(texts), "strict")[-1]
    # Of the two images, which are the whole top 2, one holds the excluded dog.
    assert (figure.name, figure.values.tolist()) == ("exclusion_at_5", [0.5])


def test_breakdowns_of_retrieval_and_recognition_follow_images_and_kinds():
    items = [
        CaptionedImage("a", ImageRef("a"), ("one", "two"), groups={"split": "seen"}),
        CaptionedImage("b", ImageRef("b"), ("three",), groups={"split": "held out"}),
    ]
    figures = {
        f.name: f for f in tasks.Retrieval(items).score(np.eye(2), WholeTexts(np.eye(2)[[0, 0, 1]]), "strict")
    }
    assert figures["text_to_image_r1"].groups["split"] == ["seen", "seen", "held out"]
    assert figures["image_to_text_r1"].groups["split"] == ["seen", "held out"]
    asked = [
        ObjectQuestion(f"{kind}{there}", ImageRef("a"), kind, there, {"split": kind, "label": str(there)})
        for kind in ("cat", "dog")
        for there in (True, False)
    ]
    figure = tasks.Recognition(asked).score(np.eye(4), WholeTexts(np.eye(4)), "strict")[0]
    assert figure.groups == {"object": ["cat", "dog"], "split": ["cat", "dog"]}


def test_no_items_and_a_task_that_does_not_fit_are_named():
    with pytest.raises(OmniNegClipError, match="No item is left to score"):
        tasks.build([])
    with pytest.raises(OmniNegClipError, match="'retrieve' does not fit TextChoice records: use choose text"):
        tasks.build(text_choices(1), "retrieve")
    with pytest.raises(
        OmniNegClipError, match=r"task_options don't fit: got an unexpected keyword .* 'template'"
    ):
        tasks.build(text_choices(1), template="{}")
    with pytest.raises(OmniNegClipError, match="official is 'most': argmax or greater is needed"):
        tasks.build(text_choices(1), official="most")


def test_what_nobody_can_ask_is_left_out_under_either_rule():
    there = ImageRef("a")
    items = [
        CaptionedImage("a", there, ()),
        SearchQuery("b", "no cat", ()),
        TextChoice("c", there, ("alone",), 0),
        ImageChoice("d", "a cat", (there,), 0),
    ]
    for rule in ("strict", "official"):
        assert tasks.prepare(items, rule, 0) == []
    assert [tasks.unaskable(item, "strict") for item in items] == [
        "pictures without caption",
        "queries without picture",
        "questions without choice",
        "questions without choice",
    ]


def test_every_figure_that_a_task_gives_is_among_those_a_suite_may_name():
    captioned = [CaptionedImage("a", ImageRef("a"), ("no dog",), ("mat",), ("dog",))]
    figures = tasks.Retrieval(captioned).score(np.eye(1), WholeTexts(np.eye(1)), "strict")
    assert tuple(figure.name for figure in figures) == tasks.FIGURES["retrieve"]
    queries = [SearchQuery("a", "no dog", (ImageRef("a"),), (ImageRef("b"),))]
    figures = tasks.Search(queries).score(np.eye(2), WholeTexts(np.eye(2)[:1]), "strict")
    assert tuple(figure.name for figure in figures) == tasks.FIGURES["search"]
    assert set(tasks.FIGURES) == set(tasks.KINDS)
