"""From questions and a model to figures, under the names that those of the picture world have."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from questions import Questions

from omninegclip.clip.encoder import Embeddings, Encoder
from omninegclip.data.items import ImageRef, SearchQuery
from omninegclip.evaluation.intervals import Estimate, bootstrap_mean, proportion
from omninegclip.evaluation.metrics import exclusion_at_k, recall_at_k
from omninegclip.evaluation.scenes import Figures
from omninegclip.evaluation.tasks import build

CONDITIONS = {  # objects, phrasing
    "seen": ("seen", "seen"),
    "held_out": ("held_out", "seen"),
    "held_out_phrasings": ("seen", "unseen"),
    "held_out_both": ("held_out", "unseen"),
}
CHOICES = {  # measure -> the name of its figure, the kind of its task and options of it
    "presence": ("presence_accuracy", "choose text", {}),
    "absence_choice": ("absence_choice_accuracy", "choose image", {}),
    "multiple_choice": ("multiple_choice_accuracy", "choose text", {}),
    "forgetting": ("forgetting_accuracy", "choose text", {}),
    "recognition": ("zero_shot_auc", "recognise", {"template": "a photo of {}"}),
}
Images = Mapping[ImageRef, NDArray[np.float32]]


def score(encoder: Encoder, questions: Questions, images: Images, seed: int) -> Figures:
    """Return the figures of a model, given the embedding [d] of every image; all of them are searched.

    Groups are seen and held-out objects, asked in seen phrasings, the same in held-out ones, and every other
    breakdown of the questions. `..._of_another_photo` asks the same questions beside photos that they were
    not written for: what is right there is mostly guessed from the words. Intervals are Wilson's, and
    bootstrapped where figures are no proportions.
    """
    found: Figures = {}
    asked = questions.by_measure()
    for measure, (name, kind, options) in CHOICES.items():
        if measure in asked:
            task = build(asked[measure], kind, **options)
            shown = np.stack([images[image] for image in task.images])
            texts = _embed(encoder, task.texts)
            (figure,) = task.score(shown, texts, "strict")
            found[name] = _by_group(figure.values, figure.groups, figure.proportion, seed)
            if measure in ("presence", "multiple_choice"):
                others = np.roll(shown, len(shown) // 2, axis=0)
                (figure,) = task.score(others, texts, "strict")
                values = _by_group(figure.values, figure.groups, figure.proportion, seed)
                found[f"{measure}_of_another_photo"] = values
    gallery = np.stack(list(images.values()))
    place = {image: row for row, image in enumerate(images)}
    if questions.retrieval:
        found |= _retrieval(encoder, questions.retrieval, gallery, place)
    if questions.negated_retrieval:
        hits = _found(encoder, questions.negated_retrieval, gallery, place)
        for k in (1, 5):
            found[f"negated_retrieval_r{k}"] = _of_queries(questions.negated_retrieval, hits[k], True, seed)
    if questions.search:
        hits = _found(encoder, questions.search, gallery, place)
        found["search_r5"] = _of_queries(questions.search, hits[5], True, seed)
        shares = _excluded(encoder, questions.search, gallery, place)
        found["exclusion_at_10"] = _of_queries(questions.search, shares, False, seed)
    return found


def _retrieval(
    encoder: Encoder, queries: Sequence[SearchQuery], gallery: Embeddings, place: Mapping[ImageRef, int]
) -> Figures:
    """Return both directions; each photo has one caption here."""
    hits = _found(encoder, queries, gallery, place)
    figures = {f"retrieval_text_to_image_r{k}": {"seen": proportion(hits[k])} for k in (1, 5, 10)}
    texts = _embed(encoder, [query.text for query in queries])
    rows = np.array([place[query.relevant[0]] for query in queries])
    back = recall_at_k(gallery[rows], texts, np.arange(len(queries)), (1, 5))
    return figures | {f"retrieval_image_to_text_r{k}": {"seen": proportion(back[k])} for k in (1, 5)}


def _found(
    encoder: Encoder, queries: Sequence[SearchQuery], gallery: Embeddings, place: Mapping[ImageRef, int]
) -> dict[int, NDArray[np.float64]]:
    relevant = [np.array([place[image] for image in query.relevant]) for query in queries]
    return recall_at_k(_embed(encoder, [query.text for query in queries]), gallery, relevant, (1, 5, 10))


def _excluded(
    encoder: Encoder, queries: Sequence[SearchQuery], gallery: Embeddings, place: Mapping[ImageRef, int]
) -> NDArray[np.float64]:
    holds = np.zeros((len(queries), len(gallery)), dtype=np.bool_)
    for row, query in enumerate(queries):
        holds[row, [place[image] for image in query.excluded]] = True
    return exclusion_at_k(_embed(encoder, [query.text for query in queries]), gallery, holds, 10)


def _of_queries(
    queries: Sequence[SearchQuery], values: NDArray[np.float64], proportions: bool, seed: int
) -> dict[str, Estimate]:
    names = queries[0].groups
    groups = {name: [query.groups[name] for query in queries] for name in names}
    return _by_group(values, groups, proportions, seed)


def _by_group(
    values: NDArray[np.float64], groups: Mapping[str, Sequence[str]], proportions: bool, seed: int
) -> dict[str, Estimate]:
    """Return the estimate of each condition, or of seen and held-out objects, and of other breakdowns."""
    masks: dict[str, NDArray[np.bool_]] = {}
    objects = np.array(groups.get("objects", ["seen"] * len(values)))
    phrasings = np.array(groups.get("phrasing", ["seen"] * len(values)))
    for name, (which, phrasing) in CONDITIONS.items():
        masks[name] = (objects == which) & (phrasings == phrasing)
    for breakdown in ("template", "denied"):
        kinds = np.array(groups.get(breakdown, [""] * len(values)))
        for kind in sorted(set(kinds.tolist()) - {""}):
            masks[kind] = kinds == kind
            if breakdown == "template":
                masks[f"{kind}, held-out phrasings"] = masks[kind] & (phrasings == "unseen")
    estimate = proportion if proportions else lambda some: bootstrap_mean(some, seed)
    return {name: estimate(values[mask]) for name, mask in masks.items() if mask.any()}


def _embed(encoder: Encoder, texts: Sequence[str]) -> Embeddings:
    """Embed every distinct text once."""
    place = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    return encoder.embed_text(list(place))[[place[text] for text in texts]]
