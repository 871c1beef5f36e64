"""What test_distributed.py runs in one process and in two: steps of a tiny CLIP, combined objective."""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from transformers import CLIPConfig, CLIPModel

from omninegclip.clip.policy import apply_policy
from omninegclip.clip.text.packing import encode_packed, pack
from omninegclip.objectives import absence, omni, presence
from omninegclip.training.distributed import average_gradients, gather, process_group, rank, share
from omninegclip.training.gradcache import NamedFeatures, accumulate_gradients

Caption = list[int]
KINDS = ("captions", "presence_negated", "originals", "absence_negated")


class Step(nn.Module):
    def __init__(self, layers: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        text = tower | {
            "vocab_size": 50,
            "max_position_embeddings": 16,
            "bos_token_id": 48,
            "eos_token_id": 49,
        }
        config = CLIPConfig(text_config=text, vision_config=tower | {"image_size": 8}, projection_dim=8)
        self.clip = CLIPModel(config)
        apply_policy(self.clip, text=layers)

    def encode(self, rows: list[list[Caption]]) -> dict[str, Tensor]:
        features = encode_packed(self.clip, pack(rows, 16))
        return dict(zip(KINDS, features.reshape(len(rows), len(KINDS), -1).unbind(1), strict=True))

    def objective(self, local: NamedFeatures, images: Tensor) -> dict[str, Tensor]:
        texts = dict(zip(KINDS, gather(torch.stack(list(local.values()), 1)).unbind(1), strict=True))
        images, scale = gather(images), self.clip.logit_scale.exp()
        present = presence(images, texts["captions"], texts["presence_negated"], scale)
        absent = absence(images, texts["originals"], texts["absence_negated"], scale)
        return omni(present, absent)

    def forward(self, rows: list[list[Caption]], images: Tensor) -> Tensor:
        return self.objective(self.encode(rows), images)["loss"]


def data(count: int) -> tuple[list[list[Caption]], Tensor]:
    generator = np.random.default_rng(0)
    rows = [
        [[48, *generator.integers(0, 48, generator.integers(1, 14)).tolist(), 49] for _ in KINDS]
        for _ in range(count)
    ]
    return rows, F.normalize(torch.from_numpy(generator.normal(size=(count, 8))).float(), dim=-1)


def wrapped(module: nn.Module) -> nn.Module:
    return DistributedDataParallel(module) if torch.distributed.is_initialized() else module


def step(count: int, layers: str, chunk: int | None) -> dict[str, Tensor]:
    """Return the loss and all gradients of one step over `count` rows, at once or in chunks."""
    module = Step(layers)
    rows, images = data(count)
    own = share(np.arange(count))
    rows, images = [rows[row] for row in own], images[own]
    if chunk is None:
        task = wrapped(module)  # its reducer must live until the gradients are there
        loss = task(rows, images)
        loss.backward()
    else:
        chunks = [rows[start : start + chunk] for start in range(0, len(rows), chunk)]
        loss = accumulate_gradients(module.encode, chunks, lambda local: module.objective(local, images))[
            "loss"
        ]
        average_gradients(module.parameters())
    found = {
        name: parameter.grad for name, parameter in module.named_parameters() if parameter.grad is not None
    }
    return {"loss": loss.detach(), **found}


CASES = {
    "even": (8, "whole", None),
    "uneven": (7, "whole", None),
    "one row each and one over": (3, "whole", None),
    "frozen layers": (7, "front", None),
    "in chunks": (7, "front", 2),
}


def main() -> None:
    with process_group(torch.device("cpu")):
        for name, case in CASES.items():
            save_file(step(*case), Path(sys.argv[1]) / f"{name}.{rank()}.safetensors")


if __name__ == "__main__":
    main()
