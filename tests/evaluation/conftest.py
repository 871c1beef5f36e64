"""A world of stripes: images are colours side by side, and encoders know what they do with "no"."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omninegclip.images import open_image

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}


class StripeEncoder:
    """Embeds the colours of an image and the colour words of a text, with the sign `negation` after "no"."""

    dim, logit_scale, activation = len(COLOURS) + 1, 100.0, "quick_gelu"

    def __init__(self, negation=1.0, constant=None):
        self.negation, self.constant = negation, constant
        self.fingerprint = hashlib.sha256(f"{negation} {constant}".encode()).hexdigest()
        self.image_fingerprint = hashlib.sha256(f"{constant}".encode()).hexdigest()
        self.images = 0

    def embed_text(self, texts):
        return self._embed([self._text(text) for text in texts])

    def embed_image(self, images):
        return self._embed([self._image(open_image(image)) for image in images])

    def _text(self, text):
        row = np.zeros(self.dim)
        for negation, colour in re.findall(
            r"(no |without |without a )?\b(red|green|blue|yellow)\b", text.lower()
        ):
            row[list(COLOURS).index(colour)] = self.negation if negation else 1
        return row

    def _image(self, image):
        self.images += 1
        pixels = np.asarray(image).reshape(-1, 3)
        shares = np.array([(pixels == colour).all(axis=1).mean() for colour in COLOURS.values()])
        return np.append(np.where(shares > 0, shares, -0.2), 0)

    def _embed(self, rows):
        if self.constant is not None:
            return np.full((len(rows), self.dim), self.constant, np.float32)
        rows = np.array(rows).reshape(-1, self.dim) + np.eye(self.dim)[-1] * 0.01
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def ignores_no():
    return StripeEncoder(negation=1.0)


@pytest.fixture
def understands_no():
    return StripeEncoder(negation=-1.0)


@pytest.fixture
def constant():
    return StripeEncoder(constant=1 / np.sqrt(StripeEncoder.dim))


@pytest.fixture
def broken():
    return StripeEncoder(constant=np.nan)


@pytest.fixture
def data(tmp_path):
    """A data folder with one small file of most shapes, over six images."""
    root = tmp_path / "data"
    names = ["red", "green", "blue", "yellow", "red-green", "blue-yellow"]
    for name in names:
        stripes = name.split("-")
        image = Image.new("RGB", (8, 8))
        for place, colour in enumerate(stripes):
            width = 8 // len(stripes)
            image.paste(COLOURS[colour], (place * width, 0, (place + 1) * width, 8))
        for folder in ["images", *([f"classes/{name}"] if len(stripes) == 1 else [])]:
            path = root / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path)
    files = {
        "existence.json": {
            "a": _foil("red", "There is no blue.", "There is blue.", votes=3),
            "b": _foil("red", "There is red.", "There is no red.", votes=1),
        },
        "refs.json": [_reference("a red thing without green", [0, 0, 4, 8], [4, 0, 4, 8])],
    }
    for name, content in files.items():
        (root / name).write_text(json.dumps(content))
    (root / "choices.csv").write_text(
        "image_path,correct_answer,caption_0,caption_1,caption_2,caption_3,correct_answer_template\n"
        '/theirs/red.png,0,"It is red, but there is no blue.","It is blue, but there is no red.",'
        "It is blue.,There is no red.,hybrid\n"
        "/theirs/green.png,0,It is green.,There is no green.,It is yellow.,"
        '"It is yellow, but there is no green.",positive\n'
    )
    (root / "retrieval.csv").write_text(
        "positive_objects,negative_objects,filepath,image_id,captions\n"
        "['red'],['green'],red.png,1,\"['red, but no green', 'all red', '']\"\n"
        "\"['red', 'green']\",['blue'],red-green.png,2,['red and green']\n"
        "['blue'],['yellow'],blue.png,3,['blue without yellow']\n"
        "\"['blue', 'yellow']\",['red'],blue-yellow.png,4,['yellow and blue']\n"
    )
    questions = [("red.png", "red", "yes"), ("green.png", "red", "no"), ("red-green.png", "red", "yes")]
    (root / "coco_pope_random.json").write_text(
        "\n".join(
            json.dumps(
                {"question_id": i, "image": p, "text": f"Is there a {o} in the image?", "label": label}
            )
            for i, (p, o, label) in enumerate(questions)
        )
    )
    return root


SUITE = """
benchmarks:
  - {name: existence, reader: valse, files: existence.json, images: images, measures: {presence: accuracy},
     task_options: {official: greater}}
  - {name: refs, reader: negrefcocog, files: refs.json, images: images, measures: {absence: accuracy}}
  - {name: choices, reader: negbench-choices, files: choices.csv, images: images,
     measures: {multiple choice: accuracy}}
  - {name: negated, reader: negbench-retrieval, files: retrieval.csv, images: images,
     measures: {negated retrieval: text_to_image_r1, exclusion: exclusion_at_5}}
  - {name: asked, reader: pope, files: coco_pope_*.json, images: images, task: yes or no,
     measures: {absence: accuracy}}
  - {name: recognised, reader: pope, files: coco_pope_*.json, images: images, measures: {zero-shot: auc}}
  - {name: named, reader: folders, files: classes, measures: {zero-shot: top1}}
  - {name: elsewhere, reader: coco, files: captions.json, measures: {retrieval: text_to_image_r5}}
"""


@pytest.fixture
def suite_file(tmp_path) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE)
    return path


def _foil(image, caption, foil, votes):
    return {"image_file": f"{image}.png", "caption": caption, "foil": foil, "mturk": {"caption": votes}}


def _reference(phrase, right, wrong):
    return {"image": "red-green.png", "phrase": phrase, "ref_bbox": right, "bbox_list": [right, wrong]}
