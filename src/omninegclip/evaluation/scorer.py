"""How a user wants texts to be read and scored, and what does it for a model."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from omninegclip.clip.encoder import Encoder
from omninegclip.embeddings import Embeddings, EmbedText
from omninegclip.errors import OmniNegClipError
from omninegclip.files import hash_file
from omninegclip.llm import Endpoint
from omninegclip.reading.learned import reader_file
from omninegclip.reading.reading import ReadHalves
from omninegclip.reading.registry import LEARNED, check_name, make_reader
from omninegclip.scenes.negation import TemplatesReader
from omninegclip.scoring.calibration import calibration_file, calibration_of
from omninegclip.scoring.halves import DEFAULT
from omninegclip.scoring.others import KnownThings
from omninegclip.scoring.texts import (
    HalvesScore,
    ReadTexts,
    VectorScore,
    halved_texts,
    halves_by_words,
    whole_texts,
)
from omninegclip.scoring.vectors import METHODS, normalised

ScoreName = HalvesScore | VectorScore
READERS = ("none", "rules", "llm", "told")


class Scorer(NamedTuple):
    """A reader and a score by name.

    Attributes:
        reader: none takes every text as one; rules reads English; llm asks a language model; told knows the
            picture world's templates; learned:PATH is a text tower that was trained to read for the model.
        score: of a text that negates something: the gate, the calibrated difference of its halves, the vector
            at the edge of the denied half's cap, or the cosine of the whole text.
        calibration: a file to take instead of the model's own.
        llm: where the language model answers, for the reader `llm`.
        threshold: of the gate, instead of that of the calibration.
        level: likewise.
    """

    reader: str = "none"
    score: ScoreName = "gate"
    calibration: Path | None = None
    llm: Endpoint | None = None
    threshold: float | None = None
    level: float | None = None

    def as_dict(self, model: str) -> dict[str, object]:
        """Return what decides a model's figures, ready for JSON; nothing where cosines score every text.

        A calibration, whose gate counts where no other number is given, is told by the content of its file,
        None for the one that ships.
        """
        if self.reader == "none" or self.score == "cosine":
            return {}
        file = calibration_file(model, self.calibration)
        said = {"threshold": self.threshold, "level": self.level}
        facts: dict[str, object] = {
            "reader": self.reader,
            "score": self.score,
            "calibration": hash_file(file) if file else None,
            "gate": said if self.score != "subspace" else None,
        }
        if self.reader == "llm" and self.llm:
            facts["llm"] = [self.llm.url, self.llm.model]
        if self.reader.startswith(LEARNED):
            facts["weights"] = hash_file(reader_file(Path(self.reader.removeprefix(LEARNED))))
        return facts

    def of(self, model: str, encoder: Encoder, embed_text: EmbedText | None = None) -> ReadTexts:
        """Return what reads and scores texts for a model with this name.

        `embed_text` is a way to embed texts with it, its own where none is given.

        Raises OmniNegClipError when there is no such reader, the model is not the one that the reader was
        made for, or the score needs a calibration and there is none.
        """
        check_name(self.reader, READERS)
        embed_text = embed_text or encoder.embed_text
        if self.reader == "none" or self.score == "cosine":
            return whole_texts(embed_text)
        read_halves = self._reader(encoder, embed_text)
        if self.score == "subspace":
            return whole_texts(_subspace(read_halves))
        calibration = calibration_of(model, encoder.image_fingerprint, self.calibration)
        known = cache(lambda: KnownThings(embed_text, calibration.nouns))
        gate = calibration.gate.but(self.threshold, self.level)
        return halved_texts(read_halves, calibration, gate, self.score, known)

    def _reader(self, encoder: Encoder, embed_text: EmbedText) -> ReadHalves:
        told = self.reader == "told"
        reader = TemplatesReader() if told else make_reader(self.reader, self.llm, encoder)
        return halves_by_words(embed_text, reader)


def make_scorer(
    reader: str,
    score: ScoreName,
    calibration: Path | None = None,
    threshold: float | None = None,
    llm: Endpoint | None = None,
    level: float | None = None,
) -> Scorer:
    """Return the scorer that a user asks for; `threshold` and `level` are the calibration's when None.

    Raises OmniNegClipError for a calibration that no reader would use, a threshold that is no z, and a level
    that is no share.
    """
    given = {"calibration": calibration, "threshold": threshold, "level": level}
    if reader == "none" and (named := [name for name, value in given.items() if value is not None]):
        raise OmniNegClipError(
            f"A {named[0]} is for texts in halves: choose a reader too, such as --reader rules."
        )
    gate = DEFAULT.but(threshold, level)
    return Scorer(
        reader,
        score,
        calibration,
        llm,
        None if threshold is None else gate.threshold,
        None if level is None else gate.level,
    )


def _subspace(read_halves: ReadHalves) -> EmbedText:
    """Return what makes one vector of both halves; several denials are one, in the middle of them."""

    def embed(texts: Sequence[str]) -> Embeddings:
        halves = read_halves(texts)
        vectors = halves.vectors.copy()
        for row, bounds in enumerate(pairwise(halves.starts)):
            if len(denied := halves.negated[slice(*bounds)]):
                middle = normalised(denied.mean(axis=0, keepdims=True))
                vectors[row] = METHODS["subspace"](vectors[row : row + 1], middle)[0]
        return vectors

    return embed
