"""Presets: every choice of a fine-tuning run as flat values in one YAML file."""

import dataclasses
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from omninegclip import plain_yaml
from omninegclip.errors import OmniNegClipError
from omninegclip.training.task import OBJECTIVES

_CHOICES = {
    "objective": tuple(OBJECTIVES),
    "schedule": ("paper", "cosine"),
    "precision": ("fp32", "bf16", "fp16"),
    "validate_metric": ("score", "presence_accuracy", "absence_r1", "retrieval_r1"),
}
_LARGEST = 2**31 - 1  # of whole numbers: what lies above overflows somewhere
_AT_LEAST_ONE = (
    "epochs",
    "steps",
    "batch_size",
    "chunk_size",
    "warmup",
    "validate_every",
    "patience",
    "checkpoint_every",
)
_NOT_NEGATIVE = (
    "learning_rate",
    "epsilon",
    "weight_decay",
    "weight_absence",
    "weight_original",
    "weight_text",
    "weight_supervised",
    "weight_distilled",
    "weight_composed",
    "weight_discriminated",
    "concept_weight",
)


@dataclass(frozen=True)
class Preset:
    """A fine-tuning run in numbers and names.

    Attributes:
        model: the CLIP to start from, by any name that `load_clip` takes.
        objective: what is minimised: a name of `task.OBJECTIVES`.
        text_layers: layers of the text tower that train, as `layer_groups.text_layers` reads them.
        text_extras: what else of the text side trains.
        image_layers: layers of the image tower that train.
        epochs: passes over the kind of negation that has more captions; null if `steps` says how long.
        steps: optimizer steps; null if `epochs` says how long.
        batch_size: images of each kind of negation in a step, over all processes.
        chunk_size: images of each kind whose captions are encoded at a time, to save memory with the same
            gradient; null for the whole batch.
        learning_rate: at the end of the warm-up.
        betas: of AdamW.
        epsilon: of AdamW.
        weight_decay: of AdamW.
        decay_all: whether biases, norms, embeddings and the logit scale decay too, as in the authors' code.
        schedule: `paper` or `cosine`.
        warmup: warm-up steps.
        precision: `fp32`, or `bf16` or `fp16` for the tower's matrix products (autocast).
        clip_norm: largest norm of the gradient; null for no clipping.
        weight_absence: weight of the absence-based objective; this and the next three are of `omni` alone.
        weight_original: weight of the original captions in it.
        weight_text: weight of the hinge between caption and negated caption in it.
        margin: of that hinge.
        weight_supervised: weight of known truth; this and the next five are of `omni-plus` alone.
        weight_distilled: weight of what denies nothing keeping its meaning.
        weight_composed: weight of what denies something meaning what its two halves compose to.
        weight_discriminated: weight of telling what denies one thing from what denies another.
        concept_weight: how much of the denied concept is taken out in that.
        hard_images: whether each true denial meets an image that holds what it denies.
        mask_same_image: whether captions of one image are no negatives of each other.
        strip_commas: whether the captions negated by presence lose their commas, as in the authors' code.
        held_out_share: share of the images that is kept from training for validation, from 0 to below 1.
        validate_metric: what the best checkpoint is chosen by, of `evaluation.validation`.
        validate_every: steps between validations; null for once per epoch.
        patience: validations without a better one after which training stops; null for never.
        checkpoint_every: steps between checkpoints.
    """

    model: str
    objective: str
    text_layers: str
    text_extras: tuple[str, ...]
    image_layers: str
    epochs: int | None
    steps: int | None
    batch_size: int
    chunk_size: int | None
    learning_rate: float
    betas: tuple[float, float]
    epsilon: float
    weight_decay: float
    decay_all: bool
    schedule: str
    warmup: int
    precision: str
    clip_norm: float | None
    weight_absence: float
    weight_original: float
    weight_text: float
    margin: float
    weight_supervised: float
    weight_distilled: float
    weight_composed: float
    weight_discriminated: float
    concept_weight: float
    hard_images: bool
    mask_same_image: bool
    strip_commas: bool
    held_out_share: float
    validate_metric: str
    validate_every: int | None
    patience: int | None
    checkpoint_every: int

    @property
    def images(self) -> str:
        """Return how many images are in a step, in words: of one batch, or of one of each kind."""
        other = "" if self.objective == "omni-plus" else f" + {self.batch_size}"
        return f"{self.batch_size}{other} pictures"

    def objective_weights(self) -> dict[str, float]:
        """Return the weights that the objective takes: those of `omni` or `omni-plus`, else none."""
        names = {
            "omni": ("weight_absence", "weight_original", "weight_text", "margin"),
            "omni-plus": ("weight_supervised", "weight_distilled", "weight_composed", "weight_discriminated"),
        }
        return {name: getattr(self, name) for name in names.get(self.objective, ())}

    def as_dict(self) -> dict[str, Any]:
        """Return the values as plain lists, numbers and names, ready for YAML or JSON."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }


def preset_names() -> list[str]:
    """Return the names of the presets that ship with the package."""
    folder = files("omninegclip.training") / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.is_file())


def load_preset(name: str, overrides: Sequence[str] = (), changes: Mapping[str, object] = {}) -> Preset:
    """Load a preset by name, or from a YAML file, and apply what is changed of it.

    `changes` come first, as Python values; then `overrides` of the form `key=value`, the value in YAML.

    Raises OmniNegClipError for an unknown name, an unknown key or a value of the wrong type.
    """
    values = _read(name) | dict(changes)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise OmniNegClipError(f"--set {override!r} has no '=': write key=value.")
        values[_known_key(key, name)] = plain_yaml.parse(value, f"--set {override:.80}")
    known = {_known_key(key, name): value for key, value in values.items()}
    if missing := [field.name for field in dataclasses.fields(Preset) if field.name not in known]:
        raise OmniNegClipError(f"The preset {name} lacks {missing[0]!r}.")
    preset = Preset(**{key: _as_type(key, value, name) for key, value in known.items()})
    _check(preset, name)
    return preset


def _read(name: str) -> dict[str, Any]:
    if Path(name).suffix in (".yaml", ".yml"):
        if not Path(name).is_file():  # a pipe would be waited for
            raise OmniNegClipError(f"There is no preset file {name}.")
        values = plain_yaml.read(Path(name), f"The preset {name}")
    elif name in preset_names():
        values = plain_yaml.parse((files(__package__) / "presets" / f"{name}.yaml").read_text("utf-8"), name)
    else:
        raise OmniNegClipError(
            f"There is no preset {name!r}{_suggestion(name, preset_names())}: "
            f"the presets are {', '.join(preset_names())}; or name a .yaml file."
        )
    if not isinstance(values, dict):
        raise OmniNegClipError(f"The preset {name} must hold keys and values.")
    return values


def _known_key(key: str, name: str) -> str:
    keys = [field.name for field in dataclasses.fields(Preset)]
    if key not in keys:
        raise OmniNegClipError(f"The preset {name} has no key {key!r}{_suggestion(key, keys)}.")
    return key


def _suggestion(given: str, known: Sequence[str]) -> str:
    close = get_close_matches(given, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _as_type(key: str, value: Any, name: str) -> Any:
    """Return `value` as the field's type; YAML reads 1e-6 as text, so numbers may come as such."""
    wanted = get_type_hints(Preset)[key]
    kind = next((each for each in get_args(wanted) if each is not type(None)), wanted)
    try:
        if get_origin(wanted) is tuple:
            if not isinstance(value, list):
                raise TypeError
            return tuple(map(kind, value))
        if value is None and kind is not wanted:
            return None
        if kind in (bool, str):
            if not isinstance(value, kind):
                raise TypeError
            return value
        if isinstance(value, bool) or not isfinite(float(value)) or kind(value) != float(value):
            raise TypeError
        return kind(value)
    except (TypeError, ValueError, OverflowError) as error:
        expected = f"list of {kind.__name__}" if get_origin(wanted) is tuple else kind.__name__
        raise OmniNegClipError(
            f"The preset {name} has {key}={reprlib.repr(value)}, which is no {expected}."
        ) from error


