"""Training objectives: L2-normalised features in, named scalars out."""

from omninegclip.objectives.absence import AbsenceWeights, absence
from omninegclip.objectives.clip import clip
from omninegclip.objectives.conclip import conclip
from omninegclip.objectives.contrastive import cross_entropy_to, symmetric
from omninegclip.objectives.false_pairs import false_pairs
from omninegclip.objectives.negationclip import negationclip
from omninegclip.objectives.negbench import negbench
from omninegclip.objectives.negclip import negclip
from omninegclip.objectives.omni import omni
from omninegclip.objectives.omni_plus import omni_plus
from omninegclip.objectives.presence import presence
from omninegclip.objectives.reader import reader
from omninegclip.objectives.supervised_contrastive import supervised_contrastive
from omninegclip.objectives.target_losses import composed_target, target_losses
from omninegclip.objectives.tripletclip import tripletclip

__all__ = [
    "AbsenceWeights",
    "absence",
    "clip",
    "composed_target",
    "conclip",
    "cross_entropy_to",
    "false_pairs",
    "negationclip",
    "negbench",
    "negclip",
    "omni",
    "omni_plus",
    "presence",
    "reader",
    "supervised_contrastive",
    "symmetric",
    "target_losses",
    "tripletclip",
]
