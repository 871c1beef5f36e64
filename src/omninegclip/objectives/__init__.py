"""Training objectives: L2-normalised features in, named scalars out."""

from omninegclip.objectives.absence import absence
from omninegclip.objectives.clip import clip
from omninegclip.objectives.conclip import conclip
from omninegclip.objectives.contrastive import cross_entropy_to, symmetric
from omninegclip.objectives.negationclip import negationclip
from omninegclip.objectives.negbench import negbench
from omninegclip.objectives.negclip import negclip
from omninegclip.objectives.omni import omni
from omninegclip.objectives.presence import presence
from omninegclip.objectives.tripletclip import tripletclip

__all__ = [
    "absence",
    "clip",
    "conclip",
    "cross_entropy_to",
    "negationclip",
    "negbench",
    "negclip",
    "omni",
    "presence",
    "symmetric",
    "tripletclip",
]
