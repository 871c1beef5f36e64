"""SugarCrepe (Hsieh et al., NeurIPS 2023): captions against fluent hard negatives, seven files."""

from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import ImageRef, TextChoice
from omninegclip.data.sources import check, field, load_json


def read(path: Path) -> Iterator[TextChoice]:
    """Yield caption against negative caption, grouped by the file's subset, such as `swap_obj`."""
    for identifier, row in load_json(path, dict).items():
        where = f"Item {identifier} of {path}"
        right = field(check(row, dict, where), "caption", str, where)
        options = (right, field(row, "negative_caption", str, where))
        image = ImageRef(field(row, "filename", str, where))
        yield TextChoice(f"{path.stem}-{identifier}", image, options, 0, {"subset": path.stem})
