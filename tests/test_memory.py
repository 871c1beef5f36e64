import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource, sys, torch
from omninegclip.memory import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    raise SystemExit(9)
x = torch.ones(12_000_000)  # 48 MB: glibc alone keeps nothing above 32 MB
for _ in range(10):
    y = x * 2 + 1
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    y = x * 2 + 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    result = subprocess.run([sys.executable, "-c", COUNT_FAULTS, mode], capture_output=True, text=True)
    if result.returncode == 9:
        pytest.skip("this C library has no mallopt")
    return int(result.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted on Linux")
def test_freed_buffers_are_used_again() -> None:
    assert faults("keep") < faults("plain") / 2
