"""Train a byte-pair tokenizer in CLIP's format on sentences of the picture world.

Command:   python recipes/scenes-small/tokenizer.py TOKENIZER
Cost:      a minute on one core

The tokenizer that ships was made like this, from an earlier wording of the sentences, and pretrain.py takes
that one unless --tokenizer names another.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import pre_tokenizers, trainers
from transformers import CLIPTokenizer

from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_folder
from omninegclip.progress import track
from omninegclip.scenes.grammar import affirmative, mention
from omninegclip.scenes.negation import PHRASINGS, affirmed_part, negate
from omninegclip.scenes.scene import plausible_kind, rng, sample_scene

SCENES, MERGES, CONTEXT_LENGTH = 40_000, 1600, 77


def sentences(count: int = SCENES) -> Iterator[str]:
    """Yield an affirmative and a negated caption of each of `count` scenes, so that every word is a token."""
    for index in track(range(count), "Writing sentences", count):
        random = rng("tokenizer", index)
        scene = sample_scene(random)
        yield affirmative(random, scene).text
        affirmed = affirmed_part(random, scene, mention(random, scene))
        denied = plausible_kind(random, scene.place, scene.kinds)
        yield negate(random, affirmed, denied, random.choice(PHRASINGS)).text


def train_tokenizer(texts: Iterable[str]) -> CLIPTokenizer:
    """Learn merges and lay the vocabulary out as CLIP does: bytes, word-final bytes, merges, specials."""
    draft = CLIPTokenizer().backend_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=2 * len(alphabet) + MERGES,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    draft.train_from_iterator(texts, trainer)
    merges = [tuple(pair) for pair in json.loads(draft.to_str())["model"]["merges"]]
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), *map("".join, merges)]
    tokens = [*dict.fromkeys(tokens), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CONTEXT_LENGTH)


if __name__ == "__main__":
    try:
        with atomic_folder(Path(sys.argv[1])) as partial:
            train_tokenizer(sentences()).save_pretrained(partial)
    except OmniNegClipError as error:
        sys.exit(str(error))
