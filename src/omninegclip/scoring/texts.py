"""Texts ready to be scored against images: each as one vector, or by what it affirms and negates."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from omninegclip.embeddings import Embeddings, EmbedText
from omninegclip.reading.reading import ANYTHING, BESIDES, Halves, Reader, ReadHalves, Reading
from omninegclip.scoring.calibration import Calibration
from omninegclip.scoring.halves import DEFAULT, Gate, gated, log_odds, standardised, subtracted
from omninegclip.scoring.levels import Levels
from omninegclip.scoring.others import KnownThings, Others
from omninegclip.scoring.scores import Cosines, Rows, Scores, Transposed

Indices = NDArray[np.int64]
HalvesScore = Literal["gate", "subtract"]  # by two vectors
VectorScore = Literal["cosine", "subspace"]  # by one

_BLOCK = 1024


class Texts(Protocol):
    """T texts that images can be ranked by, and that can be chosen among."""

    @property
    def vectors(self) -> Embeddings:
        """[T, d] one embedding per text, for what averages or classifies by vectors."""

    def some(self, rows: Sequence[int]) -> "Texts":
        """Return some of the texts."""

    def rank_images(self, images: Embeddings) -> Scores:
        """Return the scores [T, n] of images [n, d] by each text, which can be compared between texts."""

    def choose_image(self, images: Embeddings, starts: Indices) -> NDArray[np.float64]:
        """Return the scores [T, k] of each text's own images, -inf where it has fewer than k.

        Those of text i are the rows `starts[i]:starts[i + 1]` of `images` [m, d].
        """

    def choose_text(self, images: Embeddings, starts: Indices) -> NDArray[np.float64]:
        """Return the scores [n, k] of the texts of each image [n, d], -inf where it has fewer than k.

        Those of image i are the texts `starts[i]:starts[i + 1]`.
        """


ReadTexts = Callable[[Sequence[str]], Texts]


class WholeTexts(NamedTuple):
    """Texts of one vector each, scored by cosine."""

    vectors: Embeddings

    def some(self, rows: Sequence[int]) -> Texts:
        """Return some of the texts."""
        return WholeTexts(self.vectors[rows])

    def rank_images(self, images: Embeddings) -> Scores:
        """Return the cosines [T, n]."""
        return Cosines(self.vectors, images)

    def choose_image(self, images: Embeddings, starts: Indices) -> NDArray[np.float64]:
        """Return the cosines [T, k] of texts with their own images."""
        return option_scores(self.vectors, images, starts)

    def choose_text(self, images: Embeddings, starts: Indices) -> NDArray[np.float64]:
        """Return the cosines [n, k] of images with their own texts."""
        return option_scores(images, self.vectors, starts)


def option_scores(single: Embeddings, options: Embeddings, starts: Indices) -> NDArray[np.float64]:
    """Return the cosines [n, k] of each item with its own options, -inf where it has fewer than k.

    Sums are in float64, one pair at a time, so that equal embeddings have exactly equal scores.

    `single` is [n, d]; `options` [m, d] holds the options of item i in rows `starts[i]:starts[i + 1]`.
    """
    return ragged(_pair_cosines(single, options, owners(starts)), starts)


class HalvedTexts(NamedTuple):
    """Texts with what they affirm and negate, scored by calibrated halves where they negate something.

    One that negates nothing ranks images by its cosine, bit for bit as `WholeTexts` does.

    Attributes:
        vectors: [T, d] of the affirmed half, or of the whole text if it negates nothing.
        mean: [T] of each vector's cosines over unlabelled images.
        deviation: [T] their standard deviations.
        affirms: [T] booleans: the text affirms something.
        negated: [N, d] embeddings of what all texts negate, in the order of the texts.
        negated_mean: [N] of their cosines over unlabelled images.
        negated_deviation: [N] their standard deviations.
        starts: [T + 1] text i negates the rows `starts[i]:starts[i + 1]` of `negated`.
        others: T, what each says of all that it does not name, None where that is nothing.
        gate: the numbers of the score.
        score: "gate" or "subtract" (`halves`).
        levels: of images, None where they are not taken off.
    """

    vectors: Embeddings
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    affirms: NDArray[np.bool_]
    negated: Embeddings
    negated_mean: NDArray[np.float32]
    negated_deviation: NDArray[np.float32]
    starts: Indices
    others: tuple[Others | None, ...]
    gate: Gate
    score: HalvesScore
    levels: Levels | None = None

    def some(self, rows: Sequence[int]) -> Texts:
        """Return some of the texts."""
        counts = np.diff(self.starts)[rows]
        kept = np.concatenate([np.arange(*self.starts[row : row + 2]) for row in rows] or [np.empty(0, int)])
        return self._replace(
            vectors=self.vectors[rows],
            mean=self.mean[rows],
            deviation=self.deviation[rows],
            affirms=self.affirms[rows],
            negated=self.negated[kept],
            negated_mean=self.negated_mean[kept],
            negated_deviation=self.negated_deviation[kept],
            starts=np.concatenate([[0], np.cumsum(counts)]),
            others=tuple(self.others[row] for row in np.arange(len(self.vectors))[rows]),
        )

    def rank_images(self, images: Embeddings) -> Scores:
        """Return the cosines [T, n], and for texts that negate mean_A + sd_A s with s of `score`.

        That ranks as s does, and puts s on the scale of the cosines, so that texts can be compared.
        """
        return _Halves(self, images)

    def choose_image(self, images: Embeddings, starts: Indices) -> NDArray[np.float64]:
        """Return the scores [T, k] of texts with their own images, on the scale of the cosines."""
        scores = _pair_cosines(self.vectors, images, owners(starts))
        for text, bounds in enumerate(pairwise(starts)):
            own = slice(*bounds)
            scores[own] = self.by_halves(text, images[own].T, scores[own])
        return ragged(scores, starts)

    def choose_text(self, images: Embeddings, starts: Indices) -> NDArray[np.float64]:
        """Return the log-odds [n, k] of texts where one of an image's texts negates, else their cosines."""
        owner = owners(starts)
        cosines = _pair_cosines(images, self.vectors, owner)
        negates = np.array([self._denies(text) for text in range(len(self.vectors))], bool)
        halved = np.zeros(len(images), bool)
        np.logical_or.at(halved, owner, negates)
        level = np.zeros(len(images)) if self.levels is None else self.gate.level * self.levels.of(images)
        affirmed = standardised(cosines, self.mean, self.deviation)
        of_text = owners(self.starts)
        negated = standardised(
            _pair_cosines(images, self.negated, owner[of_text]), self.negated_mean, self.negated_deviation
        )
        negated = negated - level[owner[of_text]]
        scores = np.empty(len(cosines))
        for text, bounds in enumerate(pairwise(self.starts)):
            z = negated[slice(*bounds)]
            if (others := self.others[text]) is not None:
                image = images[owner[text]][:, None]
                denied = others.denied(image, affirmed[text : text + 1], self.gate)
                off = level[owner[text]] * (-1 if others.there else 1)  # mirrored, it goes up
                z = np.append(z, denied - off)
            of_affirmed = affirmed[text] - level[owner[text]] if self.affirms[text] else None
            scores[text] = self._choice(of_affirmed, z)
        return ragged(np.where(halved[owner], scores, cosines), starts)

    def by_halves(
        self, text: int, images: NDArray[np.floating], cosines: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """Return the ranking scores [n] of a text with images [d, n], given its cosines with them."""
        if not self._denies(text):
            return cosines
        rows = slice(*self.starts[text : text + 2])
        z = standardised(self.negated[rows] @ images, self.negated_mean[rows], self.negated_deviation[rows])
        if (others := self.others[text]) is not None:
            affirmed = (cosines - self.mean[text]) / self.deviation[text]
            z = np.vstack([z, others.denied(images, affirmed, self.gate)])
        pull = gated(0.0, z, self.gate) if self.score == "gate" else subtracted(0.0, z)
        base = cosines if self.affirms[text] else self.mean[text]
        return np.asarray(base + self.deviation[text] * pull)

    def _denies(self, text: int) -> bool:
        return bool(self.starts[text] < self.starts[text + 1]) or self.others[text] is not None

    def _choice(self, affirmed: NDArray[np.floating] | None, negated: NDArray[np.floating]) -> float:
        if self.score == "subtract":
            return float(subtracted(0.0 if affirmed is None else affirmed, negated))
        return float(log_odds(affirmed, negated, self.gate.threshold))


class _Halves(NamedTuple):
    """The ranking scores of texts by their halves."""

    texts: HalvedTexts
    images: Embeddings

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.texts.vectors), len(self.images)

    @property
    def transposed(self) -> Scores:
        return Transposed(self)

    def block(self, rows: Rows, columns: Rows) -> NDArray[np.float32]:
        scores = Cosines(self.texts.vectors, self.images).block(rows, columns)
        images = np.ascontiguousarray(self.images[columns], np.float32).T
        for place, text in enumerate(np.arange(len(self.texts.vectors))[rows]):
            scores[place] = self.texts.by_halves(text, images, scores[place])
        return scores

    def pairs(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        scores = Cosines(self.texts.vectors, self.images).pairs(rows, columns)
        for place, (text, image) in enumerate(zip(rows, columns, strict=True)):
            one = slice(place, place + 1)
            scores[one] = self.texts.by_halves(text, self.images[image][:, None], scores[one])
        return scores


def whole_texts(embed_text: EmbedText) -> ReadTexts:
    """Return what embeds texts as one vector each."""
    return lambda texts: WholeTexts(_embedded(embed_text, texts))


def halves_by_words(embed_text: EmbedText, reader: Reader) -> ReadHalves:
    """Return what reads texts and embeds their halves.

    What a text denies without naming it ("nothing but sand") can't be embedded, and is only told.
    """

    def read(texts: Sequence[str]) -> Halves:
        readings = reader.read(texts)
        vectors = _embedded(embed_text, [affirmed_half(*each) for each in zip(texts, readings, strict=True)])
        said = [text for reading in readings for text in reading.named]
        return Halves(
            vectors,
            np.array([bool(reading.affirmed) for reading in readings], bool),
            _embedded(embed_text, said) if said else np.zeros((0, vectors.shape[1]), np.float32),
            np.cumsum([0, *(len(reading.named) for reading in readings)]),
            np.array([each.others(text) for text, each in zip(texts, readings, strict=True)], np.int8),
        )

    return read


def halved_texts(
    read_halves: ReadHalves,
    calibration: Calibration,
    gate: Gate = DEFAULT,
    score: HalvesScore = "gate",
    known: Callable[[], KnownThings] | None = None,
) -> ReadTexts:
    """Return what calibrates the halves of texts.

    `known` gives the things to look for where a text speaks of what it does not name, and those that tell the
    level of images; without it, that part of the text does not count, and no level is taken off.
    """

    def read(texts: Sequence[str]) -> Texts:
        halves = read_halves(texts)
        others: list[Others | None] = [None] * len(texts)
        if known is not None:
            for row in map(int, np.flatnonzero((halves.others != 0) & halves.affirms)):
                there = bool(halves.others[row] > 0)
                others[row] = known().beside(texts[row], halves.vectors[row], there, calibration)
        return HalvedTexts(
            halves.vectors,
            *calibration.moments(halves.vectors),
            halves.affirms,
            halves.negated,
            *calibration.moments(halves.negated),
            halves.starts,
            tuple(others),
            gate,
            score,
            known().levels(calibration) if known is not None and gate.level else None,
        )

    return read


def affirmed_half(text: str, reading: Reading) -> str:
    """Return what stands for the affirmed half of a text: the whole of one that negates nothing."""
    if not reading.negated and not reading.others(text):
        return text
    return reading.affirmed.removesuffix(BESIDES) or ANYTHING


def _embedded(embed_text: EmbedText, texts: Sequence[str]) -> Embeddings:
    """Embed every distinct text once."""
    row = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return embed_text(list(row))[[row[text] for text in texts]]


def owners(starts: Indices) -> Indices:
    """Return for each of m rows the item i whose `starts[i]:starts[i + 1]` it is in, [m]."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _pair_cosines(single: Embeddings, options: Embeddings, owner: Indices) -> NDArray[np.float64]:
    """Return the cosine [m] of each option [m, d] with the item [n, d] that it belongs to."""
    cosines = np.empty(len(options))
    for first in range(0, len(options), _BLOCK):
        part = slice(first, first + _BLOCK)
        cosines[part] = (single[owner[part]].astype(np.float64) * options[part]).sum(axis=1)
    return cosines


def ragged(values: NDArray[np.float64], starts: Indices) -> NDArray[np.float64]:
    """Return values [m] as [n, k], those of item i in a row, -inf where it has fewer than k."""
    counts = np.diff(starts)
    found = np.full((len(counts), int(counts.max(initial=0))), -np.inf)
    rows = owners(starts)
    found[rows, np.arange(len(values)) - starts[rows]] = values
    return found
