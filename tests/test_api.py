"""The Python door: what it opens is what the commands give."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from run_place import OPTIONS, make_place
from tiny_clip import tiny_encoder

import omninegclip as onc
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.commands.negate import NegateOptions
from omninegclip.commands.negate import negate as negate_verb
from omninegclip.data.record import read_records

NEEDS_SPACY = pytest.mark.skipif(not find_spec("spacy"), reason="the extra negate")
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
CAPTIONS = ["a black dog on the grass next to a red car", "two people eat pizza at a table", "is this it?"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "clip"
    save_clip(folder, tiny_encoder(), base="random weights")
    return folder


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three images with a suite of one benchmark whose name is HTML."""
    folder = tmp_path_factory.mktemp("benchmark")
    lines = ["image,right,wrong"]
    for name, colour in COLOURS.items():
        Image.new("RGB", (16, 16), colour).save(folder / f"{name}.png")
        lines.append(f"{name}.png,all {name},nothing {name}")
    (folder / "pairs.csv").write_text("\n".join(lines))
    (folder / "suite.yaml").write_text(
        "benchmarks: [{name: a&b, reader: table-choices, files: pairs.csv, measures: {presence: accuracy},"
        " options: {image: image, right: right, wrong: [wrong]}}]"
    )
    return folder


def test_the_package_imports_nothing_heavy() -> None:
    heavy = "torch", "transformers", "numpy", "pyarrow", "rich", "omninegclip.api"
    code = f"import sys, omninegclip; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_every_name_is_there_and_no_other() -> None:
    assert set(onc.__all__) <= set(dir(onc))
    assert all(getattr(onc, name) for name in onc.__all__)
    assert callable(onc.objectives.omni)
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        onc.trian  # noqa: B018


def test_load_gives_an_encoder(model: Path, benchmark: Path) -> None:
    clip = onc.load(model)
    texts = ["a cat without glasses", "a cat"]
    images = [benchmark / f"{name}.png" for name in COLOURS]
    cosines = clip.similarity(texts, images)
    assert cosines.shape == (2, 3)
    np.testing.assert_allclose(cosines, clip.embed_text(texts) @ clip.embed_image(images).T, atol=1e-6)
    with pytest.raises(onc.OmniNegClipError, match="or a model that ships"):
        onc.load("no/such/model/here")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> onc.TrainingRun:
    place = make_place(tmp_path_factory.mktemp("api"))
    changed = OPTIONS | {"model": str(place.folder / "clip"), "mask_same_image": True, "betas": [0.9, 0.99]}
    return onc.train(
        place.folder / "records.parquet", "scenes-paper", out=place.folder / "<run>", overrides=changed
    )


def test_a_run_holds_its_model_and_figures(run: onc.TrainingRun) -> None:
    summary = json.loads((run.model_path.parent / "metrics.json").read_text())
    assert (run.steps, run.best_step) == (12, summary["best_step"])
    assert run.load().fingerprint == run.fingerprint == summary["fingerprint"]
    assert {name: figure.as_dict() for name, figure in run.after.items()} == summary["after"]
    assert run.before.keys() == run.after.keys() == {"presence_accuracy", "absence_r1", "retrieval_r1"}
    shown = run._repr_html_()
    assert "&lt;run&gt;" in shown
    assert "<td>presence_accuracy</td>" in shown


def test_a_finished_run_is_read_again(run: onc.TrainingRun) -> None:
    folder = run.model_path.parent
    changed = OPTIONS | {
        "model": str(folder.parent / "clip"),
        "mask_same_image": True,
        "betas": [0.9, 0.99],
    }
    again = onc.train(
        folder.parent / "records.parquet", "scenes-paper", out=folder, overrides=changed, resume=True
    )
    assert again == run


