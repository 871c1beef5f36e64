"""Options that several verbs share: their ranges, what they take and what help says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from omninegclip.clip.device import ComputePlace
    from omninegclip.evaluation.scorer import Scorer
    from omninegclip.llm import Endpoint
    from omninegclip.study.world import Size

# What --smoke makes of a preset of the picture world.
SMOKE_OVERRIDES = ("steps=8", "warmup=2", "batch_size=16")
# The first seed of the worlds on which weights are chosen; a study has at most so many worlds of its own.
VALIDATION_SEED = 1000


@dataclass(frozen=True)
class Between:
    """A validator: from `low` to `high`, both included; not a number is outside."""

    low: int
    high: int

    def __call__(self, kind: object, value: float | None) -> None:
        """Raise ValueError for a value outside."""
        if value is not None and not self.low <= value <= self.high:
            raise ValueError(f"It must be from {self.low:,} to {self.high:,}.")


@dataclass(frozen=True)
class Above:
    """A validator: above `low`, up to `high`; not a number is outside."""

    low: int
    high: int

    def __call__(self, kind: object, value: float | None) -> None:
        """Raise ValueError for a value outside."""
        if value is not None and not self.low < value <= self.high:
            raise ValueError(f"It must be above {self.low:,}, and {self.high:,} at most.")


Flag = Annotated[bool, Parameter(negative="")]
Json = Annotated[bool, Parameter("--json", negative="", help="Print one JSON object.")]
JsonTable = Annotated[
    bool, Parameter("--json", negative="", help="Print one JSON object instead of the table.")
]
Smoke = Annotated[
    bool,
    Parameter(
        negative="",
        help="Use tiny data: tries the whole chain in seconds, its figures mean nothing.",
    ),
]
Overrides = Annotated[
    tuple[str, ...],
    Parameter("--set", negative="", help="Change one value of the preset, as key=value; may be repeated."),
]
PresetName = Annotated[str, Parameter(help="Name of a fine-tuning preset, or a YAML file.")]
Models = Annotated[
    list[str],
    Parameter(consume_multiple=True, help="Folders or names of models; changes are relative to the first."),
]
Paths = Annotated[list[Path], Parameter(consume_multiple=True)]
# What PyTorch, NumPy and scikit-learn all take.
Seed = Annotated[int, Parameter(validator=Between(0, 2**32 - 1))]
Count = Annotated[int, Parameter(validator=Between(1, 100_000_000))]
Repeats = Annotated[int, Parameter(validator=Between(1, 1000))]
Processes = Annotated[int, Parameter(validator=Between(1, 1024))]
Share = Annotated[float, Parameter(validator=Between(0, 1))]
Rate = Annotated[float, Parameter(validator=Above(0, 1_000_000))]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WeightOptions:
    """What bare weights don't say of themselves.

    Attributes:
        activation: Of weights that come without a configuration.
        tokenizer: Folder with the tokenizer, for weights that come without one.
    """

    activation: Literal["quick_gelu", "gelu"] | None = None
    tokenizer: Path | None = None

    def named(self, models: Sequence[str]) -> list[str]:
        """Return the names of models together with these options, as `load_clip` takes them."""
        from omninegclip.clip.io.name import with_options

        return with_options(models, self.activation, self.tokenizer)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DeviceOptions:
    """Where models compute.

    Attributes:
        device: auto (a CUDA GPU where there is one, else the CPU), cpu, cuda, cuda:N or mps.
        precision: Of matrix products; embeddings are in fp32 where another would change them too much.
    """

    device: str = "auto"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"

    @property
    def training(self) -> tuple[str, ...]:
        """Return what of a preset is changed: what is embedded in another format is trained in it too."""
        return () if self.precision == "fp32" else (f"precision={self.precision}",)

    @property
    def place(self) -> "ComputePlace":
        """Return the place."""
        from omninegclip.clip.device import ComputePlace, choose_device

        return ComputePlace(choose_device(self.device), self.precision)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LlmOptions:
    """The language model that is asked.

    Attributes:
        llm_url: An OpenAI-compatible endpoint, up to /v1.
        llm_model: Name of the model at that endpoint.
        llm_cache: Folder for its answers.
        llm_per_minute: Requests per minute at most.
        llm_timeout: Seconds that an answer may take.
    """

    llm_url: str | None = None
    llm_model: str | None = None
    llm_cache: Path = Path(".omninegclip-llm")
    llm_per_minute: Rate = 600.0
    llm_timeout: Rate = 60.0

    @property
    def endpoint(self) -> "Endpoint | None":
        """Return where to ask, None where nothing was said; raises OmniNegClipError for half of it."""
        from omninegclip.errors import OmniNegClipError
        from omninegclip.llm import Endpoint

        if self.llm_url is None and self.llm_model is None:
            return None
        if self.llm_url is None or self.llm_model is None:
            raise OmniNegClipError(
                "A language model needs both --llm-url, an endpoint up to /v1, and --llm-model."
            )
        return Endpoint(self.llm_url, self.llm_model, self.llm_timeout, self.llm_per_minute, self.llm_cache)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ScoreOptions(LlmOptions):
    """How texts are read and scored.

    Attributes:
        reader: none takes a text as one; rules reads what it affirms and negates; llm asks a language model
            that; told knows the templates of the picture world; learned:PATH is a reader that
            `omninegclip train` made for the model.
        score: Of a text that negates something: gate, subtract, subspace, or the cosine of the whole text.
        calibration: File of `omninegclip calibrate`, to take instead of the model's own.
        threshold: Of the gate, from -10 to 10: how many standard deviations above its mean a text is as
            likely true as not; the calibration's when not given, mostly 2. A model that sees less well needs
            less.
        level: From 0 to 1: how much of the height at which an image scores with any text is taken off when
            texts are chosen among; the calibration's when not given, mostly 0.
    """

    reader: str = "none"
    score: Literal["gate", "subtract", "subspace", "cosine"] = "gate"
    calibration: Path | None = None
    threshold: float | None = None
    level: float | None = None

    @property
    def scorer(self) -> "Scorer":
        """Return what scores."""
        from omninegclip.evaluation.scorer import make_scorer

        return make_scorer(
            self.reader, self.score, self.calibration, self.threshold, self.endpoint, self.level
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ModelOptions(WeightOptions, DeviceOptions):
    """How models are loaded."""

    def named(self, models: Sequence[str]) -> list[str]:
        """Return the names of models with these options, as `load_clip` takes them, and say the place."""
        from omninegclip.clip.device import settle
        from omninegclip.clip.io.name import with_options

        settle(self.place)
        return with_options(models, self.activation, self.tokenizer, self.place)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class IndexModelOptions(WeightOptions):
    """How the model of an index is loaded; the index keeps what was said of the weights.

    Attributes:
        device: auto (a CUDA GPU where there is one, else the CPU), cpu, cuda, cuda:N or mps.
    """

    device: str = "auto"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StudyOptions(ModelOptions):
    """What every study that fine-tunes takes.

    Attributes:
        model: The CLIP to start from.
        seeds: How many seeds; with more than one, figures are means with Student's interval.
        validation: Use the seeds from 1000 on instead of those from 0 on: weights and presets are chosen in
            these worlds, which no reported figure uses. The files go to a folder `validation` in --out.
        workers: Processes that share the cells; two of one thread each are faster than one of two.
        only: Name of a cell to run, instead of all; may be repeated.
    """

    model: str = "scenes-small"
    seeds: Repeats = 1
    validation: Flag = False
    set_: Overrides = ()
    workers: Processes = 1
    only: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    smoke: Smoke = False
    json_: JsonTable = False

    @property
    def start(self) -> str:
        """Return the model to start from, with what was said of its weights."""
        return self.named([self.model])[0]

    @property
    def worlds(self) -> range:
        """Return the seeds of the worlds."""
        first = VALIDATION_SEED if self.validation else 0
        return range(first, first + self.seeds)

    @property
    def overrides(self) -> tuple[str, ...]:
        """Return what of the preset is changed."""
        smoke = SMOKE_OVERRIDES if self.smoke else ()
        return (*smoke, *self.training, *self.set_)


def study_size(smoke: bool) -> "Size":
    """Return how much is drawn and asked."""
    from omninegclip.study.world import FULL, SMOKE

    return SMOKE if smoke else FULL
