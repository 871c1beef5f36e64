import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from omninegclip.errors import OmniNegClipError
from omninegclip.scoring.calibration import Calibration, load_calibration
from omninegclip.scoring.halves import DEFAULT


def unit(seed: int, rows: int, dim: int = 6) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(rows, dim))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def test_moments_are_those_of_the_cosines_with_the_background() -> None:
    texts, background = unit(0, 4), unit(1, 50)
    mean, deviation = Calibration(background, "x").moments(texts)
    for row, text in enumerate(texts):
        cosines = [float(text @ image) for image in background]
        assert mean[row] == pytest.approx(np.mean(cosines), abs=1e-6)
        assert deviation[row] == pytest.approx(np.std(cosines), abs=1e-6)


def test_a_text_that_scores_all_images_alike_has_a_deviation_above_zero() -> None:
    same = np.repeat(unit(0, 1), 9, axis=0)
    _, deviation = Calibration(same, "x").moments(unit(0, 1))
    assert (deviation > 0).all()


def test_texts_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="texts have 5 dimensions, not 6"):
        Calibration(unit(0, 9), "x").moments(unit(0, 2, 5))


def test_what_was_saved_is_read_and_another_tower_is_refused(tmp_path: Path) -> None:
    made = Calibration(unit(0, 9), "this tower")
    made.save(tmp_path / "c.safetensors")
    read = load_calibration(tmp_path / "c.safetensors", "this tower")
    assert np.array_equal(read.background, made.background)
    with pytest.raises(OmniNegClipError, match="another image tower"):
        load_calibration(tmp_path / "c.safetensors", "other tower")


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", b"x" * 100])
def test_what_is_no_calibration_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(content)
    with pytest.raises(OmniNegClipError, match=r"c\.safetensors is not a calibration"):
        load_calibration(path, "x")


@pytest.mark.parametrize(
    "background",
    [
        np.ones(4, np.float32),
        np.ones((0, 4), np.float32),
        np.full((9, 4), np.nan, np.float32),
        np.full((9, 4), np.inf, np.float32),
        np.full((9, 4), 3e38, np.float32),  # whose squares are no floats
        np.full((9, 4), 1e-40, np.float32),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_background_of_another_shape_or_with_nan_is_refused(tmp_path: Path, background: np.ndarray) -> None:
    save_file({"background": background}, tmp_path / "c.safetensors", {"image_fingerprint": "x"})
    with pytest.raises(OmniNegClipError, match=r"c\.safetensors is not a calibration"):
        load_calibration(tmp_path / "c.safetensors", "x")


def test_a_missing_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match="omninegclip calibrate"):
        load_calibration(tmp_path / "none", "x")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_of_the_background_is_told_in_a_sentence_alone(tmp_path: Path, bit: int) -> None:
    path = tmp_path / "c.safetensors"
    Calibration(unit(0, 9), "x").save(path)
    whole = path.read_bytes()
    for place in range(len(whole) - unit(0, 9).nbytes, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        with pytest.raises(OmniNegClipError, match=r"c\.safetensors is (damaged|not a calibration)"):
            load_calibration(path, "x")


def test_a_truncated_calibration_and_one_of_long_vectors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    Calibration(unit(0, 9), "x").save(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(OmniNegClipError, match=r"c\.safetensors is not a calibration"):
        load_calibration(path, "x")
    save_file({"background": 3 * unit(0, 9)}, path, {"image_fingerprint": "x"})
    with pytest.raises(OmniNegClipError, match=r"c\.safetensors is not a calibration"):
        load_calibration(path, "x")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c")
    with pytest.raises(OmniNegClipError, match="c is a pipe or a device"):
        load_calibration(tmp_path / "c", "x")


def test_the_numbers_of_the_gate_are_kept_where_they_are_others_than_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    plain, chosen = Calibration(unit(0, 9), "x"), DEFAULT._replace(threshold=0.75, level=1.0)
    plain.save(path)
    before = path.read_bytes()
    assert load_calibration(path, "x").gate == DEFAULT
    plain._replace(gate=chosen).save(path)
    assert load_calibration(path, "x").gate == chosen
    plain._replace(gate=DEFAULT._replace()).save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "gate",
    [
        {"threshold": 1.0},
        [4.0, 2.0, 2.0, 0.0],
        DEFAULT._asdict() | {"threshold": "2"},
        DEFAULT._asdict() | {"threshold": float("nan")},
        DEFAULT._asdict() | {"threshold": True},
        DEFAULT._asdict() | {"threshold": 11},
        DEFAULT._asdict() | {"steepness": 0},
        DEFAULT._asdict() | {"steepness": 10**400},
        DEFAULT._asdict() | {"steepness": 1e-320},
        DEFAULT._asdict() | {"weight": 1e308},
        DEFAULT._asdict() | {"weight": -1},
        DEFAULT._asdict() | {"level": 2},
    ],
)
def test_a_gate_that_is_none_is_refused_in_a_sentence(tmp_path: Path, gate: object) -> None:
    path = tmp_path / "c.safetensors"
    facts = {"image_fingerprint": "x", "gate": gate}
    save_file({"background": unit(0, 9)}, path, {"calibration": json.dumps(facts)})
    with pytest.raises(OmniNegClipError, match=r"c\.safetensors is not a calibration"):
        load_calibration(path, "x")


@pytest.mark.parametrize("nouns", [[""], ["  "], ["\ud800"], ["a: b"], [1], "dog"])
def test_nouns_that_are_none_are_refused_in_a_sentence(tmp_path: Path, nouns: object) -> None:
    path = tmp_path / "c.safetensors"
    facts = {"image_fingerprint": "x", "nouns": nouns}
    save_file({"background": unit(0, 9)}, path, {"calibration": json.dumps(facts)})
    with pytest.raises(OmniNegClipError, match="its nouns are no list of words"):
        load_calibration(path, "x")


def test_metadata_nested_without_end_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    save_file({"background": unit(0, 9)}, path, {"calibration": "[" * 100_000})
    with pytest.raises(OmniNegClipError, match=r"c\.safetensors is not a calibration"):
        load_calibration(path, "x")
