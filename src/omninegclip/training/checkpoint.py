"""A run's state in one safetensors file, written whole or not at all, and known again when it is damaged."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn, no_grad, uint8
from torch.optim import Optimizer

from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import JsonObject, atomic_file

_FACTS, _CHECKSUM = "facts", "checksum"  # safetensors keeps texts beside the tensors
_WEIGHTS, _OPTIMIZER = "weights/", "optimizer/"  # what the names of the tensors begin with


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], values: Mapping[str, object]) -> None:
    """Write tensors and JSON values; what was there before stays until the new file is complete.

    Raises OmniNegClipError when it can't be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(dict(values))
    with atomic_file(path) as temporary:
        try:
            metadata = {_FACTS: text, _CHECKSUM: _checksum(contiguous, text)}
            save_file(contiguous, temporary, metadata=metadata)
        except SafetensorError as error:  # a full disk is one of these
            raise OSError(f"{error}; the checkpoint before this one is unharmed") from error


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], JsonObject]:
    """Return what `save_checkpoint` wrote.

    Raises DamagedError when it is no such file, or not what was written, OmniNegClipError when it can't be
    read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        whole = metadata.get(_CHECKSUM) == _checksum(tensors, metadata[_FACTS])
        values: JsonObject = json.loads(metadata[_FACTS])
    except FileNotFoundError as error:
        raise DamagedError(f"{path} is gone: start the run again.") from error
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise DamagedError(
            f"{path} is not a checkpoint of a training run: remove it to start the run again."
        ) from error
    except OSError as error:
        raise OmniNegClipError(f"Can't read {path}: {error.strerror or error}.") from error
    if not whole:
        raise DamagedError(
            f"{path} is damaged, its content is not what was written: remove it to start the run again."
        )
    return tensors, values


def trained_of(model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a model that train, by name: all that tells it from its base."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def tensors_of(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """Return what a checkpoint keeps of a model and its optimizer: what trains, and its moments."""
    trained = trained_of(model)
    names = {weight: name for name, weight in trained.items()}
    moments = {
        f"{_OPTIMIZER}{key}/{names[weight]}": value
        for weight, values in optimizer.state.items()
        for key, value in values.items()
    }
    return {f"{_WEIGHTS}{name}": weight for name, weight in trained.items()} | moments


def weights_in(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights among what `tensors_of` returned, by their names in the model."""
    return {name.removeprefix(_WEIGHTS): each for name, each in tensors.items() if name.startswith(_WEIGHTS)}


def restore_tensors(tensors: Mapping[str, Tensor], model: nn.Module, optimizer: Optimizer) -> None:
    """Put back what `tensors_of` returned.

    Raises OmniNegClipError when it is of another model or policy.
    """
    trained = trained_of(model)
    load_trained(trained, weights_in(tensors))
    names = {weight: name for name, weight in trained.items()}
    optimized = [names[weight] for group in optimizer.param_groups for weight in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(_OPTIMIZER):
            key, parameter = name.removeprefix(_OPTIMIZER).split("/")
            moments.setdefault(optimized.index(parameter), {})[key] = value
    # the optimizer itself knows where each of its tensors has to lie
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})


@no_grad()
def load_trained(into: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Copy `weights` into the tensors of the same names.

    Raises OmniNegClipError when names or shapes differ.
    """
    shapes = [{name: tuple(weight.shape) for name, weight in each.items()} for each in (into, weights)]
    if shapes[0] != shapes[1]:
        name = min(set(shapes[0].items()) ^ set(shapes[1].items()))[0]
        raise OmniNegClipError(
            f"The checkpoint was made with another model or policy, it differs in {name}: "
            "resume with the same options."
        )
    for name, weight in into.items():
        weight.copy_(weights[name])


def _checksum(tensors: Mapping[str, Tensor], values: str) -> str:
    """Return the SHA-256 of the facts, and of names, types, shapes and bytes of all tensors."""
    digest = hashlib.sha256(values.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().reshape(-1).view(uint8).numpy().data)
    return digest.hexdigest()
