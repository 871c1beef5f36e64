"""Where the picture of a row lies: paths of other people's machines, found again below one's own folder."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from omninegclip.clip.images import open_image
from omninegclip.data.items import Picture
from omninegclip.errors import OmniNegClipError


class ImageRoot:
    """Folders below which pictures are looked for.

    A row's path is tried whole, then without its first folder, then without its first two, and so on, so that
    `/workspace/datasets/cc3m/a/1.jpg` is found as `<folder>/a/1.jpg`. The search never leaves the folders.
    """

    def __init__(self, folders: Sequence[Path], extension: str | None = None) -> None:
        """Look below `folders`, the first one first; `extension` replaces that of every row's path."""
        self.folders = list(folders)
        self.extension = extension
        self._last = (0, 0)  # folder and number of parts cut off that worked last: rows of a file are alike

    def find(self, path: str) -> Path | None:
        """Return where the picture lies, or None if it is missing.

        Raises OmniNegClipError if the path points outside its folder.
        """
        parts = _parts(path)
        if self.extension:
            parts[-1] = str(PurePosixPath(parts[-1]).with_suffix(self.extension))
        tries = [(folder, cut) for folder in range(len(self.folders)) for cut in range(len(parts))]
        for folder, cut in [self._last, *tries]:
            candidate = self.folders[folder].joinpath(*parts[cut:])
            if cut < len(parts) and candidate.is_file():
                self._last = (folder, cut)
                return candidate
        return None


def open_picture(picture: Picture, path: Path) -> Path | Image.Image:
    """Return what an encoder can embed: the path itself, or the crop or tar member that `picture` means.

    A box is measured in the pixels as stored, before any EXIF rotation, as annotation tools do.

    Raises OmniNegClipError if the crop or member can't be read.
    """
    if picture.span is not None:
        with path.open("rb") as file:
            file.seek(picture.span[0])
            return open_image(file.read(picture.span[1]), f"{path} at byte {picture.span[0]}")
    if picture.box is None:
        return path
    x, y, width, height = picture.box
    if width < 1 or height < 1:
        raise OmniNegClipError(
            f"The box {list(picture.box)} of {path} is empty: width and height are needed."
        )
    try:
        with Image.open(path) as image:
            return open_image(image.crop((x, y, x + width, y + height)), str(path))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OmniNegClipError(f"Can't read the picture {path}: {error}.") from error


def _parts(path: str) -> list[str]:
    parts = [part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in path:
        raise OmniNegClipError(f"The image path {path!r} points outside its folder: a path inside is needed.")
    return parts
