"""Presets: all settings of a fine-tuning run as flat values; a YAML file holds those that differ."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
)
from pydantic_core import ErrorDetails

from omninegclip import plain_yaml
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject
from omninegclip.objectives.objective import Objective, Parts, Setting, Weight, shipped_objectives
from omninegclip.training.methods.method import Method, Settings
from omninegclip.training.objective import METHODS, load_objective, method_of, suggestion

_LARGEST = 2**31 - 1  # of whole numbers: what lies above overflows somewhere
_IN_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_Count = Annotated[int, Field(ge=1, le=_LARGEST)]
_Beta = Annotated[float, Field(ge=0, lt=1)]


class Preset(BaseModel):
    """The settings of a fine-tuning run; those of objectives and methods are added to these.

    Attributes:
        model: the CLIP to start from, by any name that `load_clip` takes.
        objective: what is minimised: a file of `objectives`, or your own as package.module:function.
        text_layers: layers of the text tower that train, as `layer_groups.text_layers` reads them.
        text_extras: what else of the text side trains.
        image_layers: layers of the image tower that train.
        epochs: passes over the kind of negation that has more captions; null if `steps` says how long.
        steps: optimizer steps; null if `epochs` says how long.
        batch_size: images of each kind of negation in a step, over all processes.
        chunk_size: images of each kind whose captions are encoded at a time, to save memory with the same
            gradient; null for the whole batch; auto for what a GPU has memory for, on a CPU the whole batch.
        learning_rate: at the end of the warm-up.
        betas: of AdamW.
        epsilon: of AdamW.
        weight_decay: of AdamW.
        decay_all: whether biases, norms, embeddings and the logit scale decay too, as in the authors' code.
        schedule: `paper` or `cosine`.
        warmup: warm-up steps.
        precision: `fp32`, or `bf16` or `fp16` for the tower's matrix products (autocast).
        compile: whether the text tower is compiled, on a GPU as CUDA graphs: for captions that are packed.
        clip_norm: largest norm of the gradient; null for no clipping.
        held_out_share: share of the images that is kept from training for validation, from 0 to below 1.
        validate_metric: figure of `evaluation.validation` by which the best checkpoint is chosen.
        validate_every: steps between validations; null for once per epoch.
        patience: validations without a better one after which training stops; null for never.
        checkpoint_every: steps between checkpoints.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str
    objective: str = "omni"
    text_layers: str = "front"
    text_extras: tuple[str, ...] = (
        "token_embedding",
        "position_embedding",
        "final_norm",
        "projection",
        "logit_scale",
    )
    image_layers: str = "none"
    epochs: _Count | None = None
    steps: _Count | None = None
    batch_size: _Count = 128
    chunk_size: _Count | Literal["auto"] | None = None
    learning_rate: Weight = 1e-6
    betas: tuple[_Beta, _Beta] = (0.9, 0.999)
    epsilon: Weight = 1e-8
    weight_decay: Weight = 0.2
    decay_all: bool = False
    schedule: Literal["paper", "cosine"] = "cosine"
    warmup: _Count = 50
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    compile: bool = False
    clip_norm: Annotated[float, Field(gt=0)] | None = 1.0
    held_out_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    validate_metric: Literal["score", "presence_accuracy", "absence_r1", "retrieval_r1"] = "score"
    validate_every: _Count | None = None
    patience: _Count | None = None
    checkpoint_every: _Count = 500

    @field_validator("*", mode="before")
    @classmethod
    def _bool_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        wanted = cls.model_fields[str(info.field_name)].annotation
        if value is not None and isinstance(value, bool) != (wanted is bool):
            raise ValueError
        return value

    def __reduce__(self) -> tuple[Callable[..., "Preset"], tuple[JsonObject, str]]:
        """Pickle by value: the class is made at runtime, with the settings of its objective."""
        return validated, (self.as_dict(), self.model)

    @property
    def minimises(self) -> Objective:
        """Return the objective."""
        return load_objective(self.objective)

    @property
    def method(self) -> Method:
        """Return what makes the batches."""
        return method_of(self.minimises)

    @property
    def images(self) -> str:
        """Return how many images are in a step, in words: of one batch, or of one of each kind."""
        return " + ".join([str(self.batch_size)] * self.method.batches_per_step) + " images"

    def settings_of(self, names: Mapping[str, Setting]) -> Settings:
        """Return the values of some settings."""
        return {name: getattr(self, name) for name in names}

    def minimised(self) -> Callable[[Mapping[str, object]], Parts]:
        """Return the function of what a batch serves that is minimised, with its settings."""
        return self.minimises.minimised(self.settings_of(self.minimises.settings))

    def as_dict(self) -> JsonObject:
        """Return the values as plain lists, numbers and names, ready for YAML or JSON."""
        return self.model_dump(mode="json")


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
        values[key] = plain_yaml.parse(value, f"--set {override:.80}")
    return validated(values, name)


