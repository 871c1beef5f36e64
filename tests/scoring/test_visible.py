from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image
from tests.helpers.command_line import call

from omninegclip.captions.absence import ImageEvidence, plausible_absences
from omninegclip.captions.cooccurrence import Cooccurrence
from omninegclip.captions.lexicon import Mentions, english
from omninegclip.captions.negate import Captioned, CollectionStatistics
from omninegclip.errors import OmniNegClipError
from omninegclip.scoring.calibration import Calibration
from omninegclip.scoring.visible import look

STREET = frozenset({"street"})


class SeesDogs:
    """A model whose first dimension is dogs; every other text is the same."""

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[1, 0] if text == "a photo of a dog" else [0, 1] for text in texts], np.float32)

    def embed_image(self, images: Sequence[Path]) -> np.ndarray:
        return np.array([[1, 0] if "dog" in path.name else [0.5, 0.86] for path in images], np.float32)


def background() -> Calibration:
    angles = np.random.default_rng(0).normal(1.0, 0.1, 200)
    return Calibration(np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32), "x")


def looked(tmp_path: Path, *names: str) -> list[Captioned]:
    for name in names:
        (tmp_path / name).touch()
    images = [Captioned(name, name, ["A man on a street"]) for name in names]
    return look(images, tmp_path, english(), SeesDogs(), background())


def test_what_a_model_sees_is_likely_and_the_rest_is_not(tmp_path: Path) -> None:
    dog, other = looked(tmp_path, "dog.jpg", "other.jpg")
    seen = [image.seen or {} for image in (dog, other)]
    assert seen[0]["dog"] > 0.99
    assert seen[1].get("dog", 0) < 0.1


def test_nothing_that_is_seen_is_called_absent(tmp_path: Path) -> None:
    images = looked(tmp_path, "dog.jpg", "other.jpg")
    statistics = CollectionStatistics.of(images, english())
    unsafe = [statistics.evidence(image).unsafe for image in images]
    assert "dog" in unsafe[0]
    assert "dog" not in unsafe[1]


def test_of_what_is_not_seen_the_likelier_is_the_more_plausible() -> None:
    counts, named = Cooccurrence(), Mentions(STREET, STREET, STREET)
    for name in ("dog", "car"):
        both = frozenset({"street", name})
        for _ in range(30):
            counts.add([Mentions(both, both, both)] * 3)
    image = ImageEvidence(STREET, STREET, sure=STREET, captions=3, seen={"car": 0.05})
    fits = {
        found.concept.name: found.fit
        for found in plausible_absences(image, named, english(), counts, frozenset())
    }
    assert fits["car"] == pytest.approx(50 * fits["dog"])


def test_a_caption_without_its_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match=r"The caption of '7' names no image"):
        look([Captioned("7", None, ["A dog"])], tmp_path, english(), SeesDogs(), background())
    with pytest.raises(OmniNegClipError, match=r"gone.jpg does not exist: name the folder .* --images"):
        look([Captioned("7", "gone.jpg", ["A dog"])], tmp_path, english(), SeesDogs(), background())


def test_the_verb_screens(tmp_path: Path) -> None:
    rng = Random(0)
    for name in "ab":
        Image.new("RGB", (64, 64), tuple(rng.randrange(256) for _ in range(3))).save(tmp_path / f"{name}.png")
    captions = tmp_path / "captions.csv"
    captions.write_text("image,caption\na.png,A man walks down a street.\nb.png,A cat sits on a sofa.\n")
    code, output, errors = call(
        *("negate", str(captions), str(tmp_path / "out.parquet"), "--screen-with", "scenes-small"),
        *("--processes", "1"),
    )
    assert code == 0, errors
    assert "captions: 2" in output
