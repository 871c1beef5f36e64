"""How a user wants texts to be read and scored, and what does it for a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from omninegclip.embeddings import Embeddings, EmbedText
from omninegclip.files import hash_file
from omninegclip.reading.reading import Reader
from omninegclip.reading.registry import make_reader
from omninegclip.scenes.negation import TemplatesReader
from omninegclip.scoring.calibration import calibration_of, own_file
from omninegclip.scoring.halves import DEFAULT
from omninegclip.scoring.texts import (
    HalvesScore,
    ReadTexts,
    VectorScore,
    affirmed_half,
    halved_texts,
    whole_texts,
)
from omninegclip.scoring.vectors import METHODS, normalised

ScorerReader = Literal["none", "rules", "told"]
ScoreName = HalvesScore | VectorScore


class Scorer(NamedTuple):
    """A reader and a score by name.

    Attributes:
        reader: none takes every text as one; rules reads English; told knows the picture world's templates.
        score: of a text that negates something: the gate, the calibrated difference of its halves, SpaceVLM's
            vector between them, or the cosine of the whole text.
        calibration: a file to take instead of the model's own.
    """

    reader: ScorerReader = "none"
    score: ScoreName = "gate"
    calibration: Path | None = None

    def as_dict(self, model: str) -> dict[str, object]:
        """Return what decides figures of the model with this name, ready for JSON.

        It is nothing where every text is scored by its cosine.
        """
        if self.reader == "none" or self.score == "cosine":
            return {}
        file = self.calibration or own_file(model)
        calibration = hash_file(file) if file else None
        gate = DEFAULT._asdict() if self.score == "gate" else None
        return {"reader": self.reader, "score": self.score, "calibration": calibration, "gate": gate}

    def of(self, model: str, fingerprint: str, embed_text: EmbedText) -> ReadTexts:
        """Return what reads and scores texts for a model with this name and fingerprint of its image tower.

        Raises OmniNegClipError when the score needs a calibration and there is none.
        """
        if self.reader == "none" or self.score == "cosine":
            return whole_texts(embed_text)
        reader: Reader = TemplatesReader() if self.reader == "told" else make_reader(self.reader)
        if self.score == "subspace":
            return whole_texts(_subspace(embed_text, reader))
        calibration = calibration_of(model, fingerprint, self.calibration)
        return halved_texts(embed_text, reader, calibration, score=self.score)


def _subspace(embed_text: EmbedText, reader: Reader) -> EmbedText:
    """Return what makes one vector of both halves; several denials are one, in the middle of them."""

    def embed(texts: Sequence[str]) -> Embeddings:
        readings = reader.read(texts)
        vectors = embed_text([affirmed_half(*each) for each in zip(texts, readings, strict=True)])
        for row, reading in enumerate(readings):
            if reading.named:
                denied = normalised(embed_text(reading.named).mean(axis=0, keepdims=True))
                vectors[row] = METHODS["subspace"](vectors[row : row + 1], denied)[0]
        return vectors

    return embed
