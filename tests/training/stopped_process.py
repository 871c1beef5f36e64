"""What test_distributed.py runs in two processes: the second is stopped while the first one waits for it."""

import os
import signal
import sys

import torch

from omninegclip.errors import OmniNegClipError
from omninegclip.training.distributed import gather, process_group, rank

try:
    with process_group(torch.device("cpu")):
        gather(torch.ones(1))
        if rank() == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGSTOP)
        gather(torch.ones(1))
except OmniNegClipError as error:
    sys.exit(str(error))
