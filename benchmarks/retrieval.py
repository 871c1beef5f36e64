"""Text-to-image retrieval from ready embeddings, against the bare matrix product and top-k of torch.

    python benchmarks/retrieval.py [--queries 25014] [--gallery 5000] [--dim 512] [--threads 1] [--repeats 5]

Both run in this process, alternately, and the median of each is compared; prints one JSON object.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import time

parser = argparse.ArgumentParser()
for name, default in (("queries", 25_014), ("gallery", 5_000), ("dim", 512), ("threads", 1), ("repeats", 5)):
    parser.add_argument(f"--{name}", type=int, default=default)
arguments = parser.parse_args()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(arguments.threads)  # read when the libraries load

import numpy as np  # noqa: E402
import torch  # noqa: E402

from omninegclip.evaluation.metrics import recall_at_k  # noqa: E402
from omninegclip.scoring.scores import Cosines  # noqa: E402

KS = (1, 5, 10)


def embeddings(n: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, arguments.dim), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def bare(queries: np.ndarray, gallery: np.ndarray) -> torch.Tensor:
    """Return the top 10 of every query, one block of scores at a time as ours."""
    images = torch.from_numpy(gallery).T
    blocks = torch.from_numpy(queries).split(1024)
    return torch.cat([torch.topk(block @ images, max(KS), dim=1).indices for block in blocks])


def seconds(work, *inputs) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work(*inputs)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    torch.set_num_threads(arguments.threads)
    queries, gallery = embeddings(arguments.queries, 0), embeddings(arguments.gallery, 1)
    relevant = np.random.default_rng(2).integers(0, len(gallery), len(queries))
    ours = recall_at_k(Cosines(queries, gallery), relevant, KS)  # warms up, too
    top = bare(queries, gallery).numpy()
    for k in KS:
        hits = (top[:, :k] == relevant[:, None]).any(axis=1).mean()
        assert abs(hits - ours[k].mean()) < 1e-4, "both must find the same"
    times = [
        (seconds(bare, queries, gallery), seconds(recall_at_k, Cosines(queries, gallery), relevant, KS))
        for _ in range(arguments.repeats)
    ]
    wall = [statistics.median(pair[side][0] for pair in times) for side in (0, 1)]
    cpu = [statistics.median(pair[side][1] for pair in times) for side in (0, 1)]
    report = {
        **vars(arguments),
        "bare_seconds": wall[0],
        "seconds": wall[1],
        "ratio": wall[1] / wall[0],
        "bare_cpu_seconds": cpu[0],
        "cpu_seconds": cpu[1],
        "cpu_ratio": cpu[1] / cpu[0],
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
