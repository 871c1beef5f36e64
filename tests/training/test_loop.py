"""Steps whose scalars are read late, as on a GPU, against steps that are waited for."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from omninegclip.errors import OmniNegClipError
from omninegclip.training import loop
from omninegclip.training.loop import Step, backward_through, skip_unless_finite, train

NAN = float("nan")
Look = Callable[[Step, Tensor], object]


def run(targets: list[float], look: Look = lambda _, __: None) -> Tensor:
    """Fit a line to targets, one a step, a NaN giving a loss of NaN; show each step and its weights."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)

    def task(target: float) -> dict[str, Tensor]:
        error = model(torch.ones(3)) - target
        return {"loss": error.square().mean(), "error": error.mean()}

    steps = range(len(targets))
    for step in train(backward_through(task), optimizer, iter(targets), lambda _: 1.0, steps, clip_norm=1.0):
        look(step, model.weight.detach().clone())
    return model.weight.detach()


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read scalars as where a GPU is not waited for."""
    monkeypatch.setattr(loop, "_waits", lambda _: False)


def test_late_reading_changes_nothing(request: pytest.FixtureRequest) -> None:
    targets = [float(number) for number in range(45)]
    waited: list[Step] = []
    expected = run(targets, lambda step, _: waited.append(step))
    request.getfixturevalue("late")
    steps: list[tuple[Step, bool]] = []
    assert torch.equal(run(targets, lambda step, _: steps.append((step, step.scalars.known))), expected)
    assert [known for _, known in steps] == [(n + 1) % loop.READ_EVERY == 0 for n in range(45)]
    assert [dict(step.scalars) for step, _ in steps] == [dict(step.scalars) for step in waited]


def test_a_loss_that_is_no_number_stops_at_once_where_nothing_waits() -> None:
    with pytest.raises(OmniNegClipError, match="The loss of step 2 is nan"):
        run([1.0, 2.0, NAN, 3.0])


@pytest.mark.usefixtures("late")
def test_a_loss_that_is_no_number_is_found_late_and_no_step_is_taken_with_it() -> None:
    seen: list[Tensor] = []
    with pytest.raises(OmniNegClipError, match="The loss of step 21 is nan"):
        run([1.0] * 21 + [NAN] * 40, lambda _, weight: seen.append(weight))
    assert len(seen) == 2 * loop.READ_EVERY - 1
    assert all(torch.equal(each, seen[20]) for each in seen[20:])
    assert not torch.equal(seen[19], seen[20])


@pytest.mark.usefixtures("late")
def test_a_loss_that_is_no_number_is_found_when_a_scalar_is_asked_for() -> None:
    with pytest.raises(OmniNegClipError, match="The loss of step 1 is nan"):
        run([1.0, NAN, 1.0], lambda step, _: step.scalars["error"])


@pytest.mark.parametrize("loss", [1.0, NAN, float("inf")])
def test_a_fused_optimizer_is_told_to_skip(loss: float) -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([weight], lr=0.1, fused=True)
    weight.grad = torch.ones(3)
    skip_unless_finite(optimizer, torch.tensor(loss))
    optimizer.step()
    assert torch.equal(weight.detach(), torch.ones(3)) == (loss != 1.0)
