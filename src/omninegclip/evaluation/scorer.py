"""How a user wants texts to be read and scored, and what does it for a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from omninegclip.embeddings import Embeddings, EmbedText
from omninegclip.files import hash_file
from omninegclip.llm import Endpoint
from omninegclip.reading.reading import Reader
from omninegclip.reading.registry import make_reader
from omninegclip.scenes.negation import TemplatesReader
from omninegclip.scoring.calibration import calibration_file, calibration_of
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

ScorerReader = Literal["none", "rules", "llm", "told"]
ScoreName = HalvesScore | VectorScore


class Scorer(NamedTuple):
    """A reader and a score by name.

    Attributes:
        reader: none takes every text as one; rules reads English; llm asks a language model; told knows the
            picture world's templates.
        score: of a text that negates something: the gate, the calibrated difference of its halves, SpaceVLM's
            vector between them, or the cosine of the whole text.
        calibration: a file to take instead of the model's own.
        llm: where the language model answers, for the reader `llm`.
    """

    reader: ScorerReader = "none"
    score: ScoreName = "gate"
    calibration: Path | None = None
    llm: Endpoint | None = None

    def as_dict(self, model: str) -> dict[str, object]:
        """Return what decides a model's figures, ready for JSON; nothing where cosines score every text.

        A calibration is told by the content of its file, None for the one that ships.
        """
        if self.reader == "none" or self.score == "cosine":
            return {}
        file = calibration_file(model, self.calibration)
        gate = DEFAULT._asdict() if self.score == "gate" else None
        return {
            "reader": self.reader,
            "score": self.score,
            "calibration": hash_file(file) if file else None,
            "gate": gate,
            **({"llm": [self.llm.url, self.llm.model]} if self.reader == "llm" and self.llm else {}),
        }

    def of(self, model: str, fingerprint: str, embed_text: EmbedText) -> ReadTexts:
        """Return what reads and scores texts for a model with this name and fingerprint of its image tower.

        Raises OmniNegClipError when the score needs a calibration and there is none.
        """
        if self.reader == "none" or self.score == "cosine":
            return whole_texts(embed_text)
        reader: Reader = TemplatesReader() if self.reader == "told" else make_reader(self.reader, self.llm)
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
