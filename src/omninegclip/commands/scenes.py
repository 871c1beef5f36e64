"""The verb `scenes`."""

from pathlib import Path

from omninegclip.commands.options import Count, Flag, Processes, Seed
from omninegclip.printable import say


def scenes(
    out: Path, *, count: Count = 1000, seed: Seed = 0, workers: Processes = 1, benchmark: Flag = False
) -> None:
    """Draw scenes and write them as a data set: images and one Parquet file of records.

    Args:
        out: New folder for images and records.
        count: How many scenes.
        seed: The same seed gives the same bytes.
        workers: Processes that draw.
        benchmark: Write the benchmark instead, --count questions of each kind, for `evaluate --suite scenes`.
    """
    from omninegclip.scenes.records import RECORDS, write_scenes
    from omninegclip.scenes.tables import write_benchmark

    if benchmark:
        write_benchmark(out, seed, count)
        say(out)
        return
    write_scenes(out, count, seed, workers=workers)
    say(out / RECORDS)
