"""What any text scores on images that nobody labelled, so that cosines of texts can be compared."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from omninegclip.clip.io.shipped import SHIPPED
from omninegclip.data.features import ImageEncoder
from omninegclip.data.sources import readable
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject, atomic_file
from omninegclip.progress import track
from omninegclip.scoring.halves import DEFAULT, Gate

FILE = "calibration.safetensors"
_FACTS = "calibration"  # the entry of the file's metadata; the oldest files have its parts as entries
FEWEST = 50  # below, a standard deviation is off by more than a tenth
_BLOCK = 4096  # texts
LARGEST = 1000.0  # steepness and weight of a gate
_FLAT = 1e-6  # the least standard deviation of a cosine


class Calibration(NamedTuple):
    """A background: embeddings of images that show what a collection shows, without labels.

    Attributes:
        background: [m, d], L2-normalised.
        fingerprint: of the image tower that embedded them.
        nouns: what such images show, to look through them for where a text says "only".
        gate: the numbers of the score for the model, where others than its defaults were chosen.
    """

    background: Embeddings
    fingerprint: str
    nouns: tuple[str, ...] = ()
    gate: Gate = DEFAULT

    def moments(self, texts: Embeddings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the mean [T] and standard deviation [T] of the cosines of texts [T, d] with the background.

        Raises ValueError when texts and background have different widths.
        """
        if texts.shape[1] != self.background.shape[1]:
            raise ValueError(f"texts have {texts.shape[1]} dimensions, not {self.background.shape[1]}")
        mean, deviation = np.empty((2, len(texts)), np.float32)
        for start in range(0, len(texts), _BLOCK):  # all cosines at once would fill the memory
            part = slice(start, start + _BLOCK)
            cosines = texts[part] @ self.background.T
            mean[part], deviation[part] = cosines.mean(axis=1), cosines.std(axis=1)
        return mean, np.maximum(deviation, _FLAT)

    def correlations(self, text: Embeddings, others: Embeddings) -> NDArray[np.float32]:
        """Return the correlation [V] of the background's cosines with a text [d] and with others [V, d]."""
        one, many = self.background @ text, others @ self.background.T
        (mean,), (deviation,) = self.moments(text[None])
        means, deviations = self.moments(others)
        return np.asarray(((one - mean) @ (many.T - means)) / (len(one) * deviation * deviations))

    def save(self, path: Path) -> None:
        """Write the file `path`, whole or not at all. Raises OmniNegClipError when it can't be written."""
        with atomic_file(path) as partial:
            facts: JsonObject = {"image_fingerprint": self.fingerprint, "sha256": _digest(self.background)}
            facts |= {"nouns": list(self.nouns)} if self.nouns else {}
            facts |= {"gate": self.gate._asdict()} if self.gate != DEFAULT else {}
            metadata = {_FACTS: json.dumps(facts)}  # one entry: the order of several is random in the file
            save_file({"background": self.background}, partial, metadata)


def calibrate(
    encoder: ImageEncoder, images: Sequence[Path], nouns: Sequence[str] = ()
) -> tuple[Calibration, dict[Path, str]]:
    """Embed images, which show things of these nouns, for a background, and say why some can't be read.

    Raises OmniNegClipError when fewer than FEWEST can be read.
    """
    vectors, broken = [], {}
    for path in track(images, "Embedding the background", len(images)):
        try:
            vectors.append(encoder.embed_image([path]))
        except OmniNegClipError as error:
            broken[path] = str(error)
    if len(vectors) < FEWEST:
        raise OmniNegClipError(
            f"{len(vectors)} images can be read and {FEWEST} are needed: the spread of a text's cosines "
            f"can't be told from so few. {next(iter(broken.values()), '')}".strip()
        )
    background = np.concatenate(vectors)
    if not _are_units(background):
        raise OmniNegClipError("The model's features of these images are not finite: check its weights.")
    return Calibration(background, encoder.image_fingerprint, tuple(nouns)), broken


def read_nouns(path: Path) -> tuple[str, ...]:
    """Read a file with a noun a line, such as "dog" or "palm tree".

    Raises OmniNegClipError when it can't be read, holds none, or a line is no noun.
    """
    with readable(path):
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    for number, line in enumerate(lines, 1):
        if line and not _is_noun(line):
            raise OmniNegClipError(
                f'{path}, line {number}: {line!r} is no noun such as "dog" or "palm tree".'
            )
    if not any(lines):
        raise OmniNegClipError(f"{path} holds no noun: write one a line.")
    return tuple(dict.fromkeys(line for line in lines if line))


