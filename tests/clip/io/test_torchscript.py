import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from omninegclip.clip.io.torchscript import is_torchscript, read_torchscript


class Inner(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3).T)  # not contiguous

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


class Outer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Inner()
        self.register_buffer("scale", torch.tensor(2.5, dtype=torch.float16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * self.scale


def test_reads_what_torch_itself_reads(tmp_path: Path) -> None:
    torch.jit.script(Outer()).save(str(tmp_path / "m.pt"))
    expected = torch.jit.load(str(tmp_path / "m.pt")).state_dict()
    read = read_torchscript(tmp_path / "m.pt")
    assert read.keys() == expected.keys()
    assert all(
        torch.equal(read[name], expected[name]) and read[name].dtype == expected[name].dtype for name in read
    )


def archive(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("m/code/x.py", "")
        file.writestr("m/data.pkl", content)
        file.writestr("m/data/0", b"1234")
    return path


def test_any_other_name_in_the_pickle_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.pt", b"cos\nmkdir\n(X\x01\x00\x00\x00xtR.")
    assert is_torchscript(path)
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL os\.mkdir"):
        read_torchscript(path)


def test_a_tensor_cannot_leave_its_storage(tmp_path: Path) -> None:
    beyond = (
        b"c__torch__\nM\n)\x81}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n"
        b"((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ"
        b"K\x00(K\x63t(K\x01tNNtRsb."
    )
    with pytest.raises(RuntimeError, match="out of bounds"):
        read_torchscript(archive(tmp_path / "m.pt", beyond))
