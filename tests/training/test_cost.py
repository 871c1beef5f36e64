"""The estimate against PyTorch's own count of operations."""

import pytest
import torch
import torch.nn.functional as F
from tiny_clip import tiny_encoder
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPConfig, CLIPModel

from omninegclip.training.cost import estimate
from omninegclip.training.finetune import FineTuning, freeze
from omninegclip.training.methods.method import TrainingRecords
from omninegclip.training.preset import load_preset


@pytest.mark.parametrize("layers", ["front", "back", "whole"])
def test_text_operations_are_those_of_a_counted_step(layers: str) -> None:
    encoder = tiny_encoder(text_layers=4)
    # wide enough for what is not counted, a projection per text and the objective, to be little
    config = encoder.model.config.to_dict()
    config["text_config"] |= {"hidden_size": 128, "intermediate_size": 512}
    encoder.model = CLIPModel(CLIPConfig.from_dict(config))
    encoder.model.set_attn_implementation("eager")  # PyTorch does not count the fused one on a CPU
    words = ["a", "dog", "and", "a", "cat", "on", "a", "mat", "beside", "a", "large", "red", "bus"]
    records = [
        {
            "image_id": str(number),
            "caption": " ".join(words[number % 5 :]),
            "presence_negated": " ".join([*words[number % 5 :], "but no", words[number % 7]]),
            "absence_negated": " ".join([*words[number % 5 :], "without", words[number % 3]]),
        }
        for number in range(8)
    ]
    features = F.normalize(torch.randn(8, encoder.dim), dim=-1)
    training = TrainingRecords(records, features)
    extras = "text_extras=[token_embedding]" if layers == "whole" else "text_extras=[final_norm]"
    preset = load_preset(
        "scenes-paper", [f"text_layers={layers}", extras, "batch_size=8", "steps=4", "warmup=1"]
    )
    freeze(encoder, preset)
    cost = estimate(encoder, training, 8, preset, 1e12)
    assert (cost.steps, cost.steps_per_epoch) == (4, 1)
    with FlopCounterMode(display=False) as counter:
        for _ in FineTuning(encoder, training, preset, 0).run():
            pass
    assert cost.text_flops == pytest.approx(counter.get_total_flops(), rel=0.05)


def test_image_operations_and_cache_are_those_of_the_tower() -> None:
    encoder = tiny_encoder()
    encoder.model.set_attn_implementation("eager")
    records = [
        {"image_id": "x", "caption": "a", "presence_negated": "b", "absence_negated": "c"} for _ in range(4)
    ]
    training = TrainingRecords(records, torch.zeros(4, encoder.dim))
    preset = load_preset("scenes-paper", ["batch_size=2", "steps=4", "warmup=1"])
    freeze(encoder, preset)
    cost = estimate(encoder, training, 3, preset, 1e12)
    with FlopCounterMode(display=False) as counter:
        encoder.encode_images(torch.zeros(3, 3, 32, 32))
    assert cost.image_flops == pytest.approx(counter.get_total_flops(), rel=0.05)
    assert cost.cache_bytes == 3 * 16 * 2
