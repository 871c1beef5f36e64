"""Finds the image of a row: a path from another machine is looked up below a local folder."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from omninegclip.data.items import ImageRef
from omninegclip.data.sources import readable
from omninegclip.errors import OmniNegClipError
from omninegclip.images import MAX_BYTES, open_image, open_regular

_DEEPEST = 100  # parts of a path that are tried at most: without a bound, a long row takes minutes


class ImageRoot:
    """Folders below which images are looked for.

    A row's path is tried whole, then without its first folder, then without its first two, and so on, so that
    `/workspace/datasets/cc3m/a/1.jpg` is found as `<folder>/a/1.jpg`. The search never leaves the folders.
    """

    def __init__(self, folders: Sequence[Path], extension: str | None = None) -> None:
        """Look below `folders`, the first one first; `extension` replaces that of every row's path."""
        if extension and (extension == "." or not extension.startswith(".")):
            raise OmniNegClipError(
                f"The extension {extension!r} of images must begin with a dot, as '.jpg' does."
            )
        self.folders = list(folders)
        self.extension = extension
        self._last = (0, 0)  # folder and number of parts cut off that worked last: rows of a file are alike

    def find(self, path: str) -> Path | None:
        """Return where the image lies, or None if it is missing.

        Raises OmniNegClipError if the path points outside its folder.
        """
        parts = _parts(path)
        if self.extension:
            parts[-1] = str(PurePosixPath(parts[-1]).with_suffix(self.extension))
        cuts = range(max(0, len(parts) - _DEEPEST), len(parts))
        tries = [(folder, cut) for folder in range(len(self.folders)) for cut in cuts]
        for folder, cut in [self._last, *tries]:
            candidate = self.folders[folder].joinpath(*parts[cut:])
            if cut < len(parts) and os.path.isfile(candidate):  # False for a name that can't be, too
                self._last = (folder, cut)
                return candidate
        return None


def open_image_ref(ref: ImageRef, path: Path) -> Path | Image.Image:
    """Return what an encoder can embed: the path itself, or the crop or tar member that `image` means.

    A box is measured in the pixels as stored, before any EXIF rotation, as annotation tools do.

    Raises OmniNegClipError if the crop or member can't be read.
    """
    if ref.span is not None:
        start, length = ref.span
        name = f"{path} at byte {start}"
        if length > MAX_BYTES:
            raise OmniNegClipError(
                f"The image {name} has more than {MAX_BYTES:,} bytes: scale it down first."
            )
        with readable(path), open_regular(path) as file:
            file.seek(start)
            content = file.read(length)
        return open_image(content, name)
    return path if ref.box is None else open_image(path, box=ref.box)


def _parts(path: str) -> list[str]:
    parts = [part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in path:
        raise OmniNegClipError(f"The image path {path!r} points outside its folder: a path inside is needed.")
    return parts
