import torch
from transformers import CLIPModel

from omninegclip.clip.pooled import block_at, image_features, text_features


def test_one_token_equals_the_whole_block(model: CLIPModel) -> None:
    hidden = torch.randn(3, 7, 64)
    block = model.text_model.encoder.layers[0]
    rows = torch.arange(3)
    first = block_at(block, hidden, rows, torch.zeros_like(rows), None)
    torch.testing.assert_close(first, block(hidden, None)[:, 0])
    ahead = torch.full((7, 7), float("-inf")).triu(1)[None, None]
    rows, columns = torch.tensor([0, 2, 2, 1]), torch.tensor([6, 0, 3, 5])
    seen = torch.arange(7) <= columns[:, None]
    torch.testing.assert_close(
        block_at(block, hidden, rows, columns, seen), block(hidden, ahead)[rows, columns]
    )


def test_gradients_equal_those_of_the_whole_tower(model: CLIPModel) -> None:
    ids = torch.randint(0, 500, (4, 9))
    last = torch.tensor([8, 3, 5, 1])
    ids[torch.arange(4), last] = model.config.text_config.eos_token_id
    pixels = torch.randn(2, 3, 32, 32)
    (text_features(model, ids, last).sum() + image_features(model, pixels).square().sum()).backward()
    ours = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    texts = model.get_text_features(input_ids=ids).pooler_output
    images = model.get_image_features(pixel_values=pixels).pooler_output
    (texts.sum() + images.square().sum()).backward()
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, model.get_parameter(name).grad, rtol=1e-4, atol=1e-4)
