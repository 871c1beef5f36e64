import sys
from pathlib import Path

import pytest

pytest.importorskip("spacy", reason="the negate extra is not installed")
pytest.importorskip("sklearn", reason="the negate extra is not installed")
from omninegclip.captions.negate import PROVENANCE
from omninegclip.commands.negate import as_text, run_negate, run_report
from omninegclip.data.record import write_records
from omninegclip.errors import OmniNegClipError

THINGS = ["dog", "cat", "horse", "cow", "train", "bus", "boat", "kite"]


def test_from_lines_to_records_to_report(tmp_path: Path) -> None:
    lines = [f"A {thing} near a red {place}." for thing in THINGS for place in ("barn", "house", "tree")]
    (tmp_path / "lines.txt").write_text("\n".join([*lines, "Ein Hund"]))
    summary = run_negate(tmp_path / "lines.txt", tmp_path / "out.parquet", processes=1)
    assert (summary.captions, summary.presence) == (25, 24)
    text = as_text(run_report(tmp_path / "out.parquet"))
    assert "25 rows of 25 captions" in text
    assert "rejected: not clearly English" in text
    assert "comma changed in 0.0%" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_caption": 0}, "--per-caption and --processes need"),
        ({"processes": 0}, "--per-caption and --processes need"),
        ({"llm_url": "http://127.0.0.1:1/v1"}, "Rewriting needs both"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(OmniNegClipError, match=message):
        run_negate(tmp_path / "in.txt", tmp_path / "out.parquet", **options)  # type: ignore[arg-type]


def test_records_of_others_have_no_report(tmp_path: Path) -> None:
    row = {"image": None, "image_id": "1", "caption": "a", "presence_negated": None, "absence_negated": None}
    write_records(tmp_path / "other.parquet", [row])
    odd = row | dict.fromkeys(PROVENANCE) | {"presence_reason": 7}
    write_records(tmp_path / "odd.parquet", [odd])
    write_records(tmp_path / "short.parquet", [row | {"presence_reason": "short"}])
    for name in ("other", "odd", "short"):
        with pytest.raises(OmniNegClipError, match="has no provenance"):
            run_report(tmp_path / f"{name}.parquet")


def test_an_endpoint_or_an_engine_that_cannot_be_is_refused_before_a_caption_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("httpx", reason="the llm extra is not installed")
    with pytest.raises(OmniNegClipError, match=r"--llm-url .* is no endpoint"):
        run_negate(tmp_path / "none.txt", tmp_path / "out", llm_url="http://[::1", llm_model="tiny")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OmniNegClipError, match=r"pip install 'omninegclip\[ray\]'"):
        run_negate(tmp_path / "none.txt", tmp_path / "out", engine="ray")
    assert list(tmp_path.iterdir()) == []
