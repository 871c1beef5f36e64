"""The verb `train`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cyclopts import Parameter

from omninegclip.commands.options import Flag, Json, Overrides, Paths, Rate, Seed, WeightOptions
from omninegclip.printable import say, say_json

# What --smoke makes of a preset, and how many records it reads.
SMOKE = {
    "epochs": None,
    "steps": 6,
    "warmup": 2,
    "batch_size": 8,
    "precision": "fp32",
    "held_out_share": 0.2,
    "validate_every": 3,
    "patience": None,
    "checkpoint_every": 2,
}
SMOKE_RECORDS = 120


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """Where images and their features are.

    Attributes:
        images: Folder of the images; that of the records when not given.
        cache: Folder of image features; "features" beside OUT when not given.
        allow_missing: Leave out records whose images are not there, and say how many.
    """

    images: Path | None = None
    cache: Path | None = None
    allow_missing: Flag = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PresetOptions(WeightOptions):
    """The preset and what is changed of it.

    Attributes:
        preset: Name of a preset, or a YAML file.
        model: The CLIP to start from, instead of the preset's.
        precision: Of the tower's matrix products, instead of the preset's.
        smoke: A few steps on the first records, in fp32: tries the whole chain in seconds.
    """

    preset: str
    model: str | None = None
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    set_: Overrides = ()
    smoke: Flag = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run.

    Attributes:
        device: auto (a CUDA GPU where there is one, else the CPU), cpu, cuda, cuda:N or mps.
        out: Run folder; runs/PRESET when not given.
        seed: Decides the order of the data, and what is held out.
        resume: Continue the run in OUT, or start it if there is none.
        tensorboard: Write TensorBoard events too.
        dry_run: Print what the run will cost and do nothing else.
        teraflops: Throughput for the hours that --dry-run estimates, in 10^12 operations per second.
    """

    device: str = "auto"
    out: Path | None = None
    seed: Seed = 0
    resume: Flag = False
    tensorboard: Flag = False
    dry_run: Flag = False
    teraflops: Rate = 10.0


def train(
    data: Paths,
    /,
    *,
    preset: PresetOptions,
    images: ImageOptions = ImageOptions(),
    run: RunOptions = RunOptions(),
    json_: Json = False,
) -> None:
    """Fine-tune a CLIP on records; a run can be stopped at any time and continued with --resume.

    Args:
        data: Parquet files or folders of records (docs/training.md).
    """
    from omninegclip.progress import show
    from omninegclip.report.table import rich_table
    from omninegclip.run import driver
    from omninegclip.run.job import Job
    from omninegclip.run.summary import COLUMNS, rows
    from omninegclip.training.distributed import starting_rank
    from omninegclip.training.preset import load_preset

    out = run.out or Path("runs") / Path(preset.preset).stem
    changes: dict[str, object] = dict(SMOKE) if preset.smoke else {}
    if preset.model is not None:
        changes["model"] = preset.model
    if preset.precision is not None:
        changes["precision"] = preset.precision
    job = Job(
        data=tuple(data),
        images=images.images,
        preset_name=preset.preset,
        preset=load_preset(preset.preset, preset.set_, changes),
        out=out,
        seed=run.seed,
        cache=images.cache or out.parent / "features",
        limit=SMOKE_RECORDS if preset.smoke else None,
        tensorboard=run.tensorboard,
        allow_missing=images.allow_missing,
        activation=preset.activation,
        tokenizer=preset.tokenizer,
        device=run.device,
    )
    if run.dry_run:
        cost = driver.dry_run(job, run.teraflops * 1e12)
        if json_:
            say_json(cost.as_dict())
        else:
            say("\n".join(f"{name:24}{value}" for name, value in cost.lines()))
        return
    summary = driver.train(job, resume=run.resume)
    if starting_rank() > 0:
        return
    if json_:
        say_json(summary)
        return
    if figures := rows(summary):
        show(rich_table(figures, COLUMNS, "Held-out images, before and after"))
    say(f"model   {summary['model']}")
