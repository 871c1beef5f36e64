"""The reader that is CLIP's own text tower: it goes on where a sentence ends, and says its halves.

At the end-of-text token of a sentence the fine-tuned tower says what the sentence affirms, and at each
further such token one thing that it denies, all as the embeddings that the tower made of these words before.
Where there is nothing more to say it says the opposite of what stands for anything, "a photo".
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from omninegclip.clip.fingerprint import fingerprint as hash_weights
from omninegclip.embeddings import Embeddings, EmbedText
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file
from omninegclip.objectives.reader import presence_logits
from omninegclip.reading.cues import cue_words
from omninegclip.reading.reading import ANYTHING, Halves, ReadHalves

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder, Encoder

FILE = "reader.safetensors"
DENIALS = 3  # that a sentence can have
SURE = 0.9  # how likely a denial must be, chosen on the validation world: in doubt nothing is denied


def with_slots(tokens: Sequence[int], longest: int) -> list[list[int]]:
    """Return a sentence, and the same with one, two and more further end-of-text tokens: a text per half.

    Args:
        tokens: of the sentence, the last of which ends it.
        longest: tokens of a text at most; what is behind is cut off.
    """
    end = tokens[-1]
    kept = [*tokens[: min(len(tokens) - 1, longest - 1 - DENIALS)], end]
    return [[*kept, *[end] * more] for more in range(1 + DENIALS)]


class SlotReading(NamedTuple):
    """What the tower says of T sentences: what each affirms, and up to DENIALS things that it denies.

    Attributes:
        vectors: [T, 1 + DENIALS, d], L2-normalised.
        there: [T, 1 + DENIALS] probabilities that there is something, and that the vector says it.
    """

    vectors: Embeddings
    there: NDArray[np.float32]


class LearnedReader:
    """A model's text tower beside a copy of it with other weights, which reads for it."""

    def __init__(self, encoder: "ClipEncoder", weights: Mapping[str, Tensor]) -> None:
        """Hold a model, and share with it all but the tensors of these names.

        Raises OmniNegClipError for a model that has no such tensors.
        """
        self.nothing = nothing_of(encoder)
        own = dict(encoder.model.named_parameters())
        for name, tensor in weights.items():
            if name not in own or own[name].shape != tensor.shape:
                raise OmniNegClipError(f"The reader has a {name} that does not fit into the model.")
        shared = {id(tensor): tensor for name, tensor in own.items() if name not in weights}
        model = copy.deepcopy(encoder.model, shared)
        with torch.no_grad():
            for name, tensor in weights.items():
                model.get_parameter(name).copy_(tensor)
        self._tower = copy.copy(encoder)
        self._tower.model = model

    def read(self, texts: Sequence[str]) -> SlotReading:
        """Return what is said in every slot of every sentence."""
        longest = self._tower.context_length
        tokens = [each for text in self._tower.tokenize(texts) for each in with_slots(text, longest)]
        vectors = self._tower.embed_tokens(tokens).reshape(len(texts), 1 + DENIALS, self._tower.dim)
        logits = presence_logits(torch.from_numpy(vectors), torch.from_numpy(self.nothing))
        return SlotReading(vectors, logits.sigmoid().numpy())

    def halves(self, texts: Sequence[str], embed_text: EmbedText) -> Halves:
        """Return what texts affirm and negate.

        One without a sure denial, or without any word that can deny, keeps its own embedding.
        """
        row = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        said = SlotReading(*(part[[row[text] for text in texts]] for part in self.read(list(row))))
        may_deny = np.array([bool(cue_words(text)) for text in texts], bool)
        denied = (said.there[:, 1:] > SURE) & may_deny[:, None]
        denies, affirms = denied.any(axis=1), said.there[:, 0] > 0.5
        vectors = embed_text(texts).copy()
        vectors[denies & affirms] = said.vectors[denies & affirms, 0]
        vectors[denies & ~affirms] = -self.nothing
        return Halves(
            vectors,
            affirms | ~denies,
            said.vectors[:, 1:][denied],
            np.concatenate([[0], np.cumsum(denied.sum(axis=1))]),
            np.zeros(len(texts), np.int8),
        )


def nothing_of(encoder: "ClipEncoder") -> Embeddings:
    """Return the vector [d] that says that there is no such half."""
    return np.asarray(-encoder.embed_text([ANYTHING])[0])


def save_reader(path: Path, weights: Mapping[str, Tensor], base: str, fingerprint: str) -> None:
    """Write the weights of a reader to the file `path`, whole or not at all.

    Args:
        path: of the file.
        weights: the tensors in which it differs from its base, by their names there.
        base: the name of the model that it reads for.
        fingerprint: of that model.

    Raises:
        OmniNegClipError: the file can't be written.
    """
    whole = {name: weight.detach().to("cpu", torch.float32).contiguous() for name, weight in weights.items()}
    with atomic_file(path) as partial:
        facts = {"base": base, "base_fingerprint": fingerprint, "fingerprint": hash_weights(whole, ())}
        save_file(whole, partial, facts)


def reader_file(path: Path) -> Path:
    """Return the file of a reader, given as that or as the folder that holds it."""
    return path / FILE if path.is_dir() else path


def load_reader(path: Path, encoder: "Encoder") -> LearnedReader:
    """Read a reader, given as its file or the folder that holds it.

    Raises OmniNegClipError for a file that is missing or damaged, or when it was made for another model.
    """
    from omninegclip.clip.encoder import ClipEncoder
    from omninegclip.clip.parity import in_fp32

    file = reader_file(path)
    try:
        with safe_open(file, framework="pt") as stored:
            facts = stored.metadata() or {}
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise OmniNegClipError(
            f"{file} does not exist: `omninegclip train --preset scenes-reader` makes a reader."
        ) from error
    except (SafetensorError, OSError) as error:
        raise OmniNegClipError(f"{file} is not a reader: {error}.") from error
    if "base_fingerprint" not in facts:
        raise OmniNegClipError(f"{file} is not a reader: it does not say for which model.")
    if facts.get("fingerprint") != hash_weights(weights, ()):
        raise OmniNegClipError(f"{file} is damaged: its weights are not what was written; train it again.")
    if not isinstance(encoder, ClipEncoder):
        raise OmniNegClipError(f"{file} reads with a text tower, and this model has none.")
    if facts["base_fingerprint"] != in_fp32(encoder).fingerprint:
        raise OmniNegClipError(
            f"{file} was made for another model, {facts.get('base')}: train one for this model with "
            "`omninegclip train`, the model being its --model."
        )
    return LearnedReader(encoder, weights)


def learned_reader(path: Path, encoder: "Encoder", embed_text: EmbedText) -> ReadHalves:
    """Return what reads with the reader in a file or folder; `embed_text` embeds what denies nothing."""
    reader = load_reader(path, encoder)
    return lambda texts: reader.halves(texts, embed_text)
