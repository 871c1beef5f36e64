from pathlib import Path

import pytest

pytest.importorskip("spacy", reason="the negate extra is not installed")
from omninegclip.captions import pipeline as negate
from omninegclip.captions.negate import NegationOptions
from omninegclip.captions.pipeline import local, negate_file
from omninegclip.captions.ray_engine import over_ray
from omninegclip.data.record import read_records


@pytest.mark.optional
def test_over_ray_the_rows_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(negate, "SHARD", 3)
    things = ["dog", "cat", "horse", "cow", "bus", "boat"]
    (tmp_path / "lines.txt").write_text("\n".join(f"A {thing} near a red barn." for thing in things))
    negate_file(tmp_path / "lines.txt", tmp_path / "local", None, NegationOptions(), local(1))
    negate_file(tmp_path / "lines.txt", tmp_path / "ray", None, NegationOptions(), over_ray(1))
    assert list(read_records(tmp_path / "ray")) == list(read_records(tmp_path / "local"))
