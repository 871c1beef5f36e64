"""The plan: sums that a reader can check, and nothing in them that nobody measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import call

from omninegclip.errors import OmniNegClipError
from omninegclip.reproduce.plan import make_plan
from omninegclip.reproduce.recipes import make_recipes
from omninegclip.reproduce.sources import load_sources

TABLE = load_sources()


def plan_of(model, objectives, tmp_path, there=frozenset()):
    recipes = make_recipes(objectives, model)
    return make_plan(tmp_path, TABLE.backbone(model), (), recipes, table=TABLE, there=there)


def test_the_hours_of_the_papers_recipe_are_steps_times_seconds(tmp_path):
    plan = plan_of("openai/clip-vit-base-patch32", ["paper"], tmp_path, frozenset({"cc-neg"}))
    (cost,) = plan.trainings
    assert cost.steps == 188_246 // 128 * 30 == 44_100
    assert cost.hours == pytest.approx(44_100 * 0.031 / 3600)


def test_without_ccneg_there_are_as_many_rows_as_captions_at_most(tmp_path):
    (cost,) = plan_of("openai/clip-vit-base-patch32", ["omni"], tmp_path).trainings
    assert cost.steps == 414_113 // 128 * 30


@pytest.mark.parametrize(
    ("model", "ratio"),
    [
        ("openai/clip-vit-base-patch16", 1),  # the text tower of B/32
        ("openai/clip-vit-large-patch14", 2.25),  # 768 wide to 512
        ("laion/CLIP-ViT-L-14-laion2B-s32B-b82K", 2.25),
    ],
)
def test_a_backbone_that_nobody_measured_is_estimated_by_its_text_tower(tmp_path, model, ratio):
    plan = plan_of(model, ["paper", "negclip"], tmp_path, frozenset({"cc-neg"}))
    paper, negclip = plan.trainings
    assert paper.hours == pytest.approx(ratio * 44_100 * 0.031 / 3600)
    assert paper.estimated
    assert paper.measured_on.startswith(f"estimate: {ratio:g} x 0.031 s of ViT-B/32, by the FLOPs")
    assert (negclip.hours, negclip.estimated) == (None, False)  # no step of it was measured anywhere
    assert "training of negclip" in plan.unknown
    assert plan.as_dict()["gpu_hours"] == paper.hours


def test_text_towers_are_as_wide_as_embeddings_with_12_blocks_which_the_estimate_needs():
    """Of the configurations that OpenAI released; LAION's and DataComp's have the same geometry."""
    widths = {"ViT-B/32": 512, "ViT-B/16": 512, "ViT-L/14": 768, "ViT-L/14@336": 768}
    trained = [each for each in TABLE.backbones if each.trains]
    assert {each.backbone: each.dim for each in trained} == widths


def test_what_is_there_is_not_fetched_again_but_weights_are_counted(tmp_path):
    everything = frozenset(each.name for each in TABLE.files)
    plan = plan_of("openai/clip-vit-base-patch32", ["none"], tmp_path, everything)
    assert plan.download_bytes == 4 * 151_277_313
    some = plan_of("openai/clip-vit-base-patch32", ["none"], tmp_path, everything - {"coco-val2017"})
    assert some.download_bytes == plan.download_bytes + 815_585_330
    assert some.disk_bytes - plan.disk_bytes == 2 * 815_585_330  # while it is unpacked


def test_siglip_is_not_trained(tmp_path):
    assert plan_of("google/siglip-base-patch16-224", ["paper"], tmp_path).trainings == []


def test_an_unknown_objective_is_told_with_those_that_are(tmp_path):
    with pytest.raises(OmniNegClipError, match=r"did you mean 'negclip'.*paper.*or none"):
        make_recipes(["negclipp"], "openai/clip-vit-base-patch32")


def test_a_dry_run_shows_licences_and_writes_nothing(tmp_path):
    code, out, _ = call("reproduce", "--dry-run", "--work", str(tmp_path / "work"))
    assert code == 0
    assert "CC BY 4.0" in out.replace("\n", " ")
    assert "To fetch" in out
    assert "GPU hours" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("work", ["file", "file/below", "link"])
def test_a_work_that_can_be_no_folder_is_refused_in_a_dry_run_too(tmp_path, work):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for more in ([], ["--dry-run"]):
        code, out, errors = call("reproduce", "--work", str(tmp_path / work), *more)
        assert (code, out) == (1, "")
        assert str(tmp_path / work) in errors.replace("\n", "")
        assert "Traceback" not in errors
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="this system has no /proc")
def test_a_work_where_no_folder_can_be_made_is_refused_before_planning(monkeypatch):
    monkeypatch.setattr("omninegclip.reproduce.plan.make_plan", lambda *_, **__: pytest.fail("it planned"))
    for more in ([], ["--dry-run"]):
        code, out, errors = call("reproduce", "--work", "/proc/x", *more)
        assert (code, out) == (1, "")
        assert "Can't write /proc/x: /proc is no folder that can be written to." in errors


def test_a_dry_run_loads_no_library_of_models():
    code = (
        "import sys; sys.argv = ['omninegclip', 'reproduce', '--dry-run']\n"
        "from omninegclip.cli import main\n"
        "main()\n"
        "assert not {'transformers', 'scipy', 'pyarrow'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_dry_run_for_programs(tmp_path):
    code, out, _ = call("reproduce", "--dry-run", "--json", "--model", "openai/clip-vit-large-patch14")
    assert code == 0
    told = json.loads(out)
    assert told["backbone"] == "ViT-L/14"
    assert {each["name"] for each in told["released"]} == {"negationclip-l14", "conclip-l14"}
    assert all(each["url"] and each["licence"] and each["read"] for each in told["files"])
