"""Embedding over Ray Data, on this machine or a cluster: the same vectors as a local run's.

Ray runs again what a killed worker had begun.
"""

import json
import re
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from omninegclip.clip.transform import ImageTransform
from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.images import SUFFIXES
from omninegclip.index.decode import Decoded, Task, decode, decode_bytes
from omninegclip.index.embed import Embedder, embedded
from omninegclip.index.names import text_of
from omninegclip.index.places import reached
from omninegclip.index.transfer import COLUMNS

if TYPE_CHECKING:
    import ray
    from ray.data import Dataset

    from omninegclip.clip.encoder import ClipEncoder

BLOCK = 256  # files that are embedded before any of them is reported
_RAISED = re.compile(r"^\s*([\w.]+(?:Error|Exception)): (.+)$", re.MULTILINE)
_CPUS = 0.5  # of a worker, so that an actor on each CPU leaves room for what feeds it
IMAGES = ("image", "bytes")  # columns of Parquet that hold the bytes of images, the first one first


class _Embed:
    """Embeds one batch after another in an actor, which has the model."""

    def __init__(self, encoder: "ClipEncoder | ray.ObjectRef") -> None:
        """Fetch the model from Ray's object store, to a GPU if Ray gave this actor one."""
        import ray

        from omninegclip.clip.device import choose_device

        self.encoder: ClipEncoder = ray.get(encoder) if isinstance(encoder, ray.ObjectRef) else encoder
        self.encoder.model.to(choose_device("cuda" if ray.get_gpu_ids() else "cpu"))

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Return the rows of a batch with vectors in place of pixels."""
        return _packed(embedded(_unpacked(batch, self.encoder.transform.size), self.encoder))


def over_ray(encoder: "ClipEncoder", processes: int | None = None) -> Embedder:
    """Return what embeds files over Ray Data, on the cluster of RAY_ADDRESS or a local one.

    There are as many actors as Ray has GPUs, else `processes`, or one for each CPU that Ray has.

    Raises OmniNegClipError when Ray isn't installed.
    """
    ray = _started()

    def run(tasks: Sequence[Task]) -> Iterator[Decoded]:
        items = [{"task": json.dumps([task.path, sorted(task.known)])} for task in tasks]
        dataset = ray.data.from_items(items, override_num_blocks=-(-len(items) // BLOCK))
        yield from _embedded(dataset, partial(_decode_files, encoder.transform), encoder, processes)

    return run


def rows_over_ray(
    source: str, known: Container[str], encoder: "ClipEncoder", processes: int | None = None
) -> Iterator[Decoded]:
    """Yield the images in Parquet files or WebDataset tars with their vectors.

    Args:
        source: *.parquet or *.tar; a path or a URL that fsspec knows, with wildcards or without.
        known: names of images that are left out.
        encoder: the model.
        processes: actors, where Ray has no GPUs; one for each CPU that it has when not given.

    Raises:
        OmniNegClipError: Ray isn't installed, or `source` can't be read.
    """
    ray = _started()
    with reached(source) as (system, inside):
        files = sorted(system.glob(inside)) if any(sign in inside for sign in "*?[") else [inside]
        if not files or not all(map(system.exists, files)):
            raise OmniNegClipError(f"{source} does not exist: name Parquet files or WebDataset tars.")
    with _told():
        if source.endswith(".tar"):
            dataset = ray.data.read_webdataset(files, filesystem=system, decoder=None, num_cpus=_CPUS)
        else:
            dataset = ray.data.read_parquet(files, filesystem=system, num_cpus=_CPUS)
    yield from _embedded(dataset, partial(_decode_rows, encoder.transform, known), encoder, processes)


def _embedded(
    dataset: "Dataset",
    decoder: Callable[[pa.Table], pa.Table],
    encoder: "ClipEncoder",
    processes: int | None,
) -> Iterator[Decoded]:
    ray = _started()
    gpus, cpus = (int(ray.cluster_resources().get(name, 0)) for name in ("GPU", "CPU"))
    size = encoder.image_batch
    encoder.model.cpu()  # every machine of a cluster has one
    with _told():
        decoded = dataset.map_batches(decoder, batch_size=size, batch_format="pyarrow", num_cpus=_CPUS)
        done = decoded.map_batches(
            _Embed,
            fn_constructor_args=(ray.put(encoder),),
            batch_size=size,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=gpus or max(min(processes or cpus, cpus), 1)),
            num_cpus=_CPUS,
            num_gpus=1 if gpus else None,
        )
        for batch in done.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield from _unpacked(batch)


def _decode_files(transform: ImageTransform, batch: pa.Table) -> pa.Table:
    tasks = [json.loads(text) for text in batch["task"].to_pylist()]
    return _packed(decode(Task(path, frozenset(known)), transform) for path, known in tasks)


def _decode_rows(transform: ImageTransform, known: Container[str], batch: pa.Table) -> pa.Table:
    found = []
    for name, raw in map(_image_of, batch.to_pylist()):
        if name in known:
            continue
        each = Decoded(name, len(raw))
        try:
            decode_bytes(each, raw, (), transform)
        except OmniNegClipError as error:
            each.problem = str(error)
        found.append(each)
    return _packed(found)


def _image_of(row: dict[str, Any]) -> tuple[str, bytes]:
    """Return the name and the bytes of the image in a row of Parquet, or a sample of a tar."""
    if "__key__" in row:
        there = {name: raw for name, raw in row.items() if f".{name.lower()}" in SUFFIXES}
        kind = next((name for name, raw in there.items() if isinstance(raw, bytes)), "")  # else it is NaN
        return text_of(f"{row['__url__']}/{row['__key__']}.{kind}"), there.get(kind, b"")
    image = next((row[name] for name in IMAGES if name in row), None)
    inner = image if isinstance(image, dict) else {"bytes": image}  # as Hugging Face's data sets have it
    name = next((row[name] for name in COLUMNS if row.get(name)), inner.get("path"))
    raw = inner.get("bytes")
    if not (isinstance(raw, bytes) and name):
        raise OmniNegClipError(
            f"A row has the columns {', '.join(row)}: one of {', '.join(IMAGES)} with the bytes of an image, "
            f"and one of {', '.join(COLUMNS)} with its name are needed."
        )
    return text_of(str(name)), raw


# Ray's own conversions cut zeros off the end of bytes: rows travel as Arrow tables.
def _packed(found: "Iterator[Decoded] | Sequence[Decoded]") -> pa.Table:
    facts, pixels, vectors = [], [], []
    for each in found:
        facts.append(json.dumps(asdict(replace(each, pixels=None, vector=None))))
        pixels.append(None if each.pixels is None else each.pixels.tobytes())
        vectors.append(None if each.vector is None else each.vector.tobytes())
    columns = {"pixels": pa.array(pixels, pa.large_binary()), "vector": pa.array(vectors, pa.binary())}
    return pa.table({"facts": pa.array(facts, pa.string())} | columns)


def _unpacked(batch: pa.Table, size: int = 0) -> Iterator[Decoded]:
    for row in batch.to_pylist():
        each = Decoded(**json.loads(row["facts"]))
        if row["pixels"] is not None:
            each.pixels = np.frombuffer(row["pixels"], np.float32).reshape(-1, size, size)
        if row["vector"] is not None:
            each.vector = np.frombuffer(row["vector"], np.float32)
        yield each


def _started() -> Any:
    with needed_for("The ray engine"):
        import ray.data
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    return ray


@contextmanager
def _told() -> Iterator[None]:
    """Say in a sentence what went wrong in a worker, of which Ray says a traceback."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("ray."):
            raise
        kind, reason = found.groups() if (found := _RAISED.search(str(error))) else ("", type(error).__name__)
        if kind.endswith(OmniNegClipError.__name__):
            raise OmniNegClipError(reason) from error
        raise OmniNegClipError(
            f"Ray ended early ({reason.rstrip('.')}): run the same command again to go on."
        ) from error
