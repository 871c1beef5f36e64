"""What is trained on: the authors' rows where they are to be had, and rows of the same kinds where not."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from omninegclip import __version__
from omninegclip.captions.negate import NegationKind, NegationOptions
from omninegclip.captions.pipeline import local, negate_file
from omninegclip.data.image_lookup import ImageRoot
from omninegclip.data.readers import ccneg, coco
from omninegclip.data.record import read_records, write_records
from omninegclip.data.sources import Row, load_json
from omninegclip.errors import OmniNegClipError
from omninegclip.files import hash_file, read_intact, write_sealed
from omninegclip.progress import console

PHOTOS = "coco/train2014"  # these and the following lie below WORK/data
CCNEG, CCNEG_IMAGES = "ccneg/ccneg_preprocessed.pt", ("ccneg", "ccneg/ccneg_images")
NEGATIONCLIP = "negationclip/negationclip_captions_train2014.json"
CAPTIONS, BOXES = "coco/annotations/captions_train2014.json", "coco/annotations/instances_train2014.json"
SEAL = "records.json"
MADE = "made by `negate` from COCO train2014's captions and boxes"


class TrainingSources(NamedTuple):
    """Records to train on.

    Attributes:
        pairs: files of presence- and absence-based rows.
        contrast: a file of contrast sets; None where no recipe asks for them.
        origins: what is in them -> where it is from.
    """

    pairs: tuple[Path, ...]
    contrast: Path | None
    origins: dict[str, str]


def make_records(work: Path, contrast: bool, processes: int) -> TrainingSources:
    """Write the records below `work`, unless that was done of the same files.

    Presence-based rows are CC-Neg's where it is there, absence-based ones NegationCLIP's; what is not there
    is made by rules. Contrast sets are always made.

    Raises OmniNegClipError when the photos are not there, or nothing can be made.
    """
    data, folder = work / "data", work / "records"
    if not (data / PHOTOS).is_dir():
        raise OmniNegClipError(f"{data / PHOTOS} is not there, without which nothing can be trained.")
    origins = _origins(data, contrast)
    plan = {"version": __version__, "origins": origins}
    made = read_intact(folder / SEAL)
    if made is None or made["plan"] != plan or not _whole(folder, made["files"]):
        files = _write(data, folder, origins, processes)
        write_sealed(folder / SEAL, {"plan": plan, "files": files})
    pairs = tuple(folder / f"{kind}.parquet" for kind in ("presence", "absence"))
    return TrainingSources(pairs, folder / "contrast.parquet" if contrast else None, origins)


def _origins(data: Path, contrast: bool) -> dict[str, str]:
    has_ccneg = (data / CCNEG).exists() and any((data / each).is_dir() for each in CCNEG_IMAGES[1:])
    origins = {
        "presence": "CC-Neg without its last 40,000 rows" if has_ccneg else MADE,
        "absence": "NegationCLIP's captions of COCO train2014" if (data / NEGATIONCLIP).exists() else MADE,
    }
    return origins | ({"contrast": MADE} if contrast else {})


def _write(data: Path, folder: Path, origins: dict[str, str], processes: int) -> dict[str, str]:
    """Write each kind of rows and return the hashes of the files."""
    hashes = {}
    for kind, origin in origins.items():
        path = folder / f"{kind}.parquet"
        if origin == MADE:
            rows = _made(data, folder, kind, processes)
            root = ImageRoot([data / PHOTOS])
        elif kind == "presence":
            rows, root = _ccneg(data / CCNEG), ImageRoot([data / each for each in CCNEG_IMAGES])
        else:
            rows, root = _negationclip(data / NEGATIONCLIP), ImageRoot([data / PHOTOS])
        written = write_records(path, _located(rows, root, data, kind))
        console.print(f"{written:,} {kind} rows: {origin}.")
        hashes[path.name] = hash_file(path)
    return hashes


def _whole(folder: Path, files: dict[str, str]) -> bool:
    return all(
        (folder / name).is_file() and hash_file(folder / name) == known for name, known in files.items()
    )


def _made(data: Path, folder: Path, kind: str, processes: int) -> Iterator[Row]:
    """Yield rows that rules make; their file stays, since a killed call goes on from its shards."""
    kinds: dict[str, NegationKind] = {"presence": "presence", "absence": "absence", "contrast": "both"}
    out = folder / f"negate-{kind}.parquet"
    if not out.exists():
        options = NegationOptions(kind=kinds[kind], hard=kind == "contrast")
        negate_file(data / CAPTIONS, out, data / BOXES, options, local(processes))
    wanted = ("presence_negated", "absence_negated", "contrast_set")
    yield from (row for row in read_records(out) if any(row.get(name) for name in wanted))


def _ccneg(path: Path) -> Iterator[Row]:
    rows = list(ccneg.records(path))
    yield from rows[: -ccneg.HELD_OUT]


def _negationclip(path: Path) -> Iterator[Row]:
    content = load_json(path, dict)
    names = coco.file_names(content, path)
    plain, negated = (coco.annotations(content, path, key) for key in ("caption", "updated_caption"))
    for (where, image, caption), (_, _, updated) in zip(plain, negated, strict=True):
        if image not in names:
            raise OmniNegClipError(f"{where} has the image_id {image}, which is not among the images.")
        yield {
            "image": names[image],
            "image_id": image,
            "caption": caption,
            "presence_negated": None,
            "absence_negated": updated,
        }


def _located(rows: Iterable[Row], root: ImageRoot, data: Path, kind: str) -> Iterator[Row]:
    """Yield rows whose images are there, by their path below `data`; say how many are not."""
    missing = 0
    for row in rows:
        if (place := root.find(row["image"])) is None:
            missing += 1
        else:
            yield row | {"image": place.relative_to(data).as_posix()}
    if missing:
        console.print(f"{missing:,} {kind} rows are left out: their images are not there.")


def rows_in(paths: Sequence[Path]) -> dict[str, int]:
    """Return how many rows each file of records holds."""
    import pyarrow.parquet as pq

    return {path.name: pq.ParquetFile(path).metadata.num_rows for path in paths}
