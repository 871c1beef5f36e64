"""A model from its configuration and its weights, or a sentence that says why not."""

import pickle
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from safetensors import SafetensorError
from transformers import PretrainedConfig, PreTrainedModel

from omninegclip.clip.quiet import silent_transformers
from omninegclip.clip.weights import StateDict
from omninegclip.errors import OmniNegClipError

Model = TypeVar("Model", bound=PreTrainedModel)


def build_model(config: PretrainedConfig, weights: StateDict | Path, name: str, kind: type[Model]) -> Model:
    """Return a model in float32 with all of its weights, and no other, taken from `weights`.

    Args:
        config: the architecture.
        weights: under Hugging Face's names, or a folder in Hugging Face's layout.
        name: what an error calls the model.
        kind: the class of the model.

    Raises:
        OmniNegClipError: weights are missing, left over, of another shape, not finite, or can't be read.
    """
    folder = weights if isinstance(weights, Path) else None
    state = None if isinstance(weights, Path) else {key: weight.float() for key, weight in weights.items()}
    if state is not None and "logit_scale" in state:
        state["logit_scale"] = state["logit_scale"].reshape(())  # open_clip can hold it as [1]
    try:
        with silent_transformers():
            model, report = cast(
                tuple[Model, dict[str, Any]],
                kind.from_pretrained(
                    folder,
                    config=config,
                    state_dict=state,
                    dtype=torch.float32,
                    local_files_only=True,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,
                ),
            )
    except pickle.UnpicklingError as error:
        raise OmniNegClipError(
            f"{name} holds more than plain weights, and reading it could run code: save it as safetensors, "
            "in a place where you trust it."
        ) from error
    except (SafetensorError, OSError, ValueError, RuntimeError, EOFError) as error:
        reason = str(error).strip().split("\n")[0]
        raise OmniNegClipError(f"Can't load the weights of {name}: {reason}") from error
    _refuse_wrong(report, name)
    for key, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise OmniNegClipError(
                f"{name} holds weights that are no finite numbers, first {key}: it is damaged."
            )
    return model


def _refuse_wrong(report: dict[str, Any], name: str) -> None:
    mismatched = sorted(report["mismatched_keys"])
    if mismatched:
        key, stored, expected = mismatched[0]
        raise OmniNegClipError(
            f"{name} is not of the architecture that it claims: {key} is {list(stored)} instead of "
            f"{list(expected)}."
        )
    for kind, verb in (
        ("missing_keys", "lacks weights of a CLIP"),
        ("unexpected_keys", "has weights no CLIP has"),
    ):
        if report[kind]:
            raise OmniNegClipError(
                f"{name} {verb}, first {min(report[kind])}: it is incomplete or no plain ViT CLIP."
            )
