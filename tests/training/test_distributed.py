"""Two processes against one with the same global batch, and the end of a run that loses a process."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

WORKER = Path(__file__).with_name("processes.py")
CASES = ("even", "uneven", "one row each and one over", "frozen layers", "in chunks")


def run(mode: str, folder: Path, processes: int) -> list[subprocess.CompletedProcess[str]]:
    """Run the worker as torchrun does, by environment variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = []
    for rank in range(processes):
        variables = common | {"RANK": str(rank), "LOCAL_RANK": str(rank)} if processes > 1 else {}
        command = [sys.executable, str(WORKER), mode, str(folder)]
        running.append(
            subprocess.Popen(command, env=os.environ | variables, stderr=subprocess.PIPE, text=True)
        )
    finished = []
    for process in running:
        _, errors = process.communicate(timeout=600)
        finished.append(subprocess.CompletedProcess(WORKER, process.returncode, "", errors))
    return finished


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    for folder, processes in ((one, 1), (two, 2)):
        for process in run("steps", folder, processes):
            assert process.returncode == 0, process.stderr
    return one, two


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rank", [0, 1])
def test_two_processes_equal_one(results: tuple[Path, Path], case: str, rank: int) -> None:
    expected = load_file(results[0] / f"{case}.0.safetensors")
    actual = load_file(results[1] / f"{case}.{rank}.safetensors")
    assert actual.keys() == expected.keys()
    largest = max(gradient.abs().max().item() for gradient in expected.values())
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=1e-5, atol=1e-7 * largest, msg=name)


def test_chunks_equal_the_batch_at_once(results: tuple[Path, Path]) -> None:
    at_once = load_file(results[0] / "frozen layers.0.safetensors")
    in_chunks = load_file(results[1] / "in chunks.0.safetensors")
    assert in_chunks.keys() == at_once.keys()
    torch.testing.assert_close(in_chunks["loss"], at_once["loss"], rtol=1e-5, atol=0)


def test_a_process_that_dies_ends_the_other_with_one_sentence(tmp_path: Path) -> None:
    survivor, dead = run("die", tmp_path, 2)
    assert dead.returncode == 9
    assert survivor.returncode == 1
    assert survivor.stderr.strip().splitlines()[-1] == (
        "Another process of this run ended, so this one stops: its own message says why."
    )
    assert "Traceback" not in survivor.stderr
