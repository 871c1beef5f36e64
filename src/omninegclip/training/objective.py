"""From the name of an objective to what it is, and to the method that serves it."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module

from omninegclip.errors import OmniNegClipError
from omninegclip.objectives.objective import Objective, Parts, shipped_objectives
from omninegclip.training.methods.contrast_sets import CONTRAST_SETS
from omninegclip.training.methods.halves import HALVES
from omninegclip.training.methods.method import Method
from omninegclip.training.methods.pairs import PAIRS

METHODS = (PAIRS, CONTRAST_SETS, HALVES)


@cache
def load_objective(name: str) -> Objective:
    """Return a shipped objective by its name, or a user's own by `package.module:function`.

    The module is imported, so the name must be the user's own word, never one out of a file from elsewhere.

    Raises OmniNegClipError when there is no such objective, or no method serves what it takes.
    """
    shipped = shipped_objectives()
    if name in shipped:
        return shipped[name]
    if ":" not in name:
        raise OmniNegClipError(
            f"There is no objective {name!r}{suggestion(name, list(shipped))}: "
            f"it can be {' or '.join(shipped)}, or one of your own as package.module:function."
        )
    found = _imported(name)
    objective = found if isinstance(found, Objective) else Objective(found)
    try:
        method_of(objective, name)
    except (TypeError, ValueError, NameError) as error:  # it has no signature, or one of unknown names
        raise OmniNegClipError(f"Can't read the parameters of the objective {name}: {error}.") from error
    return objective


def method_of(objective: Objective, name: str = "") -> Method:
    """Return the method whose batches serve all that an objective takes.

    Raises OmniNegClipError when there is none; `name` names the objective then.
    """
    needed = [parameter for parameter, is_needed in objective.takes.items() if is_needed]
    for method in METHODS:
        if set(needed) <= set(method.serves):
            return method
    served = "; or ".join(", ".join(method.serves) for method in METHODS)
    raise OmniNegClipError(
        f"The objective {name} takes {', '.join(needed)}, but a batch offers {served}. "
        "Settings are keyword-only and have a number as default."
    )


def suggestion(given: object, known: Sequence[str]) -> str:
    """Return a question about the nearest of `known` in brackets, or nothing where none is near."""
    close = get_close_matches(str(given), known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _imported(name: str) -> Objective | Callable[..., Parts]:
    module_name, _, attribute = name.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise OmniNegClipError(
                f"There is no module {module_name!r} for the objective {name}: "
                "install it, or put its folder on PYTHONPATH."
            ) from error
        raise OmniNegClipError(f"The objective {name} needs the package {error.name}.") from error
    except Exception as error:  # whatever a module does while it is imported
        raise OmniNegClipError(
            f"Can't import the objective {name}: {type(error).__name__}: {error}."
        ) from error
    if not hasattr(module, attribute):
        raise OmniNegClipError(
            f"The module {module_name} has no {attribute!r}{suggestion(attribute, dir(module))}."
        )
    found: Objective | Callable[..., Parts] = getattr(module, attribute)
    return found
