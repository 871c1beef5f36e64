"""An objective of one's own is one file: named on the command line, or laid beside those that ship."""

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tiny_clip import contrast, tiny_encoder

import omninegclip.objectives
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives.objective import shipped_objectives
from omninegclip.report.curves import drawn
from omninegclip.training.finetune import FineTuning, freeze
from omninegclip.training.methods.method import TrainingRecords
from omninegclip.training.preset import Preset, load_preset

FUNCTION = """
from omninegclip.objectives.contrastive import symmetric

def my_loss(presence, scale, *, weight_push: float = 2.0, square: bool = False):
    matched = symmetric(presence.images, presence.captions, scale, presence.same)
    push = (presence.captions * presence.negated).sum(dim=1).mean()
    return {"loss": matched + weight_push * (push * push if square else push), "push": push}

def of_contrast_sets(contrast_sets, scale):
    return {"loss": scale * (contrast_sets.texts * contrast_sets.targets).sum(dim=1).mean()}

def of_both(presence, contrast_sets): ...

def takes_more(presence, scale, captions): ...

def returns_none(presence): ...

def returns_rows(presence): return {"loss": (presence.images * presence.captions).sum(dim=1)}

def returns_number(presence): return {"loss": 1.0}

def of_a_text(presence, *, kind: str = "a"): ...

def of_the_preset(presence, *, learning_rate: float = 1.0): ...

number = 3
"""
WHOLE = """
from torch import Tensor

from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import Objective, Weight

def _of_pairs(absence: CaptionFeatures, scale: Tensor, *, weight_toy: Weight = 1.5) -> dict[str, Tensor]:
    apart = (absence.captions * absence.negated).sum(dim=1).mean()
    return {"loss": weight_toy * scale * apart, "apart": apart}

OBJECTIVE = Objective(_of_pairs, curves=("apart",), source="A toy")
"""
STEPS = ["steps=4", "warmup=1", "batch_size=4"]


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Write a module of functions where Python finds it."""
    (tmp_path / "toy_losses.py").write_text(FUNCTION)
    (tmp_path / "toy_broken.py").write_text("1 / 0")
    (tmp_path / "toy_needs.py").write_text("import surely_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    yield "toy_losses"
    for name in ("toy_losses", "toy_broken", "toy_needs"):
        sys.modules.pop(name, None)


def steps(preset: Preset) -> list[dict[str, float]]:
    things = ["dog", "cat", "owl", "bus", "car", "cup"]
    rows = [
        {
            "image_id": str(number),
            "caption": f"a {thing}",
            "presence_negated": f"no {thing}",
            "absence_negated": f"a {thing}, no {things[number - 1]}",
            "contrast_set": contrast(thing, things[number - 1], things[number - 2]),
        }
        for number, thing in enumerate(things)
    ]
    encoder = tiny_encoder()
    freeze(encoder, preset)
    torch.manual_seed(0)
    records = TrainingRecords(rows, F.normalize(torch.randn(len(rows), encoder.dim), dim=-1))
    return [step.scalars for step in FineTuning(encoder, records, preset, seed=0).run()]


def test_a_users_own_function_trains_with_settings_of_its_own(toys: str) -> None:
    named = [*STEPS, f"objective={toys}:my_loss"]
    plain = load_preset("scenes-paper", named)
    assert (plain.as_dict()["weight_push"], plain.as_dict()["square"]) == (2.0, False)
    other = load_preset("scenes-paper", [*named, "weight_push=0.5", "square=true"])
    first, changed = steps(plain), steps(other)
    assert set(first[0]) == {"loss", "push"}
    assert len(first) == 4
    matched = first[0]["loss"] - 2 * first[0]["push"]
    assert changed[0]["loss"] == pytest.approx(matched + 0.5 * first[0]["push"] ** 2, abs=1e-5)
    assert pickle.loads(pickle.dumps(other)) == other  # noqa: S301 -- studies send presets to processes
    with pytest.raises(OmniNegClipError, match=r"no key 'weight_pusch' \(did you mean 'weight_push'"):
        load_preset("scenes-paper", [*named, "weight_pusch=1"])
    with pytest.raises(OmniNegClipError, match="square=1: it must be true or false"):
        load_preset("scenes-paper", [*named, "square=1"])


def test_what_it_takes_says_of_which_method_its_batches_are(toys: str) -> None:
    preset = load_preset("scenes-paper", [*STEPS, f"objective={toys}:of_contrast_sets"])
    assert preset.method.name == "contrast_sets"
    assert preset.images == "4 images"
    assert steps(preset)[0].keys() == {"loss"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("toy_lost:my_loss", "There is no module 'toy_lost' for the objective toy_lost:my_loss: install it"),
        ("toy_losses:my_los", r"The module toy_losses has no 'my_los' \(did you mean 'my_loss'\?\)"),
        ("toy_losses:number", "Can't read the parameters of the objective toy_losses:number: 3 is not"),
        (
            "toy_losses:takes_more",
            "takes presence, scale, captions, but a batch offers presence, absence",
        ),
        ("toy_losses:of_both", "takes presence, contrast_sets, but a batch offers"),
        ("toy_losses:of_the_preset", "has a setting named 'learning_rate', which every preset"),
        ("toy_losses:of_a_text", "The setting kind of the objective of_a_text is 'a' by default: a number"),
        ("toy_broken:f", "Can't import the objective toy_broken:f: ZeroDivisionError: division by zero"),
        ("toy_needs:f", "The objective toy_needs:f needs the package surely_not_there"),
        (":f", "Can't import the objective :f: ValueError"),
        ("toy_losses", "There is no objective 'toy_losses': it can be omni or "),
    ],
)
def test_an_objective_that_cannot_be_is_refused_with_a_sentence(toys: str, name: str, sentence: str) -> None:
    with pytest.raises(OmniNegClipError, match=sentence):
        load_preset("scenes-paper", [f"objective='{name}'"])


@pytest.mark.parametrize("name", ["returns_none", "returns_rows", "returns_number"])
def test_an_objective_without_a_loss_is_refused(toys: str, name: str) -> None:
    with pytest.raises(OmniNegClipError, match=f"{name} must return a dict of scalar tensors with 'loss'"):
        steps(load_preset("scenes-paper", [*STEPS, f"objective={toys}:{name}"]))


def test_a_file_beside_those_that_ship_is_an_objective(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [*omninegclip.objectives.__path__, str(tmp_path)]
    (tmp_path / "toy_apart.py").write_text(WHOLE)
    monkeypatch.setattr(omninegclip.objectives, "__path__", places)
    shipped_objectives.cache_clear()
    try:
        preset = load_preset("scenes-paper", [*STEPS, "objective=toy-apart", "weight_toy=0.5"])
        with pytest.raises(OmniNegClipError, match=r"weight_toy=-1: it must be 0 or more"):
            load_preset("scenes-paper", [*STEPS, "objective=toy-apart", "weight_toy=-1"])
        assert preset.minimises.source == "A toy"
        assert drawn(steps(preset)[0], preset.minimises.curves) == ["loss", "apart"]
    finally:
        shipped_objectives.cache_clear()
        sys.modules.pop("omninegclip.objectives.toy_apart", None)


def test_every_curve_of_an_objective_is_one_of_its_scalars() -> None:
    for name, objective in shipped_objectives().items():
        scalars = steps(load_preset("scenes-paper", [*STEPS, f"objective={name}"]))[0]
        assert set(objective.curves) <= set(scalars), name
