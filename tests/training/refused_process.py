"""What test_distributed.py runs in two processes: the first one is refused something, for both."""

import sys

import torch

from omninegclip.errors import OmniNegClipError
from omninegclip.training.distributed import from_first, process_group


def refuse() -> None:
    raise OmniNegClipError("The folder is occupied.")


try:
    with process_group(torch.device("cpu")):
        from_first(refuse)
except OmniNegClipError as error:
    sys.exit(str(error))
