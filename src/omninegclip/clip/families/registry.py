"""Which families there are: the subclasses of `Family` in this folder, and those that others register."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from torch import nn

import omninegclip.clip.families as package
from omninegclip.clip.families.family import Family
from omninegclip.errors import OmniNegClipError

_FAMILIES: dict[str, type[Family]] = {}
FamilyClass = TypeVar("FamilyClass", bound=type[Family])


def register(family: FamilyClass) -> FamilyClass:
    """Make a family known by its `model_type`: the decorator of its class."""
    _FAMILIES[family.model_type] = family
    return family


def families() -> Mapping[str, type[Family]]:
    """Return all families by their `model_type`."""
    _import_folder()
    return _FAMILIES


def family_of(model: nn.Module) -> Family:
    """Return the family of a model, which holds it.

    Raises:
        OmniNegClipError: it is of none that is known.
    """
    for family in families().values():
        if isinstance(model, family.model_class):
            return family(model)
    known = ", ".join(family.model_class.__name__ for family in families().values())
    raise OmniNegClipError(
        f"A {type(model).__name__} is not a dual encoder that is known here; known are {known}."
    )


@cache
def _import_folder() -> None:
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
