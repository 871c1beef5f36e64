"""Where a model computes: the choice, what is said of it, and that every tensor gets there."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tiny_clip import contrast, tiny_encoder
from torch.nn import functional as F

from omninegclip.clip.device import ComputePlace, choose_device, moved, settle
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.name import with_options
from omninegclip.clip.parity import PrecisionLoss, precision_loss, probe_embeddings, put
from omninegclip.data.sampler import BatchSampler
from omninegclip.errors import OmniNegClipError
from omninegclip.training.methods.method import BatchPlan, TrainingBatch, TrainingRecords
from omninegclip.training.preset import Preset, load_preset
from omninegclip.training.task import TrainingTask

CPU, ELSEWHERE = torch.device("cpu"), torch.device("meta")  # a device that refuses tensors of another one
ROWS = [
    {
        "image_id": str(number),
        "caption": f"a {one} and a {two}",
        "presence_negated": f"a {one} but no {two}",
        "absence_negated": f"a {one} but no {absent}",
        "objects_present": [one, two],
        "contrast_set": contrast(one, two, absent),
    }
    for number, (one, two, absent) in enumerate(
        [("cat", "dog", "owl"), ("dog", "owl", "cat"), ("owl", "cat", "dog")]
    )
]


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two CUDA GPUs, as far as PyTorch says."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def unsaid() -> Iterator[None]:
    settle.cache_clear()
    yield
    settle.cache_clear()


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("name", "rank", "chosen"),
    [
        ("auto", None, "cuda:0"),
        ("cuda", None, "cuda:0"),
        ("cuda:1", None, "cuda:1"),
        ("cpu", None, "cpu"),
        ("auto", "1", "cuda:1"),
        ("cuda", "1", "cuda:1"),
        ("cuda:0", "1", "cuda:0"),
    ],
)
def test_devices_by_name(name: str, rank: str | None, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank:
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert choose_device(name) == torch.device(chosen)


@pytest.mark.usefixtures("gpus")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(OmniNegClipError, match="--device cuda:2: PyTorch sees 2 CUDA GPUs here, so the last"):
        choose_device("cuda:2")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", "--device cuda: PyTorch sees no CUDA GPU here, choose cpu or auto"),
        ("cuda:1", "--device cuda:1: PyTorch sees no CUDA GPU here"),
        ("mps", "--device mps: PyTorch sees no Apple GPU here"),
        ("gpu", "--device gpu: it can be auto, cpu, cuda, cuda:N or mps"),
        ("cuda:x", "--device cuda:x: it can be"),
        ("", "it can be auto, cpu"),
    ],
)
def test_what_is_no_device_here_is_refused(name: str, message: str) -> None:
    assert choose_device("auto") == CPU
    with pytest.raises(OmniNegClipError, match=message):
        choose_device(name)


@pytest.mark.usefixtures("unsaid")
def test_a_place_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        settle(ComputePlace(CPU))
    settle(ComputePlace(CPU, "bf16"))
    assert capsys.readouterr().err == "Computing on cpu in fp32.\nComputing on cpu in bf16.\n"


@pytest.mark.usefixtures("unsaid")
def test_a_format_that_a_device_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object, **__: object) -> None:
        raise RuntimeError("not implemented for 'Half'")

    monkeypatch.setattr(torch, "autocast", lacking)
    with pytest.raises(OmniNegClipError, match="cpu can't compute in fp16: choose fp32"):
        settle(ComputePlace(CPU, "fp16"))
    settle(ComputePlace(CPU))


def test_tensors_in_tuples_are_moved_and_nothing_else() -> None:
    texts = tiny_encoder().lay_out([[[1, 2, 3]]], 77)
    there = moved((texts, None, 7, (torch.ones(2),)), ELSEWHERE)
    assert there[0].device == there[3][0].device == ELSEWHERE
    assert type(there[0]) is type(texts)
    assert there[1:3] == (None, 7)
    assert there[0].tokens_padded == texts.tokens_padded


def batch_of(encoder: ClipEncoder, preset: Preset) -> TrainingBatch:
    settings = preset.settings_of(preset.method.settings)
    features = F.normalize(torch.randn(len(ROWS), encoder.dim), dim=-1)
    data = preset.method.read(TrainingRecords(ROWS, features), encoder, settings)
    plan = BatchPlan([BatchSampler(size, 3, 0) for size in data.sizes], 1, 0, settings)
    return next(data.batches(encoder, plan)(0))


def test_a_step_makes_every_tensor_where_the_model_is() -> None:
    encoder, preset = tiny_encoder(), load_preset("scenes-paper")
    batch = batch_of(encoder, preset)
    encoder.model.to(ELSEWHERE)
    task = TrainingTask(encoder.model, preset.minimised())
    with pytest.raises(RuntimeError, match="expected device meta"):
        task(batch)
    loss = task(moved(batch, ELSEWHERE))["loss"]
    loss.backward()
    assert loss.device == ELSEWHERE


def test_contrast_sets_are_moved_whole() -> None:
    encoder = tiny_encoder()
    batch = moved(batch_of(encoder, load_preset("scenes-plus")), ELSEWHERE)
    encoder.model.to(ELSEWHERE)
    served = batch.served(encoder.family.encode(batch.texts[0]), torch.tensor(1.0))
    assert {each.device for each in served["contrast_sets"]} == {ELSEWHERE}  # type: ignore[attr-defined]


def test_what_is_encoded_is_moved_to_the_model() -> None:
    encoder = tiny_encoder()
    encoder.model.to(ELSEWHERE)
    assert encoder.encode_texts(encoder.tokenize(["a", "a cat"])).device == ELSEWHERE
    assert encoder.encode_images(torch.zeros(2, 3, 32, 32)).device == ELSEWHERE


def test_names_carry_the_place_to_the_model() -> None:
    (name,) = with_options(["scenes-small"], place=ComputePlace(CPU, "bf16"))
    assert name == "scenes-small"
    assert name.place == ComputePlace(CPU, "bf16")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cosines", "flipped", "holds"),
    [(0.002, 0.01, True), (0.0021, 0.0, False), (0.0, 0.011, False), (float("nan"), 0.0, False)],
)
def test_what_a_number_format_may_change(cosines: float, flipped: float, holds: bool) -> None:
    assert PrecisionLoss(cosines, flipped).holds is holds


def test_embeddings_are_in_the_format_if_that_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, exact = tiny_encoder(), tiny_encoder()
    assert precision_loss(encoder, "fp32") == PrecisionLoss(0.0, 0.0)
    assert precision_loss(encoder, "bf16").cosines > 0
    monkeypatch.setattr(PrecisionLoss, "holds", True)
    put(encoder, ComputePlace(CPU, "bf16"))
    assert encoder.precision == "bf16"
    assert encoder.fingerprint != exact.fingerprint
    assert encoder.image_fingerprint != exact.image_fingerprint
    near, expected = probe_embeddings(encoder), probe_embeddings(exact)
    assert 0 < np.abs(near - expected).max() < 0.05
    assert near.dtype == np.float32
    assert capsys.readouterr().err == ""


def test_embeddings_are_in_fp32_if_it_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = tiny_encoder()
    monkeypatch.setattr("omninegclip.clip.parity.precision_loss", lambda *_: PrecisionLoss(0.0123, 0.05))
    put(encoder, ComputePlace(CPU, "bf16"))
    assert encoder.precision == "fp32"
    assert encoder.fingerprint == tiny_encoder().fingerprint
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith(
        "Embedding in fp32: bf16 would change this model's cosines by up to 0.0123 and 5.0%"
    )
