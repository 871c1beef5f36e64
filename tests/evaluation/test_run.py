import json
import random

import numpy as np
import pytest
from PIL import Image

from omninegclip.evaluation.run import Settings, evaluate
from omninegclip.evaluation.suite import load_suite


@pytest.fixture
def run(data, suite_file, tmp_path):
    """Evaluate an encoder and return its results by benchmark."""

    def run(encoder, **settings):
        settings = Settings(data, out=tmp_path / "out", cache=tmp_path / "cache", **settings)
        results = evaluate("models/one", encoder, load_suite(str(suite_file)), settings)
        return {result.benchmark: result for result in results}

    return run


def values(results, figure="accuracy"):
    return {name: r.figures[figure]["value"] for name, r in results.items() if figure in r.figures}


def test_a_model_that_understands_no_gets_everything_right(run, understands_no):
    results = run(understands_no)
    assert values(results) == {"existence": 1, "refs": 1, "choices": 1, "asked": 1}
    assert values(results, "text_to_image_r1") == {"negated": 1}
    assert values(results, "auc") == {"recognised": 1}
    assert values(results, "top1") == {"named": 1}


def test_a_model_that_ignores_no_gets_ties_and_traps(run, ignores_no):
    # existence: both texts of an item are one point, so 1/2. refs: the phrase names both crops, 1/2.
    # choices: red's right answer also names blue, so "There is no red." wins; green ties with "no green".
    # asked: with and without are one, so 1/2.
    assert values(run(ignores_no)) == {"existence": 0.5, "refs": 0.5, "choices": 0.25, "asked": 0.5}


def test_officially_ties_are_what_the_field_makes_of_them(run, ignores_no):
    official = values(run(ignores_no, protocol="official"))
    # existence wants strictly more; refs and choices take the first, which is the answer.
    assert {name: official[name] for name in ("existence", "refs", "choices")} == {
        "existence": 0,
        "refs": 1,
        "choices": 0.5,
    }


def test_a_constant_scorer_gets_chance_strictly_and_all_officially(run, constant):
    assert values(run(constant)) == {"existence": 0.5, "refs": 0.5, "choices": 0.25, "asked": 0.5}
    assert values(run(constant), "text_to_image_r1") == {"negated": pytest.approx(1 / 4)}
    official = values(run(constant, protocol="official"))
    assert (official["refs"], official["choices"]) == (1, 1)


def test_a_broken_model_fails_strictly_and_says_why(run, broken):
    results = run(broken)
    done = {name for name, result in results.items() if result.status != "failed"}
    assert done == {"elsewhere"}
    assert "are not finite" in results["refs"].reason


def test_breakdowns_and_blind_rules_stand_beside(run, ignores_no):
    results = run(ignores_no)
    validated = results["existence"].figures["accuracy"]["by"]["validated"]
    assert {group: part["n"] for group, part in validated["groups"].items()} == {"no": 1, "yes": 1}
    choices = results["choices"].figures["accuracy"]
    assert {group: part["value"] for group, part in choices["by"]["template"]["groups"].items()} == {
        "hybrid": 0,
        "positive": 0.5,
    }
    assert choices["by"]["template"]["macro"] == 0.25
    assert choices["blind"]["contradiction"] == 1
    assert choices["blind"]["constant"] == 0.25


def test_exclusion_counts_images_that_hold_what_was_excluded(run, understands_no, ignores_no):
    # Two captions exclude something; of all four images, which are the top, one holds each excluded colour.
    for encoder in (understands_no, ignores_no):
        figure = run(encoder)["negated"].figures["exclusion_at_5"]
        assert (figure["n"], figure["value"]) == (2, 0.25)


def test_empty_queries_are_skipped_strictly_and_counted_officially(run, ignores_no):
    strict = run(ignores_no)["negated"]
    assert strict.figures["text_to_image_r1"]["n"] == 5
    assert strict.skipped == {"empty captions": 1, "items without picture": 0}
    assert run(ignores_no, protocol="official")["negated"].figures["text_to_image_r1"]["n"] == 6


def test_what_is_not_there_is_absent_and_no_failure(run, ignores_no):
    result = run(ignores_no)["elsewhere"]
    assert result.status == "absent"
    assert result.reason.startswith("no captions.json in")


def test_images_are_encoded_once_for_all_benchmarks(run, ignores_no):
    run(ignores_no)
    # Of six images five are asked about, and of one of them two crops; the class folders hold one that is
    # new and copies of three of these.
    assert ignores_no.images == 5 + 2 + 1


