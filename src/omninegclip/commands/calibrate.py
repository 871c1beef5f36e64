"""The verb `calibrate`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from omninegclip.commands.options import Between, Json, ModelOptions, Paths, Seed
from omninegclip.printable import say_facts


def calibrate(
    model: str,
    images: Paths,
    /,
    *,
    out: Path,
    count: Annotated[int, Parameter(validator=Between(50, 100_000))] = 1000,
    seed: Seed = 0,
    weights: ModelOptions = ModelOptions(),
    json_: Json = False,
) -> None:
    """Measure what texts score on images that nobody labelled, so that a sentence's halves can be scored.

    Args:
        model: A model that ships, a folder, a weight file, or an id of the Hugging Face hub.
        images: Images, and folders of images like those to be searched.
        out: File to write; named calibration.safetensors in the model's folder, it is found there.
        count: How many of the images are drawn.
        seed: Decides which.
    """
    from omninegclip.clip.io.load import load_clip
    from omninegclip.files import refuse_occupied
    from omninegclip.images import files_below
    from omninegclip.progress import console
    from omninegclip.scoring.calibration import calibrate as measure
    from omninegclip.scoring.calibration import draw

    refuse_occupied(out)
    found = files_below(images)
    encoder = load_clip(*weights.named([model]))
    calibration, broken = measure(encoder, draw(found, count, seed))
    for reason in broken.values():
        console.print(reason)
    calibration.save(out)
    say_facts({"images": len(calibration.background), "unreadable": len(broken), "file": str(out)}, json_)
