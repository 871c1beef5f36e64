"""NegRefCOCOg (Park et al., ICCV 2025): which of two boxes of a photo does a negated phrase mean."""

from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import ImageChoice, ImageRef
from omninegclip.data.sources import check, field, load_json
from omninegclip.errors import OmniNegClipError


def read(path: Path) -> Iterator[ImageChoice]:
    """Yield one choice between crops per row, in file order, where the answer is box 0 of every row."""
    for index, row in enumerate(load_json(path, list)):
        where = f"Entry {index} of {path}"
        image = field(check(row, dict, where), "image", str, where)
        boxes = [_box(box, where) for box in field(row, "bbox_list", list, where)]
        right = _box(field(row, "ref_bbox", list, where), where)
        if right not in boxes:
            raise OmniNegClipError(f"{where} has a ref_bbox that is not in its bbox_list.")
        images = tuple(ImageRef(image, box) for box in boxes)
        yield ImageChoice(str(index), field(row, "phrase", str, where), images, boxes.index(right))


def _box(values: object, where: str) -> tuple[float, float, float, float]:
    box = [
        float(check(value, float, f"a box of {where}")) for value in check(values, list, f"a box of {where}")
    ]
    if len(box) != 4:
        raise OmniNegClipError(f"A box of {where} has {len(box)} numbers: x, y, width and height are needed.")
    return box[0], box[1], box[2], box[3]
