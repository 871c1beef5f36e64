"""The task: model and objective in one forward, so that a loop knows nothing of negation."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from omninegclip.clip.families.registry import family_of
from omninegclip.clip.text.packing import PackedTexts
from omninegclip.clip.text.padding import PaddedTexts
from omninegclip.objectives import (
    absence,
    clip,
    conclip,
    negationclip,
    negbench,
    negclip,
    omni,
    omni_plus,
    presence,
    supervised_contrastive,
    target_losses,
    tripletclip,
)
from omninegclip.training.distributed import gather

Parts = dict[str, Tensor]
Texts = PackedTexts | PaddedTexts
AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class PairBatch(NamedTuple):
    """One step's data: a batch of each kind of negation, with image features that were computed before.

    Of B images of each kind, this process encodes the captions of its share.

    Attributes:
        presence_images: I, [B, d].
        absence_images: J, [B, d].
        texts: in one chunk or several, C and N of each image of the first batch in turn, then O and U of
            each of the second: 4B over all processes.
        presence_pairs: how many of the pairs in `texts` are of the first batch.
        presence_same: [B, B], true where two rows show one image; None where that is ignored.
        absence_same: likewise for the second batch.
    """

    presence_images: Tensor
    absence_images: Tensor
    texts: tuple[Texts, ...]
    presence_pairs: int
    presence_same: Tensor | None
    absence_same: Tensor | None

    def to(self, device: torch.device) -> "PairBatch":
        """Return the same batch with every tensor on `device`."""

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True)

        masks = (None if mask is None else moved(mask) for mask in (self.presence_same, self.absence_same))
        texts = tuple(chunk.to(device) for chunk in self.texts)
        images = moved(self.presence_images), moved(self.absence_images)
        return PairBatch(*images, texts, self.presence_pairs, *masks)

    def features(self, own: Tensor, scale: Tensor) -> "PairFeatures":
        """Return what the objectives take, given the features of this process's captions."""
        kinds = [2 * self.presence_pairs, len(own) - 2 * self.presence_pairs]
        first, second = map(gather, torch.split(own, kinds))
        return PairFeatures(
            I=self.presence_images,
            C=first[0::2],
            N=first[1::2],
            J=self.absence_images,
            O=second[0::2],
            U=second[1::2],
            scale=scale,
            same=self.presence_same,
            same_absent=self.absence_same,
        )


class ContrastBatch(NamedTuple):
    """One step's data for `omni-plus`: images, statements about them, and what is known of each pair.

    Attributes:
        images: [P, d], the images of the batch and behind them the hard ones.
        texts: the statements of this process's share of the images, in one chunk or several.
        own: [T] column of each statement's own image; this and all that follow are of all processes.
        true: [T] whether it is true of that image.
        false: [T, P] where it is known to be false.
        hard: [T] column of its hard image, -1 for none.
        targets: [T, d] what it should mean.
        meant: [T] whether that is known.
        negates: [T] whether it denies something.
    """

    images: Tensor
    texts: tuple[Texts, ...]
    own: Tensor
    true: Tensor
    false: Tensor
    hard: Tensor
    targets: Tensor
    meant: Tensor
    negates: Tensor

    def to(self, device: torch.device) -> "ContrastBatch":
        """Return the same batch with every tensor on `device`."""
        moved = {
            name: value.to(device, non_blocking=True)
            for name, value in self._asdict().items()
            if isinstance(value, Tensor)
        }
        return self._replace(**moved, texts=tuple(chunk.to(device) for chunk in self.texts))

    def features(self, own: Tensor, scale: Tensor) -> "ContrastFeatures":
        """Return what `omni-plus` takes, given the features of this process's statements."""
        return ContrastFeatures(self, gather(own), scale)


class ContrastFeatures(NamedTuple):
    """A batch of statements with the features of all of them, [T, d]."""

    batch: ContrastBatch
    texts: Tensor
    scale: Tensor


class PairFeatures(NamedTuple):
    """The features of a batch, of all processes, under the names that the objectives have for them.

    I, C, N and J, O, U are [B, d]; same and same_absent are the masks of the two batches.
    """

    I: Tensor  # noqa: E741 -- the paper's letter
    C: Tensor
    N: Tensor
    J: Tensor
    O: Tensor  # noqa: E741
    U: Tensor
    scale: Tensor
    same: Tensor | None
    same_absent: Tensor | None


