"""One call that finds a model by its name and loads it."""

from importlib.resources import files
from pathlib import Path

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.folder import load_folder
from omninegclip.errors import OmniNegClipError

SHIPPED = {"scenes-tiny": "scenes/weights/scenes-tiny"}  # name -> folder inside this package


def load_clip(name: str | Path) -> ClipEncoder:
    """Load a model by the name of one that ships with this package, or from a folder.

    Raises:
        OmniNegClipError: there is none, or it can't be loaded; the message says why.
    """
    if str(name) in SHIPPED:
        return load_folder(Path(str(files("omninegclip"))) / SHIPPED[str(name)])
    folder = Path(name)
    if folder.is_dir():
        return load_folder(folder)
    raise OmniNegClipError(f"{name} is no model: give a folder, or one of {', '.join(SHIPPED)}.")
