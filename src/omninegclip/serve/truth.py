"""What images show, where records say it."""

from pathlib import Path

from omninegclip.data.record import read_records
from omninegclip.index.names import id_of, text_of
from omninegclip.scenes.objects import KINDS

_BEFORE = ("a ", "an ", "the ", "any ", "some ")
_PLURALS = {kind.singular: kind.plural for kind in KINDS}


class Truth:
    """The objects in each image, by the id of its row; knows nothing of images without records."""

    def __init__(self, records: Path | None = None) -> None:
        """Read records with `objects_present`, whose images lie below the folder of the file."""
        self._objects: dict[str, frozenset[str]] = {}
        if records is not None:
            folder = records.parent.resolve()
            for row in read_records(records):
                if row["image"] and row.get("objects_present") is not None:
                    path = text_of(folder / row["image"])
                    self._objects[id_of(path)] = frozenset(map(str.lower, row["objects_present"]))
        labels = {label for objects in self._objects.values() for label in objects}
        self._labels = {form: label for label in sorted(labels) for form in _forms(label)}

    def __len__(self) -> int:
        """Return how many images it knows."""
        return len(self._objects)

    def shows(self, row_id: str, text: str) -> bool | None:
        """Tell whether an image shows what a text names; None where the records don't know that."""
        objects, label = self._objects.get(row_id), self._labels.get(_bare(text))
        return None if objects is None or label is None else label in objects


def _bare(text: str) -> str:
    """Return a noun without its article; what says more than a noun is no label, and stays unknown."""
    text = " ".join(text.lower().split())
    return next((text.removeprefix(word) for word in _BEFORE if text.startswith(word)), text)


def _forms(label: str) -> tuple[str, ...]:
    ending = "es" if label.endswith(("s", "x", "ch", "sh")) else "s"
    return label, _PLURALS.get(label, label + ending)
