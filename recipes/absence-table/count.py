"""Count what captions of COCO name together, as the table that ships for collections too small to count.

Command:   python recipes/absence-table/count.py captions_val2017.json
Cost:      half a minute on one core
Expected:  src/omninegclip/captions/coco_mentions.json as it is in the repository: 5,000 images, 0.2 MB

The file holds no caption, only how many of an image's first five name each concept of the lexicon. It must
be made again when the lexicon changes. COCO's annotations are under CC BY 4.0 (COCO Consortium,
https://cocodataset.org), and so is what is counted in them.
"""

import argparse
import json
from pathlib import Path

from omninegclip.captions.collection import read_captioned
from omninegclip.captions.cooccurrence import TABLE, hints
from omninegclip.captions.lexicon import english
from omninegclip.captions.screening import refusal, tidy
from omninegclip.files import atomic_file

CAPTIONS = 5  # each image of COCO has as many, a few one or two more


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("captions", type=Path)
    options.add_argument("--out", type=Path, default=TABLE)
    chosen = options.parse_args()
    lexicon = english()
    names = sorted(lexicon.concepts)
    place = {name: at for at, name in enumerate(names)}
    lines = []
    for image in read_captioned(chosen.captions):
        texts = [tidy(caption) for caption in image.captions[:CAPTIONS]]
        mentioned = hints([lexicon.mentions(text) for text in texts if refusal(text) != "already negated"])
        lines.append(" ".join(f"{place[name]}:{times}" for name, times in sorted(mentioned.items())))
    with atomic_file(chosen.out) as temporary:
        table = {"captions": CAPTIONS, "names": names, "images": lines}
        temporary.write_text(json.dumps(table, indent=0) + "\n", "utf-8")
    print(f"{len(lines):,} images, {len(names)} concepts: {chosen.out}")


if __name__ == "__main__":
    main()
