"""A model from its configuration and its weights, or a sentence that says why not."""

from collections.abc import Callable, Collection, Iterable, Sequence
from copy import deepcopy
from typing import TypedDict, TypeVar, cast

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from omninegclip.clip.io.quiet import silent_transformers
from omninegclip.clip.io.untrusted import in_one_line
from omninegclip.clip.io.weights import StateDict
from omninegclip.errors import OmniNegClipError

TABLES = 1 << 20  # elements of the positions and masks that a model holds beside its weights
Model = TypeVar("Model", bound=PreTrainedModel)


class LoadReport(TypedDict):
    """How the weights differ from those of the architecture, as transformers says it."""

    mismatched_keys: Collection[tuple[str, Sequence[int], Sequence[int]]]
    missing_keys: Collection[str]
    unexpected_keys: Collection[str]


def build_model(config: PretrainedConfig, weights: StateDict, name: str, kind: type[Model]) -> Model:
    """Return a model in float32 with all of its weights, and no other, taken from `weights`.

    Nothing is built that is bigger than the weights.

    Args:
        config: the architecture.
        weights: under Hugging Face's names.
        name: what an error calls the model.
        kind: the class of the model.

    Raises:
        OmniNegClipError: weights are missing, left over, of another shape, or not finite.
    """
    empty = build_empty(lambda: kind(deepcopy(config)), depth(config.to_dict()), weights, name)
    expected = dict(empty.state_dict())
    state = {key: _in_float32(weight) for key, weight in weights.items()}
    scale = expected["logit_scale"].shape
    if "logit_scale" in state and state["logit_scale"].numel() == scale.numel():
        state["logit_scale"] = state["logit_scale"].reshape(scale)  # open_clip can hold CLIP's as [1]
    if _elements(empty.parameters()) > _elements(state.values()):
        _refuse_wrong(_compare(expected, state), name)
        raise OmniNegClipError(
            f"{name} does not match the architecture that it claims: that has more weights."
        )
    try:
        with silent_transformers():
            model, report = cast(
                tuple[Model, LoadReport],
                kind.from_pretrained(
                    None,
                    config=config,
                    state_dict=state,
                    dtype=torch.float32,
                    local_files_only=True,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,
                ),
            )
    except Exception as error:  # the library raises nearly anything on weights that don't fit
        raise OmniNegClipError(f"Can't load the weights of {name}: {in_one_line(error)}") from error
    _refuse_wrong(report, name)
    require_finite(model, name)
    return model


def build_empty(build: Callable[[], nn.Module], layers: int, weights: StateDict, name: str) -> nn.Module:
    """Return the model that `build` makes, without memory for its weights, to look at its shapes.

    Raises:
        OmniNegClipError: it can't be built, or claims more layers than there are weights, or bigger tables.
    """
    if layers > len(weights):
        raise OmniNegClipError(
            f"{name} does not match the architecture that it claims: {layers:,} layers can't be made of "
            f"{len(weights):,} weights."
        )
    try:
        with torch.device("meta"), silent_transformers():
            model = build()
    except OmniNegClipError:
        raise
    except Exception as error:  # a configuration can be wrong in ways that its class does not look for
        raise OmniNegClipError(
            f"{name} describes no model that can be built: {in_one_line(error)}"
        ) from error
    if sum(buffer.numel() for buffer in model.buffers()) > _elements(weights.values()) + TABLES:
        raise OmniNegClipError(
            f"{name} does not match the architecture that it claims: that has bigger tables."
        )
    return model


def _elements(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def require_finite(model: nn.Module, name: str) -> None:
    """Raise OmniNegClipError when a weight is no finite number."""
    for key, weight in model.state_dict().items():
        if not weight.isfinite().all():
            raise OmniNegClipError(f"{name} holds weights that are not finite, first {key}: it is damaged.")


def depth(config: object) -> int:
    """Return the most layers that any part of a configuration, as a dict, asks for."""
    if not isinstance(config, dict):
        return 0
    depths = config.get("depths") or []
    own = max(config.get("num_hidden_layers") or 0, sum(depths) if isinstance(depths, list | tuple) else 0)
    return max([own, *map(depth, config.values())])


def _in_float32(weight: Tensor) -> Tensor:
    return weight.float() if weight.is_floating_point() else weight


def _compare(expected: StateDict, weights: StateDict) -> LoadReport:
    shared = [key for key in expected if key in weights]
    pairs = [(key, weights[key].shape, expected[key].shape) for key in shared]
    return {
        "mismatched_keys": [pair for pair in pairs if pair[1] != pair[2]],
        "missing_keys": [key for key in expected if key not in weights],
        "unexpected_keys": [],
    }


def _refuse_wrong(report: LoadReport, name: str) -> None:
    mismatched = sorted(report["mismatched_keys"])
    if mismatched:
        key, stored, expected = mismatched[0]
        raise OmniNegClipError(
            f"{name} does not match the architecture that it claims: {key} is {list(stored)} instead of "
            f"{list(expected)}."
        )
    for wrong, verb in (
        (report["missing_keys"], "lacks weights of a CLIP"),
        (report["unexpected_keys"], "has weights no CLIP has"),
    ):
        if wrong:
            raise OmniNegClipError(
                f"{name} {verb}, first {min(wrong)}: it is incomplete or not a plain ViT CLIP."
            )