def test_finished_benchmarks_are_not_scored_again(run, ignores_no, tmp_path):
    first = run(ignores_no)
    ignores_no.embed_text = None  # whoever embeds now, fails
    second = run(ignores_no)
    assert {name: result.as_dict() for name, result in second.items()} == {
        name: result.as_dict() for name, result in first.items()
    }
    assert (second["choices"].values["accuracy"] == first["choices"].values["accuracy"]).all()


def test_other_data_another_seed_or_protocol_is_scored_anew(run, ignores_no, data):
    before = run(ignores_no)["choices"]
    assert run(ignores_no, seed=1)["choices"].key != before.key
    path = data / "choices.csv"
    path.write_text(
        path.read_text() + "red.png,1,It is blue.,It is red.,It is green.,It is yellow.,positive\n"
    )
    assert run(ignores_no)["choices"].scored == 3


def test_missing_images_are_named_or_skipped_when_allowed(run, ignores_no, data):
    (data / "images" / "green.png").unlink()
    failed = run(ignores_no)
    assert failed["choices"].reason == (
        f"1 of 2 images are missing below {data / 'images'}: /theirs/green.png. "
        "Point the benchmark's `images` to them, or score the rest with --allow-missing."
    )
    assert failed["existence"].status == "done"
    allowed = run(ignores_no, allow_missing=True)["choices"]
    assert (allowed.scored, allowed.skipped) == (1, {"empty captions": 0, "items without picture": 1})
    assert allowed.missing == {"/theirs/green.png": "not found"}


def test_a_skipped_item_is_scored_once_its_image_is_there(run, ignores_no, data):
    image = (data / "images" / "green.png").read_bytes()
    (data / "images" / "green.png").unlink()
    run(ignores_no, allow_missing=True)
    (data / "images" / "green.png").write_bytes(image)
    assert run(ignores_no, allow_missing=True)["choices"].scored == 2


def test_unreadable_images_are_skipped_when_allowed(run, ignores_no, data):
    (data / "images" / "green.png").write_bytes(b"no image")
    assert "can't be used" in run(ignores_no)["choices"].reason
    assert run(ignores_no, allow_missing=True)["choices"].scored == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("existence.json", '{"a": {"capt', "not complete JSON"),
        ("choices.csv", "image_path,correct_answer\n", "has no column 'caption_0'"),
        (
            "choices.csv",
            "image_path,correct_answer,caption_0,caption_1\n../../x.png,0,a,b\n",
            "points outside",
        ),
        ("refs.json", "[]", "No item is left to score"),
    ],
)
def test_a_broken_benchmark_does_not_stop_the_others(run, ignores_no, data, name, content, message):
    (data / name).write_text(content)
    results = run(ignores_no)
    failed = [result for result in results.values() if result.status == "failed"]
    assert len(failed) == 1
    assert message in failed[0].reason
    assert sum(result.status == "done" for result in results.values()) == 6


def test_a_result_says_all_that_is_needed_to_repeat_it(run, ignores_no, tmp_path):
    run(ignores_no)
    path = tmp_path / "out" / f"one-{ignores_no.fingerprint[:8]}" / "strict" / "choices.json"
    found = json.loads(path.read_text())
    assert found["model"]["fingerprint"] == ignores_no.fingerprint
    assert found["model"]["activation"] == "quick_gelu"
    assert len(found["data"]["choices.csv"]) == 64
    assert (found["scored"], found["seed"], found["protocol"]) == (2, 0, "strict")
    assert found["versions"]["numpy"]


def test_the_data_folder_may_be_moved(run, ignores_no, data, suite_file, tmp_path):
    before = run(ignores_no)["choices"]
    moved = data.rename(tmp_path / "moved")
    after = evaluate("one", ignores_no, load_suite(str(suite_file)), Settings(moved))
    assert next(result for result in after if result.benchmark == "choices").key == before.key


def test_a_image_replaced_under_its_path_is_scored_anew(run, ignores_no, data):
    before = run(ignores_no)["choices"]
    path = data / "images" / "red.png"
    Image.new("RGB", (8, 8), "blue").save(path)
    after = run(ignores_no)["choices"]
    assert after.key != before.key
    assert (before.chosen.tolist(), after.chosen.tolist()) == ([3, -1], [2, -1])  # "It is blue." wins now


