"""The verb `index`."""

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from omninegclip.commands.options import Json, Paths, Processes
from omninegclip.errors import OmniNegClipError, StoppedError
from omninegclip.printable import say, say_json


def index(
    folders: Paths,
    /,
    *,
    db: Annotated[str, Parameter(help="Folder of the index.")],
    model: str | None = None,
    device: str = "cpu",
    processes: Processes | None = None,
    json_: Json = False,
) -> None:
    """Bring an index of images up to date with folders: new, changed, moved and deleted ones.

    Killed or stopped, the same command goes on. Files that can't be read are told on standard error, a line
    each.

    Args:
        folders: Folders of images, and what is below them; links to folders are not followed.
        model: The CLIP to embed with; default: that of the index, or scenes-small, which knows drawn scenes
            and no photos, for a new one.
        device: Where the model computes, as cpu or cuda.
        processes: Processes that decode images; one per core when not given.
    """
    from omninegclip.index.loading import load_for, name_for
    from omninegclip.index.store import Header, writable_store
    from omninegclip.index.update import update

    if not folders:
        raise OmniNegClipError("index needs a folder of images.")
    name = name_for(db, model)
    encoder = load_for(name, device)
    try:
        with writable_store(db, Header.of(encoder, name)) as store:
            store.header.refuse(encoder, db, writing=True)
            changes = update(store, folders, encoder, processes)
    except KeyboardInterrupt as error:
        raise StoppedError("Stopped; the same command goes on.") from error
    if json_:
        say_json(asdict(changes))
    else:
        say(changes)
