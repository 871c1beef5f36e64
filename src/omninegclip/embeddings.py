"""The types of embeddings and of what embeds texts, for code that needs no torch."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]  # [n, d], L2-normalised
EmbedText = Callable[[Sequence[str]], Embeddings]
