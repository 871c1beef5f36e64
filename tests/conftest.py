"""What all tests share."""

import os
import sys
from pathlib import Path

import pytest

# Before any test imports torch, and inherited by every process that a test starts: tests run side by side,
# and sums are rounded the same way in each of them.
os.environ["OMP_NUM_THREADS"] = "1"

sys.path.insert(0, str(Path(__file__).parent / "helpers"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Give every test one thread, whatever a program that ran in this process before has set."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
