"""The scenes benchmark as files, through readers and protocols, against its own scorer."""

from pathlib import Path

import pytest

from omninegclip.clip.io.load import load_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.run import Settings, evaluate
from omninegclip.evaluation.scenes import evaluate_scenes
from omninegclip.evaluation.suite import load_suite
from omninegclip.scenes.benchmark import make_benchmark
from omninegclip.scenes.tables import write_benchmark
from omninegclip.scoring.texts import whole_texts
from omninegclip.study.world import embed_scenes


def test_both_ways_find_the_same_figures(tmp_path: Path) -> None:
    encoder = load_clip("scenes-small")
    benchmark = make_benchmark(3, 40)
    images = embed_scenes(encoder, "benchmark", benchmark.scenes, 3)
    expected = evaluate_scenes(benchmark, images, whole_texts(encoder.embed_text))
    write_benchmark(tmp_path / "scenes", 3, 40)
    results = {
        result.benchmark: result
        for result in evaluate("scenes-small", encoder, load_suite("scenes"), Settings(tmp_path))
    }
    assert {result.status for result in results.values()} == {"done"}
    for name, figure, metric in (
        ("scenes-presence", "accuracy", "presence_accuracy"),
        ("scenes-absence", "accuracy", "absence_choice_accuracy"),
        ("scenes-choices", "accuracy", "multiple_choice_accuracy"),
        ("scenes-negated-retrieval", "text_to_image_r5", "negated_retrieval_r5"),
    ):
        found = results[name].figures[figure]["by"]["condition"]["groups"]
        assert {group: each["value"] for group, each in found.items()} == pytest.approx(
            {group: expected[metric][group].value for group in found}
        ), name
        assert set(found) == {"seen", "held_out", "held_out_phrasings", "held_out_both"}
    retrieval = results["scenes-retrieval"].figures
    for direction in ("text_to_image", "image_to_text"):
        assert retrieval[f"{direction}_r1"]["value"] == pytest.approx(
            expected[f"retrieval_{direction}_r1"]["seen"].value
        )
    areas = results["scenes-recognition"].figures["auc"]["by"]["negated in training"]["groups"]
    assert areas["yes"]["value"] == pytest.approx(expected["zero_shot_auc"]["seen"].value)
    assert areas["never"]["value"] == pytest.approx(expected["zero_shot_auc"]["held_out"].value)
    exclusion = results["scenes-negated-retrieval"].figures["exclusion_at_10"]
    assert exclusion["value"] > exclusion["blind"]["random order"], "it finds what is mentioned"


def test_the_same_seed_writes_the_same_bytes_and_too_few_questions_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_benchmark(tmp_path / name, 1, 4)
    written = [
        {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in paths}
        for name in ("a", "b")
        if (paths := [each for each in (tmp_path / name).rglob("*") if each.is_file()])
    ]
    assert len(written) == 2
    assert written[0] == written[1]
    with pytest.raises(OmniNegClipError, match="must be 4 or more"):
        write_benchmark(tmp_path / "c", 1, 3)
