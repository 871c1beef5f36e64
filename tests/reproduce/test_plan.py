"""The plan: sums that a reader can check, and nothing in them that nobody measured."""

import json

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


def test_what_nobody_measured_has_no_hours_and_is_named(tmp_path):
    plan = plan_of("openai/clip-vit-large-patch14", ["paper", "negclip"], tmp_path)
    assert [cost.hours for cost in plan.trainings] == [None, None]
    assert {"training of paper", "training of negclip"} <= set(plan.unknown)
    assert plan.as_dict()["gpu_hours"] == 0


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


def test_a_dry_run_for_programs(tmp_path):
    code, out, _ = call("reproduce", "--dry-run", "--json", "--model", "openai/clip-vit-large-patch14")
    assert code == 0
    told = json.loads(out)
    assert told["backbone"] == "ViT-L/14"
    assert {each["name"] for each in told["released"]} == {"negationclip-l14", "conclip-l14"}
    assert all(each["url"] and each["licence"] and each["read"] for each in told["files"])
