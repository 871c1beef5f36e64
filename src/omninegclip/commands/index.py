"""The verb `index`."""

from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from omninegclip.commands.options import IndexModelOptions, Json, Processes
from omninegclip.errors import OmniNegClipError, StoppedError
from omninegclip.printable import say, say_json

if TYPE_CHECKING:
    from omninegclip.clip.encoder import ClipEncoder
    from omninegclip.index.store import Store
    from omninegclip.index.update import Changes

_IN_ROWS = (".parquet", ".tar")  # what holds images instead of being one


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


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """Who decodes and embeds.

    Attributes:
        processes: Processes that decode images, or actors of Ray where it has no GPUs; one per core when not
            given.
        engine: local, or ray for a cluster, which reads Parquet files and WebDataset tars too.
    """

    processes: Processes | None = None
    engine: Literal["local", "ray"] = "local"


def index(
    folders: Annotated[list[str], Parameter(consume_multiple=True)] = [],  # noqa: B006 -- nothing changes it
    /,
    *,
    db: Annotated[str, Parameter(help="Folder of the index.")],
    model: str | None = None,
    weights: IndexModelOptions = IndexModelOptions(),
    made: VectorOptions = VectorOptions(),
    work: WorkOptions = WorkOptions(),
    json_: Json = False,
) -> None:
    """Bring an index of images up to date with folders: new, changed, moved and deleted ones.

    Killed or stopped, the same command goes on. Files that can't be read are told on standard error, a line
    each.

    Args:
        folders: Folders of images, and what is below them; links to folders are not followed. URLs that
            fsspec knows, as s3://bucket/photos, are folders too.
        model: The CLIP to embed with; default: that of the index, or scenes-small, which knows drawn scenes
            and no photos, for a new one.
    """
    from omninegclip.index.loading import load_for, name_for
    from omninegclip.index.store import Header, writable_store
    from omninegclip.index.transfer import import_vectors, open_vectors

    if bool(folders) == bool(made.vectors) or bool(made.vectors) != bool(made.paths):
        raise OmniNegClipError("index needs folders of images, or both --vectors and --paths.")
    _refuse(folders, work)
    name = name_for(db, model, weights.activation, weights.tokenizer)
    encoder = load_for(name, weights.device)
    # before an index is made of a model that they may not be of
    vectors = open_vectors(made.vectors, made.paths, encoder.dim) if made.vectors and made.paths else []
    try:
        with writable_store(db, Header.of(encoder, name, foreign=bool(made.vectors))) as store:
            store.header.refuse(encoder, db, writing=True)
            changes = import_vectors(store, vectors) if vectors else _updated(store, folders, encoder, work)
    except KeyboardInterrupt as error:
        raise StoppedError("Stopped; the same command goes on.") from error
    if json_:
        say_json(asdict(changes))
    else:
        say(changes)


def _refuse(folders: list[str], work: WorkOptions) -> None:
    """Refuse what can't be done before an index is made for it."""
    from omninegclip.index.places import is_url

    in_rows = [folder.endswith(_IN_ROWS) for folder in folders]
    for folder, rows in zip(folders, in_rows, strict=True):
        if rows and work.engine == "local":
            raise OmniNegClipError(f"{folder} needs --engine ray, which reads images out of files.")
        if not (is_url(folder) or rows or Path(folder).exists()):
            raise OmniNegClipError(f"{folder} does not exist: name an image, or a folder of images.")
    if any(in_rows) and not all(in_rows):
        raise OmniNegClipError("Folders and files with images in them can't be mixed: index one kind first.")
    if work.engine == "ray":
        from omninegclip.extras import needed_for

        with needed_for("The ray engine"):
            import ray.data  # noqa: F401 -- whether it is there


def _updated(store: "Store", folders: list[str], encoder: "ClipEncoder", work: WorkOptions) -> "Changes":
    from omninegclip.index.embed import on_this_machine
    from omninegclip.index.update import add_rows, update

    if work.engine == "local":
        return update(store, folders, on_this_machine(encoder, work.processes))
    from omninegclip.index.ray_engine import over_ray, rows_over_ray

    if not folders[0].endswith(_IN_ROWS):
        return update(store, folders, over_ray(encoder, work.processes))
    rows = (rows_over_ray(each, store, encoder, work.processes) for each in folders)
    return add_rows(store, chain.from_iterable(rows))
