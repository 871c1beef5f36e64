"""What requests and answers hold, as the OpenAPI description and the client have it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from omninegclip.index.question import LARGEST
from omninegclip.index.score import ScoreName
from omninegclip.index.where import LIMIT
from omninegclip.reading.registry import ServedReader
from omninegclip.serve.limits import IMAGES, PAGE, TEXT, TEXTS

Words = Annotated[str, StringConstraints(min_length=1, max_length=TEXT, pattern=r"\S")]
Base64Image = Annotated[str, Field(min_length=1, json_schema_extra={"contentEncoding": "base64"})]
Column = Literal["index", "base"]
Weight = Annotated[float, Field(gt=0, le=LARGEST)]


class Message(BaseModel):
    """What goes over the wire: unknown fields are refused, so that a misspelt one is no silent default."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Message):
    """What went wrong, as RFC 9457 has it.

    Attributes:
        type: a name for this kind of problem.
        title: what kind it is.
        status: that of the answer.
        detail: what is wrong here, and what would be right.
        request_id: under which the server's log has it.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str


class DeniedText(Message):
    """What must not be seen, and how much it counts beside 1."""

    text: Words
    weight: Weight = 1.0


class SearchRequest(Message):
    """What is looked for; a query, something wanted, something unwanted or an image is needed.

    Attributes:
        query: a sentence, which `reader` reads.
        wanted: what else is to be seen.
        without: what must not be seen, as a text, or with a weight.
        image: a file that the results shall be like, in Base64.
        reader: `rules`, or `none` to take the query as it is.
        score: `gate`, `subtract`, `filter`, or `cosine` of the whole query.
        model: whose texts: the index's own, or the base model that the server compares with.
        strength: what the weights of all that is unwanted are multiplied with.
        others: -1 where all that is not named must not be seen, 1 where something else must be; by default
            what the query says.
        told: texts that rank nothing; whether each result shows them is told.
        where: a condition on the facts of images, as `taken >= '2024-05-01'`.
        min_probability: results that score less are left out.
        limit: results of a page.
        cursor: `next` of the page before.
    """

    query: Annotated[str, Field(max_length=TEXT)] = ""
    wanted: Annotated[list[Words], Field(max_length=TEXTS)] = []
    without: Annotated[list[DeniedText | Words], Field(max_length=TEXTS)] = []
    image: Base64Image | None = None
    reader: ServedReader = "rules"
    score: ScoreName = "gate"
    model: Column = "index"
    strength: Annotated[float, Field(ge=0, le=LARGEST)] = 1.0
    others: Annotated[int, Field(ge=-1, le=1)] | None = None
    told: Annotated[list[Words], Field(max_length=TEXTS)] = []
    where: Annotated[str, Field(max_length=LIMIT)] | None = None
    min_probability: Annotated[float, Field(ge=0, le=1)] = 0.0
    limit: Annotated[int, Field(ge=1, le=PAGE)] = 20
    cursor: Annotated[str, Field(max_length=200)] | None = None


class Presence(Message):
    """Whether an image shows something.

    Attributes:
        probability: by the index's model.
        truth: as the index or the records of the images have it; null where they don't say.
    """

    probability: float
    truth: bool | None


class FoundImage(Message):
    """An image that was found.

    Attributes:
        id: by which its preview is fetched.
        path: below the folder that all images of the index share.
        score: how well it fits, from 0 to 1.
        presence: of each text that is wanted, unwanted or to be told.
        facts: size, time and so on.
    """

    id: str
    path: str
    score: float
    presence: dict[str, Presence]
    facts: dict[str, object]


class SearchAnswer(Message):
    """What was found, best first.

    Attributes:
        understood: what was looked for, as "a street, NOT cars".
        wanted: what is to be seen.
        unwanted: what must not be seen, with the weights before `strength`.
        likely: whether the best image probably is what was asked for.
        results: the images of this page.
        next: the cursor of the next page; null when there is none.
    """

    understood: str
    wanted: list[str]
    unwanted: list[DeniedText]
    likely: bool
    results: list[FoundImage]
    next: str | None


class ReadRequest(Message):
    """Sentences to be read."""

    sentences: Annotated[list[Words], Field(min_length=1, max_length=TEXTS)]
    reader: ServedReader = "rules"


class SentenceReading(Message):
    """What a sentence affirms and what it denies."""

    sentence: str
    affirmed: str
    negated: list[str]


class ReadAnswer(Message):
    """The reading of each sentence, in their order."""

    readings: list[SentenceReading]


class EmbedTextRequest(Message):
    """Texts to be embedded."""

    texts: Annotated[list[Words], Field(min_length=1, max_length=TEXTS)]


class EmbedImageRequest(Message):
    """Image files to be embedded, in Base64."""

    images: Annotated[list[Base64Image], Field(min_length=1, max_length=IMAGES)]


class EmbedAnswer(Message):
    """L2-normalised embeddings, in the order of what was given."""

    model: str
    dim: int
    embeddings: list[list[float]]


class Pair(Message):
    """A sentence, and the number of an image of the request, from 0 on."""

    text: Words
    image: Annotated[int, Field(ge=0, lt=IMAGES)]


class ScoreRequest(Message):
    """Image files in Base64, and the sentences to score them by."""

    images: Annotated[list[Base64Image], Field(min_length=1, max_length=IMAGES)]
    pairs: Annotated[list[Pair], Field(min_length=1, max_length=TEXTS)]
    reader: ServedReader = "rules"
    score: ScoreName = "gate"


class PairScore(Message):
    """How well a sentence fits an image.

    Attributes:
        understood: the sentence, read.
        score: from 0 to 1, calibrated on the images of the index.
        cosine: of the whole sentence.
        presence: the probability of each half, by its text.
    """

    understood: str
    score: float
    cosine: float
    presence: dict[str, float]


class ScoreAnswer(Message):
    """The score of each pair, in their order."""

    scores: list[PairScore]


class IndexInfo(Message):
    """What is served.

    Attributes:
        name: of the index.
        images: how many it holds.
        model: that its vectors are of.
        base: the model that it is compared with; null when there is none and the index's own is.
        truth: whether it is known of any image what it shows.
        examples: queries that suit it.
        evaluation: names of the files that `v1/evaluation/NAME` has.
    """

    name: str
    images: int
    model: str
    base: str | None
    truth: bool
    examples: list[str]
    evaluation: list[str]


class ServedModel(Message):
    """The model of the index; `card` is its README, in Markdown, where it has one."""

    name: str
    family: str
    dim: int
    parameters: int
    fingerprint: str
    transform: dict[str, object]
    card: str


class Health(Message):
    """That the server is there."""

    status: Literal["ok"] = "ok"
