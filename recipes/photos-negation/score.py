"""From questions and what scores texts to figures, under the names that those of the picture world have."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from questions import Questions

from omninegclip.data.items import ImageRef
from omninegclip.embeddings import Embeddings
from omninegclip.evaluation.scenes import Figures, Measure, score_items
from omninegclip.scoring.texts import ReadTexts

MEASURES = {
    "presence": Measure("choose text", {"accuracy": "presence_accuracy"}),
    "absence_choice": Measure("choose image", {"accuracy": "absence_choice_accuracy"}),
    "multiple_choice": Measure("choose text", {"accuracy": "multiple_choice_accuracy"}),
    "forgetting": Measure("choose text", {"accuracy": "forgetting_accuracy"}),
    "recognition": Measure("recognise", {"auc": "zero_shot_auc"}, {"template": "a photo of {}"}),
    "retrieval": Measure(
        "retrieve",
        {
            "text_to_image_r1": "retrieval_text_to_image_r1",
            "text_to_image_r5": "retrieval_text_to_image_r5",
            "text_to_image_r10": "retrieval_text_to_image_r10",
            "image_to_text_r1": "retrieval_image_to_text_r1",
            "image_to_text_r5": "retrieval_image_to_text_r5",
        },
    ),
}
SEARCHES = {
    "negated_retrieval": {
        "text_to_image_r1": "negated_retrieval_r1",
        "text_to_image_r5": "negated_retrieval_r5",
    },
    "search": {"text_to_image_r5": "search_r5", "exclusion_at_10": "exclusion_at_10"},
}
OF_ANOTHER_PHOTO = {
    name: Measure("choose text", {"accuracy": f"{name}_of_another_photo"})
    for name in ("presence", "multiple_choice")
}


def score(
    read: ReadTexts, questions: Questions, images: Mapping[ImageRef, NDArray[np.float32]], seed: int
) -> Figures:
    """Return the figures of what scores texts, given the embedding [d] of every image; all are searched.

    Groups are seen and held-out objects, asked in seen phrasings, the same in held-out ones, and every other
    breakdown of the questions. `..._of_another_photo` asks the same questions beside photos that they were
    not written for: what is right there is mostly guessed from the words. Intervals are Wilson's, and
    bootstrapped where figures are no proportions.
    """

    def shown(some: Sequence[ImageRef]) -> Embeddings:
        return np.stack([images[image] for image in some])

    def others(some: Sequence[ImageRef]) -> Embeddings:
        return np.roll(shown(some), len(some) // 2, axis=0)

    searches = {
        name: Measure("search", figures, {"gallery": tuple(images)}) for name, figures in SEARCHES.items()
    }
    asked = questions.by_measure()
    return score_items(asked, MEASURES | searches, shown, read, seed) | score_items(
        asked, OF_ANOTHER_PHOTO, others, read, seed
    )
