"""What is served where nobody names an index: drawn scenes, whose truth is known."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from omninegclip import __version__
from omninegclip.data.record import write_records
from omninegclip.data.sources import Row
from omninegclip.files import atomic_folder
from omninegclip.index.embed import on_this_machine
from omninegclip.index.loading import DEMONSTRATION, load_for
from omninegclip.index.store import Header, writable_store
from omninegclip.index.update import update
from omninegclip.progress import track
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.records import RECORDS
from omninegclip.scenes.render import render
from omninegclip.scenes.scene import Scene, rng, sample_scene
from omninegclip.scenes.showcase import make_showcase

SHOWCASES, OTHERS = (
    2,
    300,
)  # sets of images for the fixed queries, half of them with what is denied; any scenes
EXAMPLES = tuple(question.text for question in make_showcase(0).questions[:6])


def demonstration() -> str:
    """Return the index of the demonstration, which is made where it is not there yet.

    Raises OmniNegClipError when they can't be written.
    """
    folder = _cache() / "omninegclip" / f"demo-{__version__}"
    scenes, db = folder / "scenes", folder / "scenes.db"
    if not (scenes / RECORDS).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        graphics_folder()
        with atomic_folder(scenes) as partial:
            write_records(partial / RECORDS, _drawn(partial, _scenes()))
    if not (folder / "ready").is_file():
        encoder = load_for(DEMONSTRATION, "cpu")
        with writable_store(str(db), Header.of(encoder, DEMONSTRATION)) as store:
            update(store, [scenes], on_this_machine(encoder, 1))
        (folder / "ready").touch()
    return str(db)


def _scenes() -> list[Scene]:
    sets = [scene for seed in range(SHOWCASES) for scene in make_showcase(seed).scenes]
    return sets + [sample_scene(rng("demonstration", number)) for number in range(OTHERS)]


def _drawn(folder: Path, scenes: list[Scene]) -> Iterator[Row]:
    """Draw each scene and yield its record."""
    for number, scene in enumerate(track(scenes, "Drawing scenes", len(scenes))):
        name = f"scene-{number:03d}.png"
        render(scene, rng("demonstration background", number)).save(folder / name)
        present = [kind.singular for kind in scene.kinds]
        row: Row = {"image": name, "image_id": str(number), "caption": " and ".join(present)}
        row |= {"presence_negated": None, "absence_negated": None}
        yield row | {"objects_present": present, "place": scene.place.name}  # which the index keeps


def _cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home()))
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
