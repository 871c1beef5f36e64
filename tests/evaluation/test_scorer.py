"""What a reader and a score do for the model that ships, and how they are chosen."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from command_line import call

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.robustness import evaluate_robustness
from omninegclip.evaluation.scenes import Figures, evaluate_scenes
from omninegclip.evaluation.scorer import ScoreName, Scorer
from omninegclip.scenes.benchmark import ScenesBenchmark, make_benchmark
from omninegclip.scenes.robustness import make_robustness
from omninegclip.scenes.tables import write_benchmark
from omninegclip.scoring.calibration import FILE, calibration_of
from omninegclip.study.world import embed_scenes


@pytest.fixture(scope="module")
def encoder() -> ClipEncoder:
    return load_clip("scenes-small")


@pytest.fixture(scope="module")
def benchmark() -> ScenesBenchmark:
    return make_benchmark(7, 48)


@pytest.fixture(scope="module")
def images(encoder: ClipEncoder, benchmark: ScenesBenchmark) -> Embeddings:
    return embed_scenes(encoder, "benchmark", benchmark.scenes, 7)


def value(figures: Figures, metric: str) -> float:
    groups = {name: each for name, each in figures[metric].items() if name not in ("positive", "negative")}
    return float(np.mean([each.value for each in groups.values()]))


@pytest.mark.parametrize("reader", ["told", "rules"])
def test_halves_mend_what_one_vector_gets_wrong_and_change_nothing_else(
    encoder: ClipEncoder, benchmark: ScenesBenchmark, images: Embeddings, reader: str
) -> None:
    def figures(scorer: Scorer) -> Figures:
        read = scorer.of("scenes-small", encoder)
        return evaluate_scenes(benchmark, images, read)

    whole, halved = figures(Scorer()), figures(Scorer(reader))
    for metric in ("absence_choice_accuracy", "multiple_choice_accuracy"):
        assert value(whole, metric) < 0.3
        assert value(halved, metric) > 0.9
    assert value(halved, "exclusion_at_10") < 0.2 < value(whole, "exclusion_at_10")
    for metric in ("retrieval_text_to_image_r1", "retrieval_image_to_text_r1", "zero_shot_auc"):
        assert halved[metric] == whole[metric]


def test_only_and_not_only_are_told_by_what_is_not_named(encoder: ClipEncoder) -> None:
    suite = make_robustness(1002, 60)
    suite = suite._replace(questions=tuple(each for each in suite.questions if each.probe == "quantifier"))
    shown = [number for each in suite.questions for number in (each.right, each.wrong)]
    images = np.zeros((len(suite.scenes), 128), np.float32)
    images[shown] = embed_scenes(encoder, "suite", [suite.scenes[number] for number in shown], suite.seed)
    figures = evaluate_robustness(suite, images, Scorer("rules").of("scenes-small", encoder))["quantifier"]
    assert value(figures, "picture_choice") > 0.85
    assert value(figures, "caption_choice") > 0.85


@pytest.mark.parametrize("score", ["gate", "subtract", "subspace", "cosine"])
def test_every_score_ranks_texts_without_denial_as_the_cosine(encoder: ClipEncoder, score: ScoreName) -> None:
    images = np.eye(9, 128, dtype=np.float32)
    texts = ["a dog on a beach", "two cats", "a dog on a beach without a cat"]

    def alone(some: Sequence[str]) -> Embeddings:  # what a text is packed with moves its last bits
        return np.concatenate([encoder.embed_text([text]) for text in some])

    def scores(scorer: Scorer) -> Embeddings:
        read = scorer.of("scenes-small", encoder, alone)
        return read(texts).rank_images(images).block(slice(None), slice(None))

    whole, ours = scores(Scorer()), scores(Scorer("rules", score))
    assert np.array_equal(ours[:2], whole[:2])
    assert np.array_equal(ours[2], whole[2]) == (score == "cosine")


def test_the_model_that_ships_has_a_calibration_and_its_tuned_forms_share_it(
    encoder: ClipEncoder, tmp_path: Path
) -> None:
    for name in ("scenes-small", str(tmp_path)):
        assert len(calibration_of(name, encoder.image_fingerprint).background) == 1000
    with pytest.raises(OmniNegClipError, match=r"has no calibration\.safetensors.*omninegclip calibrate"):
        calibration_of("scenes-small", "another tower")


def test_a_calibration_in_the_models_folder_goes_first(encoder: ClipEncoder, tmp_path: Path) -> None:
    shipped = calibration_of("scenes-small", encoder.image_fingerprint)
    shipped._replace(background=shipped.background[:60]).save(tmp_path / FILE)
    assert len(calibration_of(str(tmp_path), encoder.image_fingerprint).background) == 60
    assert len(calibration_of("scenes-small", encoder.image_fingerprint, tmp_path / FILE).background) == 60


def test_another_calibration_in_the_models_folder_is_another_scorer(
    encoder: ClipEncoder, tmp_path: Path
) -> None:
    shipped = calibration_of("scenes-small", encoder.image_fingerprint)
    said = []
    for count in (60, 70):
        shipped._replace(background=shipped.background[:count]).save(tmp_path / FILE)
        said.append(Scorer("rules").as_dict(str(tmp_path)))
    assert said[0] != said[1]  # so that a result of the one is not taken for one of the other
    assert Scorer("rules", calibration=tmp_path / FILE).as_dict("scenes-small") == said[1]


def test_a_threshold_that_nothing_reaches_makes_denials_true(
    encoder: ClipEncoder, benchmark: ScenesBenchmark, images: Embeddings
) -> None:
    figures = [
        evaluate_scenes(benchmark, images, Scorer("told", threshold=threshold).of("scenes-small", encoder))
        for threshold in (None, 9.0)
    ]
    usual, high = (each["multiple_choice_accuracy"] for each in figures)
    assert usual["positive"].value > 0.8
    assert high["positive"].value < 0.2  # the denials beside it are taken to be true
    assert high["negative"].value >= usual["negative"].value


def test_evaluate_takes_a_reader_and_keeps_its_results_apart(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "scenes", 3, 24)
    arguments = ["evaluate", "scenes-small", "--suite=scenes", "--data=.", "--out=out", "--csv"]
    plain = call(*arguments, cwd=tmp_path)
    halved = call(*arguments, "--reader=rules", cwd=tmp_path)
    assert (plain[0], halved[0]) == (0, 0), halved[2]
    assert plain[1] != halved[1]
    moved = call(*arguments, "--reader=rules", "--threshold=1.5", cwd=tmp_path)
    assert moved[1] not in (plain[1], halved[1])
    assert call(*arguments, "--reader=rules", "--threshold=2", cwd=tmp_path)[1] == halved[1]
    assert call(*arguments, cwd=tmp_path)[1] == plain[1]
    assert call(*arguments, "--threshold=nan", cwd=tmp_path)[0] != 0
    level = call(*arguments, "--reader=rules", "--level=1", cwd=tmp_path)
    assert level[0] == 0, level[2]
    kept = [json.loads(path.read_text()) for path in (tmp_path / "out").rglob("strict/*.json")]
    assert kept
    assert all(each["settings"]["gate"]["level"] == 1 for each in kept)
    assert call(*arguments, "--reader=rules", "--level=0", cwd=tmp_path)[1] == halved[1]
    by_difference = [*arguments, "--reader=rules", "--score=subtract"]
    apart = [
        json.loads(path.read_text())["key"]
        for level in ("0", "1")
        if call(*by_difference, f"--level={level}", cwd=tmp_path)[0] == 0
        for path in (tmp_path / "out").rglob("strict/*.json")
    ]
    assert len(set(apart)) == len(apart) > 1
    for option in ("--level=1", "--threshold=1"):
        code, _, errors = call(*arguments, option, cwd=tmp_path)
        assert (code, "is for texts in halves: choose a reader too" in errors) == (1, True)
    code, _, errors = call(*arguments, "--reader=rules", "--level=2", cwd=tmp_path)
    assert (code, "The level must be a share from 0 to 1, not 2.0." in errors) == (1, True)
    code, _, errors = call(*arguments, "--calibration=none", cwd=tmp_path)
    assert (
        code,
        "A calibration is for texts in halves: choose a reader too, such as --reader rules" in errors,
    ) == (1, True)


def test_another_calibration_in_the_models_folder_is_another_result(
    encoder: ClipEncoder, tmp_path: Path
) -> None:
    assert Scorer("rules").as_dict("scenes-small")["calibration"] is None
    shipped, found = calibration_of("scenes-small", encoder.image_fingerprint), []
    for count in (60, 70):
        shipped._replace(background=shipped.background[:count]).save(tmp_path / FILE)
        found.append(Scorer("rules").as_dict(str(tmp_path)))
        assert found[-1] == Scorer("rules", calibration=tmp_path / FILE).as_dict("scenes-small")
    assert found[0] != found[1]
    assert not Scorer().as_dict(str(tmp_path))


@pytest.mark.parametrize("verb", ["evaluate", "robustness"])
@pytest.mark.parametrize(("content", "says"), [(None, "does not exist"), (b"text", "is not a calibration")])
def test_a_wrong_calibration_is_said_before_any_work(
    tmp_path: Path, verb: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / "c").write_bytes(content)
    (tmp_path / "data").mkdir()
    data = ["--data=data"] if verb == "evaluate" else []
    code, output, errors = call(
        verb, "scenes-small", *data, "--reader=rules", "--calibration=c", cwd=tmp_path
    )
    assert (code, output) == (1, "")
    assert f"c {says}" in " ".join(errors.split())
    assert "Traceback" not in errors
    assert "Embedding" not in errors
