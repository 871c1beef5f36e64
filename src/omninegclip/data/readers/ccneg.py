"""CC-Neg (Singh et al., WACV 2025): true captions of CC3M against negated, false ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from omninegclip.data.items import Picture, TextChoice
from omninegclip.data.record import Row, read_records, write_records
from omninegclip.data.sources import check, field
from omninegclip.errors import OmniNegClipError

PREFIX = "/workspace/datasets/cc3m/"  # where the images lay on the authors' machine
HELD_OUT = 40_000  # the last rows are for evaluation


def records(path: Path) -> Iterator[Row]:
    """Yield the rows of `ccneg_preprocessed.pt` as records for training, all of them in file order.

    The file is a pickle: only plain containers and texts are loaded from it, so no code of it runs.
    """
    paths, annotations = _load(path)
    for index, (image, annotation) in enumerate(zip(paths, annotations, strict=True)):
        where = f"Annotation {index} of {path}"
        negated = field(field(annotation, "sop_data", dict, where), "negative-prompt", str, where)
        yield {
            "image": check(image, str, f"image path {index} of {path}").removeprefix(PREFIX),
            "image_id": f"ccneg-{index}",
            "caption": field(annotation.get("json", annotation), "caption", str, where),
            "presence_negated": negated,
            "absence_negated": None,
        }


def convert(source: Path, target: Path) -> int:
    """Write the pickle as a Parquet file of records, once and for all, and return the number of rows."""
    return write_records(target, records(source))


def read(
    path: Path, last: int | None = HELD_OUT, strip_commas: Literal["negated", "both", "none"] = "both"
) -> Iterator[TextChoice]:
    """Yield the last rows (None: all), the true caption first, from the pickle or its Parquet.

    The field strips commas from the negated caption alone, which gives the answer away to a rule that looks
    for commas; strip them from both, or from none.
    """
    rows = list(read_records(path) if path.suffix == ".parquet" else records(path))
    for row in rows[-last:] if last else rows:
        right = row["caption"].replace(",", "") if strip_commas == "both" else row["caption"]
        wrong = (
            row["presence_negated"].replace(",", "") if strip_commas != "none" else row["presence_negated"]
        )
        yield TextChoice(row["image_id"], Picture(row["image"]), (right, wrong), 0)


def _load(path: Path) -> tuple[list[Any], list[Any]]:
    import torch

    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise OmniNegClipError(f"Can't read {path}: no such file.") from error
    except Exception as error:  # the unpickler raises anything on a broken or unsafe file
        raise OmniNegClipError(
            f"{path} is no CC-Neg file: a pickle of plain lists, dicts and texts is needed."
        ) from error
    data = check(data, dict, f"the content of {path}")
    paths = field(data, "image_paths", list, str(path))
    annotations = field(data, "annotations", list, str(path))
    if len(paths) != len(annotations):
        raise OmniNegClipError(f"{path} has {len(paths)} images but {len(annotations)} annotations.")
    return paths, annotations
