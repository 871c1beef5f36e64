"""Checks that a saved model is intact, and shows where it differs from its base."""

import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from omninegclip.clip.blend import architecture
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip, locate
from omninegclip.clip.io.metadata import read_metadata
from omninegclip.clip.parity import TOLERANCE, probe_cosines
from omninegclip.clip.scale import wrong_scale
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject

BLOCK = re.compile(r"(text_model|vision_model)\.(\w+\.)*?(layers?|_blocks)\.\d+\.")


@dataclass(frozen=True)
class Check:
    """One check: its name, whether it passed, and what was found."""

    name: str
    passed: bool
    seen: str


@dataclass(frozen=True)
class Change:
    """How far a part of a model is from its base: |difference| / |base| (Euclidean), and the largest."""

    part: str
    parameters: int
    relative: float
    largest: float


class Verification(NamedTuple):
    """What a model is, what was checked, and how far each part is from its base."""

    summary: dict[str, object]
    checks: list[Check]
    changes: list[Change]

    def as_dict(self) -> dict[str, object]:
        """Return all of it, ready for JSON."""
        return self.summary | {
            "checks": [asdict(check) for check in self.checks],
            "changes": [asdict(change) for change in self.changes],
        }

    def refuse_failed(self) -> None:
        """Raise OmniNegClipError when a check failed."""
        failed = [f"{check.name} ({check.seen})" for check in self.checks if not check.passed]
        if failed:
            raise OmniNegClipError(f"{self.summary['model']} is not what it should be: {'; '.join(failed)}.")


def verify(model: str, against: str | None = None) -> Verification:
    """Look at a model and, with `against`, compare it to its base; both are named as `load_clip` takes them.

    Raises:
        OmniNegClipError: one of the two can't be loaded.
    """
    path = locate(model)
    encoder = load_clip(model, checked=False)
    metadata = read_metadata(path if path.is_dir() else path.parent)
    checks, parts = check_facts(encoder, metadata), list[Change]()
    if against is not None:
        base = load_clip(against)
        checks += check_against(encoder, base)
        parts = changes(encoder, base) if architecture(encoder) == architecture(base) else []
    return Verification(_summary(model, encoder, metadata.get("base")), checks, parts)


def check_facts(encoder: ClipEncoder, metadata: JsonObject) -> list[Check]:
    """Return whether a model still is the one that `omninegclip.json` was written for."""
    wrong = wrong_scale(encoder)
    checks = [Check("logit scale", wrong is None, wrong or f"{encoder.logit_scale:.6g}")]
    if "fingerprint" in metadata:
        same = encoder.fingerprint == metadata["fingerprint"]
        checks.append(
            Check("stored fingerprint", same, "the same" if same else "weights or settings changed since")
        )
    if "probe" in metadata:
        stored, now = _numbers(metadata["probe"]), probe_cosines(encoder)
        largest = float(np.abs(stored - now).max()) if stored.shape == now.shape else float("inf")
        checks.append(Check("stored probe", largest <= TOLERANCE, f"cosines differ by {largest:.1e} at most"))
    return checks


def _numbers(values: object) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):  # no probe of ours, so it has no shape of one
        return np.empty(0)


def check_against(encoder: ClipEncoder, base: ClipEncoder) -> list[Check]:
    """Return whether a model can be a fine-tune of `base`: alike in kind, and not alike in weights."""
    checks = [
        Check("activation of the base", encoder.activation == base.activation, base.activation),
        Check("image transform of the base", encoder.transform == base.transform, str(base.transform)),
    ]
    shapes, expected = architecture(encoder), architecture(base)
    different = sorted(name for name in shapes | expected if shapes.get(name) != expected.get(name))
    checks.append(Check("architecture of the base", not different, different[0] if different else "the same"))
    if different:
        return checks
    swapped = _swapped_towers(_weights(encoder), _weights(base))
    checks.append(Check("towers in their places", not swapped, f"{swapped} weights are the other tower's"))
    changed = [change.part for change in changes(encoder, base) if change.largest > 0]
    seen = (
        f"{len(changed)} parts differ"
        if changed
        else "every weight equals the base's: this is not a fine-tune"
    )
    checks.append(Check("differs from the base", bool(changed), seen))
    return checks


def changes(encoder: ClipEncoder, base: ClipEncoder) -> list[Change]:
    """Return how far each block and each other part is from `base`, in the order of the model.

    Requires equal architectures.
    """
    mine, theirs = _weights(encoder), _weights(base)
    parts: dict[str, list[str]] = defaultdict(list)
    for name in mine:
        block = BLOCK.match(name)
        parts[block[0].rstrip(".") if block else name.removesuffix(".weight").removesuffix(".bias")].append(
            name
        )
    return [_change(part, [(mine[name], theirs[name]) for name in names]) for part, names in parts.items()]


def _change(part: str, pairs: list[tuple[Tensor, Tensor]]) -> Change:
    distance = sum(float((mine - base).double().square().sum()) for mine, base in pairs) ** 0.5
    size = sum(float(base.double().square().sum()) for _, base in pairs) ** 0.5
    largest = max(float((mine - base).abs().max()) for mine, base in pairs)
    relative = distance / size if size else float(distance > 0)
    return Change(part, sum(base.numel() for _, base in pairs), relative, largest)


def _swapped_towers(mine: dict[str, Tensor], base: dict[str, Tensor]) -> int:
    """Count the weights that equal the base's weight of the other tower and not that of their own."""
    other = {"text_model": "vision_model", "vision_model": "text_model"}
    other |= {"text_projection": "visual_projection", "visual_projection": "text_projection"}
    count = 0
    for name, weight in mine.items():
        tower, _, rest = name.partition(".")
        twin = base.get(f"{other.get(tower)}.{rest}")
        if twin is not None and twin.shape == weight.shape and bool((twin != base[name]).any()):
            count += bool((weight == twin).all())
    return count


def _weights(encoder: ClipEncoder) -> dict[str, Tensor]:
    return {name: weight.detach().cpu() for name, weight in encoder.model.named_parameters()}


def _summary(model: str, encoder: ClipEncoder, base: object) -> dict[str, object]:
    text = encoder.family.text_config
    blocks = f"{text.num_hidden_layers} blocks of width {text.hidden_size}"
    return {
        "model": model,
        "base": base,
        "activation": encoder.activation,
        "parameters": sum(weight.numel() for weight in encoder.model.parameters()),
        "dim": encoder.dim,
        "text": f"{blocks}, {encoder.context_length} tokens",
        "image": encoder.family.image_summary(encoder.transform.size),
        "logit_scale": encoder.logit_scale,
        "fingerprint": encoder.fingerprint,
    }
