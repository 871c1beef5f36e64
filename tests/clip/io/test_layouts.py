import torch
from torch import nn
from transformers import CLIPModel

from omninegclip.clip.io.layouts import to_hugging_face, to_openai


def test_there_and_back_is_the_same(model: CLIPModel) -> None:
    state = model.state_dict()
    back = to_hugging_face(to_openai(state))
    assert back.keys() == state.keys()
    assert all(torch.equal(weight, back[name]) for name, weight in state.items())


def test_openais_names_come_back(reference: nn.Module) -> None:
    state = reference.state_dict()
    back = to_openai(to_hugging_face(state))
    assert back.keys() == state.keys()
    assert all(torch.equal(weight, back[name]) for name, weight in state.items())
