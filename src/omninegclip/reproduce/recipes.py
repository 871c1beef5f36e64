"""What is trained: the paper's recipe as its code runs it, and any objective under our own preset."""

from collections.abc import Sequence
from typing import NamedTuple

from omninegclip.errors import OmniNegClipError
from omninegclip.objectives.objective import shipped_objectives
from omninegclip.training.objective import suggestion
from omninegclip.training.preset import Preset, load_preset

PAPER, OURS = "paper-vitb32", "omni-vitb32"  # presets; only their base model is B/32's
DEFAULT = ("paper", "omni")


class Recipe(NamedTuple):
    """A training by name: `paper`, or an objective."""

    name: str
    preset_name: str
    preset: Preset

    @property
    def contrast_sets(self) -> bool:
        """Whether it learns from contrast sets, which only `negate` makes."""
        return self.preset.method.name == "contrast_sets"


def make_recipes(names: Sequence[str], model: str, overrides: Sequence[str] = ()) -> list[Recipe]:
    """Return the recipes, each starting from `model`; the name `none` means none at all.

    Raises OmniNegClipError for a name that is neither `paper` nor an objective, or wrong overrides.
    """
    if list(names) == ["none"]:
        return []
    known = ["paper", *shipped_objectives()]
    for name in names:
        if name not in known:
            raise OmniNegClipError(
                f"--objectives {name}: there is no such objective{suggestion(name, known)}; it can be "
                f"{', '.join(known)}, or none."
            )
    return [_recipe(name, model, overrides) for name in dict.fromkeys(names)]


def _recipe(name: str, model: str, overrides: Sequence[str]) -> Recipe:
    preset = PAPER if name == "paper" else OURS
    changes = {"model": model} | ({} if name == "paper" else {"objective": name})
    return Recipe(name, preset, load_preset(preset, overrides, changes))
