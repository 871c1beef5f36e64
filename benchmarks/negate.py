"""Captions negated a second, both kinds together, beside what the parser alone costs in the same run.

    python benchmarks/negate.py CAPTIONS [--captions 20000] [--processes 2]

CAPTIONS is any captioned file that `omninegclip negate` reads. Prints JSON. Loading the parser into each
process is counted apart, since it happens once. On a machine that does other work too (see `load`), the
figures per second of CPU say what the processes could do alone.
"""

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from omninegclip.captions.collection import read_captioned
from omninegclip.captions.lexicon import english
from omninegclip.captions.negate import Captioned, CollectionStatistics, NegationOptions, negate
from omninegclip.captions.parse import parse
from omninegclip.captions.screening import refusal, tidy

CHUNK = 400


def warm_up(statistics: CollectionStatistics) -> None:
    globals()["knowledge"] = statistics
    list(parse(["A dog on a sofa."]))


def parse_only(images: list[Captioned]) -> float:
    start = time.process_time()
    captions = [tidy(caption) for image in images for caption in image.captions]
    list(parse(caption for caption in captions if refusal(caption) is None))
    return time.process_time() - start


def negate_both(images: list[Captioned]) -> float:
    start = time.process_time()
    list(negate(images, globals()["knowledge"], NegationOptions()))
    return time.process_time() - start


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("captions", type=Path)
    options.add_argument("--captions", dest="count", type=int, default=20000)
    options.add_argument("--processes", type=int, default=2)
    chosen = options.parse_args()
    images = read_captioned(chosen.captions)
    while sum(len(image.captions) for image in images) > chosen.count:
        images = images[: int(len(images) * 0.9)]
    count = sum(len(image.captions) for image in images)
    start = time.perf_counter()
    statistics = CollectionStatistics.of(images, english())
    counting = time.perf_counter() - start
    chunks = [images[at : at + CHUNK] for at in range(0, len(images), CHUNK)]
    result: dict[str, float] = {
        "captions": count,
        "processes": chosen.processes,
        "counting_seconds": counting,
    }
    with ProcessPoolExecutor(chosen.processes, get_context("spawn"), warm_up, (statistics,)) as pool:
        list(pool.map(parse_only, [chunks[0][:5]] * chosen.processes * 2))
        for name, work in (("parse_only", parse_only), ("negate_both", negate_both)):
            start = time.perf_counter()
            seconds_of_cpu = sum(pool.map(work, chunks))
            result[f"{name}_per_second"] = count / (time.perf_counter() - start)
            result[f"{name}_per_second_of_cpu"] = count / seconds_of_cpu
    seconds = count / result["negate_both_per_second"] + counting
    result["all_per_second"] = count / seconds
    result["load"] = os.getloadavg()[0]
    print(json.dumps({name: round(value, 2) for name, value in result.items()}))


if __name__ == "__main__":
    main()
