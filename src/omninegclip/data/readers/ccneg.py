"""CC-Neg (Singh et al., WACV 2025): true captions of CC3M against negated, false ones."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from omninegclip.data.items import ImageRef, TextChoice
from omninegclip.data.record import read_records, write_records
from omninegclip.data.sources import Row, check, field, readable
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
        row = check(annotation, dict, where)
        said = check(row.get("json", row), dict, where)
        negated = field(field(row, "sop_data", dict, where), "negative-prompt", str, where)
        yield {
            "image": check(image, str, f"image path {index} of {path}").removeprefix(PREFIX),
            "image_id": f"ccneg-{index}",
            "caption": field(said, "caption", str, where),
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
        where = f"Record {row['image_id']} of {path}"
        right, wrong, image = (
            field(row, name, str, where) for name in ("caption", "presence_negated", "image")
        )
        right = right.replace(",", "") if strip_commas == "both" else right
        wrong = wrong.replace(",", "") if strip_commas != "none" else wrong
        yield TextChoice(row["image_id"], ImageRef(image), (right, wrong), 0)


def _load(path: Path) -> tuple[list[object], list[object]]:
    import torch

    with readable(path):
        _refuse_compressed(path)
    try:
        # on the device `meta`, a tensor has no memory: texts are wanted, and a tensor may claim any size
        data = torch.load(path, map_location="meta", weights_only=True)
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


def _refuse_compressed(path: Path) -> None:
    """Refuse an archive whose files are larger than itself: torch.save never compresses."""
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            return  # the older format, which is no archive
        try:
            with zipfile.ZipFile(file) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise OmniNegClipError(f"{path} is no CC-Neg file: its archive is damaged.") from error
    if unpacked > path.stat().st_size:
        raise OmniNegClipError(
            f"{path} is compressed and would unpack to {unpacked:,} bytes: "
            "a file that torch.save wrote is needed."
        )
