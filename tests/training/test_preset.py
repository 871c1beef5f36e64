from pathlib import Path

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.training.preset import load_preset, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_preset_loads_and_begins_with_command_cost_and_result(name: str) -> None:
    preset = load_preset(name)
    assert (preset.steps is None) != (preset.epochs is None)
    path = Path(__file__).parents[2] / "src/omninegclip/training/presets" / f"{name}.yaml"
    header = path.read_text().partition("model:")[0]
    assert all(word in header for word in ("# omninegclip ", "# Cost:", "# Expected:"))


def test_the_papers_ratios_are_in_its_preset() -> None:
    preset = load_preset("scenes-paper")
    weights = (preset.weight_absence, preset.weight_original, preset.weight_text, preset.margin)
    assert weights == (1.0, 1.0, 0.45, 0.9)  # the hinge scaled by logit scales, 45 / 100
    assert (preset.betas, preset.epsilon, preset.weight_decay) == ((0.9, 0.999), 1e-8, 0.2)
    assert preset.decay_all
    assert preset.text_layers == "front"
    assert preset.schedule == "paper"


def test_overrides_change_one_value() -> None:
    preset = load_preset("scenes-paper", ["steps=20", "learning_rate=1e-6", "betas=[0.8, 0.9]"])
    assert (preset.steps, preset.learning_rate, preset.betas) == (20, 1e-6, (0.8, 0.9))
    assert preset.batch_size == load_preset("scenes-paper").batch_size


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("scenes-papr", [], r"no preset 'scenes-papr' \(did you mean 'scenes-paper'\?\)"),
        ("missing.yaml", [], "no preset file missing.yaml"),
        ("scenes-paper", ["step=3"], r"no key 'step' \(did you mean 'steps'\?\)"),
        ("scenes-paper", ["steps"], "write key=value"),
        ("scenes-paper", ["steps=many"], "steps='many': it must be a whole number"),
        ("scenes-paper", ["steps=2.5"], "steps=2.5: it must be a whole number"),
        ("scenes-paper", ["decay_all=1"], "decay_all=1: it must be true or false"),
        ("scenes-paper", ["betas=0.9"], "betas=0.9: it must be a list of 2 values, each a number"),
        ("scenes-paper", ["batch_size=0"], "batch_size=0: it must be 1 or more"),
        (
            "scenes-paper",
            ["steps=5", "warmup=5"],
            "5 steps and a warm-up of 5.* --set warmup=3, or train for more",
        ),
        ("scenes-paper", ["steps=2", "warmup=5"], "must follow the warm-up: train for more steps"),
        ("scenes-paper", ["schedule=papr"], r"schedule='papr' \(did you mean 'paper'\?\)"),
        ("scenes-paper", ["objective=clap"], "it can be omni"),
    ],
)
def test_a_wrong_preset_is_refused_with_what_would_be_right(
    name: str, overrides: list[str], message: str
) -> None:
    with pytest.raises(OmniNegClipError, match=message):
        load_preset(name, overrides)


def test_a_preset_file_is_read_and_its_misspelt_key_named(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "src/omninegclip/training/presets/scenes-paper.yaml"
    mine = tmp_path / "mine.yaml"
    mine.write_text(shipped.read_text().replace("steps: ", "steps: 1"))
    assert load_preset(str(mine)).steps == int(f"1{load_preset('scenes-paper').steps}")
    mine.write_text(f"{shipped.read_text()}magrin: 0.9\n")
    with pytest.raises(OmniNegClipError, match=r"no key 'magrin' \(did you mean 'margin'\?\)"):
        load_preset(str(mine))
    mine.write_text("a: [")
    with pytest.raises(OmniNegClipError, match="not valid YAML"):
        load_preset(str(mine))
    mine.write_text("steps: 10")
    with pytest.raises(OmniNegClipError, match="lacks 'model'"):
        load_preset(str(mine))
