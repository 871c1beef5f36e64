"""NegBench (Alhamoud et al., CVPR 2025): multiple choice and retrieval with negated captions."""

import re
from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import CaptionedImage, ImageRef, TextChoice
from omninegclip.data.sources import Row, csv_rows, text_list, whole_number
from omninegclip.errors import OmniNegClipError

_OPTION = re.compile(r"caption_(\d+)")


def read_choices(path: Path) -> Iterator[TextChoice]:
    """Yield one choice per row, grouped by template; columns may come in any order.

    The published files of real photos have `correct_answer` 0 in every row.
    """
    for number, (where, row) in enumerate(
        csv_rows(path, ["image_path", "correct_answer", "caption_0", "caption_1"])
    ):
        columns = sorted((name for name in row if _OPTION.fullmatch(name)), key=lambda name: int(name[8:]))
        options = tuple(row[name] for name in columns)
        answer = whole_number(row["correct_answer"], f"correct_answer of {where}")
        if not 0 <= answer < len(options):
            raise OmniNegClipError(
                f"{where} has the correct_answer {answer}: 0 to {len(options) - 1} are there."
            )
        template = row.get("correct_answer_template")
        groups = {"template": template} if template else {}
        yield TextChoice(str(number), ImageRef(row["image_path"]), options, answer, groups)


def read_retrieval(path: Path) -> Iterator[CaptionedImage]:
    """Yield images with their captions, and the objects in them and not in them where the file says so.

    Rows of one image are put together. Lists are JSON or Python literals.
    """
    found: dict[str, CaptionedImage] = {}
    owner: dict[str, str] = {}
    for where, row in csv_rows(path, ["filepath", "captions"]):
        name = row["filepath"]
        image_id = row.get("image_id") or name
        if owner.setdefault(image_id, name) != name:
            raise OmniNegClipError(f"{path} has the id {image_id!r} twice, for two images: ids must differ.")
        item = CaptionedImage(
            image_id,
            ImageRef(name),
            tuple(caption.strip() for caption in text_list(row["captions"], f"captions of {where}")),
            _objects(row, "positive_objects", where),
            _objects(row, "negative_objects", where),
        )
        earlier = found.get(name)
        found[name] = item._replace(captions=earlier.captions + item.captions) if earlier else item
    yield from found.values()


def _objects(row: Row, column: str, where: str) -> tuple[str, ...]:
    return text_list(row[column], f"{column} of {where}") if row.get(column) else ()
