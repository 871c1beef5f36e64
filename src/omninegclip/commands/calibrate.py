"""The verb `calibrate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from omninegclip.commands.options import Between, Json, ModelOptions, Paths, Seed
from omninegclip.errors import OmniNegClipError
from omninegclip.printable import say_facts


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class BackgroundOptions:
    """Which images stand for the collection, and what they show.

    Attributes:
        count: How many of the images are drawn.
        seed: Decides which.
        nouns: File with a noun a line, what such images show: an image is looked through for these where a
            sentence says "only". Without it those are the objects of an English list.
    """

    count: Annotated[int, Parameter(validator=Between(50, 100_000))] = 1000
    seed: Seed = 0
    nouns: Path | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """Numbers of the score that were chosen for the model, to be kept with the calibration.

    Attributes:
        threshold: From -10 to 10: how many standard deviations above its mean a text is as likely true as
            not; 2 when not given, and a model that sees less well needs less. Choose it on captioned images.
        level: From 0 to 1: how much of the height at which an image scores with any text is taken off when
            texts are chosen among; 0 when not given.
    """

    threshold: float | None = None
    level: float | None = None


def calibrate(
    model: str,
    images: Paths,
    /,
    *,
    out: Path,
    background: BackgroundOptions = BackgroundOptions(),
    gate: GateOptions = GateOptions(),
    weights: ModelOptions = ModelOptions(),
    json_: Json = False,
) -> None:
    """Measure what texts score on images that nobody labelled, so that a sentence's halves can be scored.

    Args:
        model: A model that ships, a folder, a weight file, or an id of the Hugging Face hub.
        images: Images, and folders of images like those to be searched.
        out: File to write; named calibration.safetensors in the model's folder, it is found there.
    """
    from omninegclip.clip.io.load import load_clip
    from omninegclip.files import refuse_existing
    from omninegclip.index.names import path_of
    from omninegclip.index.walk import find_images
    from omninegclip.progress import console
    from omninegclip.scoring.calibration import calibrate as measure
    from omninegclip.scoring.calibration import draw, read_nouns
    from omninegclip.scoring.halves import DEFAULT

    refuse_existing(out)
    numbers = DEFAULT.but(gate.threshold, gate.level)
    named = read_nouns(background.nouns) if background.nouns else ()
    found = find_images(images)
    found.tell()
    if not found.files:
        raise OmniNegClipError(f"{', '.join(map(str, images))}: no image file is there.")
    encoder = load_clip(*weights.named([model]))
    drawn = draw([Path(path_of(each)) for each in found.files], background.count, background.seed)
    calibration, broken = measure(encoder, drawn, named)
    for reason in broken.values():
        console.print(reason)
    calibration._replace(gate=numbers).save(out)
    say_facts({"images": len(calibration.background), "unreadable": len(broken), "file": str(out)}, json_)
