"""The job of a search: a request read, ranked, paged, and told image by image."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from hashlib import sha256

import numpy as np

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.index.engine import Searched
from omninegclip.index.question import Question, Unwanted, read_question, unwanted_of
from omninegclip.index.rank import Ranked, rank
from omninegclip.index.score import Half, Numbers, QuestionScore
from omninegclip.index.search import LIKELY
from omninegclip.index.truth import shows_more
from omninegclip.index.where import Condition, read_where
from omninegclip.reading.reading import ELSE
from omninegclip.reading.registry import make_reader
from omninegclip.scoring.halves import probability
from omninegclip.serve.limits import MOST
from omninegclip.serve.service import Pixels, Service, Text, Vectors, half_of
from omninegclip.serve.wire import Column, DeniedText, FoundImage, Presence, SearchAnswer, SearchRequest

# Pages are cut from the best of so many, so that images of equal scores keep their places from page to page.
_BLOCK = 50


@dataclass(frozen=True)
class Asked:
    """What a request asks for: `question` to be ranked by, and all texts whose presence is told."""

    question: Question
    wanted: tuple[str, ...]
    told: tuple[str, ...]

    @classmethod
    def of(cls, request: SearchRequest) -> "Asked":
        """Read a request; raises OmniNegClipError when it asks for nothing, or contradicts itself."""
        denied = [unwanted_of(each) if isinstance(each, str) else each for each in request.without]
        whole = request.score == "cosine"
        if whole and denied:
            raise OmniNegClipError(
                "The score cosine takes nothing away: choose gate, subtract or filter, or no `without`."
            )
        if not (request.query.strip() or request.wanted or denied or request.image):
            raise OmniNegClipError("A search needs a query, something wanted or unwanted, or an image.")
        image = "the image" if request.image else ""
        if request.query.strip():
            reader = make_reader("none" if whole else request.reader)
            read = read_question(request.query, (), image, reader)
        else:
            read = Question("", image=image)
        unwanted = {each.text: each for each in read.unwanted}
        unwanted |= {each.text: Unwanted(each.text, each.weight) for each in denied}
        wanted = tuple(dict.fromkeys([*([read.affirmed] if read.affirmed else []), *request.wanted]))
        told = tuple(dict.fromkeys([*wanted, *unwanted, *request.told]))
        others = read.others if request.others is None else request.others
        question = Question(" and ".join(wanted), tuple(unwanted.values()), request.query, image, others)
        return cls(question, wanted, told)


class SearchJob:
    """A search, for the thread of the model."""

    def __init__(self, service: Service, request: SearchRequest, pixels: Pixels | None) -> None:
        """Read a request.

        Raises OmniNegClipError when it asks for nothing, or its cursor belongs to another search.
        """
        self._service, self._request, self.pixels = service, request, pixels
        self._asked = Asked.of(request)
        self._where: Condition | None = read_where(request.where) if request.where else None
        self._key = _key_of(request)
        self._start = _start_of(request.cursor, self._key) if request.cursor else 0
        self._model: Column = "base" if request.model == "base" and service.base_name else "index"
        unwanted = [each.text for each in self._asked.question.unwanted]
        self.texts = [
            *(Text(self._model, each) for each in (*self._asked.wanted, *unwanted)),
            *(Text("index", each) for each in self._asked.told),
        ]

    def direction(self, vectors: Vectors) -> Embeddings | None:
        """Return what the rows in memory are multiplied with; a condition leaves the search to the engine."""
        if self._where is not None or not self._service.count:
            return None
        direction = self._score(vectors).direction
        length = np.linalg.norm(direction)
        return None if length == 0 else np.asarray(direction / length, np.float32)

    def answer(self, vectors: Vectors, products: Embeddings | None) -> SearchAnswer:
        """Return a page of what was found."""
        asked, request = self._asked, self._request
        engine: Searched = self._service.index.store.engine
        if products is not None and self._service.rows is not None:
            engine = self._service.rows.beside(products)
        score = self._score(vectors)
        end = self._start + request.limit
        block = min(-(-(end + 1) // _BLOCK) * _BLOCK, MOST)
        found = (
            _settled(rank(engine, score, block, self._where), score.direction)
            if self._service.count
            else None
        )
        scores = score.in_range(found.scores) if found else np.empty(0)
        enough = scores >= request.min_probability
        page = range(self._start, min(end, int(enough.sum())))
        more = page.stop == end < min(int(enough.sum()), MOST)
        return SearchAnswer(
            understood=asked.question.understood,
            wanted=list(asked.wanted),
            unwanted=[DeniedText(**asdict(each)) for each in asked.question.unwanted],
            likely=bool(len(scores) and enough[0] and scores[0] >= LIKELY),
            results=self._images(vectors, engine, found, score, page) if found else [],
            next=_cursor(end, self._key) if more else None,
        )

    def _score(self, vectors: Vectors) -> QuestionScore:
        question, dim = self._asked.question, self._service.dim
        wanted = vectors.half(self._model, self._asked.wanted, dim)
        if vectors.images:
            wanted = _both(wanted, half_of(vectors.images, dim))
        unwanted = vectors.half(self._model, [each.text for each in question.unwanted], dim)
        weights = np.array([each.weight for each in question.unwanted], np.float64)
        index = self._service.index if self._model == "index" else self._service.base
        others = None
        if self._asked.wanted and self._service.count:
            others = index.others(question, wanted.vectors[0])
        strength = self._request.strength
        return QuestionScore(
            wanted,
            unwanted,
            weights * strength,
            self._request.score,
            self._service.index.calibration.gate,
            others,
            strength,
        )

    def _images(
        self, vectors: Vectors, engine: Searched, found: Ranked, score: QuestionScore, page: range
    ) -> list[FoundImage]:
        told, shown, question = self._asked.told, slice(page.start, page.stop), self._asked.question
        scores = score.in_range(found.scores)
        more = score.something_else(found.vectors[shown]) if question.others else None
        z = vectors.half("index", told, self._service.dim).z(found.vectors[shown])
        by_text = probability(z, score.gate)
        images = []
        for place, facts in enumerate(engine.facts(found.keys[shown])):
            row_id, path, shows = str(facts.pop("id")), str(facts.pop("path")), str(facts["shows"] or "")
            presence = {
                text: Presence(
                    probability=float(by_text[row, place]),
                    truth=self._service.truth.shows(row_id, shows, text),
                )
                for row, text in enumerate(told)
            }
            if more is not None:
                truth = shows_more(question.affirmed, shows) if shows else None
                presence[ELSE] = Presence(probability=float(more[place]), truth=truth)
            images.append(
                FoundImage(
                    id=row_id,
                    path=path.removeprefix(self._service.folder),
                    score=float(scores[page.start + place]),
                    presence=presence,
                    facts=facts,
                )
            )
        return images


def _both(left: Half, right: Half) -> Half:
    return Half(
        np.concatenate([left.vectors, right.vectors]),
        np.concatenate([left.mean, right.mean]),
        np.concatenate([left.deviation, right.deviation]),
    )


def _settled(found: Ranked, direction: Numbers) -> Ranked:
    """Return images of scores that differ by rounding alone by the linear part, and then by their keys."""
    linear = found.vectors @ direction.astype(np.float32)
    by = [
        (-round(float(score), 9), -round(float(part), 5), f"{key!s:>40}")
        for score, part, key in zip(found.scores, linear, found.keys, strict=True)
    ]
    order = sorted(range(len(by)), key=by.__getitem__)
    return Ranked([found.keys[place] for place in order], found.vectors[order], found.scores[order])


def _key_of(request: SearchRequest) -> str:
    """Return what tells a search from others, whatever its page."""
    said = request.model_dump_json(exclude={"cursor", "limit", "told"})
    return sha256(said.encode()).hexdigest()[:16]


def _cursor(start: int, key: str) -> str:
    return urlsafe_b64encode(json.dumps([start, key]).encode()).decode()


def _start_of(cursor: str, key: str) -> int:
    try:
        start, its = json.loads(urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError):
        start, its = None, None
    if type(start) is not int or not 0 <= start < MOST:
        raise OmniNegClipError("The cursor can't be read: send `next` of the page before, as it came.")
    if its != key:
        raise OmniNegClipError("The cursor belongs to another search: begin without one.")
    return start
