"""An objective as training knows it: a function of a batch's features, and what is said of it."""

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import NamedTuple

from pydantic import NonNegativeFloat
from torch import Tensor

import omninegclip.objectives
from omninegclip.errors import OmniNegClipError

Parts = dict[str, Tensor]
Weight = NonNegativeFloat


class Setting(NamedTuple):
    """A value of the preset that an objective or a method has: its type, for pydantic, and its default."""

    kind: object
    default: float


@dataclass(frozen=True)
class Objective:
    """What a run minimises.

    Attributes:
        function: returns `loss` and any other named scalars. Parameters are given by name what the batches
            of a method serve. Keyword-only ones that have a number or a bool as default are settings of
            the preset; their annotation says what they may be, such as `Weight` for 0 or more.
        curves: the scalars that are drawn beside the loss.
        source: of the method, for model cards.
    """

    function: Callable[..., Parts]
    curves: tuple[str, ...] = ()
    source: str = ""

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """Return the settings that the function has.

        Raises OmniNegClipError for one that no preset can hold, such as a text.
        """
        for name, each in self._parameters.items():
            if each.kind is each.KEYWORD_ONLY and isinstance(each.default, str | list | tuple | dict):
                raise OmniNegClipError(
                    f"The setting {name} of the objective {self.function.__qualname__} is "
                    f"{each.default!r} by default: a number or a bool is needed."
                )
        return {
            name: Setting(
                type(each.default) if each.annotation is each.empty else each.annotation, each.default
            )
            for name, each in self._parameters.items()
            if each.kind is each.KEYWORD_ONLY and isinstance(each.default, int | float)
        }

    @cached_property
    def takes(self) -> dict[str, bool]:
        """Return what the function is served, and whether it needs it."""
        return {
            name: each.default is each.empty
            for name, each in self._parameters.items()
            if name not in self.settings and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        }

    def minimised(self, settings: Mapping[str, float]) -> Callable[[Mapping[str, object]], Parts]:
        """Return the function of what a batch serves, with its settings."""

        def minimised(served: Mapping[str, object]) -> Parts:
            given = {name: served[name] for name in self.takes if name in served}
            parts = self.function(**given, **settings)
            if not isinstance(parts, dict) or "loss" not in parts or not all(map(_is_scalar, parts.values())):
                raise OmniNegClipError(
                    f"The objective {self.function.__qualname__} must return a dict of scalar tensors with "
                    "'loss'."
                )
            return parts

        return minimised

    @cached_property
    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.function, eval_str=True).parameters


def _is_scalar(part: object) -> bool:
    return isinstance(part, Tensor) and part.ndim == 0


@cache
def shipped_objectives() -> dict[str, Objective]:
    """Return the objectives of this package by name: what a file in it calls OBJECTIVE, `omni` first."""
    names = sorted(each.name for each in pkgutil.iter_modules(omninegclip.objectives.__path__))
    modules = {name: import_module(f"omninegclip.objectives.{name}") for name in names}
    found = {
        name.replace("_", "-"): module.OBJECTIVE
        for name, module in modules.items()
        if hasattr(module, "OBJECTIVE")
    }
    return {"omni": found.pop("omni"), **found}
