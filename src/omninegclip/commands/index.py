"""The verb `index`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from omninegclip.commands.options import IndexModelOptions, Json, Paths, Processes
from omninegclip.errors import OmniNegClipError, StoppedError
from omninegclip.printable import say, say_json


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class VectorOptions:
    """Vectors that --model made already.

    Attributes:
        vectors: An .npy file of them, or a folder such as clip-retrieval's img_emb, instead of images.
        paths: The paths of their images: a line each, or Parquet, or a folder such as clip-retrieval's
            metadata.
    """

    vectors: Path | None = None
    paths: Path | None = None


def index(
    folders: Paths = [],  # noqa: B006 -- a command's default, which nothing changes
    /,
    *,
    db: Annotated[str, Parameter(help="Folder of the index.")],
    model: str | None = None,
    weights: IndexModelOptions = IndexModelOptions(),
    made: VectorOptions = VectorOptions(),
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
        processes: Processes that decode images; one per core when not given.
    """
    from omninegclip.index.loading import load_for, name_for
    from omninegclip.index.store import Header, writable_store
    from omninegclip.index.transfer import import_vectors, open_vectors
    from omninegclip.index.update import update

    if bool(folders) == bool(made.vectors) or bool(made.vectors) != bool(made.paths):
        raise OmniNegClipError("index needs folders of images, or both --vectors and --paths.")
    for folder in folders:
        if not folder.exists():
            raise OmniNegClipError(f"{folder} does not exist: name an image, or a folder of images.")
    name = name_for(db, model, weights.activation, weights.tokenizer)
    encoder = load_for(name, weights.device)
    # before an index is made of a model that they may not be of
    vectors = open_vectors(made.vectors, made.paths, encoder.dim) if made.vectors and made.paths else []
    try:
        with writable_store(db, Header.of(encoder, name, foreign=bool(made.vectors))) as store:
            store.header.refuse(encoder, db, writing=True)
            changes = (
                import_vectors(store, vectors) if vectors else update(store, folders, encoder, processes)
            )
    except KeyboardInterrupt as error:
        raise StoppedError("Stopped; the same command goes on.") from error
    if json_:
        say_json(asdict(changes))
    else:
        say(changes)
