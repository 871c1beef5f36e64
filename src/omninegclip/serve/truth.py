"""What images show, where records that a user names say it, or the index itself."""

from pathlib import Path

from omninegclip.captions.english import plural
from omninegclip.data.record import read_records
from omninegclip.index.names import id_of, text_of
from omninegclip.index.truth import holds

_BEFORE = ("a ", "an ", "the ", "any ", "some ")


class Truth:
    """Whether images show what texts name: by the objects that records list, else by the index's own rows."""

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
        self._labels = {form: label for label in sorted(labels) for form in (label, plural(label))}

    def __len__(self) -> int:
        """Return how many images the records know."""
        return len(self._objects)

    def shows(self, row_id: str, shows: str, text: str) -> bool | None:
        """Tell whether an image shows what a text names; None where nothing tells it.

        `shows` is what the index says of the image, empty where it knows nothing.
        """
        objects, label = self._objects.get(row_id), self._labels.get(_bare(text))
        return holds(text, shows) if objects is None or label is None else label in objects


def _bare(text: str) -> str:
    """Return a noun without its article; what says more than a noun is no label, and stays unknown."""
    text = " ".join(text.lower().split())
    return next((text.removeprefix(word) for word in _BEFORE if text.startswith(word)), text)
