"""The options of a run, and its data."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.text.truncation import truncation_notice
from omninegclip.data.features import ImageFile
from omninegclip.data.image_lookup import ImageRoot
from omninegclip.data.record import read_records
from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.images import open_image
from omninegclip.progress import console, track
from omninegclip.training.methods.method import FeatureRows, TrainingRecords
from omninegclip.training.methods.pairs import PAIRS, Triplets, make_triplets
from omninegclip.training.preset import Preset


class Job(NamedTuple):
    """The options of a run.

    Attributes:
        data: Parquet files or folders of records.
        images: folder of their images; None for the folder of the records.
        preset_name: as asked for.
        preset: with all overrides.
        out: the run folder.
        seed: of the order of the data, and of what is held out.
        cache: folder of image features.
        limit: how many records are read of each of `data`; None for all.
        tensorboard: whether TensorBoard events are written too.
        allow_missing: whether records whose images are not there or can't be read are left out, instead of
            an error.
        activation: of a base model whose weights don't say it.
        tokenizer: folder that has it, for a base model that comes without one.
        device: as `choose_device` takes it; the run folder doesn't depend on it.
    """

    data: tuple[Path, ...]
    images: Path | None
    preset_name: str
    preset: Preset
    out: Path
    seed: int
    cache: Path
    limit: int | None = None
    tensorboard: bool = False
    allow_missing: bool = False
    activation: str | None = None
    tokenizer: Path | None = None
    device: str = "auto"


class Data(NamedTuple):
    """Records in two parts that share no image, and the image of every record of both, in order."""

    training: list[Row]
    held_out: list[Row]
    images: list[ImageFile]


def read_data(job: Job) -> Data:
    """Read the records, keep whole images from training, and find every image.

    Where the job allows missing images, each is opened once, and those that can't be read are missing too.

    Raises OmniNegClipError for a record without an image, for images that are not there unless the job
    allows that, and when nothing is left to train on or to hold out.
    """
    found: list[tuple[Row, ImageFile]] = []
    missing: dict[str, None] = {}
    for source in job.data:
        root = ImageRoot([job.images or (source if source.is_dir() else source.parent)])
        for number, record in enumerate(read_records(source)):
            if number == job.limit:
                break
            image = _image(record, root, source, number)
            if image is None:
                missing[record["image"]] = None
            else:
                found.append((record, image))
    if missing:
        _say_missing(list(missing), job)
    if job.allow_missing:
        found = _readable(found)
    held_out = [each for each in found if _is_held_out(each[0]["image_id"], job)]
    training = [each for each in found if not _is_held_out(each[0]["image_id"], job)]
    if not found and missing:
        raise OmniNegClipError(f"No record is left to train on: none of their images is below {_where(job)}.")
    if not training:
        raise OmniNegClipError("No record is left to train on.")
    if job.preset.held_out_share and not held_out:
        raise OmniNegClipError(
            f"held_out_share={job.preset.held_out_share} holds out no image at all: raise it, or set it to 0."
        )
    both = training + held_out
    return Data([r for r, _ in training], [r for r, _ in held_out], [image for _, image in both])


def triplets_of(
    job: Job, encoder: ClipEncoder, data: Data, features: FeatureRows
) -> tuple[TrainingRecords, Triplets | None]:
    """Return the records to train on and the triplets held out; the features are those of their images."""
    texts = [text for record in data.training + data.held_out for text in _texts_of(record)]
    if notice := truncation_notice(list(dict.fromkeys(texts)), encoder.tokenizer, encoder.context_length):
        console.print(notice)

    training = TrainingRecords(data.training, features)
    if not data.held_out:
        return training, None
    strip = bool(job.preset.settings_of(PAIRS.settings)["strip_commas"])
    first = len(data.training)
    return training, make_triplets(
        data.held_out, features, encoder.tokenize, strip_commas=strip, first_row=first
    )


def _texts_of(record: Row) -> list[str]:
    columns = ("caption", "presence_negated", "absence_negated")
    said = [each["text"] for each in record.get("contrast_set") or []]
    return [text for text in (*(record[column] for column in columns), *said) if text]


def _image(record: Row, root: ImageRoot, source: Path, number: int) -> ImageFile | None:
    if record.get("image_bytes") is not None:
        found: bytes = record["image_bytes"]
        return found
    if record["image"] is None:
        raise OmniNegClipError(f"Row {number + 1} of {source} has no image: training needs images.")
    return root.find(record["image"])


def _where(job: Job) -> str:
    """Return the folders in which images are looked for."""
    folders = [job.images] if job.images else [each if each.is_dir() else each.parent for each in job.data]
    return ", ".join(str(each) for each in dict.fromkeys(folders))


def _say_missing(images: Sequence[str], job: Job) -> None:
    """Name the images that are not there, as an error unless that is allowed."""
    found = f"Images missing below {_where(job)} ({len(images):,} in all): {_few(images)}."
    if not job.allow_missing:
        raise OmniNegClipError(
            f"{found} Name their folder with --images, or leave their records out with --allow-missing."
        )
    console.print(f"{found} Their records are left out.")


def _readable(found: list[tuple[Row, ImageFile]]) -> list[tuple[Row, ImageFile]]:
    """Return the records whose images can be read, and say which can't."""
    distinct = list(dict.fromkeys(image for _, image in found))
    with ThreadPoolExecutor() as pool:
        problems = list(track(pool.map(_problem, distinct), "Trying the images", len(distinct)))
    broken = {image: each for image, each in zip(distinct, problems, strict=True) if each}
    if not broken:
        return found
    left_out = sum(image in broken for _, image in found)
    console.print(
        f"{len(broken):,} images can't be read, so {left_out:,} records are left out: "
        f"{_few(list(broken.values()))}",
    )
    return [each for each in found if each[1] not in broken]


def _problem(image: ImageFile) -> str | None:
    try:
        open_image(image)
    except OmniNegClipError as error:
        return str(error)
    return None


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" and more" if len(names) > 3 else "")


def _is_held_out(image_id: str, job: Job) -> bool:
    """Decide by the image alone, so that all captions of an image are on one side, in whatever order."""
    digest = hashlib.sha256(f"{job.seed} {image_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < job.preset.held_out_share * 2**64
