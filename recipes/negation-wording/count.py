"""Count how captions that people wrote say that something is not there, wording by wording.

Command:   python recipes/negation-wording/count.py captions_val2017.json Flickr8k.token.txt
Cost:      a few seconds on one core
Expected:  the counts beside the wordings in src/omninegclip/captions/phrasing.py

A noun may be up to three words. A wording that goes on ("with no dog in sight") does not count for the one
that it begins with ("with no dog").
"""

import argparse
import re
from pathlib import Path

from omninegclip.captions import phrasing
from omninegclip.captions.collection import read_captioned
from omninegclip.captions.screening import tidy

NOUN = r"(?:[a-z-]+ ){0,2}?[a-z-]+"
GOES_ON = r"(?! (?:in (?:sight|view|it)|on it|around|nearby|visible|in the background|to be seen))"
FIELDS = {
    "noun": NOUN,
    "a_noun": rf"(?:(?:an?|any) )?{NOUN}",
    "one": NOUN,
    "an_one": rf"(?:an?|one) {NOUN}",
    "is": "(?:is|are)",
    "has": "(?:has|have)",
    "does": "(?:does|do)",
}


def pattern(wording: str) -> re.Pattern[str]:
    """Return what finds a wording, with any noun, in a caption in small letters."""
    open_ended = wording.endswith("noun}")
    text = wording.format(**FIELDS)
    return re.compile(rf"\b{text}\b{GOES_ON if open_ended else ''}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("captions", type=Path, nargs="+")
    chosen = options.parse_args()
    images = [image for path in chosen.captions for image in read_captioned(path)]
    captions = [tidy(caption).lower() for image in images for caption in image.captions]
    for place in ("BARE", "END", "END_OF_SENTENCE", "PERSON", "PLACE", "SURFACE", "CLAUSE", "LIST"):
        for wording in getattr(phrasing, place):
            said = sum(pattern(wording).search(caption) is not None for caption in captions)
            print(f"{place}\t{wording}\t{said}")


if __name__ == "__main__":
    main()
