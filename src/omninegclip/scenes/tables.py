"""The benchmark of the picture world as files: images, and a Parquet table per kind of question.

They have the shape that other benchmarks have, so that any harness can score any model on them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from omninegclip.data.items import (
    BenchmarkItem,
    CaptionedImage,
    ImageChoice,
    ObjectQuestion,
    SearchQuery,
    TextChoice,
)
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_folder
from omninegclip.progress import track
from omninegclip.scenes.benchmark import ScenesBenchmark, image_ref, make_benchmark
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.render import image_of

Table = list[dict[str, str | list[str]]]


def write_benchmark(folder: Path, seed: int, questions: int) -> None:
    """Write the benchmark of `seed` into the new folder `folder`: `questions` of each kind.

    Tables: presence, absence_choice, multiple_choice, gallery, negated_queries, objects. Images are PNG.

    Raises OmniNegClipError when the folder is occupied or can't be written, when `questions` is below 4, or
    when the Twemoji graphics are missing.
    """
    if questions < 4:
        raise OmniNegClipError(f"--count must be 4 or more for a benchmark, not {questions}.")
    graphics_folder()
    benchmark = make_benchmark(seed, questions)
    with atomic_folder(folder) as partial_folder:
        for name, table in _tables(benchmark).items():
            pq.write_table(pa.Table.from_pylist(table), partial_folder / f"{name}.parquet")
        (partial_folder / "images").mkdir()
        scenes = track(benchmark.scenes, "Drawing the benchmark", len(benchmark.scenes))
        for index, scene in enumerate(scenes):
            image = image_of("benchmark", scene, seed, index)
            image.save(partial_folder / image_ref(index).path, "PNG", compress_level=1)


def _tables(benchmark: ScenesBenchmark) -> Mapping[str, Table]:
    return {name: list(map(_row, items)) for name, items in benchmark.by_measure().items()}


def _row(item: BenchmarkItem) -> dict[str, str | list[str]]:
    """Return an item as the columns that the readers of tables take."""
    match item:
        case TextChoice():
            wrong = _without(item.options, item.answer)
            names = (
                [f"wrong_{number}" for number in range(1, len(wrong) + 1)] if len(wrong) > 1 else ["wrong"]
            )
            columns = {"right": item.options[item.answer], **dict(zip(names, wrong, strict=True))}
            return {"image": item.image.path, **columns, **item.groups}
        case ImageChoice():
            paths = [image.path for image in item.images]
            (other,) = _without(paths, item.answer)
            return {"text": item.text, "right": paths[item.answer], "wrong": other, **item.groups}
        case CaptionedImage():
            return {"image": item.image.path, "caption": item.captions[0]}
        case SearchQuery():
            relevant, excluded = ([each.path for each in some] for some in (item.relevant, item.excluded))
            return {"text": item.text, "relevant": relevant, "excluded": excluded, **item.groups}
        case ObjectQuestion():
            negated = "yes" if item.groups["condition"] == "seen" else "never"
            return {
                "image": item.image.path,
                "object": item.object,
                "present": "yes" if item.present else "no",
                "negated in training": negated,
            }
        case _:
            raise TypeError(f"no table for a {type(item).__name__}")


def _without(options: Sequence[str], answer: int) -> list[str]:
    return [option for place, option in enumerate(options) if place != answer]
