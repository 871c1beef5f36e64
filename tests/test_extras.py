"""What is said of a missing package of an extra."""

import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from omninegclip.extras import _PACKAGES, install

EXTRAS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]


def test_every_extra_that_is_named_is_there() -> None:
    assert {extra for _, extra in _PACKAGES.values()} <= EXTRAS.keys()


@pytest.mark.parametrize("extra", sorted(EXTRAS.keys() - {"dev", "docs", "browser"}))
def test_every_package_of_an_extra_can_be_named_when_it_is_missing(extra: str) -> None:
    """But for the two that others import, or whose absence is told beside the file that needs it."""
    modules = {"open_clip_torch": "open_clip", "scikit-learn": "sklearn"}
    named = [re.split(r"[\[<>=]", each)[0] for each in EXTRAS[extra] if not each.startswith("omninegclip")]
    unnamed = {name for name in named if modules.get(name, name.replace("-", "_")) not in _PACKAGES}
    assert unnamed <= {"aiohttp", "pillow-heif"}


@pytest.mark.parametrize("extra", ["ray", "scenes"])
def test_the_command_adds_to_what_a_checkout_installed_though_no_registry_has_it(extra: str) -> None:
    pytest.importorskip("pip", reason="pip is not installed")
    try:
        distribution("omninegclip")
    except PackageNotFoundError:
        pytest.skip("the package is not installed")
    command = shlex.split(install(extra))
    assert command[:4] == ["python", "-m", "pip", "install"]
    dry = ["--dry-run", "--no-index", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run(
        [sys.executable, *command[1:4], *dry, *command[4:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"Requirement already satisfied: omninegclip[{extra}]" in done.stdout
