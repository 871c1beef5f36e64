"""Where in the text tower a caption and its negated form part: cosines after every layer."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.text.causal import pad_behind_ends
from omninegclip.errors import OmniNegClipError
from omninegclip.report.layer_curves import Curves
from omninegclip.scenes.captioning import negate_absent, negate_present, training_phrasing
from omninegclip.scenes.grammar import describe
from omninegclip.scenes.scene import plausible_kind, rng, sample_scene

_BATCH = 64
LayerPairs = Mapping[str, list[tuple[str, str]]]


def caption_pairs(seed: int, count: int) -> LayerPairs:
    """Return `count` pairs of each kind: a caption with its negated form, and two ways of saying the same.

    `presence` denies what is there, `absence` what is not; `paraphrase` is the control, without which a curve
    of cosines says nothing.
    """
    pairs: dict[str, list[tuple[str, str]]] = {"presence": [], "absence": [], "paraphrase": []}
    for index in range(count):
        random = rng("study", "layers", seed, index)
        scene = sample_scene(random)
        caption = describe(random, scene, scene.kinds, place=True).text
        phrasing = training_phrasing(random, exclusive_serves=False)
        denied = random.choice(scene.kinds)
        absent = plausible_kind(random, scene.place, scene.kinds)
        pairs["presence"].append((caption, negate_present(random, scene, scene.kinds, denied, phrasing).text))
        pairs["absence"].append((caption, negate_absent(random, scene, scene.kinds, absent, phrasing).text))
        pairs["paraphrase"].append((caption, describe(random, scene, scene.kinds, place=True).text))
    return pairs


def layer_cosines(encoder: ClipEncoder, pairs: LayerPairs) -> Curves:
    """Return for each kind of pair the mean cosine at the end-of-text token, after 0, 1, ... L blocks.

    The states are those of the residual stream, before the final norm. The last value is that of the
    projected embeddings.

    Raises OmniNegClipError when the text tower is not causal: it is not read at the end-of-text token.
    """
    if not encoder.family.causal:
        raise OmniNegClipError(
            f"The text tower of a {type(encoder.model).__name__} is not causal, and layers are compared at "
            "the end-of-text token of a causal one: name a CLIP."
        )
    return {
        kind: _cosines(encoder, [first for first, _ in both], [second for _, second in both])
        for kind, both in pairs.items()
    }


def compare_layers(models: Sequence[str], seed: int, count: int) -> dict[str, Curves]:
    """Return the curves of every model on the same pairs.

    Raises OmniNegClipError when a model can't be loaded.
    """
    pairs = caption_pairs(seed, count)
    return {model: layer_cosines(load_clip(model), pairs) for model in models}


def _cosines(encoder: ClipEncoder, first: list[str], second: list[str]) -> list[float]:
    mine, its = _states(encoder, first), _states(encoder, second)
    return F.cosine_similarity(mine, its, dim=-1).mean(dim=1).tolist()


@torch.inference_mode()
def _states(encoder: ClipEncoder, texts: list[str]) -> Tensor:
    """Return the states [L + 2, n, width] at the end of each text; the last of them is the embedding."""
    parts = []
    for start in range(0, len(texts), _BATCH):
        padded, ends = pad_behind_ends(encoder.tokenize(texts[start : start + _BATCH]))
        output = encoder.family.text_tower(
            input_ids=padded.to(encoder.device), output_hidden_states=True, return_dict=True
        )
        every = torch.arange(len(ends))
        parts.append(torch.stack([state[every, ends].float().cpu() for state in output.hidden_states]))
    stream = torch.cat(parts, dim=1)
    embedded = torch.from_numpy(copy.copy(encoder.embed_text(texts)))
    padding = stream.shape[-1] - embedded.shape[-1]
    if padding < 0:  # a cosine does not change with zeros behind
        stream = F.pad(stream, (0, -padding))
    return torch.cat([stream, F.pad(embedded, (0, max(0, padding)))[None]])
