"""What each study compares."""

from omninegclip.evaluation.training_free import METHODS
from omninegclip.study.grid import PRETRAINED, Cell
from omninegclip.training.task import OBJECTIVES

_PRETRAINED = Cell(PRETRAINED, None)


def objectives() -> list[Cell]:
    """Return a cell per objective, and before them the methods that train nothing."""
    return [
        _PRETRAINED,
        *(Cell(name, None, name) for name in METHODS),
        *(Cell(name, (f"objective={name}",)) for name in OBJECTIVES if name != "omni"),
        Cell("omni", ("objective=omni",)),
    ]


def groups(layers: int, *, each: bool) -> list[Cell]:
    """Return cells for a partition of the text tower's blocks in thirds, all blocks, and the authors' 0-5.

    With `each` also one per block alone, of `layers`.
    """
    thirds = {f"{name} third": f"{name}-third" for name in ("front", "middle", "back")}
    named = thirds | {"whole": "whole", "authors' front": "front"}
    alone = {f"block {number}": str(number) for number in range(layers)} if each else {}
    return [
        _PRETRAINED,
        *(Cell(name, (f"text_layers='{value}'",)) for name, value in (named | alone).items()),
    ]


def margins() -> list[Cell]:
    """Return cells for the hinge's margin, its weight, and the weight of the absence-based objective."""
    return [
        _PRETRAINED,
        *(Cell(f"margin {margin:g}", (f"margin={margin}",)) for margin in (0.9, 0.0, -0.5, -0.8)),
        *(Cell(f"text weight {weight:g}", (f"weight_text={weight}",)) for weight in (0.0, 1.0)),
        *(Cell(f"absence weight {weight:g}", (f"weight_absence={weight}",)) for weight in (0.0, 0.5)),
    ]
