"""An index that is searched: a question in, typed results out."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from html import escape
from io import BytesIO
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, get_args

import numpy as np

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.images import open_image
from omninegclip.index.loading import load_for, name_of
from omninegclip.index.names import path_of
from omninegclip.index.question import Question, read_question
from omninegclip.index.rank import Ranked, rank
from omninegclip.index.score import Half, QuestionScore, ScoreName
from omninegclip.index.store import Store, open_store
from omninegclip.index.truth import is_right
from omninegclip.index.where import read_where
from omninegclip.llm import Endpoint
from omninegclip.reading.reading import ELSE, Reader
from omninegclip.reading.registry import LEARNED, check_name, make_reader
from omninegclip.scoring.calibration import (
    Calibration,
    calibration_file,
    load_calibration,
    shipped_calibration,
)
from omninegclip.scoring.others import KnownThings, Others

if TYPE_CHECKING:
    from omninegclip.clip.encoder import ClipEncoder

LIKELY = 0.5  # probability of the best result, below which there is probably nothing
MOST = 10_000  # results
_THUMBNAIL = 160  # pixels
_MARKS = {True: " ✓", False: " ✗", None: ""}


class SearchOptions(TypedDict, total=False):
    """The options of a search that are rarely needed.

    Attributes:
        image: a file that the results shall be like.
        reader: what reads the sentence: `rules`, `llm`, `learned:PATH` with one that was trained for the
            model of the index, or `none` to take it as it is.
        llm: where the language model answers, for the reader `llm`.
        score: `gate`, `subtract`, `filter`, or `cosine` of the whole sentence.
        where: a condition on the facts of images, as "taken >= '2024-05-01' and width > 1000".
        min_probability: results that score less are left out.
    """

    image: str | Path
    reader: str
    llm: Endpoint
    score: ScoreName
    where: str
    min_probability: float


# What each option must be, and how that is said.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "query": ((str,), "a text"),
    "top": ((Integral,), f"a whole number from 1 to {MOST:,}"),
    "image": ((str, Path), "the path of a file"),
    "reader": ((str,), "a name"),
    "score": ((str,), f"one of {', '.join(get_args(ScoreName))}"),
    "where": ((str,), "a text"),
    "min_probability": ((Real,), "a number from 0 to 1"),
}


@dataclass(frozen=True)
class Hit:
    """An image that was found.

    Attributes:
        path: where it lay when it was indexed.
        score: how well it fits, from 0 to 1.
        affirmed: the probability that it shows what is affirmed; None when that is anything.
        negated: the probability of each thing that must not be seen, by its text; of "something else", where
            the question asks for one thing only.
        facts: size, time and so on.
        right: whether it is what was asked for; None where nothing tells what it shows, as of photos.
    """

    path: str
    score: float
    affirmed: float | None
    negated: dict[str, float]
    facts: dict[str, object] = field(repr=False)
    right: bool | None = None

    def thumbnail(self, side: int = _THUMBNAIL) -> bytes:
        """Return the image as a small JPEG; raises OmniNegClipError when it can't be read now."""
        image = open_image(Path(self.path))
        image.thumbnail((side, side))
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=80)
        return buffer.getvalue()


@dataclass(frozen=True)
class SearchResults:
    """What a search found, best first.

    Attributes:
        understood: what was looked for, as "street, NOT cars".
        hits: the images.
    """

    understood: str
    hits: tuple[Hit, ...]

    @property
    def likely(self) -> bool:
        """Whether the best result probably is what was asked for."""
        return bool(self.hits) and self.hits[0].score >= LIKELY

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.hits)

    def __getitem__(self, place: int) -> Hit:
        """Return one of them."""
        return self.hits[place]

    def __iter__(self) -> Iterator[Hit]:
        """Yield them, best first."""
        return iter(self.hits)

    def as_dict(self) -> dict[str, object]:
        """Return it all as JSON has it."""
        return {
            "understood": self.understood,
            "likely": self.likely,
            "results": [asdict(hit) for hit in self.hits],
        }

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<figure style='display:inline-block;margin:4px;width:{_THUMBNAIL}px;vertical-align:top'>"
            f"{_tag(hit)}<figcaption style='overflow-wrap:anywhere'>{hit.score:.2f}{_MARKS[hit.right]} "
            f"{escape(Path(hit.path).name)}</figcaption></figure>"
            for hit in self.hits
        )
        note = "" if self.likely else " (probably nothing here)"
        return f"<p>{escape(self.understood)}{note}</p>{cells}"


