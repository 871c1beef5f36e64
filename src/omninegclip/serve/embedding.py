"""The jobs of the other requests: texts and images embedded, and pairs of them scored."""

from collections.abc import Sequence

import numpy as np

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.index.question import Question, read_question
from omninegclip.index.score import QuestionScore
from omninegclip.reading.reading import ELSE
from omninegclip.reading.registry import make_reader
from omninegclip.serve.service import Calibrated, Pixels, Service, Text, Vectors
from omninegclip.serve.wire import EmbedAnswer, Pair, PairScore, ScoreAnswer, ScoreRequest


class EmbedJob:
    """Texts, or images, to be embedded by the index's model."""

    def __init__(self, service: Service, texts: Sequence[str] = (), pixels: Pixels | None = None) -> None:
        """Embed one or the other."""
        self._service, self.pixels = service, pixels
        self.texts = [Text("index", each) for each in texts]

    def direction(self, vectors: Vectors) -> Embeddings | None:
        """Need no rows."""
        return None

    def answer(self, vectors: Vectors, products: Embeddings | None) -> EmbedAnswer:
        """Return the embeddings."""
        found: Sequence[Calibrated] = vectors.images or [vectors.texts[each] for each in self.texts]
        return EmbedAnswer(
            model=self._service.index.store.header.model,
            dim=self._service.dim,
            embeddings=[each.vector.tolist() for each in found],
        )


class ScoreJob:
    """Sentences to be scored against images."""

    def __init__(self, service: Service, request: ScoreRequest, pixels: Pixels) -> None:
        """Read the sentences; raises OmniNegClipError when one names an image that isn't there."""
        self._service, self._request, self.pixels = service, request, pixels
        if not service.count:
            raise OmniNegClipError("The index holds no images, on which scores are calibrated: index some.")
        if wrong := [pair.image for pair in request.pairs if pair.image >= len(request.images)]:
            raise OmniNegClipError(
                f"A pair names image {wrong[0]}, and there are {len(request.images)}: count from 0."
            )
        reader = make_reader("none" if request.score == "cosine" else request.reader)
        self._questions = [read_question(pair.text, (), "", reader) for pair in request.pairs]
        self.texts = [
            Text("index", text)
            for question in self._questions
            for text in (question.sentence, question.affirmed, *(each.text for each in question.unwanted))
            if text
        ]

    def direction(self, vectors: Vectors) -> Embeddings | None:
        """Need no rows."""
        return None

    def answer(self, vectors: Vectors, products: Embeddings | None) -> ScoreAnswer:
        """Return the score of each pair."""
        return ScoreAnswer(
            scores=[
                self._scored(vectors, question, pair)
                for question, pair in zip(self._questions, self._request.pairs, strict=True)
            ]
        )

    def _scored(self, vectors: Vectors, question: Question, pair: Pair) -> PairScore:
        dim = self._service.dim
        affirmed = [question.affirmed] if question.affirmed else []
        unwanted = [each.text for each in question.unwanted]
        image = vectors.images[pair.image].vector[None]
        score = QuestionScore(
            vectors.half("index", affirmed, dim),
            vectors.half("index", unwanted, dim),
            np.ones(len(unwanted)),
            self._request.score,
            self._service.index.calibration.gate,
            self._service.index.others(question, vectors.texts[Text("index", affirmed[0])].vector)
            if affirmed
            else None,
        )
        whole = vectors.texts[Text("index", question.sentence)].vector
        halves = np.concatenate(score.probabilities(image))[:, 0]
        more = score.something_else(image) if question.others else None
        return PairScore(
            understood=question.understood,
            score=float(score.in_range(score.parts(image)[0])[0]),
            cosine=float(whole @ image[0]),
            presence=dict(zip([*affirmed, *unwanted], halves.tolist(), strict=True))
            | ({} if more is None else {ELSE: float(more[0])}),
        )
