import pytest
import torch
from transformers import CLIPConfig, CLIPModel

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.verify import changes, check_against


@pytest.fixture
def twins(config: CLIPConfig, encoder: ClipEncoder) -> tuple[ClipEncoder, ClipEncoder]:
    """A model whose towers are of one width, and the same with the blocks of its towers swapped."""
    for tower in (config.text_config, config.vision_config):
        tower.hidden_size, tower.intermediate_size, tower.num_attention_heads = 64, 256, 1
    base, swapped = CLIPModel(config), CLIPModel(config)
    state = base.state_dict()
    other = {"text_model.encoder": "vision_model.encoder", "vision_model.encoder": "text_model.encoder"}
    for name, weight in base.state_dict().items():
        tower = ".".join(name.split(".")[:2])
        state[name.replace(tower, other.get(tower, tower))] = weight
    swapped.load_state_dict(state)
    return tuple(ClipEncoder(model, encoder.tokenizer, encoder.transform) for model in (base, swapped))


def test_swapped_towers_are_found(twins: tuple[ClipEncoder, ClipEncoder]) -> None:
    base, swapped = twins
    failed = {check.name for check in check_against(swapped, base) if not check.passed}
    assert failed == {"towers in their places"}


def test_another_activation_is_found(encoder: ClipEncoder) -> None:
    other_config = CLIPConfig.from_dict(encoder.model.config.to_dict())
    other_config.text_config.hidden_act = other_config.vision_config.hidden_act = "gelu"
    other = ClipEncoder(CLIPModel(other_config), encoder.tokenizer, encoder.transform)
    failed = {check.name for check in check_against(other, encoder) if not check.passed}
    assert failed == {"activation of the base"}


def test_changes_are_measured_per_part(encoder: ClipEncoder) -> None:
    other = ClipEncoder(CLIPModel(encoder.model.config), encoder.tokenizer, encoder.transform)
    other.model.load_state_dict(encoder.model.state_dict())
    with torch.no_grad():
        other.model.text_projection.weight *= 1.1
    measured = {change.part: change for change in changes(other, encoder)}
    assert measured["text_projection"].relative == pytest.approx(0.1, rel=1e-4)
    assert sum(change.largest > 0 for change in measured.values()) == 1
    assert sum(change.parameters for change in measured.values()) == encoder.model.num_parameters()