def test_evaluate_compares_models(model: Path, benchmark: Path, tmp_path: Path) -> None:
    encoders = {"first": load_clip(model), "<second>": tiny_encoder(seed=1)}
    found = onc.evaluate(encoders, benchmark, suite=benchmark / "suite.yaml", out=tmp_path / "out")
    (row,) = found.rows
    assert (row.measure, row.benchmark, len(row.cells)) == ("presence", "a&b", 2)
    assert [result.scored for (result,) in found.results] == [3, 3]
    assert "retrieval" in found.unmeasured
    shown = found._repr_html_()
    assert "<th>&lt;second&gt;</th>" in shown
    assert "a&amp;b" in shown
    assert (tmp_path / "out" / "features").is_dir()


def test_evaluate_loads_models_by_name(model: Path, benchmark: Path) -> None:
    found = onc.evaluate(model, benchmark, suite=benchmark / "suite.yaml", seed=1)
    assert found.models == [str(model)]
    assert found.results[0][0].seed == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"reader": "rules", "threshold": float("nan")}, "from -10 to 10 standard deviations, not nan"),
        ({"reader": "rules", "threshold": "2"}, "The threshold is '2': it must be a number."),
        ({"reader": "rules", "level": True}, "The level is True: it must be a number."),
        ({"level": 1}, "A level is for texts in halves: choose a reader too"),
        ({"calibration": "cal.safetensors"}, "choose a reader too"),
    ],
)
def test_evaluate_refuses_what_would_score_nothing(
    options: dict[str, object], says: str, model: Path, benchmark: Path
) -> None:
    with pytest.raises(onc.OmniNegClipError, match=says):
        onc.evaluate(model, benchmark, suite=benchmark / "suite.yaml", **options)


def test_evaluate_says_what_is_missing(model: Path, benchmark: Path, tmp_path: Path) -> None:
    with pytest.raises(onc.OmniNegClipError, match="is not a folder"):
        onc.evaluate(model, tmp_path / "none", suite=benchmark / "suite.yaml")
    with pytest.raises(onc.OmniNegClipError, match=r"holds no benchmark of the suite .* pairs\.csv"):
        onc.evaluate(model, tmp_path, suite=benchmark / "suite.yaml")


@NEEDS_SPACY
def test_negate_gives_the_rows_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "captions.txt").write_text("\n".join(CAPTIONS))
    options = NegateOptions(per_caption=2, seed=3, processes=1)
    negate_verb(tmp_path / "captions.txt", tmp_path / "records.parquet", options=options)
    found = onc.negate(CAPTIONS, per_caption=2, seed=3)
    assert found == [
        onc.Negation(**{name: row[name] for name in onc.Negation.__annotations__})
        for row in read_records(tmp_path / "records.parquet")
    ]
    assert found[0].presence_negated
    assert found[-1].presence_reason == found[-1].absence_reason == "question, quotation or symbol"


@NEEDS_SPACY
def test_negate_shows_a_table_and_takes_labels() -> None:
    labels = [["dog", "car"], ["person", "pizza", "bottle"], None]
    found = onc.negate(CAPTIONS, kind="absence", labels=labels)
    assert not any(row.presence_negated for row in found)
    assert {row.absence_object for row in found} <= {"dog", "car", "person", "pizza", "bottle", None}
    assert onc.negate(["a <b> dog"])._repr_html_().count("a &lt;b&gt; dog") == 1


@NEEDS_SPACY
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "none"}, "it can be presence, absence, both"),
        ({"per_caption": 0}, "1 or more"),
        ({"labels": [["dog"]]}, "3 captions and 1 labels"),
    ],
)
def test_negate_refuses_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(onc.OmniNegClipError, match=message):
        onc.negate(CAPTIONS, **options)


def test_what_is_no_name_and_no_caption_is_one_sentence(model: Path, benchmark: Path) -> None:
    for models in (onc.load(model), [onc.load(model)], 3):
        with pytest.raises(onc.OmniNegClipError, match="models must be names, or loaded models by name"):
            onc.evaluate(models, benchmark, suite=benchmark / "suite.yaml")  # type: ignore[arg-type]
    with pytest.raises(onc.OmniNegClipError, match="1 is not a caption"):
        onc.negate(["a dog", 1])  # type: ignore[list-item]
