import json
import sys
from pathlib import Path

import pytest
import torch
from transformers import CLIPTokenizer

pytest.importorskip("spacy", reason="the negate extra is not installed")
pytest.importorskip("sklearn", reason="the negate extra is not installed")
from omninegclip.captions.negate import PROVENANCE
from omninegclip.cli import app
from omninegclip.data.record import write_records
from omninegclip.errors import OmniNegClipError


def run(*arguments: object) -> None:
    app(["negate", *map(str, arguments)], result_action="return_value")


THINGS = ["dog", "cat", "horse", "cow", "train", "bus", "boat", "kite"]


def test_from_lines_to_records_to_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"A {thing} near a red {place}." for thing in THINGS for place in ("barn", "house", "tree")]
    (tmp_path / "lines.txt").write_text("\n".join([*lines, "Ein Hund"]))
    run(tmp_path / "lines.txt", tmp_path / "out.parquet", "--processes=1", "--json")
    summary = json.loads(capsys.readouterr().out)
    assert (summary["captions"], summary["presence"]) == (25, 24)
    run(tmp_path / "out.parquet", "--report")
    text = capsys.readouterr().out
    assert "25 rows of 25 captions" in text
    assert "rejected: not clearly English" in text
    assert "comma changed in 0.0%" in text
    assert "nan" not in text
    # of 25 captions nothing is known of what goes with what: no object is called absent
    assert summary["absence"] == 0


def test_one_caption_is_counted_and_has_no_accuracy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.txt").write_text("A cat sits on a mat.\n")
    run(tmp_path / "one.txt", tmp_path / "out.parquet", "--processes=1")
    counts = "captions: 1, rows: 1, with a presence-based negation: 1, with an absence-based one: 0\n"
    assert capsys.readouterr().out == counts
    run(tmp_path / "out.parquet", "--report")
    text = capsys.readouterr().out
    assert "1 row of 1 caption\n" in text
    assert "told from its caption by words –, words but those of negation –, punctuation –" in text
    assert text.endswith("–: too few captions for a classifier, or nothing of that kind in them\n")


def test_an_endpoint_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match="--wordings needs a language model"):
        run(tmp_path / "in.txt", tmp_path / "out.parquet", "--wordings=3")
    with pytest.raises(OmniNegClipError, match="needs both --llm-url"):
        run(tmp_path / "in.txt", tmp_path / "out.parquet", "--llm-url=http://127.0.0.1:1/v1")


def test_records_of_others_have_no_report(tmp_path: Path) -> None:
    row = {"image": None, "image_id": "1", "caption": "a", "presence_negated": None, "absence_negated": None}
    write_records(tmp_path / "other.parquet", [row])
    odd = row | dict.fromkeys(PROVENANCE) | {"presence_reason": 7}
    write_records(tmp_path / "odd.parquet", [odd])
    write_records(tmp_path / "short.parquet", [row | {"presence_reason": "short"}])
    for name in ("other", "odd", "short"):
        with pytest.raises(OmniNegClipError, match="has no provenance"):
            run(tmp_path / f"{name}.parquet", "--report")


def test_an_endpoint_or_an_engine_that_cannot_be_is_refused_before_a_caption_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("httpx", reason="the llm extra is not installed")
    with pytest.raises(OmniNegClipError, match=r"--llm-url .* is not an endpoint"):
        run(tmp_path / "none.txt", tmp_path / "out", "--llm-url=http://[::1", "--llm-model=tiny")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OmniNegClipError, match=r"pip install 'omninegclip\[ray\]'"):
        run(tmp_path / "none.txt", tmp_path / "out", "--engine=ray")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.json", "r.jsonl", "r.txt", "R.CSV", "r.tar.gz"])
def test_an_output_that_is_named_as_another_kind_of_file_is_refused_before_anything_is_read(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(OmniNegClipError, match=rf"{name}: records are one \.parquet file, or a folder"):
        run(tmp_path / "none.txt", tmp_path / name, "--screen-with=none")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["r.v2", "r.2026-11", "records"])
def test_a_dot_in_the_name_of_a_folder_is_no_ending_of_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "one.txt").write_text("A cat sits on a mat.\n")
    run(tmp_path / "one.txt", tmp_path / name, "--processes=1")
    assert (tmp_path / name / "part-00000.parquet").is_file()


@pytest.mark.parametrize("name", ["out", "out.parquet"])
@pytest.mark.parametrize(
    ("model", "says"), [("none", "none is not a file"), ("scenes-small", "x.jpg does not exist")]
)
def test_a_run_that_is_refused_as_it_looks_leaves_nothing_and_no_other_run_is_refused_for_it(
    tmp_path: Path, name: str, model: str, says: str
) -> None:
    lines = tmp_path / "lines.csv"
    lines.write_text("image,caption\nx.jpg,A dog near a red barn.\n")
    with pytest.raises(OmniNegClipError, match=says):
        run(lines, tmp_path / name, f"--screen-with={model}")
    assert list(tmp_path.iterdir()) == [lines]
    run(lines, tmp_path / name, "--processes=1")


def test_another_model_than_that_of_a_run_is_told_by_its_options(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("image,caption\nx.jpg,A cat sits on a mat.\n")
    run(tmp_path / "one.csv", tmp_path / "out", "--processes=1")
    with pytest.raises(OmniNegClipError, match=r"options \(--llm-model or --screen-with\)"):
        run(tmp_path / "one.csv", tmp_path / "out", "--screen-with=scenes-small")


def test_bare_weights_that_look_are_told_their_activation(
    tmp_path: Path, reference: torch.nn.Module, tokenizer: CLIPTokenizer
) -> None:
    torch.save({"state_dict": reference.state_dict()}, tmp_path / "epoch_30.pt")
    tokenizer.save_pretrained(tmp_path / "words")
    (tmp_path / "lines.txt").write_text("A dog.\n")
    asked = (tmp_path / "lines.txt", tmp_path / "out", f"--screen-with={tmp_path / 'epoch_30.pt'}")
    with pytest.raises(OmniNegClipError, match="--activation quick_gelu"):
        run(*asked)
    with pytest.raises(OmniNegClipError, match=r"has no calibration\.safetensors"):  # it is loaded
        run(*asked, "--activation=quick_gelu", f"--tokenizer={tmp_path / 'words'}")
