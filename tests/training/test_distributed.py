"""Two processes against one with the same global batch, and the end of a run that loses a process."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from omninegclip.errors import OmniNegClipError
from omninegclip.training.distributed import process_group

HERE = Path(__file__).parent
CASES = ("even", "uneven", "one row each and one over", "frozen layers", "in chunks")


def start_two(script: str, *arguments: str) -> list[subprocess.Popen[str]]:
    """Start two processes as torchrun does, by environment variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    command = [sys.executable, str(HERE / script), *arguments]
    return [
        subprocess.Popen(
            command,
            env=os.environ | address | {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]


def worker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("processes", HERE / "processes.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def alone() -> dict[str, dict[str, Tensor]]:
    module = worker()
    return {name: module.step(*module.CASES[name]) for name in CASES}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    for process in start_two("processes.py", str(folder)):
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
    return folder


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rank", [0, 1])
def test_two_processes_equal_one(
    alone: dict[str, dict[str, Tensor]], together: Path, case: str, rank: int
) -> None:
    expected, actual = alone[case], load_file(together / f"{case}.{rank}.safetensors")
    assert actual.keys() == expected.keys()
    largest = max(gradient.abs().max().item() for gradient in expected.values())
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=1e-5, atol=1e-6 * largest)


def test_chunks_equal_the_batch_at_once(alone: dict[str, dict[str, Tensor]]) -> None:
    at_once, in_chunks = alone["frozen layers"], alone["in chunks"]
    assert in_chunks.keys() == at_once.keys()
    largest = max(gradient.abs().max().item() for gradient in at_once.values())
    for name, value in at_once.items():
        torch.testing.assert_close(in_chunks[name], value, rtol=1e-5, atol=1e-6 * largest)


def test_a_process_that_dies_ends_the_other_with_one_sentence() -> None:
    survivor, dead = start_two("dying_process.py")
    _, errors = survivor.communicate(timeout=600)
    dead.communicate(timeout=600)
    assert (survivor.returncode, dead.returncode) == (1, 9)
    assert errors.strip().splitlines()[-1] == (
        "Another process of this run ended, so this one stops: its own message says why."
    )
    assert "Traceback" not in errors


@pytest.mark.parametrize("stopped", [0, 1])
def test_a_process_that_is_stopped_is_named_by_the_other(
    stopped: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNINEGCLIP_TIMEOUT", "1")
    processes = start_two("stopped_process.py", str(stopped))
    survivor = processes.pop(1 - stopped)
    try:
        _, errors = survivor.communicate(timeout=60)
    finally:
        processes[0].kill()
        processes[0].communicate()
    assert survivor.returncode == 1
    assert f"Process {stopped} of this run has not answered for 1 seconds" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("said", ["soon", "0", "nan", "inf"])
def test_a_timeout_that_is_none_is_one_sentence(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("OMNINEGCLIP_TIMEOUT", said)
    with (
        pytest.raises(OmniNegClipError, match=f"OMNINEGCLIP_TIMEOUT={said} must be a number"),
        process_group(torch.device("cpu")),
    ):
        pass


def test_what_the_first_process_is_refused_is_said_by_all() -> None:
    for process in start_two("refused_process.py"):
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert errors.strip().splitlines()[-1] == "The folder is occupied."
        assert "Traceback" not in errors
