"""From contrast sets in records to batches: what is known of every pair, hard images, targets, refusals."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn_rows import drawn
from tiny_clip import contrast, tiny_encoder

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.training.finetune import FineTuning, freeze
from omninegclip.training.methods.contrast_sets import (
    CONCEPT,
    ConceptWeights,
    ContrastBatch,
    ContrastSets,
    HardImages,
    TargetEmbeddings,
    contrast_batches,
    make_contrast_sets,
)
from omninegclip.training.methods.method import BatchPlan, TrainingRecords
from omninegclip.training.preset import load_preset
from omninegclip.training.task import TrainingTask

SHOWN = [("dog", "cat"), ("cat", "owl"), ("dog", "owl"), ("bus", "cat"), ("dog", "bus")]
ABSENT = ["owl", "dog", "cat", "dog", "cat"]
WEIGHTS = ConceptWeights(composed=0.6, bare=0.2)


@pytest.fixture
def encoder() -> ClipEncoder:
    return tiny_encoder()


def records() -> list[dict[str, Any]]:
    return [
        {
            "image_id": str(number),
            "caption": f"a {one} and a {two}",
            "presence_negated": f"a {one} but no {two}",
            "absence_negated": f"a {one} but no {absent}",
            "objects_present": [one, two],
            "contrast_set": contrast(one, two, absent),
        }
        for number, ((one, two), absent) in enumerate(zip(SHOWN, ABSENT, strict=True))
    ]


def contrast_sets_of(encoder: ClipEncoder, rows: list[dict[str, Any]]) -> ContrastSets:
    features = F.normalize(torch.randn(len(rows), encoder.dim), dim=-1)
    return make_contrast_sets(rows, features, encoder.tokenize)


def batch_of(encoder: ClipEncoder, contrast_sets: ContrastSets, images: list[int]) -> ContrastBatch:
    """Return the batch of some images, with a hard image per true negation."""
    targets = TargetEmbeddings(contrast_sets, encoder.embed_tokens, WEIGHTS)
    plan = BatchPlan([drawn(images)], 1, 7, {"hard_images": True})
    return next(contrast_batches(contrast_sets, targets, encoder, plan))


def task_of(encoder: ClipEncoder) -> TrainingTask:
    return TrainingTask(encoder.model, load_preset("scenes-plus").minimised())


def test_a_batch_says_of_every_pair_what_is_known(encoder: ClipEncoder) -> None:
    rows = records()
    contrast_sets = contrast_sets_of(encoder, rows)
    features = contrast_sets.features[torch.arange(5)]
    batch = batch_of(encoder, contrast_sets, [3, 0]).known
    shown = [int(torch.isclose(features, image).all(dim=1).nonzero()) for image in batch.images]
    assert shown[:2] == [3, 0]
    said = [(row, each) for row in (3, 0) for each in rows[row]["contrast_set"]]
    assert batch.true.tolist() == [each["holds"] for _, each in said]
    assert [shown[column] for column in batch.own.tolist()] == [row for row, _ in said]
    for (_, each), known_false in zip(said, batch.false.tolist(), strict=True):
        for row, false in zip(shown, known_false, strict=True):
            held = set(SHOWN[row])
            assert false == (not set(each["affirms"]) <= held or not held.isdisjoint(each["negates"]))
    for (_, each), hard in zip(said, batch.hard.tolist(), strict=True):
        assert (hard >= 0) == bool(each["negates"] and each["holds"])
        if hard >= 0:
            assert set(each["negates"]) <= set(SHOWN[shown[hard]])
    encoded = torch.cat([encoder.encode_texts(encoder.tokenize([each["text"]])) for _, each in said])
    packed = torch.cat(
        [encoder.encode_texts([t]) for p in (3, 0) for t in _tokens(contrast_sets.of_image[p])]
    )
    assert torch.equal(encoded, packed)


def _tokens(contrast_sets: Any) -> list[Any]:
    return [each.tokens for each in contrast_sets]


def test_what_no_batch_will_hold_is_not_embedded(encoder: ClipEncoder) -> None:
    contrast_sets = contrast_sets_of(encoder, records())
    read: list[int] = []

    def embed(texts: Any) -> Any:
        read.append(len(texts))
        return encoder.embed_tokens(texts)

    everything = TargetEmbeddings(contrast_sets, embed, WEIGHTS)
    some = TargetEmbeddings(contrast_sets, embed, WEIGHTS, [1, 3])
    concepts, whole, _, part = read
    assert concepts == len(contrast_sets.concepts)
    assert part < whole == len(contrast_sets.affirmed)
    for number in (1, 3):
        of_one = contrast_sets.of_image[number]
        assert torch.allclose(some.targets(of_one), everything.targets(of_one), atol=1e-6)


def test_where_the_meaning_is_not_known_the_truth_still_is(encoder: ClipEncoder) -> None:
    rows = records()
    unclear = {
        "text": "a dog that never barks",
        "affirms": [],
        "negates": [],
        "holds": False,
        "affirmed": None,
    }
    rows[0]["contrast_set"] = [*rows[0]["contrast_set"], unclear]
    batch = batch_of(encoder, contrast_sets_of(encoder, rows), [0, 1])
    place = len(rows[0]["contrast_set"]) - 1
    known = batch.known
    assert (~known.meant).nonzero().flatten().tolist() == [place]
    assert not known.true[place]
    task = task_of(encoder)
    parts = task(batch)
    other = known._replace(targets=known.targets.index_fill(0, torch.tensor([place]), 9.0))
    assert torch.equal(task(batch._replace(known=other))["loss"], parts["loss"])
    true = known._replace(true=known.true.index_fill(0, torch.tensor([place]), True))
    assert not torch.equal(task(batch._replace(known=true))["loss"], parts["loss"])


def test_targets_are_what_the_model_made_of_the_two_halves_before(encoder: ClipEncoder) -> None:
    rows = records()
    bare = {"text": "no owl here", "affirms": [], "negates": ["owl"], "holds": True, "affirmed": "a scene"}
    rows[1]["contrast_set"] = [*rows[1]["contrast_set"], bare]
    contrast_sets = contrast_sets_of(encoder, rows)
    names = list(dict.fromkeys(n for row in rows for each in row["contrast_set"] for n in _names(each)))
    concepts = encoder.embed_text([CONCEPT.format(name) for name in names])
    centred = concepts - concepts.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    targets = TargetEmbeddings(contrast_sets, encoder.embed_tokens, WEIGHTS).targets(
        contrast_sets.of_image[1]
    )
    for each, target in zip(rows[1]["contrast_set"], targets.numpy(), strict=True):
        expected = encoder.embed_text([each["affirmed"]])[0]
        if each["negates"]:
            expected = expected - (0.6 if each["affirms"] else 0.2) * centred[names.index(each["negates"][0])]
            expected /= np.linalg.norm(expected)
        np.testing.assert_allclose(target, expected, atol=1e-5)


def _names(each: dict[str, Any]) -> list[str]:
    return [*each["affirms"], *each["negates"]]


def test_a_hard_image_holds_the_denied_and_as_much_of_the_affirmed_as_any() -> None:
    present = torch.tensor([[1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0]], dtype=torch.bool)
    said = [("a, b, no c", "ab", "c", True), ("c, no d", "c", "d", True), ("a, no c", "a", "c", False)]
    record = {
        "image_id": "one",
        "objects_present": ["a"],
        "contrast_set": [
            {
                "text": text,
                "affirms": list(affirms),
                "negates": [negates],
                "holds": holds,
                "affirmed": affirms,
            }
            for text, affirms, negates, holds in said
        ],
    }
    contrast_sets = make_contrast_sets([record], torch.empty(1, 0), lambda texts: [[1] for _ in texts])
    (first, none_holds, false), random = contrast_sets.of_image[0], np.random.default_rng(0)
    rows = HardImages(present, torch.empty(0), torch.empty(0))
    assert rows.of(first, 0, random) == 2
    assert rows.of(none_holds, 0, random) is None
    assert rows.of(false, 0, random) is None
    assert rows.of(first, 2, random) != 2


def test_where_nothing_is_known_the_images_nearest_to_the_name_are_hard(encoder: ClipEncoder) -> None:
    rows = [row | {"objects_present": None} for row in records()]
    contrast_sets = contrast_sets_of(encoder, rows)
    assert not contrast_sets.present.any()
    assert not contrast_sets.absent.any()
    names = torch.eye(len(contrast_sets.names))
    images = torch.full((200, len(names)), 0.1)
    images[150:180, 1] = 1.0  # what is nearest to the second name, fewer than the candidates
    rows = HardImages(torch.zeros(200, len(names), dtype=torch.bool), images, names)
    denial = contrast_sets.of_image[0][2]._replace(negates=1, holds=True)
    drawn = {rows.of(denial, 199, np.random.default_rng(seed)) for seed in range(40)}
    assert len(drawn & set(range(150, 180))) > 5


@pytest.mark.parametrize("key", ["text", "affirms", "holds"])
def test_a_sentence_that_lacks_a_part_is_refused(encoder: ClipEncoder, key: str) -> None:
    rows = records()
    rows[2]["contrast_set"][1] = rows[2]["contrast_set"][1] | {key: None}
    with pytest.raises(OmniNegClipError, match=f"contrast set of the image '2' has no '{key}'"):
        contrast_sets_of(encoder, rows)


def test_contrast_sets_alone_are_enough_for_omni_plus(encoder: ClipEncoder) -> None:
    rows = [row | {"presence_negated": None, "absence_negated": None} for row in records()]
    training = TrainingRecords(rows, torch.ones(5, encoder.dim))
    preset = load_preset("scenes-plus", ["batch_size=4", "steps=20", "warmup=2"])
    freeze(encoder, preset)
    assert len(FineTuning(encoder, training, preset, 0)._samplers) == 1
    with pytest.raises(OmniNegClipError, match="No record has a presence_negated: both kinds"):
        FineTuning(encoder, training, load_preset("scenes-paper", ["batch_size=4"]), 0)


def test_records_without_contrast_sets_are_refused_for_omni_plus_alone(encoder: ClipEncoder) -> None:
    rows = [{key: value for key, value in row.items() if key != "contrast_set"} for row in records()]
    training = TrainingRecords(rows, torch.zeros(5, encoder.dim))
    preset = load_preset("scenes-plus", ["batch_size=4", "steps=20", "warmup=2"])
    freeze(encoder, preset)
    with pytest.raises(OmniNegClipError, match="No record has a contrast_set"):
        FineTuning(encoder, training, preset, 0)


def test_sentences_may_all_be_of_unknown_meaning(encoder: ClipEncoder) -> None:
    rows = records()
    for row in rows:
        row["contrast_set"] = [each | {"affirmed": None} for each in row["contrast_set"]]
    batch = batch_of(encoder, contrast_sets_of(encoder, rows), [0, 1])
    parts = task_of(encoder)(batch)
    assert torch.isfinite(parts["loss"])
    assert parts["meaning/distilled"] == parts["meaning/composed"] == parts["meaning/discriminated"] == 0
    assert parts["contrast/loss"] > 0


def test_what_denies_several_things_or_a_place_is_left_to_readers(encoder: ClipEncoder) -> None:
    rows = records()
    more = [
        {"text": "a dog, no owl and no bus", "negates": ["owl", "bus"], "denied": ["an owl", "a bus"]},
        {"text": "a dog, not on a beach", "negates": [], "denied": ["on a beach"]},
    ]
    with_more = [
        row
        | {
            "contrast_set": row["contrast_set"]
            + [{**each, "affirms": ["dog"], "holds": True, "affirmed": "a dog"} for each in more]
        }
        for row in rows
    ]
    torch.manual_seed(0)
    before = contrast_sets_of(encoder, rows)
    torch.manual_seed(0)
    after = contrast_sets_of(encoder, with_more)
    assert after.of_image == before.of_image
    assert after.names == before.names
    assert after.affirmed == before.affirmed
