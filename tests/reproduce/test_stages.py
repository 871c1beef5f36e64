"""The whole reproduction against the stand-in hub: the same command, with only the addresses changed."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from command_line import Outcome, call
from stand_in_hub import StandInHub, ask_instead
from tiny_public_data import put_ccneg, put_models, put_public_files

from omninegclip.clip.io.load import load_clip
from omninegclip.data.record import read_records
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.results import load_all
from omninegclip.reproduce.records import MADE, make_records

SHORT = ("epochs=null", "steps=6", "warmup=2", "batch_size=4", "checkpoint_every=2", "precision=fp32")


class Site(NamedTuple):
    """A stand-in hub with everything on it, and an empty folder to work in."""

    hub: StandInHub
    mirror: Path
    work: Path

    def arguments(self, *more: str) -> list[str]:
        sets = [f"--set={each}" for each in SHORT]
        places = [f"--work={self.work}", f"--mirror={self.mirror}", "--processes=1", "--objectives=paper"]
        return ["reproduce", *places, *sets, *more]

    def call(self, *more: str) -> Outcome:
        """Run the command in this process, which is faster."""
        with pytest.MonkeyPatch.context() as patch:
            ask_instead(self.hub, patch)
            return call(*self.arguments(*more))

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "omninegclip", *self.arguments()],
            env=os.environ | {"HF_ENDPOINT": self.hub.address, "HF_HUB_DISABLE_XET": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> Outcome:
        process = self.start()
        out, errors = process.communicate()
        return process.returncode, out, errors


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StandInHub, Path]]:
    """The stand-in, and a folder with its mirror file and what a person would fetch."""
    hub, folder = StandInHub(), tmp_path_factory.mktemp("public")
    with hub.serve():
        put_public_files(hub, folder / "mirror.yaml")
        put_models(hub, folder / "models")
        yield hub, folder


@pytest.fixture
def site(public: tuple[StandInHub, Path], tmp_path: Path) -> Site:
    hub, folder = public
    shutil.copytree(folder / "models", tmp_path / "work/models")
    return Site(hub, folder / "mirror.yaml", tmp_path / "work")


@pytest.mark.slow
def test_the_whole_command_from_an_empty_folder_killed_at_random(site):
    rng = random.Random(time.time_ns())
    site.hub.faults["/files/coco-val2017"] = ["cut", 429]
    for _ in range(4):  # a whole run takes half a minute on a core of its own
        process = site.start()
        try:
            process.wait(rng.uniform(4, 24))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
    code, out, errors = site.run()
    assert code == 0, errors[-3000:]
    report = Path(out.strip())
    text = report.read_text()
    assert "not measured" in text
    assert MADE in text  # CC-Neg is not there
    assert text.count("98.6 % of NegBench's COCO questions") == 5  # under every table with such figures
    told = json.loads(report.with_suffix(".json").read_text())
    assert {(each["scorer"], each["protocol"]) for each in told["scored"]} == {
        (scorer, protocol) for scorer in ("plain", "gate") for protocol in ("official", "strict")
    }
    models = ["openai/clip-vit-base-patch32", "openai/clip-vit-base-patch32+paper"]
    assert told["scored"][0]["models"] == [*models, "negationclip-b32", "conclip-b32", "clip-negfull"]
    assert set(told["data"]["gone"]) == {"negbench-msrvtt-choices", "negclip", "negclip-negfull"}
    assert len(load_all([site.work / "results"])) == 5 * 4 * 10  # models, ways of scoring, benchmarks
    asked = sum(site.hub.asked.values())
    assert site.run()[0] == 0
    assert sum(site.hub.asked.values()) == asked  # nothing is fetched twice
    assert report.read_text() == text


@pytest.mark.slow
def test_siglip_is_scored_with_and_without_the_gate_on_ccneg_too(site):
    put_ccneg(site.work / "data/ccneg", rows=12)  # of the last 40,000, which are for evaluation
    code, out, errors = site.call("--model=google/siglip-base-patch16-224")
    assert code == 0, errors[-3000:]
    told = json.loads(Path(out.strip()).with_suffix(".json").read_text())
    assert [each["models"] for each in told["scored"]] == [["google/siglip-base-patch16-224"]] * 4
    results = load_all([site.work / "results"])
    assert [each.status for each in results] == ["done"] * 4 * 11
    assert [each.scored for each in results if each.benchmark == "cc-neg"] == [12] * 4
    assert not (site.work / "runs").exists()
    assert "is not trained here" in " ".join(errors.split())


@pytest.mark.slow
def test_ccneg_that_a_person_has_put_there_is_trained_on(site):
    put_ccneg(site.work / "data/ccneg")
    said = ""
    for stage in ("data", "features", "train"):
        code, _, errors = site.call(f"--stage={stage}", "--released=none")
        assert code == 0, errors[-3000:]
        said += errors
    assert "8 presence rows: CC-Neg without its last 40,000 rows" in " ".join(said.split())
    assert len(list((site.work / "runs").glob("*/paper-*/model/model.safetensors"))) == 1


def test_a_stage_before_its_time_is_one_sentence(site):
    code, _, errors = site.call("--stage=train")
    assert code == 1
    assert "the stage data is not done" in " ".join(errors.split())


def test_records_are_the_authors_where_they_are_and_made_where_not(tmp_path, site):
    pytest.importorskip("spacy")
    data = tmp_path / "data"
    lay_coco(site.hub, data)
    made = make_records(tmp_path, contrast=True, processes=1)
    assert set(made.origins.values()) == {MADE}
    presence = list(read_records(made.pairs[0]))
    assert presence
    assert all(row["presence_negated"] for row in presence)
    assert all((data / row["image"]).is_file() for row in presence)
    assert any(row["contrast_set"] for row in read_records(made.contrast))
    put_ccneg(data / "ccneg")
    (data / "negationclip").mkdir()
    (data / "negationclip/negationclip_captions_train2014.json").write_bytes(
        site.hub.files["negationclip-captions"]
    )
    theirs = make_records(tmp_path, contrast=False, processes=1)
    assert MADE not in theirs.origins.values()
    presence, absence = (list(read_records(path)) for path in theirs.pairs)
    assert len(presence) == 8  # the last 40,000 of the 40,008 are for evaluation
    assert all(", but no " in row["absence_negated"] for row in absence)
    assert all((data / row["image"]).is_file() for row in [*presence, *absence])


def lay_coco(hub: StandInHub, data: Path) -> None:
    for name, folder in (("coco-train2014", "coco"), ("coco-annotations2014", "coco")):
        archive = data / f"{name}.zip"
        archive.parent.mkdir(parents=True, exist_ok=True)
        archive.write_bytes(hub.files[name])
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(data / folder)


@pytest.mark.parametrize("name", ["conclip_vit_b32.pt", "clip_negfull.pt"])
def test_released_checkpoints_load_in_the_layouts_that_they_have(site, name):
    path = site.work / "models" / name
    encoder = load_clip(path, activation="quick_gelu", tokenizer=tokenizer_of(site.hub, site.work))
    assert np.isfinite(encoder.embed_text(["no dog"])).all()


def test_a_checkpoint_that_needs_more_than_numbers_is_refused(site):
    path = site.work / "models" / "evil.pt"
    content = torch.load(site.work / "models/conclip_vit_b32.pt", weights_only=True)
    torch.save({**content, "loss": Path("/etc")}, path)
    with pytest.raises(OmniNegClipError, match=r"evil.pt"):
        load_clip(path, activation="quick_gelu", tokenizer=tokenizer_of(site.hub, site.work))


def tokenizer_of(hub: StandInHub, work: Path) -> Path:
    folder = work / "tokenizer"
    folder.mkdir()
    for name, content in hub.repositories["openai/clip-vit-base-patch32"].items():
        if name.endswith((".json", ".txt")):
            (folder / name).write_bytes(content)
    return folder
