"""Folders of images, one per class: the common shape of zero-shot classification sets."""

from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import ImageRef, LabelledImage
from omninegclip.data.sources import readable, text_lines
from omninegclip.errors import OmniNegClipError
from omninegclip.images import SUFFIXES


def read(path: Path, classes_file: Path | None = None) -> Iterator[LabelledImage]:
    """Yield the images below `path/<folder>/`, labelled by the folder's name with spaces for underscores.

    `classes_file` gives other names: `folder<TAB>name` per line; folders it does not list are left out.
    """
    names = _names(classes_file) if classes_file else None
    with readable(path):
        folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and folder.name[0] != ".")
    if not folders:
        raise OmniNegClipError(f"{path} has no folders: one folder of images per class is needed.")
    for folder in folders:
        name = folder.name.replace("_", " ") if names is None else names.get(folder.name)
        if name is not None:
            for image in sorted(folder.rglob("*")):
                if image.suffix.lower() in SUFFIXES:
                    relative = image.relative_to(path).as_posix()
                    yield LabelledImage(relative, ImageRef(relative), name)


def _names(path: Path) -> dict[str, str]:
    lines = [line for line in text_lines(path) if line.strip()]
    names = dict(line.split("\t", 1) for line in lines if "\t" in line)
    if len(names) != len(lines):
        raise OmniNegClipError(f"{path} needs one 'folder<TAB>class name' per line, no folder twice.")
    return names