def test_a_damaged_result_is_computed_again(run, ignores_no, tmp_path):
    """Any byte of its two files may be flipped, and they may be cut anywhere or missing."""
    expected = run(ignores_no)["choices"]
    json_file = tmp_path / "out" / f"one-{ignores_no.fingerprint[:8]}" / "strict" / "choices.json"
    whole = {path: path.read_bytes() for path in (json_file, json_file.with_suffix(".npz"))}
    draw = random.Random(0)
    for _ in range(12):
        path = draw.choice(list(whole))
        place = draw.randrange(len(whole[path]))
        flipped = bytearray(whole[path])
        flipped[place] ^= 1 << draw.randrange(8)
        path.write_bytes(draw.choice([bytes(flipped), whole[path][:place]]))
        found = run(ignores_no)["choices"]
        assert found.figures == expected.figures
        assert found.values["accuracy"].tolist() == expected.values["accuracy"].tolist()
        assert run(ignores_no)["choices"].seconds == found.seconds  # which was kept this time
    json_file.with_suffix(".npz").unlink()
    assert run(ignores_no)["choices"].values.keys() == expected.values.keys()


def test_a_result_without_checksum_is_computed_again(run, ignores_no, tmp_path):
    run(ignores_no)
    path = tmp_path / "out" / f"one-{ignores_no.fingerprint[:8]}" / "strict" / "choices.json"
    found = json.loads(path.read_text())
    del found["checksum"]
    found["figures"]["accuracy"]["value"] = 0.99
    path.write_text(json.dumps(found))
    assert run(ignores_no)["choices"].figures["accuracy"]["value"] == 0.25


def test_results_hold_the_option_chosen_by_its_place_in_the_file(run, understands_no, ignores_no):
    assert run(understands_no)["choices"].chosen.tolist() == [0, 0]
    # red: "There is no red." wins, the fourth; green: "It is green." ties with "There is no green."
    assert run(ignores_no)["choices"].chosen.tolist() == [3, -1]
    assert run(ignores_no, protocol="official")["choices"].chosen.tolist() == [3, 0]
    assert run(ignores_no)["choices"].chosen.dtype == np.int64


def test_captions_of_one_image_are_no_independent_queries(run, ignores_no):
    result = run(ignores_no)["negated"]
    assert result.clusters["text_to_image_r1"].tolist() == [0, 0, 1, 2, 3]
    assert result.clusters["image_to_text_r1"].tolist() == [0, 1, 2, 3]
    assert run(ignores_no)["existence"].clusters["accuracy"].tolist() == [0, 0]  # two questions, one image


def test_texts_that_are_cut_are_counted_and_said(run, ignores_no, data, capsys):
    ignores_no.tokenizer = lambda texts, **_: {"input_ids": [["", *text.split(), ""] for text in texts]}
    ignores_no.context_length = 7
    result = run(ignores_no)["choices"]
    assert result.truncated == 3  # "It is red, but there is no blue." has eight words
    assert result.as_dict()["truncated"] == 3
    assert "3 texts are longer than the model reads, and were cut" in " ".join(
        capsys.readouterr().err.split()
    )


@pytest.mark.parametrize(
    ("name", "file", "content", "reason"),
    [
        ("negated", "retrieval.csv", "filepath,captions\nred.png,[]\n", "No item is left to score"),
        ("negated", "retrieval.csv", "filepath,captions\nred.png,['']\n", "No item is left to score"),
        (
            "recognised",
            "coco_pope_random.json",
            '{"question_id": 1, "image": "red.png", "text": "Is there a cat in the image?", "label": "no"}',
            "an AUC needs both",
        ),
    ],
)
def test_what_can_not_be_scored_is_one_sentence_before_anything_is_embedded(
    run, ignores_no, data, name, file, content, reason
):
    (data / file).write_text(content)
    ignores_no.embed_image = None  # whoever embeds now, fails
    assert reason in run(ignores_no)[name].reason


def test_questions_with_an_empty_option_are_skipped_and_counted(run, ignores_no, data):
    path = data / "choices.csv"
    path.write_text(path.read_text() + "red.png,0,It is red.,,It is green.,It is yellow.,positive\n")
    strict = run(ignores_no)["choices"]
    assert (strict.scored, strict.skipped["items with an empty text"]) == (2, 1)
    assert run(ignores_no, protocol="official")["choices"].scored == 3


def test_a_folder_without_any_image_is_named(run, ignores_no, data):
    (data / "images").rename(data / "elsewhere")
    assert run(ignores_no, allow_missing=True)["choices"].reason == (
        f"None of the 2 images is below {data / 'images'}."
    )


def test_what_a_reader_must_know_stands_in_the_result(data, ignores_no, suite_file, capsys):
    text = suite_file.read_text().replace("{name: choices,", "{name: choices, note: one frame per video,")
    suite_file.write_text(text)
    results = evaluate("one", ignores_no, load_suite(str(suite_file)), Settings(data))
    assert next(each for each in results if each.benchmark == "choices").note == "one frame per video"
    assert "Note: one frame per video" in capsys.readouterr().err
