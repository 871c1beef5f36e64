"""The verb `quickstart`."""

import os
from pathlib import Path

from omninegclip.commands.options import (
    SMOKE_OVERRIDES,
    DeviceOptions,
    JsonTable,
    Overrides,
    Seed,
    Smoke,
    study_size,
)
from omninegclip.printable import say, say_json


def quickstart(
    *,
    out: Path | None = None,
    seed: Seed = 0,
    preset: str = "scenes-plus",
    set_: Overrides = (),
    device: DeviceOptions = DeviceOptions(),
    smoke: Smoke = False,
    json_: JsonTable = False,
) -> None:
    """Show in a few minutes that a CLIP ignores "no", and the same CLIP after fine-tuning.

    Args:
        out: New folder for the run; runs/quickstart when not given.
        seed: Decides the data, the benchmark and the training.
        preset: Name of a fine-tuning preset, or a YAML file; scenes-paper is trained beside it.
    """
    from omninegclip.files import free_name
    from omninegclip.progress import console, show
    from omninegclip.study.quickstart import quickstart as run

    folder = out or Path("runs/quickstart")
    if out is None and os.path.lexists(folder):
        folder = free_name(folder, 2)
    given = (*(SMOKE_OVERRIDES if smoke else ()), *device.training)
    summary, table = run(folder, seed, preset, (*given, *set_), study_size(smoke), given, device.place)
    if json_:
        say_json(summary)
        return
    show(table)
    say(f"model   {summary['model']}\nreport  {summary['report']}")
    console.print(f"{summary['seconds']:.0f} seconds; open the report in a browser.")
