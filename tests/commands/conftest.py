"""The verbs are tried on what the tests of `clip` and of `evaluation` are made of."""

from pathlib import Path
from runpy import run_path

TESTS = Path(__file__).parent.parent
SHARED = {
    "clip": ("tokenizer", "config", "model", "encoder", "reference"),
    "evaluation": ("data", "suite_file", "ignores_no", "understands_no"),
}
for part, fixtures in SHARED.items():
    defined = run_path(str(TESTS / part / "conftest.py"))
    globals().update({name: defined[name] for name in fixtures})
