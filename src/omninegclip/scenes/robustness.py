"""The robustness suite: negations that a model can't get right by knowing that "no" means absent.

Each question comes with a plain sentence about the same two images: a model that fails there does not see
the difference, and its figure says nothing of negation. Images and questions have seeds of their own.
"""

from typing import NamedTuple

from omninegclip.data.items import BenchmarkItem, ImageChoice, TextChoice
from omninegclip.errors import OmniNegClipError
from omninegclip.scenes.benchmark import image_ref
from omninegclip.scenes.claims import SceneCaption, holds
from omninegclip.scenes.probes import PROBES
from omninegclip.scenes.scene import Scene, rng


class RobustnessQuestion(NamedTuple):
    """What a probe drew, its images by number.

    `held_out` tells whether fine-tuning data never negates the object that the denial is about.
    """

    probe: str
    right: int
    wrong: int
    caption: SceneCaption
    foil: SceneCaption
    plain: SceneCaption
    held_out: bool


class Robustness(NamedTuple):
    """All questions; image numbers index `scenes`."""

    scenes: tuple[Scene, ...]
    seed: int
    questions: tuple[RobustnessQuestion, ...]

    def items(self) -> dict[str, dict[str, list[BenchmarkItem]]]:
        """Return each probe's items: the choice of the image, of the caption, and of the plain one's image.

        Their group `condition` is `seen` or `held_out`, and `all` for the plain caption's.
        """
        found: dict[str, dict[str, list[BenchmarkItem]]] = {}
        for index, each in enumerate(self.questions):
            name, groups = str(index), {"condition": "held_out" if each.held_out else "seen"}
            images = image_ref(each.right), image_ref(each.wrong)
            captions = each.caption.text, each.foil.text
            plain = 0 if holds(each.plain.statement, self.scenes[each.right]) else 1
            for question, item in (
                ("image_choice", ImageChoice(name, each.caption.text, images, 0, groups)),
                ("caption_choice", TextChoice(name, images[0], captions, 0, groups)),
                ("control", ImageChoice(name, each.plain.text, images, plain, {"condition": "all"})),
            ):
                found.setdefault(each.probe, {}).setdefault(question, []).append(item)
        return found


def make_robustness(seed: int, size: int = 400) -> Robustness:
    """Draw `size` questions for each of PROBES, for seen and for held-out objects in turn.

    Raises OmniNegClipError when `size` is below 4.
    """
    if size < 4:
        raise OmniNegClipError(f"--count must be 4 or more questions of each probe, not {size}.")
    scenes: list[Scene] = []
    questions = []
    for probe, draw in PROBES.items():
        for index in range(size):
            held_out = index % 2 == 1
            drawn = draw(rng("robustness", probe, seed, index), held_out, index // 2 % 2 == 1)
            right, wrong = len(scenes), len(scenes) + 1
            questions.append(
                RobustnessQuestion(probe, right, wrong, drawn.caption, drawn.foil, drawn.plain, held_out),
            )
            scenes += [drawn.right, drawn.wrong]
    return Robustness(tuple(scenes), seed, tuple(questions))
