"""The stages, each of which goes on where it was stopped and isn't done twice."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple, get_args

import numpy as np

from omninegclip import __version__
from omninegclip.clip.device import ComputePlace, settle
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.data.features import ImageFeatureCache, contents_of, try_contents_of
from omninegclip.data.record import read_records
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.run import Settings, located_images
from omninegclip.evaluation.scorer import Scorer
from omninegclip.evaluation.side_by_side import evaluate_models
from omninegclip.evaluation.suite import Benchmark, load_suite
from omninegclip.files import JsonObject, checksum, hash_file, read_intact, write_sealed
from omninegclip.progress import console
from omninegclip.reproduce import download
from omninegclip.reproduce.plan import ReproductionPlan
from omninegclip.reproduce.recipes import Recipe
from omninegclip.reproduce.records import PHOTOS, TrainingSources, make_records
from omninegclip.reproduce.report import Reproduced, write_report
from omninegclip.run.driver import train
from omninegclip.run.job import Job
from omninegclip.scoring.calibration import FEWEST, calibrate, load_calibration

Stage = Literal["data", "features", "train", "evaluate", "report"]
STAGES: tuple[Stage, ...] = get_args(Stage)
SUITES = ("negation", "retrieval")
PROTOCOLS: tuple[Literal["official", "strict"], ...] = ("official", "strict")
PLAIN, GATE = "plain", "gate"
BACKGROUND = 1000  # images of the gate's calibration
ACTIVATION = "quick_gelu"  # of the released checkpoints: all were fine-tuned from OpenAI's weights


class Reproduction(NamedTuple):
    """What is reproduced and how.

    Attributes:
        plan: the files, models and folder.
        recipes: the trainings.
        place: where models compute.
        seed: of trainings, and of the drawing of the background.
        processes: that write negations.
    """

    plan: ReproductionPlan
    recipes: Sequence[Recipe]
    place: ComputePlace
    seed: int
    processes: int


class Stages:
    """The work of a reproduction in its folder."""

    def __init__(self, asked: Reproduction) -> None:
        """Do nothing yet."""
        self.asked, self.work = asked, asked.plan.work
        self.backbone = asked.plan.backbone
        self.slug = self.backbone.name.replace("/", "--")
        self.data = self.work / download.DATA
        self.recipes = asked.recipes if self.backbone.trains else []

    def run(self, only: Stage | None) -> Path | None:
        """Do the stages that are not done, or `only` one whose predecessors are; return the report if made.

        Raises OmniNegClipError when a stage can't be done, or a predecessor is not.
        """
        work: Mapping[Stage, Callable[[], JsonObject]] = {
            "data": self.fetch,
            "features": self.embed,
            "train": self.train,
            "evaluate": self.evaluate,
            "report": self.report,
        }
        before = ""
        for stage in STAGES:
            key = checksum([before, self._settings(stage)])
            before = self._do(stage, key, work[stage], only)
            if stage == only:
                break
        report = self._report_folder / "report.md"
        return report if only in (None, "report") and report.exists() else None

    def fetch(self) -> JsonObject:
        """Fetch files and weights, and write the records."""
        gone = {}
        for source in self.asked.plan.files:
            if source.needs and not self._has(source.needs):
                gone[source.name] = f"{source.needs} is not there"
                continue
            try:
                download.fetch(source, self.work)
            except download.SourceGoneError as error:
                gone[source.name] = str(error)
        download.fetch_backbone(self.backbone, self.work)
        for model in self.asked.plan.released:
            try:
                if download.fetch_released(model, self.work) is None:
                    gone[model.name] = f"put it at models/{model.put}, from {model.page}"
            except OmniNegClipError as error:
                gone[model.name] = str(error)
        for name, why in gone.items():
            console.print(f"Without {name}: {why}", soft_wrap=True)
        records = self.records if self.recipes else None
        return {"gone": gone, "origins": records.origins if records else {}}

    def embed(self) -> JsonObject:
        """Embed every image that is trained on or asked about, and calibrate the gate."""
        encoder = self._load(self.backbone.name)
        if self.recipes:
            images = {str(self.data / row["image"]) for path in self._files() for row in read_records(path)}
            cache = ImageFeatureCache(self.work / "features", encoder)
            cache.features([Path(each) for each in sorted(images)])
        asked = located_images(self._suite, self._settings_of(PROTOCOLS[0], PLAIN, None))
        cache = ImageFeatureCache(self.work / "features", encoder, np.float32)
        cache.try_features(asked, try_contents_of(asked))
        calibration = self._calibration(encoder)
        return {"images": len(asked), "calibration": calibration is not None}

    def train(self) -> JsonObject:
        """Train every recipe; a run that was stopped goes on from its last checkpoint."""
        return {recipe.name: train(self._job(recipe), resume=True) for recipe in self.recipes}

    def evaluate(self) -> JsonObject:
        """Score every model on every suite, both ways and under both protocols; return what failed."""
        found: JsonObject = {}
        for name in self._models:
            try:
                encoder = self._load(name)
                calibration = self._calibration(encoder)
            except OmniNegClipError as error:
                console.print(f"{name} is not evaluated: {error}", soft_wrap=True)
                found[name] = str(error)
                continue
            for scorer in (PLAIN, GATE) if calibration else (PLAIN,):
                for protocol in PROTOCOLS:
                    settings = self._settings_of(protocol, scorer, calibration)
                    (results,) = evaluate_models([name], self._load, self._suite, settings)
                    failed = [each for each in results if each.status == "failed"]
                    found |= {f"{name}, {each.benchmark}": each.reason for each in failed}
        return found

    def report(self) -> JsonObject:
        """Write the report."""
        seals = {stage: read_intact(self._seal(stage)) or {} for stage in STAGES}
        facts = Reproduced(
            self.asked.plan,
            [recipe.name for recipe in self.recipes],
            self._models,
            {scorer: self._results(scorer) for scorer in (PLAIN, GATE)},
            seals["data"].get("made", {}),
            seals["evaluate"].get("made", {}),
        )
        write_report(facts, self._report_folder)
        return {}

    @cached_property
    def records(self) -> TrainingSources:
        """The records, which are written the first time."""
        contrast = any(recipe.contrast_sets for recipe in self.recipes)
        return make_records(self.work, contrast, self.asked.processes)

    def _do(self, stage: Stage, key: str, work: Callable[[], JsonObject], only: Stage | None) -> str:
        """Do a stage unless it is done, and return the hash of what it made."""
        seal = read_intact(self._seal(stage))
        if seal is None or seal["key"] != key:
            if only not in (None, stage):
                raise OmniNegClipError(
                    f"--stage {only}: the stage {stage} is not done in {self.work}; do it first, or leave "
                    "out --stage."
                )
            console.print(f"Stage {stage}", style="bold")
            made = work()
            # what failed is tried again by the next call, which reads what did not
            seal = {"key": "" if stage == "evaluate" and made else key, "made": made}
            write_sealed(self._seal(stage), seal)
        elif stage == only or only is None:
            console.print(f"The stage {stage} is done.")
        return checksum(seal)

    def _settings(self, stage: Stage) -> object:
        """Return what decides a stage, beside the one before it."""
        plan = self.asked.plan
        if stage == "data":
            sources = [(each.name, each.url, each.sha256) for each in plan.files]
            released = [(each.name, self._has(each.name)) for each in plan.released if not each.hub]
            put = [each.name for each in plan.manual if self._has(each.name)]
            contrast = any(recipe.contrast_sets for recipe in self.recipes)
            names = [each.name for each in plan.released]
            return [
                __version__,
                sources,
                released,
                put,
                names,
                bool(self.recipes),
                contrast,
                self.backbone.name,
            ]
        if stage == "train":
            return [self.asked.seed, [(each.name, each.preset.as_dict()) for each in self.recipes]]
        return stage

    def _has(self, name: str) -> bool:
        """Tell whether a source or a released model is there."""
        plan = self.asked.plan
        files = [each for each in plan.table.files if each.name == name]
        manual = [each for each in plan.manual if each.name == name]
        released = [each for each in plan.released if each.name == name]
        return (
            any(download.is_there(each, self.work) for each in files)
            or any(download.is_put(each, self.work) for each in manual)
            or any((self.work / download.MODELS / each.put).exists() for each in released)
        )

    def _seal(self, stage: Stage) -> Path:
        return self.work / "stages" / self.slug / f"{stage}.json"

    @property
    def _report_folder(self) -> Path:
        return self.work / "report" / self.slug

    @cached_property
    def _suite(self) -> list[Benchmark]:
        """The benchmarks whose files and images are there."""
        found = [each for suite in SUITES for each in load_suite(suite)]
        return [
            each
            for each in found
            if each.sources(self.data) and any(folder.is_dir() for folder in each.image_folders(self.data))
        ]

    @cached_property
    def _models(self) -> list[str]:
        trained = [f"{self.backbone.name}+{recipe.name}" for recipe in self.recipes]
        released = [each.name for each in self.asked.plan.released if self._checkpoint(each.name) is not None]
        return [self.backbone.name, *trained, *released]

    def _checkpoint(self, name: str) -> Path | None:
        """Return where a released checkpoint lies; None where it is not to be had."""
        model = next(each for each in self.asked.plan.released if each.name == name)
        try:
            return download.fetch_released(model, self.work)
        except OmniNegClipError:
            return None

    def _files(self) -> list[Path]:
        contrast = [self.records.contrast] if self.records.contrast else []
        return [*self.records.pairs, *contrast]

    def _job(self, recipe: Recipe) -> Job:
        data = (self.records.contrast,) if recipe.contrast_sets else self.records.pairs
        assert all(data)  # noqa: S101 -- contrast sets were made, since a recipe asks for them
        base = download.fetch_backbone(self.backbone, self.work)
        preset = recipe.preset.model_copy(update={"model": str(base)})
        config = [preset.as_dict(), self.asked.seed, [hash_file(path) for path in data if path]]
        return Job(
            data=tuple(path for path in data if path),
            images=self.data,
            preset_name=recipe.preset_name,
            preset=preset,
            out=self.work / "runs" / self.slug / f"{recipe.name}-{checksum(config)[:8]}",
            seed=self.asked.seed,
            cache=self.work / "features",
            device=str(self.asked.place.device),
        )

    def _settings_of(
        self, protocol: Literal["official", "strict"], scorer: str, calibration: Path | None
    ) -> Settings:
        return Settings(
            self.data,
            protocol,
            self.asked.seed,
            out=self.work / "results" / self.slug / scorer,
            cache=self.work / "features",
            scorer=Scorer("rules", "gate", calibration) if scorer == GATE else Scorer(),
        )

    def _results(self, scorer: str) -> Path:
        return self.work / "results" / self.slug / scorer

    def _load(self, name: str) -> ClipEncoder:
        return _loaded(*self._where(name), self.asked.place)

    def _where(self, name: str) -> tuple[Path, str | None, Path | None]:
        """Return where a model lies, with the activation and the tokenizer that bare weights don't say."""
        if name == self.backbone.name:
            return download.fetch_backbone(self.backbone, self.work), None, None
        for recipe in self.recipes:
            if name == f"{self.backbone.name}+{recipe.name}":
                return self._job(recipe).out / "model", None, None
        checkpoint = self._checkpoint(name)
        assert checkpoint is not None  # noqa: S101 -- only those that are there are listed
        return checkpoint, ACTIVATION, download.fetch_backbone(self.backbone, self.work)

    def _calibration(self, encoder: ClipEncoder) -> Path | None:
        """Return the gate's calibration for an image tower, from images that no figure uses.

        None, which is said, where there are too few of them.
        """
        path = self.work / "calibration" / f"{encoder.image_fingerprint}.safetensors"
        if path.exists():
            try:
                load_calibration(path, encoder.image_fingerprint)
            except OmniNegClipError as error:
                console.print(f"{error} It is made again.", soft_wrap=True)
            else:
                return path
        images = self._background
        if len(images) < FEWEST:
            console.print(
                f"The gate is not scored: {len(images)} images are left to calibrate it, of {FEWEST}."
            )
            return None
        calibration, broken = calibrate(encoder, images)
        for reason in broken.values():
            console.print(reason)
        calibration.save(path)
        return path

    @cached_property
    def _background(self) -> list[Path]:
        """Photos of COCO train2014 whose content is in no benchmark, so that no figure uses them."""
        asked = located_images(self._suite, self._settings_of(PROTOCOLS[0], PLAIN, None))
        used = {each for each in try_contents_of(asked) if isinstance(each, str)}
        photos = sorted((self.data / PHOTOS).glob("*.jpg"))
        Random(self.asked.seed).shuffle(photos)  # noqa: S311
        some = photos[: 2 * BACKGROUND]  # of 82,783, of which benchmarks use 440
        contents = contents_of(some)
        return [path for path, each in zip(some, contents, strict=True) if each not in used][:BACKGROUND]


@lru_cache(maxsize=1)
def _loaded(path: Path, activation: str | None, tokenizer: Path | None, place: ComputePlace) -> ClipEncoder:
    settle(place)
    return load_clip(path, activation=activation, tokenizer=tokenizer, place=place)
