"""Every verb on a CUDA GPU: python -m pytest -m cuda tests/test_cuda.py"""

import json
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from command_line import call
from run_place import Place, make_place

from omninegclip.clip.device import ComputePlace, choose_device
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.parity import probe_embeddings

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA GPU here"),
]
STATE = "checkpoints/last.safetensors"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_place(tmp_path_factory.mktemp("cuda"))


def losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def test_embeddings_are_those_of_the_cpu() -> None:
    on_cpu, on_gpu = (
        load_clip("scenes-small", place=ComputePlace(choose_device(name))) for name in ("cpu", "cuda")
    )
    assert on_gpu.device.type == "cuda"
    assert abs(probe_embeddings(on_cpu) - probe_embeddings(on_gpu)).max() < 1e-4


def test_training_in_fp32_has_the_losses_of_the_cpu(place: Place) -> None:
    for device in ("cpu", "cuda"):
        code, _, errors = place.call(f"--out={device}", f"--device={device}")
        assert code == 0, errors
    assert f"Computing on cuda:0 ({torch.cuda.get_device_name()}) in fp32." in " ".join(errors.split())
    assert losses(place.folder / "cuda") == pytest.approx(losses(place.folder / "cpu"), abs=1e-4)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("objective", ["omni", "omni-plus"])
def test_training_in_every_precision(place: Place, precision: str, objective: str) -> None:
    out = f"{objective}-{precision}"
    code, _, errors = place.call(f"--out={out}", f"--precision={precision}", objective=objective)
    assert code == 0, errors
    assert all(loss == pytest.approx(loss) for loss in losses(place.folder / out))  # NaN equals nothing


@pytest.mark.parametrize("objective", ["omni", "omni-plus"])
def test_cuda_graphs_train_with_the_losses_of_the_plain_step(place: Place, objective: str) -> None:
    for setting in ("true", "false"):
        out = f"--out={objective}-compile-{setting}"
        code, _, errors = place.call(out, "--device=cuda", f"--set=compile={setting}", objective=objective)
        assert code == 0, errors
    compiled, plain = (losses(place.folder / f"{objective}-compile-{each}") for each in ("true", "false"))
    assert compiled == pytest.approx(plain, abs=1e-4)


def test_a_killed_run_ends_with_the_same_state(place: Place) -> None:
    assert place.call("--out=whole")[0] == 0
    process = place.start(place.command("--out=killed"))
    last = place.folder / "killed" / STATE
    while process.poll() is None and not last.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert place.call("--out=killed", "--resume")[0] == 0
    assert last.read_bytes() == (place.folder / "whole" / STATE).read_bytes()


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_train_what_one_trains(place: Place) -> None:
    assert place.call("--out=one")[0] == 0
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    process = place.start([*launcher, *place.command("--out=two")[1:]])
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert losses(place.folder / "two") == pytest.approx(losses(place.folder / "one"), rel=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("quickstart", "--smoke", "--out=q"),
        ("study", "plus", "--smoke", "--only=omni-plus", "--out=s"),
        ("study", "limits", "--smoke", "--out=l"),
        ("study", "layers", "scenes-small", "--count=8", "--out=c"),
        ("robustness", "scenes-small", "--count=8"),
        ("verify", "scenes-small"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_verbs(arguments: tuple[str, ...], precision: str, tmp_path: Path) -> None:
    code, _, errors = call(*arguments, "--device=cuda", f"--precision={precision}", cwd=tmp_path)
    # a probe in another format differs from the one that was stored, and verify says so
    other = precision != "fp32" and "Embedding in fp32" not in errors
    assert code == int(arguments[0] == "verify" and other), errors


def test_evaluate(tmp_path: Path) -> None:
    assert call("scenes", "data", "--benchmark", "--count=8", cwd=tmp_path)[0] == 0
    code, output, errors = call(
        "evaluate", "scenes-small", "--suite=scenes", "--data=data", "--device=cuda", "--json", cwd=tmp_path
    )
    assert code == 0, errors
    assert json.loads(output)
