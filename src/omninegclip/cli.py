"""The verbs of the command line; whatever is heavy is imported inside them."""

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from omninegclip import __version__
from omninegclip.errors import OmniNegClipError

app = App(
    name="omninegclip",
    help="Teach CLIP models what 'no' means, prove that they learned it, and search pictures with it.",
    version=__version__,
)


@app.command
def quickstart(
    *,
    out: Path | None = None,
    seed: int = 0,
    preset: str = "scenes-paper",
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    smoke: bool = False,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Show in a few minutes that a CLIP ignores "no", and the same CLIP after fine-tuning.

    Parameters
    ----------
    out
        New folder for the run; runs/quickstart when not given.
    seed
        Decides the data, the benchmark and the training.
    preset
        Name of a fine-tuning preset, or a YAML file.
    set_
        Change one value of the preset, as key=value; may be repeated.
    smoke
        Draw and ask very little: tries the whole chain in seconds, its figures mean nothing.
    json_
        Print one JSON object instead of the table.
    """
    from omninegclip.progress import console
    from omninegclip.quickstart import FULL, SMOKE, free_name
    from omninegclip.quickstart import quickstart as run

    folder = out or free_name(Path("runs/quickstart"))
    overrides = ("steps=8", "batch_size=16", *set_) if smoke else set_
    summary, table = run(folder, seed, preset, overrides, SMOKE if smoke else FULL)
    if json_:
        print(json.dumps(summary))
        return
    from rich import print as show

    show(table)
    print(f"model   {summary['model']}\nreport  {summary['report']}")
    console.print(f"{summary['seconds']:.0f} seconds; open the report in a browser.")


@app.command
def scenes(
    out: Path,
    *,
    count: int = 1000,
    seed: int = 0,
    workers: int = 1,
) -> None:
    """Draw scenes and write them as a data set: pictures and one Parquet file of records.

    Parameters
    ----------
    out
        New folder for pictures and records.
    count
        How many scenes.
    seed
        The same seed gives the same bytes.
    workers
        Processes that draw.
    """
    from omninegclip.scenes.records import RECORDS, write_scenes

    write_scenes(out, count, seed, workers=workers)
    print(out / RECORDS)


def main() -> None:
    """Run the command line; what a user can mend is one sentence on standard error and exit code 1."""
    try:
        app()
    except OmniNegClipError as error:
        sys.exit(f"omninegclip: {error}")
    except KeyboardInterrupt:
        print("omninegclip: Stopped; nothing half-written is left.", file=sys.stderr)
        sys.exit(130)
    except ModuleNotFoundError as error:
        sys.exit(f"omninegclip: {_missing(error)}")
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        sys.exit(f"omninegclip: Can't read or write {what}.")


def _missing(error: ModuleNotFoundError) -> str:
    """Name the extra that brings a missing package; a module that no extra brings is a bug."""
    extras = {"jinja2": "report", "matplotlib": "report", "markupsafe": "report"}
    package = (error.name or "").partition(".")[0]
    if package not in extras:
        raise error
    return f"{package} is missing: python -m pip install 'omninegclip[{extras[package]}]'."
