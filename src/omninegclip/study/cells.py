"""What each study compares."""

from collections.abc import Sequence

from omninegclip.clip.families.clip import TEXT_EXTRAS
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.scorer import Scorer
from omninegclip.llm import Endpoint
from omninegclip.objectives.objective import shipped_objectives
from omninegclip.scoring.vectors import METHODS
from omninegclip.study.grid import PRETRAINED, StudyCell
from omninegclip.study.rivals import CORRECTIONS, DENSE_MAPS
from omninegclip.training.methods.pairs import PAIRS
from omninegclip.training.objective import method_of

PLUS = "scenes-plus"
_PRETRAINED = StudyCell(PRETRAINED, None)
_PLUS = StudyCell("omni-plus", (), preset=PLUS)


def objectives(llm: Endpoint | None = None) -> list[StudyCell]:
    """Return a cell per objective, and before them the methods that train nothing.

    Where a language model answers, one reads sentences by it.
    """
    of_pairs = [name for name, each in shipped_objectives().items() if method_of(each) is PAIRS]
    return [
        _PRETRAINED,
        *(StudyCell(name, None, name) for name in METHODS),
        StudyCell("halves told, subtract", None, scorer=Scorer("told", "subtract")),
        StudyCell("halves told, gate", None, scorer=Scorer("told", "gate")),
        StudyCell("halves by rules, gate", None, scorer=Scorer("rules", "gate")),
        *(
            [StudyCell("halves by a language model, gate", None, scorer=Scorer("llm", llm=llm))]
            if llm
            else []
        ),
        StudyCell("halves by a learned reader, gate", (), preset="scenes-reader"),
        StudyCell("dense cosine maps", None, rival=DENSE_MAPS),
        StudyCell("corrections from middle layers", None, rival=CORRECTIONS),
        *(StudyCell(name, (f"objective={name}",)) for name in of_pairs if name != "omni"),
        StudyCell("omni", ("objective=omni",)),
        # the paper's objective with the layers, steps and optimizer's settings of omni-plus
        StudyCell("omni, small steps", (), preset="scenes-paper-small-steps"),
        _PLUS,
    ]


def plus() -> list[StudyCell]:
    """Return cells for omni-plus without each of its parts, with other layers, and blended with its base."""
    without = {
        "L_contrast": "weight_supervised=0",
        "L_h, hard images": "hard_images=false",
        "L_distilled": "weight_distilled=0",
        "L_composed": "weight_composed=0",
        "L_discriminated": "weight_discriminated=0",
    }
    trained = {
        "front half": "text_layers=front",
        "front third": "text_layers=front-third",
        "back third": "text_layers=back-third",
        "embeddings train": f"text_extras=[{', '.join(TEXT_EXTRAS)}]",
    }
    return [
        _PRETRAINED,
        _PLUS,
        *(StudyCell(f"without {part}", (value,), preset=PLUS) for part, value in without.items()),
        *(StudyCell(name, (value,), preset=PLUS) for name, value in trained.items()),
        StudyCell("half way from pretrained", (), preset=PLUS, blend=0.5),
        StudyCell("one w for all sentences", ("bare_concept_weight=0.9",), preset=PLUS),
        *(
            StudyCell(f"w = {weight}", (f"concept_weight={weight}",), preset=PLUS)
            for weight in (0.5, 0.7, 0.8)
        ),
    ]


def groups(layers: int, *, each: bool) -> list[StudyCell]:
    """Return cells for a partition of the text tower's blocks in thirds, all blocks, and the authors' 0-5.

    With `each` also one per block alone, of `layers`.
    """
    thirds = {f"{name} third": f"{name}-third" for name in ("front", "middle", "back")}
    named = thirds | {"whole": "whole", "authors' front": "front"}
    alone = {f"block {number}": str(number) for number in range(layers)} if each else {}
    return [
        _PRETRAINED,
        *(StudyCell(name, (f"text_layers='{value}'",)) for name, value in (named | alone).items()),
    ]


def margins() -> list[StudyCell]:
    """Return cells for the hinge's margin, its weight, and the weight of the absence-based objective."""
    return [
        _PRETRAINED,
        *(StudyCell(f"margin {margin:g}", (f"margin={margin}",)) for margin in (0.9, 0.0, -0.5, -0.8)),
        *(StudyCell(f"text weight {weight:g}", (f"weight_text={weight}",)) for weight in (0.0, 1.0)),
        *(StudyCell(f"absence weight {weight:g}", (f"weight_absence={weight}",)) for weight in (0.0, 0.5)),
    ]


def only(cells: Sequence[StudyCell], names: Sequence[str]) -> list[StudyCell]:
    """Return the cells that are named, or all when none is.

    Raises OmniNegClipError for a cell that the study has not.
    """
    known = [cell.name for cell in cells]
    if unknown := [name for name in names if name not in known]:
        raise OmniNegClipError(f"This study has no cell {unknown[0]!r}: its cells are {', '.join(known)}.")
    return [cell for cell in cells if not names or cell.name in names]
