"""What of a dual encoder trains: a policy that is applied to the model and printed as a table."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from torch import nn

from omninegclip.clip.families.clip import TEXT_EXTRAS  # the names are the same in every family
from omninegclip.clip.families.family import Family
from omninegclip.clip.families.registry import family_of
from omninegclip.clip.layer_groups import image_layers, text_layers, unknown_name
from omninegclip.errors import OmniNegClipError

BLOCKS = r"\.layers?|\._blocks"  # what families call the list of a tower's blocks


class Part(NamedTuple):
    """A row of the policy: a module or a run of layers (`layers.0-5`), its size, and whether it trains."""

    name: str
    parameters: int
    trains: bool


@dataclass(frozen=True)
class PolicyTable:
    """All parameters of a model, in its own order, by what trains and what is frozen."""

    parts: tuple[Part, ...]

    @property
    def trained(self) -> int:
        """Number of parameters that train."""
        return sum(part.parameters for part in self.parts if part.trains)

    @property
    def total(self) -> int:
        """Number of parameters of the model."""
        return sum(part.parameters for part in self.parts)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return name, `trains` or `frozen`, and size of every part, ready to print."""
        return [(name, "trains" if trains else "frozen", f"{size:,}") for name, size, trains in self.parts]

    def __str__(self) -> str:
        """Align the rows and end with the sum."""
        rows = self.rows()
        name_width = max(len(name) for name, _, _ in rows)
        size_width = max(len(size) for _, _, size in rows)
        lines = [f"{name:<{name_width}}  {state}  {size:>{size_width}}" for name, state, size in rows]
        return "\n".join([*lines, f"{self.trained:,} of {self.total:,} parameters train"])


def apply_policy(
    model: nn.Module,
    *,
    text: str | Sequence[int] = "front",
    text_extras: Iterable[str] = tuple(TEXT_EXTRAS),
    image: str = "none",
) -> PolicyTable:
    """Let exactly the named parts of `model` train, freeze everything else, and return what came of it.

    Nothing of an earlier policy is left. The defaults are the paper's: of ViT-B/32's 151,277,313 parameters
    44,513,793 train.

    Args:
        model: Its parameters' `requires_grad` is set; no value is touched.
        text: Layers of the text tower, as `text_layers` reads them.
        text_extras: What else of the text side trains, of `TEXT_EXTRAS`; the logit scale counts as text.
        image: `none`, or layers of the image tower as `first-N` or `last-N`, or `whole`, which is more than
            its layers: embeddings, norms and projection too.

    Raises:
        OmniNegClipError: A group or an extra is unknown, a tower has fewer layers, or the model's family is
            unknown.
    """
    family = family_of(model)
    trained = {
        *(f"{family.text_blocks}.{n}" for n in text_layers(text, family.depth)),
        *_image(family, image),
        *(_extra(family, name) for name in text_extras),
    }
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(any(f"{name}.".startswith(f"{module}.") for module in trained))
    return PolicyTable(tuple(_parts(model)))


def parameter_groups(model: nn.Module, weight_decay: float, *, decay_all: bool) -> list[dict[str, Any]]:
    """Return the tensors of `model` that train as groups for a torch optimizer.

    Args:
        model: Only what has `requires_grad` is returned.
        weight_decay: The optimizer's decay.
        decay_all: Everything decays, in one group, as in the paper; otherwise embeddings and tensors of fewer
            than two dimensions (biases, norms, logit scale) are a second group without decay.

    Raises:
        OmniNegClipError: Nothing trains.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise OmniNegClipError(
            "no part of the model trains: let a layer group or an extra of the text tower train"
        )
    if decay_all:
        return [{"params": trained, "weight_decay": weight_decay}]
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    decayed = [p for p in trained if p.ndim >= 2 and id(p) not in embeddings]
    spared = [p for p in trained if p.ndim < 2 or id(p) in embeddings]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _extra(family: Family, name: str) -> str:
    if name not in family.text_extras:
        raise unknown_name("text extra", name, list(family.text_extras))
    return family.text_extras[name]


def _image(family: Family, group: str) -> Iterable[str]:
    if group == "none":
        return ()
    if group == "whole":
        return family.image_parts.values()
    blocks, depth = family.image_blocks()
    return [f"{blocks}.{n}" for n in image_layers(group, depth)]


def _parts(model: nn.Module) -> Iterator[Part]:
    """Sum the parameters of each module, and of each run of layers that are all trained or all frozen."""

    def module_and_state(named: tuple[str, nn.Parameter]) -> tuple[str, bool]:
        name, parameter = named
        module = re.sub(rf"({BLOCKS})\.\d+\..*|\.(weight|bias)$", r"\1", name)
        return module, parameter.requires_grad

    for (module, trains), members in groupby(model.named_parameters(), key=module_and_state):
        names, parameters = zip(*members, strict=True)
        numbers = [found[1] for name in names if (found := re.search(rf"(?:{BLOCKS})\.(\d+)\.", name))]
        run = "-".join(dict.fromkeys([numbers[0], numbers[-1]])) if numbers else ""
        yield Part(f"{module}.{run}".rstrip("."), sum(p.numel() for p in parameters), trains)
