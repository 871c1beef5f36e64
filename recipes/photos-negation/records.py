"""Photos with captions to records that train: nothing held out is ever denied in them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from questions import held_out_objects

from omninegclip.captions.lexicon import Lexicon, Names, english
from omninegclip.captions.negate import Captioned, NegationOptions
from omninegclip.captions.pipeline import local, negate_file
from omninegclip.data.readers import flickr
from omninegclip.data.record import read_records, write_records
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file

TOKENS = "Flickr8k.token.txt"
Record = dict[str, Any]


def read_split(folder: Path, splits: Iterable[str]) -> list[Captioned]:
    """Return the captioned photos of some splits of Flickr8k.

    Raises OmniNegClipError when a file is missing or wrong, or a photo is not there.
    """
    found = []
    for split in splits:
        for item in flickr.read(folder / TOKENS, folder / f"{split}.txt"):
            if not (folder / "images" / item.image.path).is_file():
                raise OmniNegClipError(f"There is no photo {item.image.path} in {folder / 'images'}.")
            found.append(Captioned(item.id, item.image.path, item.captions))
    return found


def make_records(photos: Iterable[Captioned], work: Path, processes: int) -> Path:
    """Write both kinds of negation and contrast sets for every caption, once, and return the file.

    Nothing denies an object that is held out.
    """
    done = work / "training.parquet"
    if done.exists():
        return done
    captions, records = work / "captions.jsonl", work / "records.parquet"
    with atomic_file(captions) as temporary:
        lines = (
            json.dumps({"image": photo.image, "image_id": photo.image_id, "captions": list(photo.captions)})
            for photo in photos
        )
        temporary.write_text("\n".join(lines) + "\n")
    if not records.exists():
        negate_file(captions, records, None, NegationOptions(hard=True), local(processes))
    lexicon = english()
    held_out = held_out_objects(lexicon)
    write_records(done, (without(record, held_out, lexicon) for record in read_records(records)))
    return done


def without(record: Record, held_out: Names, lexicon: Lexicon) -> Record:
    """Return a record in which nothing that an objective reads denies an object that is held out."""

    def negates(text: str | None) -> bool:
        return text is not None and not held_out.isdisjoint(lexicon.mentions(text)[0])

    changed = dict(record)
    if negates(record["presence_denied"]):
        changed["presence_negated"] = None
    if record["absence_object"] in held_out:
        changed["absence_negated"] = None
    if record["contrast_set"] is not None:
        # where the truth alone is known, what is denied is told by the caption's own denial
        changed["contrast_set"] = [
            each
            for each in record["contrast_set"]
            if held_out.isdisjoint(each["negates"])
            and not (each["text"] == record["presence_negated"] and negates(record["presence_denied"]))
        ]
    return changed


def denied(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the concepts that the records deny, as a check of what they hold back."""
    lexicon = english()
    for record in records:
        if record["presence_negated"] is not None:
            yield from lexicon.mentions(record["presence_denied"])[0]
        if record["absence_negated"] is not None:
            yield record["absence_object"]
        for each in record["contrast_set"] or ():
            yield from each["negates"]
