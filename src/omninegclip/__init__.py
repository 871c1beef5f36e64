"""Teach CLIP models what "no" means, and measure whether they learned it.

The functions are those of `omninegclip.api`; what is heavy is imported when one of them is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"
__all__ = [
    "Client",
    "Endpoint",
    "Evaluation",
    "Index",
    "Negation",
    "OmniNegClipError",
    "Reading",
    "TrainingRun",
    "evaluate",
    "load",
    "negate",
    "objectives",
    "read",
    "train",
]

if TYPE_CHECKING:
    from omninegclip import objectives
    from omninegclip.api import Evaluation, Negation, TrainingRun, evaluate, load, negate, read, train
    from omninegclip.errors import OmniNegClipError
    from omninegclip.index.search import Index
    from omninegclip.llm import Endpoint
    from omninegclip.reading.reading import Reading
    from omninegclip.serve.client import Client
else:

    def __getattr__(name: str) -> object:
        if name == "objectives":
            return import_module("omninegclip.objectives")
        if name in __all__:
            homes = {"Client": "serve.client", "Endpoint": "llm", "Index": "index.search"}
            return getattr(import_module(f"omninegclip.{homes.get(name, 'api')}"), name)
        raise AttributeError(f"module 'omninegclip' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*__all__, "__version__"])
