"""Negating captions over Ray Data, on this machine or a cluster: the same rows as the local engine's."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from omninegclip.captions.negate import Captioned, CollectionStatistics, NegationOptions, negate
from omninegclip.captions.pipeline import Engine, Shard
from omninegclip.data.sources import Row
from omninegclip.extras import needed_for

if TYPE_CHECKING:
    import ray


class NegateShard:
    """Negates one shard after another in an actor, which loads the parser and the statistics once."""

    def __init__(self, statistics: "CollectionStatistics | ray.ObjectRef", options: NegationOptions) -> None:
        """Fetch the statistics from Ray's object store."""
        import ray

        self.statistics: CollectionStatistics = (
            ray.get(statistics) if isinstance(statistics, ray.ObjectRef) else statistics
        )
        self.options = options

    def __call__(self, item: Row) -> Row:
        """Return the rows of a shard as JSON, beside its number."""
        images = [Captioned(**image) for image in json.loads(item["images"])]
        return {
            "number": item["number"],
            "rows": json.dumps(list(negate(images, self.statistics, self.options))),
        }


def over_ray(processes: int) -> Engine:
    """Return an engine over Ray Data with so many actors, on the cluster of RAY_ADDRESS or a local one.

    Ray runs the shards of a killed worker again; a killed driver leaves the finished shards on disk.

    Raises OmniNegClipError when Ray isn't installed.
    """
    with needed_for("The ray engine"):
        import ray.data

    def run(
        shards: Sequence[Shard], statistics: CollectionStatistics, options: NegationOptions
    ) -> Iterator[tuple[int, list[Row]]]:
        if not ray.is_initialized():
            ray.init(include_dashboard=False, log_to_driver=False)
        items = [
            {"number": number, "images": json.dumps([asdict(image) for image in images])}
            for number, images in shards
        ]
        dataset = ray.data.from_items(items, override_num_blocks=len(items)).map(
            NegateShard,
            fn_constructor_args=(ray.put(statistics), options),
            compute=ray.data.ActorPoolStrategy(size=min(processes, len(items))),
        )
        for row in dataset.iter_rows():
            yield int(row["number"]), json.loads(row["rows"])

    return run
