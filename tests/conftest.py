"""What all tests share."""

import os
import sys
from pathlib import Path

# Before any test imports torch, and inherited by every process that a test starts: tests run side by side,
# and sums are rounded the same way in each of them.
os.environ["OMP_NUM_THREADS"] = "1"

sys.path.insert(0, str(Path(__file__).parent / "helpers"))
