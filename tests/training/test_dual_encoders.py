"""Training of dual encoders whose text tower is not causal: all objectives, the policies, and a refusal."""

import json

import pytest
import torch
import torch.nn.functional as F
from drawn_rows import drawn
from tiny_clip import contrast
from tiny_dual import tiny_own, tiny_siglip, tiny_vision_text

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives import absence, omni, presence
from omninegclip.objectives.objective import shipped_objectives
from omninegclip.training.cost import estimate
from omninegclip.training.finetune import FineTuning, freeze
from omninegclip.training.methods.method import BatchPlan, TrainingRecords
from omninegclip.training.methods.pairs import make_triplets, pair_batches
from omninegclip.training.preset import Preset, load_preset
from omninegclip.training.task import TrainingTask

THINGS = ["dog", "cat", "owl", "bus", "car", "cup", "egg", "fox", "pig", "hat"]
RECORDS = [
    {
        "image_id": f"picture {number // 2}",
        "caption": f"a {thing} and a {THINGS[number - 1]}",
        "presence_negated": f"a {THINGS[number - 1]} but no {thing}",
        "absence_negated": f"a {thing}, not a {THINGS[number - 3]}",
        "objects_present": [thing, THINGS[number - 1]],
        "contrast_set": contrast(thing, THINGS[number - 1], THINGS[number - 3]),
    }
    for number, thing in enumerate(THINGS)
]
TRAINABLE = {"own": tiny_own, "vision-text": tiny_vision_text}


def training(encoder: ClipEncoder) -> TrainingRecords:
    torch.manual_seed(3)
    return TrainingRecords(RECORDS, F.normalize(torch.randn(len(RECORDS), encoder.dim), dim=-1))


def preset(*changes: str) -> Preset:
    return load_preset(
        "scenes-paper", ["steps=25", "warmup=2", "batch_size=8", "learning_rate=5e-3", *changes]
    )


@pytest.mark.parametrize("family", TRAINABLE)
def test_the_task_equals_the_objectives_on_captions_encoded_one_by_one(family: str) -> None:
    encoder = TRAINABLE[family]()
    triplets, rows = make_triplets(*training(encoder), encoder.tokenize), [0, 3, 5]
    plan = BatchPlan([drawn(rows), drawn(rows)], 1, 0, {"mask_same_image": False})
    batch = next(pair_batches(triplets, encoder, plan))

    def encode(column: str) -> torch.Tensor:
        ids = [encoder.tokenize([RECORDS[row][column]])[0] for row in rows]
        return torch.cat([encoder.encode_texts([each]) for each in ids])

    caption, images = encode("caption"), triplets.features[rows]
    scale = encoder.model.logit_scale.exp()
    expected = omni(
        presence(images, caption, encode("presence_negated"), scale),
        absence(images, caption, encode("absence_negated"), scale),
    )
    parts = TrainingTask(encoder.model, shipped_objectives()["omni"].minimised({}))(batch)
    for name, value in expected.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", TRAINABLE)
@pytest.mark.parametrize("objective", shipped_objectives())
def test_every_objective_learns_what_the_policy_names_alone(family: str, objective: str) -> None:
    encoder = TRAINABLE[family]()
    before = {name: weight.clone() for name, weight in encoder.model.state_dict().items()}
    chosen = preset(f"objective={objective}")
    freeze(encoder, chosen)
    losses = [step.scalars["loss"] for step in FineTuning(encoder, training(encoder), chosen, seed=1).run()]
    assert losses[-1] < losses[0]
    trained = {name for name, weight in encoder.model.named_parameters() if weight.requires_grad}
    after = encoder.model.state_dict()
    if objective == "reader":  # targets are cosines of its own, which no scale multiplies
        trained -= {name for name, weight in encoder.model.named_parameters() if weight.ndim == 0}
    assert {name for name, weight in after.items() if not torch.equal(weight, before[name])} == trained


def test_chunks_give_the_gradient_of_the_whole_batch() -> None:
    after = []
    for chunk in ("null", "3"):
        encoder = tiny_own()
        chosen = preset("steps=4", f"chunk_size={chunk}")
        freeze(encoder, chosen)
        after.append(
            [step.scalars["loss"] for step in FineTuning(encoder, training(encoder), chosen, seed=1).run()]
        )
    assert after[0] == pytest.approx(after[1], rel=1e-4)


def test_a_run_goes_on_from_its_state() -> None:
    chosen = preset("steps=6")

    def begin() -> FineTuning:
        encoder = tiny_own()
        freeze(encoder, chosen)
        return FineTuning(encoder, training(encoder), chosen, seed=1)

    straight = [step.scalars["loss"] for step in begin().run()]
    first = begin()
    steps = first.run()
    for _ in range(3):
        next(steps)
    tensors, metadata = first.state()
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    second = begin()
    second.restore(tensors, json.loads(json.dumps(metadata)))
    assert [step.scalars["loss"] for step in second.run()] == straight[3:]


def test_a_sigmoid_trained_scale_is_not_trained_on() -> None:
    with pytest.raises(OmniNegClipError, match="SiglipModel was pretrained with a sigmoid loss"):
        freeze(tiny_siglip(), preset())


def test_the_cost_is_counted() -> None:
    encoder = tiny_own()
    freeze(encoder, preset())
    few = estimate(encoder, training(encoder), 10, preset(), 1e9)
    freeze(encoder, preset("text_layers=whole"))
    more = estimate(encoder, training(encoder), 10, preset("text_layers=whole"), 1e9)
    convolutions = 2 * 10 * (7 * 7 * 8 * 27 + 3 * 3 * 12 * 72 + 12 * 20 + 20 * 16)
    assert few.image_flops == convolutions
    assert 0 < few.text_flops < more.text_flops
    assert few.tokens_per_epoch < few.tokens_padded_per_epoch
