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
    from collections.abc import Iterator, Sequence

    from omninegclip.clip.encoder import ClipEncoder
    from omninegclip.index.decode import Decoded
    from omninegclip.index.embed import Embedder
    from omninegclip.index.transfer import VectorFile
    from omninegclip.index.update import Changes

_IN_ROWS = (".parquet", ".tar")  # what holds images instead of being one


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class VectorOptions:
    """Vectors that --model made already.

    Attributes:
        vectors: An .npy file of them, or a folder such as clip-retrieval's img_emb, instead of images; or
            Parquet as `--shards` and `export` write it, a file or a folder.
        paths: The paths of the images in .npy files: a line each, or Parquet, or a folder such as
            clip-retrieval's metadata.
    """

    vectors: Path | None = None
    paths: Path | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """Where vectors go.

    Attributes:
        db: Folder of the index, or qdrant://host:port/collection.
        shards: Folder or URL for Parquet shards of vectors instead of an index, to which they are added; a
            later `index --vectors` makes an index of them.
    """

    db: str | None = None
    shards: str | None = None


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
    place: PlaceOptions = PlaceOptions(),
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
    from omninegclip.index.transfer import open_vectors

    _refuse_options(folders, place, made)
    _refuse(folders, work)
    name = name_for(place.db, model, weights.activation, weights.tokenizer)
    encoder = load_for(name, weights.device)
    # before an index is made of a model that they may not be of
    vectors = open_vectors(made.vectors, made.paths, encoder.dim) if made.vectors else []
    try:
        if place.db is None:
            changes = _to_shards(str(place.shards), name, folders, encoder, work)
        else:
            changes = _to_index(place.db, name, folders, vectors, encoder, work)
    except KeyboardInterrupt as error:
        raise StoppedError("Stopped; the same command goes on.") from error
    if json_:
        say_json(asdict(changes))
    else:
        say(changes.told("the shards hold" if place.db is None else "the index holds"))


def _refuse_options(folders: list[str], place: PlaceOptions, made: VectorOptions) -> None:
    """Refuse what does not go together."""
    if made.paths and not made.vectors:
        raise OmniNegClipError("--paths names the images of --vectors, and there are none: name both.")
    if bool(folders) == bool(made.vectors):
        both = "not both" if folders else "and neither is named"
        raise OmniNegClipError(f"index needs folders of images, or --vectors, {both}.")
    if made.vectors and place.shards:
        raise OmniNegClipError("--vectors go into an index: name --db, and no --shards.")
    if (place.db is None) == (place.shards is None):
        both = "not both" if place.db else "and neither is named"
        raise OmniNegClipError(f"index needs --db, or --shards instead, {both}.")


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


def _to_index(
    db: str,
    name: str,
    folders: list[str],
    vectors: "Sequence[VectorFile]",
    encoder: "ClipEncoder",
    work: WorkOptions,
) -> "Changes":
    from omninegclip.index.store import Header, writable_store
    from omninegclip.index.transfer import import_vectors, refuse_other_models
    from omninegclip.index.update import add_rows, update

    foreign = not refuse_other_models(vectors, encoder)
    with writable_store(db, Header.of(encoder, name, foreign=foreign)) as store:
        store.header.refuse(encoder, db, writing=True)
        if vectors:
            return import_vectors(store, vectors)
        if not folders[0].endswith(_IN_ROWS):
            return update(store, folders, _embedder(encoder, work))
        return add_rows(store, _rows(folders, store.paths(), encoder, work))


def _to_shards(
    place: str, name: str, folders: list[str], encoder: "ClipEncoder", work: WorkOptions
) -> "Changes":
    from omninegclip.index.shards import Shards
    from omninegclip.index.store import Header

    shards = Shards(place, Header.of(encoder, name))
    if not folders[0].endswith(_IN_ROWS):
        return shards.update(folders, _embedder(encoder, work))
    return shards.write(_rows(folders, frozenset(shards.known), encoder, work))


def _embedder(encoder: "ClipEncoder", work: WorkOptions) -> "Embedder":
    if work.engine == "local":
        from omninegclip.index.embed import on_this_machine

        return on_this_machine(encoder, work.processes)
    from omninegclip.index.ray_engine import over_ray

    return over_ray(encoder, work.processes)


def _rows(
    files: list[str], known: "frozenset[str]", encoder: "ClipEncoder", work: WorkOptions
) -> "Iterator[Decoded]":
    from omninegclip.index.ray_engine import rows_over_ray

    return chain.from_iterable(rows_over_ray(each, known, encoder, work.processes) for each in files)