def _check(preset: Preset, name: str) -> None:
    def refuse(key: str, must: str) -> OmniNegClipError:
        return OmniNegClipError(f"The preset {name} has {key}={getattr(preset, key)!r}: it must be {must}.")

    if (preset.epochs is None) == (preset.steps is None):
        raise OmniNegClipError(
            f"The preset {name} has epochs={preset.epochs} and steps={preset.steps}: "
            "set one of them and the other to null."
        )
    for key in _AT_LEAST_ONE:
        value = getattr(preset, key)
        if value is not None and value < 1:
            raise refuse(key, "1 or more")
        if value is not None and value > _LARGEST:
            raise refuse(key, f"{_LARGEST:,} or less")
    for key in _NOT_NEGATIVE:
        if getattr(preset, key) < 0:
            raise refuse(key, "0 or more")
    if preset.clip_norm is not None and preset.clip_norm <= 0:
        raise refuse("clip_norm", "above 0, or null")
    if not 0 <= preset.held_out_share < 1:
        raise refuse("held_out_share", "from 0 to below 1")
    if len(preset.betas) != 2 or not all(0 <= beta < 1 for beta in preset.betas):
        raise refuse("betas", "two numbers from 0 to below 1")
    if preset.patience is not None and preset.held_out_share == 0:
        raise OmniNegClipError(
            f"The preset {name} has patience={preset.patience} and held_out_share=0: "
            "stopping early needs images to validate on."
        )
    if preset.steps is not None:
        check_steps(preset.steps, preset.warmup)
    for key, allowed in _CHOICES.items():
        if (chosen := getattr(preset, key)) not in allowed:
            raise OmniNegClipError(
                f"The preset {name} has {key}={chosen!r}{_suggestion(chosen, allowed)}: "
                f"it can be {' or '.join(allowed)}."
            )


def check_steps(steps: int, warmup: int) -> None:
    """Raise OmniNegClipError unless the schedule fits: it needs two steps after the warm-up."""
    if steps <= warmup + 1:
        raise OmniNegClipError(
            f"The run has {steps} steps and a warm-up of {warmup}: "
            "it needs at least two steps after the warm-up."
        )
