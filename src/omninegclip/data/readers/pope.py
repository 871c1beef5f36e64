"""POPE (Li et al., EMNLP 2023): is an object in the image, in three kinds of sampling."""

import re
from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import ImageRef, ObjectQuestion
from omninegclip.data.sources import distinct, field, json_lines
from omninegclip.errors import OmniNegClipError

_QUESTION = re.compile(r"Is there an? (?P<object>.+) in the im(?:age|gae)\?", re.IGNORECASE)


def read(path: Path) -> Iterator[ObjectQuestion]:
    """Yield one question per line, grouped by the file's sampling: random, popular or adversarial."""
    sampling = path.stem.rpartition("_")[2]
    yield from distinct(_questions(path, sampling), lambda item: item.id, path)


def _questions(path: Path, sampling: str) -> Iterator[ObjectQuestion]:
    for where, row in json_lines(path):
        question = _QUESTION.fullmatch(field(row, "text", str, where).strip())
        label = field(row, "label", str, where)
        if question is None or label not in ("yes", "no"):
            raise OmniNegClipError(f"{where} is not 'Is there a ... in the image?' with the label yes or no.")
        identifier = f"{sampling}-{field(row, 'question_id', int, where)}"
        image = ImageRef(field(row, "image", str, where))
        groups = {"sampling": sampling, "label": label}
        yield ObjectQuestion(identifier, image, question["object"], label == "yes", groups)