class Index:
    """An index of images, to search.

    `Index.open(db).search("a beach", without=["people"], top=20)`
    """

    def __init__(self, store: Store, encoder: "ClipEncoder", model: str | None = None) -> None:
        """Search a store with the model that its vectors are of, and its name, where that has changed."""
        self.store = store
        self.encoder = encoder
        self._model = model or store.header.model
        self._learned: dict[tuple[str, int], Reader] = {}  # the last one, by name and time of its file

    @classmethod
    def open(
        cls,
        db: str | Path,
        *,
        model: str | None = None,
        device: str = "auto",
        activation: str | None = None,
        tokenizer: str | Path | None = None,
    ) -> "Index":
        """Open what `omninegclip index` made.

        Args:
            db: the folder of the index.
            model: where its model lies now, if not where it lay when the index was made.
            device: auto, cpu, cuda, cuda:N or mps.
            activation: "quick_gelu" or "gelu", if not what was said when the index was made.
            tokenizer: where the folder with the tokenizer lies now, if it was moved too.

        Raises:
            OmniNegClipError: there is no index, or its model is another one.
        """
        store = open_store(str(db))
        name = name_of(store.header, model, activation, tokenizer)
        encoder = load_for(name, device)
        store.header.refuse(encoder, store.where, writing=False)
        index = cls(store, encoder, name)
        _ = index._of_model  # what is wrong with it is said now
        return index

    def beside(self, encoder: "ClipEncoder") -> "Index":
        """Return the same rows, beside the texts of another model with the same image tower."""
        return Index(self.store, encoder, self._model)

    def __len__(self) -> int:
        """Return how many images it holds."""
        return self.store.engine.count()

    @cached_property
    def calibration(self) -> Calibration:
        """What is ordinary in this index, with the nouns and the gate of its model's calibration, if any."""
        fingerprint = self.store.header.image_fingerprint
        own, its = Calibration(self.store.background(), fingerprint), self._of_model
        return own._replace(nouns=its.nouns, gate=its.gate) if its else own

    @cached_property
    def _of_model(self) -> Calibration | None:
        """The calibration of the model, None where it has none.

        Raises OmniNegClipError when it is damaged, or of another image tower.
        """
        fingerprint = self.store.header.image_fingerprint or self.encoder.image_fingerprint
        file = calibration_file(self._model)
        return load_calibration(file, fingerprint) if file else shipped_calibration(fingerprint)

    @cached_property
    def known(self) -> KnownThings:
        """What images are looked through for where a question says "only".

        These are the nouns of the model's calibration, or those of the English lexicon.
        """
        return KnownThings(self.encoder.embed_text, self.calibration.nouns)

    def others(self, asked: Question, vector: Embeddings) -> Others | None:
        """Return what a question says of all that it does not name; `vector` [d] is of what it affirms."""
        if not asked.others:
            return None
        named = " ".join([asked.sentence, asked.affirmed, *(each.text for each in asked.unwanted)])
        return self.known.beside(named, vector, asked.others > 0, self.calibration)

    def search(
        self, query: str = "", *, without: Sequence[str] = (), top: int = 20, **options: Unpack[SearchOptions]
    ) -> SearchResults:
        """Return the images that fit a sentence best, and show nothing of what it excludes.

        Args:
            query: what to look for; what it negates is excluded.
            without: what else must not be seen, as "people" or, with a weight, "a red car:0.5".
            top: how many images at most.
            **options: see `SearchOptions`.

        Raises:
            OmniNegClipError: an option is wrong.
        """
        _refuse_wrong({"query": query, "top": top, **options}, without)
        score = options.get("score", "gate")
        if score == "cosine" and without:
            raise OmniNegClipError(
                "The score cosine takes nothing away: to exclude with --without, choose gate, subtract or "
                "filter."
            )
        asked = self.understand(query, without, options)
        if score == "cosine" and not (asked.affirmed or asked.image):
            raise OmniNegClipError("The score cosine needs a QUERY or an image, and takes away nothing.")
        where = read_where(options["where"]) if options.get("where") else None
        if not len(self):
            return SearchResults(asked.understood, ())
        scores = self.score(asked, score)
        found = rank(self.store.engine, scores, top, where)
        # however it is scored, a sentence means what it says
        meant = self.understand(query, without, {"image": options.get("image", "")})
        hits = self._hits(asked, meant, scores, found)
        least = options.get("min_probability", 0.0)
        return SearchResults(asked.understood, tuple(hit for hit in hits if hit.score >= least))

    def understand(self, query: str, without: Sequence[str], options: SearchOptions) -> Question:
        """Return what is asked for; the score `cosine` takes a sentence as it is."""
        whole = options.get("score") == "cosine"
        name = options.get("reader", "rules")
        check_name(name)
        reader = self._reader("none" if whole else name, options)
        return read_question(query, without, str(options.get("image", "")), reader)

    def _reader(self, name: str, options: SearchOptions) -> Reader:
        if not name.startswith(LEARNED):
            return make_reader(name, options.get("llm"))
        from omninegclip.reading.learned import reader_file

        file = reader_file(Path(name.removeprefix(LEARNED)))
        key = name, file.stat().st_mtime_ns if file.exists() else 0
        if key not in self._learned:
            # to load one takes longer than to search; one that was trained anew is another
            self._learned = {key: make_reader(name, None, self.encoder)}
        return self._learned[key]

    def score(self, asked: Question, name: ScoreName = "gate") -> QuestionScore:
        """Return the score of a question, embedded and calibrated."""
        texts = [asked.affirmed] if asked.affirmed else []
        affirmed = [self.encoder.embed_text(texts)] if texts else []
        if asked.image:
            affirmed.append(self.encoder.embed_image([Path(asked.image)]))
        none = np.empty((0, self.store.header.dim), np.float32)
        unwanted = [each.text for each in asked.unwanted]
        negated = self.encoder.embed_text(unwanted) if unwanted else none
        return QuestionScore(
            Half.of(np.concatenate([none, *affirmed]), self.calibration),
            Half.of(negated, self.calibration),
            np.array([each.weight for each in asked.unwanted], np.float64),
            name,
            self.calibration.gate,
            self.others(asked, affirmed[0][0]) if texts else None,
        )

    def _hits(self, asked: Question, meant: Question, score: QuestionScore, found: Ranked) -> Iterator[Hit]:
        shown, hidden = score.probabilities(found.vectors)
        else_ = score.something_else(found.vectors) if asked.others < 0 else None
        scores = score.in_range(found.scores)
        for place, facts in enumerate(self.store.engine.facts(found.keys)):
            facts.pop("id", None)
            yield Hit(
                path_of(str(facts.pop("path"))),
                float(scores[place]),
                float(shown[:, place].mean()) if len(shown) else None,
                {each.text: float(hidden[row, place]) for row, each in enumerate(asked.unwanted)}
                | ({} if else_ is None else {ELSE: float(else_[place])}),
                facts,
                is_right(meant, str(facts["shows"] or "")),
            )


