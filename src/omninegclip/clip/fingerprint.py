"""Hashes that say whether two models give the same embeddings."""

import hashlib
import json
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


def fingerprint(modules: Mapping[str, nn.Module | Tensor], settings: Iterable[object]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of all weights (as float32) and of the settings.

    Args:
        modules: the parts of the model that count, by name; buffers that are not saved do not count.
        settings: what else decides the embeddings (activation, image transform, ...), as JSON values.
    """
    digest = hashlib.sha256(json.dumps(list(settings), sort_keys=True).encode())
    for name, module in sorted(modules.items()):
        weights = {"": module} if isinstance(module, Tensor) else module.state_dict()
        for key, weight in sorted(weights.items()):
            digest.update(f"{name}.{key}{tuple(weight.shape)}".encode())
            digest.update(weight.detach().to("cpu", torch.float32).contiguous().numpy().data)
    return digest.hexdigest()[:16]
