"""WebDataset tars: files of one sample share the name up to the first dot."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import CaptionedImage, ImageRef, LabelledImage
from omninegclip.data.sources import readable, text_lines
from omninegclip.errors import OmniNegClipError
from omninegclip.images import SUFFIXES

_IMAGES = (".jpg", ".jpeg", ".png", ".webp")  # what a sample's image is, where it also has a mask or a map
_LONGEST_TEXT = 1 << 20  # bytes of a caption or class file
# what tarfile raises on damaged headers, of which sizes beyond all bounds are the least rare
_DAMAGED = (tarfile.TarError, ValueError, OverflowError, RecursionError, MemoryError)


def read_captions(path: Path) -> Iterator[CaptionedImage]:
    """Yield the samples of a tar that have an image and a `.txt`, one caption per line."""
    for name, image, texts in _samples(path):
        if "txt" in texts:
            lines = [line.strip() for line in texts["txt"].splitlines() if line.strip()]
            yield CaptionedImage(name, image, tuple(lines))


def read_labels(path: Path, classes_file: Path) -> Iterator[LabelledImage]:
    """Yield the samples of a tar that have an image and a `.cls`, an index into `classes_file`'s lines."""
    classes = text_lines(classes_file)
    for name, image, texts in _samples(path):
        if "cls" in texts:
            index = texts["cls"].strip()
            if not (index.isdecimal() and len(index) < 10 and int(index) < len(classes)):
                raise OmniNegClipError(
                    f"Sample {name} of {path} has the class {index!r}: {len(classes)} are there."
                )
            yield LabelledImage(name, image, classes[int(index)])


def _samples(path: Path) -> Iterator[tuple[str, ImageRef, dict[str, str]]]:
    """Yield name, image and texts of each sample; images stay in the tar, known by their bytes' place."""
    name, image, texts = "", None, dict[str, str]()
    seen: set[str] = set()
    try:
        with readable(path), tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.size < 0:  # would be read again and again
                    raise tarfile.TarError(f"{member.name} has a negative size")
                extension = member.name.rpartition("/")[2].partition(".")[2]
                if not (member.isfile() and extension):
                    continue
                key = member.name[: -len(extension) - 1]
                if key != name:
                    if image is not None:
                        yield name, image, texts
                    name, image, texts = key, None, {}
                    if key in seen:
                        raise OmniNegClipError(f"{path} has the id {key!r} twice: ids must differ.")
                    seen.add(key)
                suffix = f".{extension.lower()}"
                if suffix in _IMAGES or (image is None and suffix in SUFFIXES):
                    image = ImageRef(path.name, span=_span(member, path))
                elif extension in ("txt", "cls") and member.size <= _LONGEST_TEXT:
                    file = tar.extractfile(member)
                    texts[extension] = file.read().decode("utf-8-sig") if file else ""
            if image is not None:
                yield name, image, texts
    except _DAMAGED as error:
        raise OmniNegClipError(f"{path} is no complete tar without compression: {error}.") from error


def _span(member: tarfile.TarInfo, path: Path) -> tuple[int, int]:
    """Return where the bytes of an image lie, which must be in the file."""
    if member.issparse() or member.size < 0 or member.offset_data + member.size > path.stat().st_size:
        raise OmniNegClipError(f"{path} is no complete tar: {member.name} claims {member.size:,} bytes.")
    return member.offset_data, member.size
