"""Presets: every choice of a fine-tuning run as flat values in one YAML file."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from omninegclip.errors import OmniNegClipError


@dataclass(frozen=True)
class Preset:
    """A fine-tuning run in numbers and names; method.md's table of the authors' job in the same order.

    Attributes:
        objective: what is minimised: `omni`.
        text_layers: layers of the text tower that train, as `layer_groups.text_layers` reads them.
        text_extras: what else of the text side trains.
        image_layers: layers of the image tower that train.
        steps: optimizer steps.
        batch_size: pictures of each kind of negation in a step.
        learning_rate: at the end of the warm-up.
        betas: of AdamW.
        epsilon: of AdamW.
        weight_decay: of AdamW.
        decay_all: whether biases, norms, embeddings and the logit scale decay too, as in the authors' code.
        schedule: `paper` or `mended`.
        warmup: warm-up steps.
        weight_absence: weight of the absence-based objective.
        weight_original: weight of the original captions in it.
        weight_text: weight of the hinge between caption and negated caption in it.
        margin: of that hinge.
        mask_same_image: whether captions of one picture are no negatives of each other.
    """

    objective: str
    text_layers: str
    text_extras: tuple[str, ...]
    image_layers: str
    steps: int
    batch_size: int
    learning_rate: float
    betas: tuple[float, float]
    epsilon: float
    weight_decay: float
    decay_all: bool
    schedule: str
    warmup: int
    weight_absence: float
    weight_original: float
    weight_text: float
    margin: float
    mask_same_image: bool

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


def load_preset(name: str, overrides: Sequence[str] = ()) -> Preset:
    """Load a preset by name, or from a YAML file, and apply overrides of the form `key=value`.

    Raises OmniNegClipError for an unknown name, an unknown key or a value of the wrong type.
    """
    values = _read(name)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise OmniNegClipError(f"The override {override!r} has no '=': write key=value.")
        values[_known_key(key, name)] = yaml.safe_load(value)
    known = {_known_key(key, name): value for key, value in values.items()}
    if missing := [field.name for field in dataclasses.fields(Preset) if field.name not in known]:
        raise OmniNegClipError(f"The preset {name} lacks {missing[0]!r}.")
    preset = Preset(**{key: _as_type(key, value, name) for key, value in known.items()})
    _check(preset, name)
    return preset


def _read(name: str) -> dict[str, Any]:
    if Path(name).suffix in (".yaml", ".yml"):
        path: Any = Path(name)
        if not path.is_file():
            raise OmniNegClipError(f"There is no preset file {name}.")
    elif name in preset_names():
        path = files("omninegclip.training") / "presets" / f"{name}.yaml"
    else:
        raise OmniNegClipError(
            f"There is no preset {name!r}{_suggestion(name, preset_names())}: "
            f"the presets are {', '.join(preset_names())}; or name a .yaml file."
        )
    try:
        values = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise OmniNegClipError(f"The preset {name} is no valid YAML: {error}.") from error
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
    try:
        if wanted is bool or wanted is str:
            if not isinstance(value, wanted):
                raise TypeError
            return value
        if wanted is int:
            if isinstance(value, bool) or int(value) != float(value):
                raise TypeError
            return int(value)
        if wanted is float:
            if isinstance(value, bool):
                raise TypeError
            return float(value)
        if isinstance(value, str):
            raise TypeError
        return tuple(float(each) for each in value) if key == "betas" else tuple(str(each) for each in value)
    except (TypeError, ValueError) as error:
        expected = getattr(wanted, "__name__", str(wanted))
        raise OmniNegClipError(f"The preset {name} has {key}={value!r}, which is no {expected}.") from error


def _check(preset: Preset, name: str) -> None:
    positive = {"steps": preset.steps, "batch_size": preset.batch_size, "warmup": preset.warmup}
    for key, value in positive.items():
        if value < 1:
            raise OmniNegClipError(f"The preset {name} has {key}={value}: it must be 1 or more.")
    if preset.steps <= preset.warmup + 1:
        raise OmniNegClipError(
            f"The preset {name} has {preset.steps} steps and a warm-up of {preset.warmup}: "
            "it needs at least two steps after the warm-up."
        )
    for key, chosen, allowed in (
        ("objective", preset.objective, ("omni",)),
        ("schedule", preset.schedule, ("paper", "mended")),
    ):
        if chosen not in allowed:
            raise OmniNegClipError(
                f"The preset {name} has {key}={chosen!r}{_suggestion(chosen, allowed)}: "
                f"it can be {' or '.join(allowed)}."
            )