def validated(values: JsonObject, name: str) -> Preset:
    """Return a preset of flat values, the rest being defaults; `name` is said in errors.

    Raises OmniNegClipError for an unknown key or a value that can't be.
    """
    objective = values.get("objective", "omni")
    kind = _with_settings(objective if isinstance(objective, str) else "omni")
    for key in values:
        if key not in kind.model_fields:
            known = list(kind.model_fields)
            raise OmniNegClipError(f"The preset {name} has no key {key!r}{suggestion(key, known)}.")
    try:
        preset = kind(**values)
    except ValidationError as error:
        wrong = error.errors()[0]
        key = str(wrong["loc"][0])
        problem = _problem(kind, key, values[key], wrong) if key in values else f"lacks {key!r}."
        raise OmniNegClipError(f"The preset {name} {problem}") from error
    _check(preset, name)
    return preset


@cache
def _with_settings(objective: str) -> type[Preset]:
    """Return Preset with all settings there are; where two have one name it is that of the objective."""
    found = [each.settings for each in shipped_objectives().values()]
    found += [dict(method.settings) for method in METHODS]
    found.append(load_objective(objective).settings)
    settings = {key: each for some in found for key, each in some.items()}
    if taken := settings.keys() & Preset.model_fields.keys():
        raise OmniNegClipError(
            f"The objective {objective} has a setting named {min(taken)!r}, which every preset "
            "already has: rename it."
        )
    fields: JsonObject = {key: (each.kind, each.default) for key, each in settings.items()}
    return create_model("Preset", __base__=Preset, **fields)


def _read(name: str) -> JsonObject:
    if Path(name).suffix in (".yaml", ".yml"):
        if not Path(name).is_file():  # a pipe would be waited for
            raise OmniNegClipError(f"There is no preset file {name}.")
        values = plain_yaml.read(Path(name), f"The preset {name}")
    elif name in preset_names():
        values = plain_yaml.parse((files(__package__) / "presets" / f"{name}.yaml").read_text("utf-8"), name)
    else:
        raise OmniNegClipError(
            f"There is no preset {name!r}{suggestion(name, preset_names())}: "
            f"the presets are {', '.join(preset_names())}; or name a .yaml file."
        )
    if not isinstance(values, dict):
        raise OmniNegClipError(f"The preset {name} must hold keys and values.")
    return values


def _problem(kind: type[Preset], key: str, value: object, wrong: ErrorDetails) -> str:
    """Say what is wrong with a value, and what would be right."""
    given = f"has {key}={reprlib.repr(value)}"
    limits = {"ge": "{:,.15g} or more", "gt": "above {:g}", "le": "{:,.15g} or less", "lt": "below {:g}"}
    for name, limit in wrong.get("ctx", {}).items():
        if name in limits:
            return f"{given}: it must be {limits[name].format(limit)}."
    annotation = kind.model_fields[key].annotation
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return f"{given}{suggestion(value, choices)}: it can be {' or '.join(choices)}."
    wanted = _plain(annotation)
    return f"{given}: it must be {wanted}."


def _plain(annotation: Any) -> str:
    """Return the type of a value in words, without limits and null."""
    while get_origin(annotation) not in (None, tuple):
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is tuple:
        first, *others = get_args(annotation)
        return f"a list{'' if Ellipsis in others else f' of {1 + len(others)} values'}, each {_plain(first)}"
    return _IN_WORDS.get(annotation, f"a value of type {annotation.__name__}")


def _check(preset: Preset, name: str) -> None:
    if (preset.epochs is None) == (preset.steps is None):
        raise OmniNegClipError(
            f"The preset {name} has epochs={preset.epochs} and steps={preset.steps}: "
            "set one of them and the other to null."
        )
    if preset.patience is not None and preset.held_out_share == 0:
        raise OmniNegClipError(
            f"The preset {name} has patience={preset.patience} and held_out_share=0: "
            "stopping early needs images to validate on."
        )
    if preset.steps is not None:
        check_steps(preset.steps, preset.warmup)


def check_steps(steps: int, warmup: int) -> None:
    """Raise OmniNegClipError unless the schedule fits: it needs two steps after the warm-up."""
    if steps <= warmup + 1:
        shorter = f"shorten it with --set warmup={steps - 2}, or " if steps > 2 else ""
        raise OmniNegClipError(
            f"The run has {steps} steps and a warm-up of {warmup}, and at least two steps must follow the "
            f"warm-up: {shorter}train for more steps."
        )
