"""How fast an index answers a query with two negations, and how much of the exact answer it finds.

    python benchmarks/search.py --count 100000

Vectors are drawn around 1,000 centres, and queries are other vectors around them. Measured are the import
with its approximate index, and the search after its texts are embedded: candidates, exact scores, more
candidates. Beside it stand the same scores of all vectors in NumPy, and FAISS's exact inner products of the
affirmed half alone where FAISS is installed. `added_share` is what reading a sentence with two denials by
rules, calibrating them and the gate add to a search for the affirmed half alone, in medians. A million
vectors need 7 GB of memory and 5 GB of disk.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omninegclip.embeddings import Embeddings
from omninegclip.index.question import read_question
from omninegclip.index.rank import rank
from omninegclip.index.score import Half, QuestionScore
from omninegclip.index.store import Header, Store, open_store, writable_store
from omninegclip.index.transfer import import_vectors, open_vectors
from omninegclip.reading.rules import RulesReader
from omninegclip.scoring.calibration import Calibration

SENTENCE = "a street in the morning without any cars or people"
CENTRES, SPREAD, BATCH = 1000, 0.8, 20_000


def drawn(random: np.random.Generator, centres: Embeddings, count: int) -> Embeddings:
    dim = centres.shape[1]
    vectors = np.empty((count, dim), np.float32)  # a million of them are 2 GB, and should be there once
    for start in range(0, count, BATCH):
        part = vectors[start : start + BATCH]
        part[:] = random.standard_normal(part.shape, np.float32)
        part *= SPREAD / np.sqrt(dim)
        part += centres[random.integers(0, len(centres), len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def timed(work: Callable[[int], Any], queries: int) -> tuple[list[Any], dict[str, float]]:
    """Return what each query gave, and its milliseconds; those of all cores together are `cpu_ms`."""
    found, times, used = [], [], []
    for number in range(queries):
        began, before = time.perf_counter(), time.process_time()
        found.append(work(number))
        times.append(1000 * (time.perf_counter() - began))
        used.append(1000 * (time.process_time() - before))
    taken = {"p50_ms": np.median(times), "p99_ms": np.quantile(times, 0.99), "p50_cpu_ms": np.median(used)}
    return found, {name: round(float(value), 1) for name, value in taken.items()}


def read_and_rank(store: Store, calibration: Calibration, texts: Embeddings) -> None:
    """Search as for a sentence with two denials; embedding its texts is left out, as everywhere here."""
    asked = read_question(SENTENCE, (), "", RulesReader())
    weights = np.array([each.weight for each in asked.unwanted])
    halves = Half.of(texts[:1], calibration), Half.of(texts[1:], calibration)
    rank(store.engine, QuestionScore(*halves, weights), 10)


def rank_plainly(store: Store, calibration: Calibration, texts: Embeddings) -> None:
    """Search for the affirmed half alone."""
    halves = Half.of(texts[:1], calibration), Half.of(texts[:0], calibration)
    rank(store.engine, QuestionScore(*halves, np.empty(0)), 10)


def added(whole: Callable[[int], object], plain: Callable[[int], object], queries: int) -> dict[str, float]:
    """Return the times of a search with denials and of a plain one, and what the first adds."""
    times: tuple[list[float], list[float]] = [], []
    for number in range(queries):  # in turn, so that a busy machine slows both alike
        for kept, work in zip(times, (plain, whole), strict=True):
            began = time.perf_counter()
            work(number)
            kept.append(1000 * (time.perf_counter() - began))
    before, after = (float(np.median(each)) for each in times)
    return {
        "plain_p50_ms": round(before, 1),
        "read_and_gated_p50_ms": round(after, 1),
        "added_share": round(after / before - 1, 3),
    }


def best_of(scores: NDArray[np.floating]) -> NDArray[np.intp]:
    best = np.argpartition(-scores, 10)[:10]
    return best[np.argsort(-scores[best], kind="stable")]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--queries", type=int, default=100)
    asked = parser.parse_args()
    random = np.random.default_rng(0)
    centres = random.standard_normal((CENTRES, asked.dim)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = drawn(random, centres, asked.count)
    texts = drawn(random, centres, 3 * asked.queries).reshape(asked.queries, 3, asked.dim)
    folder = Path(tempfile.mkdtemp())
    try:
        print(json.dumps(measured(folder / "db", vectors, texts), indent=2))
    finally:
        shutil.rmtree(folder)


def measured(db: Path, vectors: Embeddings, texts: Embeddings) -> dict[str, object]:
    count, queries = len(vectors), len(texts)
    array, paths = db.with_suffix(".npy"), db.with_suffix(".txt")
    np.save(array, vectors)
    paths.write_text("".join(f"/{number}\n" for number in range(count)))
    began = time.perf_counter()
    used = time.process_time()
    with writable_store(str(db), Header("none", vectors.shape[1], "", "", {})) as store:
        import_vectors(store, open_vectors(array, paths, vectors.shape[1]))
    imported, imported_cpu = time.perf_counter() - began, time.process_time() - used
    store = open_store(str(db))
    calibration = Calibration(store.background(), "")
    scores = [
        QuestionScore(Half.of(each[:1], calibration), Half.of(each[1:], calibration), np.ones(2))
        for each in texts
    ]
    plain, numpy = timed(lambda number: best_of(scores[number].parts(vectors)[0]), queries)
    ranked, searched = timed(lambda number: rank(store.engine, scores[number], 10), queries)
    got = [{row["path"] for row in store.engine.facts(each.keys)} for each in ranked]
    recall = [len({f"/{n}" for n in best} & paths) / 10 for best, paths in zip(plain, got, strict=True)]
    figures: dict[str, object] = {
        "vectors": count,
        "imported_s": round(imported, 1),
        "imported_cpu_s": round(imported_cpu, 1),
        "disk_MB": round(sum(each.stat().st_size for each in db.rglob("*") if each.is_file()) / 1e6),
        "recall_at_10": round(float(np.mean(recall)), 4),
        "search": searched,
        "numpy": numpy,
    }
    figures |= added(
        lambda number: read_and_rank(store, calibration, texts[number]),
        lambda number: rank_plainly(store, calibration, texts[number]),
        queries,
    )
    try:
        import faiss
    except ImportError:
        return figures
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    figures["faiss_affirmed_half"] = timed(lambda number: flat.search(texts[number, :1], 200), queries)[1]
    return figures


if __name__ == "__main__":
    main()