def draw(images: Sequence[Path], count: int, seed: int) -> list[Path]:
    """Draw `count` of the images, or take all where there are not so many."""
    return Random(seed).sample(sorted(images), min(count, len(images)))  # noqa: S311


def calibration_file(model: str, given: Path | None = None) -> Path | None:
    """Return the file given, else the one in a model's folder, None where there is neither."""
    own = Path(model) / FILE
    return given or (own if model not in SHIPPED and os.path.lexists(own) else None)


def calibration_of(model: str, fingerprint: str, given: Path | None = None) -> Calibration:
    """Return the calibration for a model: the one given, else its own, else the one that ships for its tower.

    Args:
        model: the name of a model; a folder may hold a calibration.
        fingerprint: of its image tower.
        given: a file to take instead.

    Raises:
        OmniNegClipError: there is none, or it is damaged or of another image tower.
    """
    if file := calibration_file(model, given):
        return load_calibration(file, fingerprint)
    if found := shipped_calibration(fingerprint):
        return found
    raise OmniNegClipError(
        f"{model} has no {FILE}, without which halves can't be scored: make one with `omninegclip calibrate` "
        "from images like those to be searched, and give it with --calibration or put it into the model's "
        "folder."
    )


def shipped_calibration(fingerprint: str) -> Calibration | None:
    """Return the calibration that ships for an image tower, None where none does."""
    for folder in SHIPPED.values():
        with suppress(OmniNegClipError):
            return load_calibration(Path(str(files("omninegclip"))) / folder / FILE, fingerprint)
    return None


def load_calibration(path: Path, fingerprint: str) -> Calibration:
    """Read a calibration for the image tower with this fingerprint.

    Raises OmniNegClipError for a file that is missing, damaged, or of another image tower.
    """
    if not path.exists():
        raise OmniNegClipError(f"{path} does not exist: `omninegclip calibrate` makes it.")
    try:
        with readable(path), safe_open(path, framework="np") as stored:
            metadata, background = stored.metadata() or {}, stored.get_tensor("background")
            facts = dict(json.loads(metadata[_FACTS])) if _FACTS in metadata else metadata
    except (SafetensorError, TypeError, ValueError, RecursionError) as error:  # numpy has not every type
        raise OmniNegClipError(f"{path} is not a calibration: {error}.") from error
    if background.dtype != np.float32 or background.ndim != 2 or not _are_units(background):
        raise OmniNegClipError(f"{path} is not a calibration: its background is no table of embeddings.")
    if (made_for := facts.get("image_fingerprint", "")) != fingerprint:
        raise OmniNegClipError(
            f"{path} is of another image tower than this model's: make one with `omninegclip calibrate`."
        )
    if not isinstance(nouns := facts.get("nouns", []), list) or not all(map(_is_noun, nouns)):
        raise OmniNegClipError(f"{path} is not a calibration: its nouns are no list of words.")
    if facts.get("sha256") not in (None, _digest(background)):
        raise OmniNegClipError(f"{path} is damaged: make it again with `omninegclip calibrate`.")
    return Calibration(background, made_for, tuple(nouns), _gate_of(path, facts))


def _gate_of(path: Path, facts: Mapping[str, object]) -> Gate:
    said = facts.get("gate", DEFAULT._asdict())
    if not isinstance(said, dict) or said.keys() != DEFAULT._asdict().keys():
        raise OmniNegClipError(f"{path} is not a calibration: its gate has not the numbers of one.")
    if not all(type(each) in (int, float) and 0 <= abs(each) < np.inf for each in said.values()):
        raise OmniNegClipError(f"{path} is not a calibration: the numbers of its gate are none.")
    if not (1 / LARGEST <= said["steepness"] <= LARGEST and 0 <= said["weight"] <= LARGEST):
        raise OmniNegClipError(f"{path} is not a calibration: its gate would let nothing pass, or all.")
    try:
        return Gate(**said).but(said["threshold"], said["level"])
    except OmniNegClipError as error:
        raise OmniNegClipError(f"{path} is not a calibration. {error}") from error


def _is_noun(text: object) -> bool:
    """Tell whether a text is a noun such as "dog" or "palm tree"."""
    words = text.split() if isinstance(text, str) else []
    return bool(words) and all(word.replace("-", "").replace("'", "").isalpha() for word in words)


def _are_units(vectors: Embeddings) -> bool:
    with np.errstate(all="ignore"):  # damaged numbers may be huge
        lengths = np.linalg.norm(vectors, axis=1)
    return bool(vectors.size and (np.abs(lengths - 1) < 1e-3).all())  # false for what is not finite


def _digest(background: Embeddings) -> str:
    return hashlib.sha256(background.tobytes()).hexdigest()
