"""Checkpoints: what goes in comes out, and what can't be written harms nothing."""

import resource
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.training.checkpoint import load_checkpoint, save_checkpoint


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4).T, "b": torch.tensor(7, dtype=torch.uint8)}
    save_checkpoint(tmp_path / "x.safetensors", tensors, {"done": 3, "best": None, "reached": 0.1})
    found, metadata = load_checkpoint(tmp_path / "x.safetensors")
    assert metadata == {"done": 3, "best": None, "reached": 0.1}
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, {"a": torch.ones(2)}, {"done": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(
            OmniNegClipError, match=r"Can't write .*the checkpoint before this one is unharmed"
        ):
            save_checkpoint(path, {"a": torch.ones(100_000)}, {"done": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert load_checkpoint(path)[1] == {"done": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["x.safetensors"]


@pytest.mark.parametrize("content", [b"", b"nonsense that is long enough to be a header"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(OmniNegClipError, match="is not a checkpoint of a training run"):
        load_checkpoint(tmp_path / "x.safetensors")


def test_a_flipped_bit_anywhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, {"a": torch.randn(3), "b": torch.tensor(7, dtype=torch.uint8)}, {"done": 3})
    whole = path.read_bytes()
    expected, metadata = load_checkpoint(path)
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with suppress(DamagedError):
            found, said = load_checkpoint(path)  # a flip in white space
            assert said == metadata
            assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(DamagedError):
            load_checkpoint(path)


def test_a_checkpoint_that_is_not_there_is_lost(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match="is gone"):
        load_checkpoint(tmp_path / "x.safetensors")