def _refuse_wrong(options: Mapping[str, object], without: object) -> None:
    """Raise OmniNegClipError for an option that is not there, of another kind, or out of its range."""
    for name, value in options.items():
        if name not in _KINDS:
            raise OmniNegClipError(f"search has no option {name}: known are without, {', '.join(_KINDS)}.")
        kinds, said = _KINDS[name]
        fits = isinstance(value, kinds) and not isinstance(value, bool)
        fits &= name != "score" or value in get_args(ScoreName)
        if isinstance(value, Real) and fits:
            fits = 1 <= float(value) <= MOST if name == "top" else 0 <= float(value) <= 1
        if not fits:
            raise OmniNegClipError(f"{name} is {value!r}: it must be {said}.")
    if isinstance(without, str):
        raise OmniNegClipError(f"without must be a list of texts: write without=[{without!r}].")
    if not (isinstance(without, Sequence) and all(isinstance(each, str) for each in without)):
        raise OmniNegClipError(f"without is {without!r}: it must be a list of texts, as ['people'].")


def _tag(hit: Hit) -> str:
    try:
        return f"<img alt='' src='data:image/jpeg;base64,{b64encode(hit.thumbnail()).decode()}'>"
    except OmniNegClipError as error:
        return f"<small>{escape(str(error))}</small>"