def _omni(
    f: PairFeatures, *, weight_absence: float, weight_original: float, weight_text: float, margin: float
) -> Parts:
    absent = absence(
        f.J,
        f.O,
        f.U,
        f.scale,
        weight_original=weight_original,
        weight_text=weight_text,
        margin=margin,
        same=f.same_absent,
    )
    return omni(presence(f.I, f.C, f.N, f.scale, f.same), absent, weight_absence=weight_absence)


def _clip(f: PairFeatures) -> Parts:
    both = (clip(f.I, f.C, f.scale, f.same), clip(f.J, f.O, f.scale, f.same_absent))
    return {"loss": (both[0]["loss"] + both[1]["loss"]) / 2}


def _negbench(f: PairFeatures) -> Parts:
    # an image's own true and negated caption, and those of the next image in the batch
    options = torch.stack([f.C, f.N, f.C.roll(1, 0), f.N.roll(1, 0)], dim=1)
    return negbench(f.I, f.C, options, f.scale, same=f.same)


def _omni_plus(f: ContrastFeatures, **weights: float) -> Parts:
    known = f.batch
    contrast = supervised_contrastive(
        known.images, f.texts, known.own, known.true, known.false, known.hard, f.scale
    )
    meant = known.meant
    meaning = target_losses(f.texts[meant], known.targets[meant], known.negates[meant])
    return omni_plus(contrast, meaning, f.scale, **weights)


# Name -> what is minimised on a batch; docs/objectives.md says which data each looks at.
OBJECTIVES: Mapping[str, Callable[..., Parts]] = {
    "omni": _omni,
    "clip": _clip,
    "negclip": lambda f: negclip(f.I, f.C, f.N, f.scale, f.same),
    "tripletclip": lambda f: tripletclip(f.I, f.C, f.N, f.scale, same=f.same),
    "conclip": lambda f: conclip(f.I, f.C, f.N, f.scale, same=f.same),
    "negationclip": lambda f: negationclip(f.J, f.U, f.scale, f.same_absent),
    "negbench": _negbench,
    "omni-plus": _omni_plus,
}


class TrainingTask(nn.Module):
    """Encodes a batch's captions and returns the parts of an objective."""

    def __init__(
        self, model: nn.Module, objective: str = "omni", *, precision: str = "fp32", **weights: float
    ) -> None:
        """Hold the model and the objective.

        Args:
            model: a CLIP, or another dual encoder, as the texts of the batches are laid out for it.
            objective: a name of OBJECTIVES.
            precision: `fp32`, `bf16` or `fp16` for the tower's matrix products; losses are in float32.
            weights: of the parts, as the objective takes them: `weight_absence`, `weight_original`,
                `weight_text` and `margin` for `omni`; `weight_supervised`, `weight_distilled`,
                `weight_composed` and `weight_discriminated` for `omni-plus`; none for the others.
        """
        super().__init__()
        self.model = model
        self.family = family_of(model)
        self.autocast = AUTOCAST[precision]
        self.minimised = partial(OBJECTIVES[objective], **weights)

    def forward(self, batch: PairBatch | ContrastBatch) -> Parts:
        """Return `loss` and its named parts."""
        features = [self.encode(chunk)["texts"] for chunk in batch.texts]
        return self.objective({"texts": torch.cat(features)}, batch)

    def encode(self, chunk: Texts) -> Parts:
        """Return the features of one chunk of captions as `texts`, [n, d]."""
        with torch.autocast(chunk.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            return {"texts": self.family.encode(chunk).float()}

    def objective(self, features: Parts, batch: PairBatch | ContrastBatch) -> Parts:
        """Return `loss` and its named parts for the features of all of the batch's chunks.

        The features of all processes are gathered, so that each has the loss of the whole batch.
        """
        return self.minimised(batch.features(features["texts"], self.family.logit_scale.exp()))

    @torch.no_grad()
    def after_step(self) -> None:
        """Clamp logit_scale to [0, ln 100], as after every step of CLIP's training."""
        self.family.logit_scale.clamp_(0, math.log(100))
