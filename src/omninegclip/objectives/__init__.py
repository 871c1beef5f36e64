"""Training objectives: L2-normalised features in, named scalars out."""

from omninegclip.objectives.absence import absence
from omninegclip.objectives.contrastive import cross_entropy_to, symmetric
from omninegclip.objectives.omni import omni
from omninegclip.objectives.presence import presence

__all__ = ["absence", "cross_entropy_to", "omni", "presence", "symmetric"]
