"""One reader per public format: a file in, small typed records out, streaming where files are large."""

from collections.abc import Callable, Iterator

from omninegclip.data.items import BenchmarkItem
from omninegclip.data.readers import (
    aro,
    ccneg,
    coco,
    flickr,
    folders,
    karpathy,
    negbench,
    negrefcocog,
    pope,
    sugarcrepe,
    table,
    valse,
    webdataset,
)

Reader = Callable[..., Iterator[BenchmarkItem]]  # (path, **options) -> items

READERS: dict[str, Reader] = {
    "aro-visual-genome": aro.read_visual_genome,
    "aro-order": aro.read_order,
    "ccneg": ccneg.read,
    "coco": coco.read,
    "flickr": flickr.read,
    "folders": folders.read,
    "karpathy": karpathy.read,
    "negbench-choices": negbench.read_choices,
    "negbench-retrieval": negbench.read_retrieval,
    "negclip": aro.read_negclip,
    "negrefcocog": negrefcocog.read,
    "pope": pope.read,
    "sugarcrepe": sugarcrepe.read,
    "table-captions": table.read_captions,
    "table-choices": table.read_choices,
    "table-labels": table.read_labels,
    "table-image-choices": table.read_image_choices,
    "table-presence": table.read_presence,
    "table-queries": table.read_queries,
    "valse": valse.read,
    "webdataset-captions": webdataset.read_captions,
    "webdataset-labels": webdataset.read_labels,
}

__all__ = ["READERS", "BenchmarkItem", "Reader"]
