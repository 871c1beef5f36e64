"""The text pass of a step as one compiled graph, for a GPU that would wait for its launches.

A graph is of one shape, and packed batches have many. So rows are as long as the context, and as many as the
next round number: what is added is computed and never looked at.
"""

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from omninegclip.clip.families.family import Family
from omninegclip.clip.text.packing import PackedTexts
from omninegclip.clip.text.padding import PaddedTexts
from omninegclip.errors import OmniNegClipError
from omninegclip.progress import console

# Rows and texts are rounded up to a multiple of these at least; texts cost little, only the last block.
_ROWS, _TEXTS = 4, 64
_SHAPES = 64  # that may be compiled; PyTorch's own limit is lower


def compiled_texts(family: Family, context_length: int) -> Callable[[PackedTexts | PaddedTexts], Tensor]:
    """Return `encode` of a family for packed texts, compiled: on a GPU as a CUDA graph, launched at once.

    The seconds that a new shape takes to be compiled are said; PyTorch keeps the code that it makes between
    runs.

    Raises:
        OmniNegClipError: the captions of this model are padded. What is returned raises it when a shape
            can't be compiled.
    """
    if not family.causal:
        raise OmniNegClipError(
            f"compile=true needs captions that are packed, and those of a {type(family.model).__name__} are "
            "padded: set compile=false."
        )
    # CUDA graphs; they need no other shape and no other place in memory between two calls
    mode = "reduce-overhead" if family.logit_scale.device.type == "cuda" else "default"
    graph = torch.compile(partial(_features, family), mode=mode, fullgraph=True, dynamic=False)
    known = set[tuple[object, ...]]()

    def encode(texts: PackedTexts | PaddedTexts) -> Tensor:
        if not isinstance(texts, PackedTexts):
            raise TypeError("texts are compiled packed, not padded")
        fixed = in_fixed_shape(texts, context_length)
        shape = *fixed.ids.shape, len(fixed.end), torch.is_grad_enabled()
        begun = time.perf_counter()
        try:
            with torch._dynamo.config.patch(recompile_limit=_SHAPES):
                features = graph(fixed.ids, fixed.positions, fixed.mask, fixed.end)
        except torch._dynamo.exc.TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            raise OmniNegClipError(
                f"The text tower can't be compiled here ({reason:.200}): set compile=false."
            ) from error
        if shape not in known:
            known.add(shape)
            seconds = time.perf_counter() - begun
            console.print(f"Compiled the text tower for {shape[0]} rows in {seconds:.0f} s.")
        return features[: len(texts.end)].clone()  # the next call of a CUDA graph writes where this one did

    return encode


def in_fixed_shape(texts: PackedTexts, context_length: int) -> PackedTexts:
    """Return packed texts with rows of the context length, and rows and texts up to the next round number.

    A token that is added attends to itself; a text that is added ends at the first token of all.
    """
    rows, width = texts.ids.shape
    below, behind = _round(rows, _ROWS) - rows, context_length - width
    mask = F.pad(texts.mask, (0, behind, 0, behind, 0, 0, 0, below))
    return PackedTexts(
        ids=F.pad(texts.ids, (0, behind, 0, below)),
        positions=F.pad(texts.positions, (0, behind, 0, below)),
        mask=mask | torch.eye(context_length, dtype=torch.bool, device=mask.device),
        end=F.pad(texts.end, (0, 0, 0, _round(len(texts.end), _TEXTS) - len(texts.end))),
        tokens_padded=texts.tokens_padded,
    )


def _round(count: int, fewest: int) -> int:
    """Return the next multiple of `fewest`, or of the power of two that adds an eighth at most if larger."""
    step = max(fewest, 1 << max(0, count.bit_length() - 4))
    return -(-count // step) * step


def _features(family: Family, ids: Tensor, positions: Tensor, mask: Tensor, end: Tensor) -> Tensor:
    return family.encode(PackedTexts(ids, positions, mask, end, 0))
