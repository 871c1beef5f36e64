"""The chain from records to trained weights, on a tiny CLIP with random weights."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from drawn_rows import drawn
from tiny_clip import contrast, tiny_encoder

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives import AbsenceWeights, absence, omni, presence
from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import shipped_objectives
from omninegclip.training.finetune import FineTuning, freeze
from omninegclip.training.loop import backward_through, train
from omninegclip.training.methods.method import BatchPlan, TrainingRecords
from omninegclip.training.methods.pairs import Triplets, make_triplets, pair_batches
from omninegclip.training.preset import Preset, load_preset
from omninegclip.training.task import TrainingTask

PRESET = load_preset("scenes-paper", ["steps=8", "warmup=2", "batch_size=4", "learning_rate=1e-3"])


@pytest.fixture
def encoder() -> ClipEncoder:
    return tiny_encoder(text_layers=4)


def records() -> list[dict[str, Any]]:
    things = ["dog", "cat", "owl", "bus", "car", "cup", "egg", "fox", "pig", "hat"]
    return [
        {
            "image_id": f"picture {number // 2}",
            "caption": f"a {thing} and a {things[number - 1]}",
            "presence_negated": None if number == 3 else f"a {things[number - 1]} but no {thing}",
            "absence_negated": f"a {thing}, not a {things[number - 3]}",
            "objects_present": [thing, things[number - 1]],
            "contrast_set": contrast(thing, things[number - 1], things[number - 3]),
        }
        for number, thing in enumerate(things)
    ]


def training(encoder: ClipEncoder) -> TrainingRecords:
    torch.manual_seed(3)
    return TrainingRecords(records(), F.normalize(torch.randn(len(records()), encoder.dim), dim=-1))


def triplets_of(encoder: ClipEncoder) -> Triplets:
    return make_triplets(*training(encoder), encoder.tokenize)


def run(encoder: ClipEncoder, preset: Preset = PRESET, seed: int = 1) -> list[float]:
    freeze(encoder, preset)
    return [step.scalars["loss"] for step in FineTuning(encoder, training(encoder), preset, seed).run()]


def test_triplets_leave_out_records_without_a_negated_caption(encoder: ClipEncoder) -> None:
    triplets = triplets_of(encoder)
    assert triplets.presence.image_rows.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert triplets.presence.image_ids.tolist() == [0, 0, 1, 2, 2, 3, 3, 4, 4]
    assert len(triplets.absence.captions) == 10
    first = encoder.tokenize([str(records()[4]["presence_negated"])])[0]
    assert triplets.presence.negated[3] == first


def test_records_without_one_kind_of_negation_are_refused(encoder: ClipEncoder) -> None:
    rows = [{**record, "presence_negated": None, "contrast_set": None} for record in records()]
    with pytest.raises(OmniNegClipError, match="No record has a presence_negated"):
        make_triplets(rows, torch.zeros(10, encoder.dim), encoder.tokenize)


@pytest.mark.parametrize("chunk_size", [None, 3])
def test_a_compiled_text_tower_trains_the_same(
    encoder: ClipEncoder, chunk_size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = torch.compile
    # traced, in graphs of fixed shapes, without a compiler behind it
    monkeypatch.setattr(torch, "compile", lambda f, mode, **how: real(f, backend="aot_eager", **how))
    compiled = copy.deepcopy(encoder)
    losses = run(encoder)
    preset = PRESET.model_copy(update={"compile": True, "chunk_size": chunk_size})
    assert run(compiled, preset) == pytest.approx(losses, rel=1e-4)


@pytest.mark.parametrize("mask", [False, True])
def test_the_task_equals_the_objectives_on_captions_encoded_one_by_one(
    encoder: ClipEncoder, mask: bool
) -> None:
    triplets = triplets_of(encoder)
    rows = drawn([0, 1, 5, 7]), drawn([2, 3, 8, 9])
    batch = next(pair_batches(triplets, encoder, BatchPlan(rows, 1, 0, {"mask_same_image": mask})))
    weights = {"weight_original": 0.5, "weight_text": 2.0, "margin": 0.3}
    objective = shipped_objectives()["omni"]
    parts = TrainingTask(encoder.model, objective.minimised(weights | {"weight_absence": 0.7}))(batch)

    def encode(texts: list[str | None]) -> torch.Tensor:
        return torch.cat([encoder.encode_texts(encoder.tokenize([str(text)])) for text in texts])

    data, scale = records(), encoder.model.logit_scale.exp()
    shown = [data[row] for row in (0, 1, 6, 8)]  # row 3 has no presence-negated caption
    other = [data[row] for row in (2, 3, 8, 9)]
    same = [
        torch.tensor([[a["image_id"] == b["image_id"] for b in part] for a in part]) if mask else None
        for part in (shown, other)
    ]
    expected = omni(
        presence(
            triplets.features[[0, 1, 6, 8]],
            encode([row["caption"] for row in shown]),
            encode([row["presence_negated"] for row in shown]),
            scale,
            same[0],
        ),
        absence(
            triplets.features[[2, 3, 8, 9]],
            encode([row["caption"] for row in other]),
            encode([row["absence_negated"] for row in other]),
            scale,
            same[1],
            weights=AbsenceWeights(weights["weight_original"], weights["weight_text"]),
            margin=weights["margin"],
        ),
        weight_absence=0.7,
    )
    assert set(parts) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-5, atol=1e-6)


def test_fine_tuning_learns_and_touches_what_the_policy_names_alone(encoder: ClipEncoder) -> None:
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
    losses = run(encoder, load_preset("scenes-paper", ["steps=30", "batch_size=8", "learning_rate=1e-2"]))
    assert losses[-1] < 0.8 * losses[0]
    changed = {
        name for name, value in encoder.model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert not any(name.startswith(("vision_model", "visual_projection")) for name in changed)
    layers = {name.split(".")[3] for name in changed if ".layers." in name}
    assert layers == {"0", "1"}, "the front half of four"
    assert {"logit_scale", "text_projection.weight"} <= changed


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(encoder: ClipEncoder) -> None:
    twin, other = copy.deepcopy(encoder), copy.deepcopy(encoder)
    assert run(encoder) == run(twin)
    assert all(
        torch.equal(mine, its)
        for mine, its in zip(encoder.model.parameters(), twin.model.parameters(), strict=True)
    )
    assert run(other, seed=2) != run(copy.deepcopy(other), seed=1)


def test_the_logit_scale_stays_in_its_bounds(encoder: ClipEncoder) -> None:
    with torch.no_grad():
        encoder.model.logit_scale.fill_(4.6)
    preset = load_preset(
        "scenes-paper", ["steps=12", "batch_size=8", "warmup=2", "learning_rate=0.05", "weight_decay=0"]
    )
    freeze(encoder, preset)
    for _ in FineTuning(encoder, training(encoder), preset, 0).run():
        assert 0 <= encoder.model.logit_scale.item() <= torch.log(torch.tensor(100.0)).item()


def test_too_little_data_for_a_batch_is_refused(encoder: ClipEncoder) -> None:
    with pytest.raises(OmniNegClipError, match="don't fill a batch of 64"):
        run(encoder, load_preset("scenes-paper"))


def test_the_loop_follows_the_schedule_and_stops_at_a_loss_that_is_no_number() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    values = iter([1.0, 2.0, float("nan"), 1.0])

    def task(_: int) -> dict[str, torch.Tensor]:
        return {"loss": weight.sum() * next(values)}

    def numbers() -> Iterator[int]:
        yield from range(10)

    steps = train(backward_through(task), optimizer, numbers(), lambda step: 1 / (step + 1), range(4))
    assert next(steps).learning_rate == 0.5
    assert weight.item() == 0.5  # 1 - 0.5 * 1
    assert next(steps).learning_rate == 0.25
    assert weight.item() == 0.0  # 0.5 - 0.25 * 2
    with pytest.raises(OmniNegClipError, match="loss of step 2 is nan"):
        next(steps)
    assert weight.item() == 0.0


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_trains_nearly_the_same(encoder: ClipEncoder, precision: str) -> None:
    # long enough for the loss scale of fp16 to come down from where it overflows
    values = ["steps=40", "warmup=2", "batch_size=8", "learning_rate=1e-3"]
    half = copy.deepcopy(encoder)
    expected = run(encoder, load_preset("scenes-paper", values))
    found = run(half, load_preset("scenes-paper", [*values, f"precision={precision}"]))
    assert found != expected
    assert found[0] == pytest.approx(expected[0], rel=0.01)
    assert sum(found[-5:]) == pytest.approx(sum(expected[-5:]), rel=0.2)
    assert sum(found[-5:]) < 0.7 * sum(found[:5])
    assert all(weight.dtype == torch.float32 for weight in half.model.parameters())


def test_the_gradient_is_clipped_to_its_norm() -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([weight], lr=1.0)

    def task(_: int) -> dict[str, torch.Tensor]:
        return {"loss": (weight**2).sum()}  # gradient (6, 8), norm 10

    steps = train(backward_through(task), optimizer, iter([0]), lambda _: 1.0, range(1), clip_norm=5.0)
    assert next(steps).scalars["gradient_norm"] == pytest.approx(10.0)
    assert weight.tolist() == pytest.approx([0.0, 0.0], abs=1e-6)  # (3, 4) - (6, 8) / 2


def test_commas_go_from_captions_negated_by_presence_alone(encoder: ClipEncoder) -> None:
    row = {"image_id": "x", "caption": "a, b", "presence_negated": "c, d", "absence_negated": "e, f"}
    triplets = make_triplets([row], torch.zeros(1, encoder.dim), encoder.tokenize, strip_commas=True)
    tokens = encoder.tokenize(["a, b", "c d", "e, f"])
    assert [
        triplets.presence.captions[0],
        triplets.presence.negated[0],
        triplets.absence.negated[0],
    ] == tokens


def test_float16_features_change_the_loss_little(encoder: ClipEncoder) -> None:
    whole = training(encoder)
    stored = whole._replace(features=whole.features[torch.arange(10)].half().float())
    losses = []
    for each in (whole, stored):
        tuned = copy.deepcopy(encoder)
        freeze(tuned, PRESET)
        losses.append(next(FineTuning(tuned, each, PRESET, 0).run()).scalars["loss"])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], abs=1e-3)


@pytest.mark.parametrize("objective", shipped_objectives())
def test_every_objective_trains_by_name(encoder: ClipEncoder, objective: str) -> None:
    values = ["steps=30", "batch_size=8", "learning_rate=1e-2", f"objective={objective}"]
    losses = run(encoder, load_preset("scenes-paper", values))
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    ("objective", "blind_to"),
    [
        ("clip", ("N", "U")),
        ("tripletclip", ("J", "O", "U")),
        ("negclip", ("J", "O", "U")),
        ("conclip", ("J", "O", "U")),
        ("negationclip", ("I", "C", "N", "O")),
        ("negbench", ("J", "O", "U")),
        ("omni", ()),
    ],
)
def test_an_objective_looks_at_the_data_that_the_table_says(
    objective: str, blind_to: tuple[str, ...]
) -> None:
    torch.manual_seed(0)
    features = {name: F.normalize(torch.randn(5, 7), dim=-1).requires_grad_() for name in "ICNJOU"}
    served = {
        "presence": CaptionFeatures(features["I"], features["C"], features["N"], None),
        "absence": CaptionFeatures(features["J"], features["O"], features["U"], None),
        "scale": torch.tensor(10.0),
    }
    shipped_objectives()[objective].minimised({})(served)["loss"].backward()
    assert tuple(name for name, tensor in features.items() if tensor.grad is None) == blind_to


@pytest.mark.parametrize(
    "value",
    [
        "decay_all=true",
        "decay_all=false",
        "chunk_size=2",
        "clip_norm=0.5",
        "objective=omni-plus",
        "objective=reader",
    ],
)
def test_a_run_restored_from_its_state_goes_on_exactly(encoder: ClipEncoder, value: str) -> None:
    preset = load_preset("scenes-paper", ["steps=8", "warmup=2", "batch_size=4", "learning_rate=1e-3", value])
    twin = copy.deepcopy(encoder)
    runs = []
    for each in (encoder, twin):
        freeze(each, preset)
        runs.append(FineTuning(each, training(each), preset, 1))
    steps = runs[0].run()
    for _ in range(4):
        next(steps)
    tensors, metadata = runs[0].state()
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    rest = [step.scalars for step in steps]
    runs[1].restore(tensors, metadata)
    assert [step.scalars for step in runs[1].run()] == rest
    pairs = zip(encoder.model.parameters(), twin.model.parameters(), strict=True)
    assert all(torch.equal(mine, its) for mine, its in pairs)
