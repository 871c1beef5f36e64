"""ARO (Yuksekgonul et al., ICLR 2023): relation, attribution, order, and NegCLIP's validation captions."""

from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import ImageRef, TextChoice
from omninegclip.data.sources import Row, check, csv_rows, field, load_json, text_list


def read_visual_genome(path: Path) -> Iterator[TextChoice]:
    """Yield the choices of `visual_genome_relation.json` or `visual_genome_attribution.json`.

    The image is the crop that holds the two objects; items are grouped by relation or by attribute pair.
    The false caption comes first, as in the authors' code.
    """
    for index, row in enumerate(load_json(path, list)):
        where = f"Entry {index} of {path}"
        check(row, dict, where)
        x, y, width, height = (float(field(row, f"bbox_{side}", float, where)) for side in "xywh")
        image = ImageRef(field(row, "image_path", str, where), (x, y, width, height))
        options = (field(row, "false_caption", str, where), field(row, "true_caption", str, where))
        yield TextChoice(str(index), image, options, 1, _group(row, where))


def read_order(path: Path) -> Iterator[TextChoice]:
    """Yield the choices of an order file: `[{"image", "caption_options": [true, shuffled, ...]}]`.

    The authors shuffle at run time, so there is no published file: write theirs down once as JSON.
    """
    for index, row in enumerate(load_json(path, list)):
        where = f"Entry {index} of {path}"
        image = field(check(row, dict, where), "image", str, where)
        texts = field(row, "caption_options", list, where)
        options = tuple(check(text, str, f"a caption of {where}") for text in texts)
        yield TextChoice(str(index), ImageRef(image), options, 0)


def read_negclip(path: Path) -> Iterator[TextChoice]:
    """Yield title against negative captions, one to many per row, of NegCLIP's tab-separated files."""
    columns = ["title", "filepath", "neg_caption"]
    for number, (where, row) in enumerate(csv_rows(path, columns, delimiter="\t")):
        negatives = text_list(row["neg_caption"], f"neg_caption of {where}")
        yield TextChoice(str(number), ImageRef(row["filepath"]), (row["title"], *negatives), 0)


def _group(row: Row, where: str) -> dict[str, str]:
    if "relation_name" in row:
        return {"relation": field(row, "relation_name", str, where)}
    attributes: list[object] = field(row, "attributes", list, where)
    return {"attributes": " / ".join(map(str, attributes))}
