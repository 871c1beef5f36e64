"""The benchmark of the picture world as files: images, and a Parquet table per kind of question.

They have the shape that other benchmarks have, so that any harness can score any model on them.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_folder
from omninegclip.progress import track
from omninegclip.scenes.benchmark import NegatedQuery, ScenesBenchmark, make_benchmark
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.render import image_of

Table = list[dict[str, Any]]


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
            image.save(partial_folder / _path(index), "PNG", compress_level=1)


def _tables(benchmark: ScenesBenchmark) -> Mapping[str, Table]:
    return {
        "presence": [
            {
                "image": _path(each.image),
                "right": each.right,
                "wrong": each.wrong,
                "condition": each.condition.name,
            }
            for each in benchmark.presence
        ],
        "absence_choice": [
            {
                "text": each.text,
                "right": _path(each.right),
                "wrong": _path(each.wrong),
                "condition": each.condition.name,
            }
            for each in benchmark.absence_choice
        ],
        "multiple_choice": _multiple_choice(benchmark),
        "gallery": [
            {"image": _path(index), "caption": caption}
            for index, caption in zip(benchmark.gallery, benchmark.captions, strict=True)
        ],
        "negated_queries": list(map(partial(_query, benchmark), benchmark.negated_queries)),
        "objects": _objects(benchmark),
    }


def _multiple_choice(benchmark: ScenesBenchmark) -> Table:
    table = []
    for each in benchmark.multiple_choice:
        wrong = [text for index, text in enumerate(each.options) if index != each.answer]
        table.append(
            {
                "image": _path(each.image),
                "right": each.options[each.answer],
                **{f"wrong_{number}": text for number, text in enumerate(wrong, 1)},
                "template": each.template,
                "condition": each.condition.name,
            }
        )
    return table


def _query(benchmark: ScenesBenchmark, query: NegatedQuery) -> dict[str, Any]:
    """Return a query, the images of its gallery that it is true of, and those that hold what it denies."""
    holding = [index for index in benchmark.lookalikes if query.denied in benchmark.scenes[index].kinds]
    return {
        "text": query.text,
        "relevant": [_path(benchmark.lookalikes[number]) for number in query.relevant],
        "excluded": list(map(_path, holding)),
        "condition": query.condition.name,
    }


def _objects(benchmark: ScenesBenchmark) -> Table:
    """Ask for every kind that some image of the gallery holds and some does not."""
    held = {index: benchmark.scenes[index].kinds for index in benchmark.gallery}
    return [
        {
            "image": _path(index),
            "object": kind.indefinite,
            "present": "yes" if kind in kinds else "no",
            "negated in training": "never" if kind.held_out else "yes",
        }
        for kind in KINDS
        if 0 < sum(kind in kinds for kinds in held.values()) < len(held)
        for index, kinds in held.items()
    ]


def _path(index: int) -> str:
    return f"images/{index:05d}.png"
