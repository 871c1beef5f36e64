"""An untrusted `config.json` to a configuration: what the architecture's class declares, in sane ranges."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from transformers import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from omninegclip.clip.io.quiet import silent_transformers
from omninegclip.clip.io.untrusted import in_one_line
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject

Config = TypeVar("Config", bound=PreTrainedConfig)
LARGEST = 10_000_000  # of any number in a configuration; the largest in use are vocabularies of 256,000
# the parts of a configuration -> the class of each, or the `model_type`s that it may name
Towers = Mapping[str, type[PreTrainedConfig] | tuple[str, ...]]
# What every class takes. None of it is the shape of a model.
GENERAL = {field.name for field in dataclasses.fields(PreTrainedConfig)}


def known_config(kind: type[Config], raw: Mapping[str, object], path: Path, towers: Towers) -> Config:
    """Return the configuration of class `kind` that `raw`, which was read from `path`, describes.

    What the class does not declare itself never reaches the library: how attention is computed, kernels,
    quantisation, precision and code of the folder's own are not the folder's to choose. The towers' parts go
    through the same sieve.

    Raises:
        OmniNegClipError: a value is of another type, or outside any sane range.
    """
    known = declared(kind, raw, str(path))
    for key, tower in towers.items():
        known.pop(key, None)
        if raw.get(key) is not None:
            known[key] = _tower(tower, key, raw[key], f"{path}, {key}")
    try:
        with silent_transformers():
            return kind(**known)
    except Exception as error:  # the library's validation raises errors of its own kinds
        raise OmniNegClipError(f"{path} describes no {kind.model_type}: {in_one_line(error)}") from error


def _tower(kind: type[PreTrainedConfig] | tuple[str, ...], key: str, raw: object, where: str) -> JsonObject:
    if not isinstance(raw, dict):
        raise OmniNegClipError(f"{where} is wrong: it holds no JSON object.")
    if not isinstance(kind, tuple):
        return declared(kind, raw, where)
    name = raw.get("model_type", kind[0])
    if not isinstance(name, str) or name not in kind:
        what = "text" if key.startswith("text") else "image"
        raise OmniNegClipError(f"{where}: the {what} tower is a {name!r}; known are {', '.join(kind)}.")
    return declared(CONFIG_MAPPING[name], raw, where) | {"model_type": name}


def declared(kind: type[PreTrainedConfig], raw: Mapping[str, object], where: str) -> JsonObject:
    """Return what the configuration class `kind` itself declares of `raw`; raises as `known_config` does."""
    known = {}
    for field in dataclasses.fields(kind):
        if field.name in raw and field.name not in GENERAL and not field.name.startswith("_"):
            value = raw[field.name]
            for each in value if isinstance(value, list) else [value]:
                _require_sane(field.name, each, field.default, where)
            known[field.name] = value
    return known


def _require_sane(key: str, value: object, default: object, where: str) -> None:
    """Refuse what the class would take, since it checks types alone, and True is an int to it."""
    missing = value is None and default is not None and not key.endswith("_id")
    if missing or isinstance(default, bool) != isinstance(value, bool):
        raise OmniNegClipError(f"{where} is wrong: {key} can't be {value!r}.")
    if isinstance(value, int | float) and not isinstance(value, bool):
        smallest = 0 if isinstance(default, float) or key.endswith("_id") else 1
        if not math.isfinite(value) or not smallest <= value <= LARGEST:
            raise OmniNegClipError(f"{where} is wrong: {key} is {value!r}, and no model has that.")
