"""Questions about captioned photos, with answers that captions or labels give.

A photo holds an object if a caption calls it by its own noun, and lacks it if no caption names it, a synonym,
anything broader or narrower, or a word that implies it. Objects that people often leave unsaid are not asked
for. Answers are as noisy as that; docs/photos.md says how noisy. With labels, a photo lacks what its labels
tell apart and do not name.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from random import Random

from omninegclip.captions.lexicon import Lexicon
from omninegclip.captions.negate import (
    Captioned,
    CollectionStatistics,
    NegationOptions,
    certain_concepts,
    negate,
)
from omninegclip.captions.templates import FORMS, Template, fill_in, multiple_choice, with_article
from omninegclip.data.items import (
    BenchmarkItem,
    CaptionedImage,
    ImageChoice,
    ImageRef,
    ObjectQuestion,
    SearchQuery,
    TextChoice,
)
from omninegclip.scenes.benchmark import Condition

EVERY = 6  # one kind of object in six is never denied in training
SEARCHED = 3  # photos at least that a search has to find, and that hold both things
OF_EACH = 3  # questions of a kind about one photo

# Never written by omninegclip negate: two with words that deny nowhere in it, two with known words elsewhere.
UNSEEN = (
    Template("{a} {a_is} included in this image", "{b} {b_is} not included in this image",
         "{a} {a_is} included in this image yet {b} {b_is} not"),
    Template("here {a_is} {a}", "{b} {b_is} missing here", "here {a_is} {a} and {b} {b_is} missing"),
    Template("the view has {a}", "the view is free of any {no_b}",
             "the view has {a} and is free of any {no_b}"),
    Template("this image features {a}", "this image does not feature {b}",
         "this image features {a} though not {b}"),
)  # fmt: skip
PHRASINGS = {"seen": FORMS, "unseen": UNSEEN}


@dataclass
class Questions:
    """Questions by measure, each item with its group: what is held out of training, objects or phrasings."""

    presence: list[TextChoice] = field(default_factory=list)
    absence_choice: list[ImageChoice] = field(default_factory=list)
    multiple_choice: list[TextChoice] = field(default_factory=list)
    forgetting: list[TextChoice] = field(default_factory=list)
    retrieval: list[CaptionedImage] = field(default_factory=list)
    negated_retrieval: list[SearchQuery] = field(default_factory=list)
    search: list[SearchQuery] = field(default_factory=list)
    recognition: list[ObjectQuestion] = field(default_factory=list)

    def by_measure(self) -> dict[str, Sequence[BenchmarkItem]]:
        """Return the kinds of questions of which there is one at least."""
        return {name: items for name, items in vars(self).items() if items}


@dataclass(frozen=True)
class Shown:
    """A photo, the objects that it surely holds, and those that it surely lacks."""

    photo: Captioned
    holds: tuple[str, ...]
    lacks: tuple[str, ...]

    @property
    def image(self) -> ImageRef:
        """The photo as items name it."""
        assert self.photo.image is not None
        return ImageRef(self.photo.image)


def held_out_objects(lexicon: Lexicon) -> frozenset[str]:
    """Return about every sixth object, chosen by a hash of its name: no other moves when one is added."""
    return frozenset(
        name for name in lexicon.objects if int(hashlib.sha256(name.encode()).hexdigest(), 16) % EVERY == 0
    )


def look(photos: Sequence[Captioned], statistics: CollectionStatistics) -> list[Shown]:
    """Return what each photo surely holds and lacks, of the objects that some of the photos hold.

    What none of them holds is lacking in all, and its name alone would answer any question about it.
    """
    found = []
    for photo in photos:
        known = statistics.evidence(photo)
        held = certain_concepts(photo, statistics.lexicon)
        lacks, holds = statistics.absent_and_present(photo, known, held)
        found.append(Shown(photo, tuple(sorted(holds)), tuple(each.concept.name for each in lacks)))
    somewhere = {name for each in found for name in each.holds}
    return [replace(each, lacks=tuple(name for name in each.lacks if name in somewhere)) for each in found]


def ask(
    photos: Sequence[Captioned], statistics: CollectionStatistics, held_out: frozenset[str], seed: int
) -> Questions:
    """Write the questions about some photos, the same for the same seed."""
    asked, lexicon = Questions(), statistics.lexicon
    seen = look(photos, statistics)
    holders: dict[str, list[Shown]] = defaultdict(list)
    for each in seen:
        for name in each.holds:
            holders[name].append(each)
    for each in seen:
        random = Random(f"{seed} {each.photo.image_id}")  # noqa: S311 -- no secret hangs on it
        asked.retrieval.append(CaptionedImage(each.photo.image_id, each.image, (each.photo.captions[0],)))
        _ask_of_captions(asked, each, statistics, held_out, seed)
        _ask_of_objects(asked, each, holders, lexicon, held_out, random)
        for names, present in ((each.holds, True), (each.lacks, False)):
            for name in names:
                if len(holders[name]) < SEARCHED:
                    continue
                text = with_article(lexicon.concepts[name].noun)
                group = _group(name in held_out)
                asked.recognition.append(
                    ObjectQuestion(each.photo.image_id, each.image, text, present, group)
                )
    asked.search += _searches(seen, lexicon, held_out, seed)
    return asked


def _ask_of_captions(
    asked: Questions, each: Shown, statistics: CollectionStatistics, held_out: frozenset[str], seed: int
) -> None:
    """Ask whether a caption beats its denial and a false addition, and search with a true denial."""
    (row, *_) = negate([_first(each.photo)], statistics, NegationOptions("presence", seed=seed))
    caption, name = each.photo.captions[0], each.photo.image_id
    if row["presence_negated"]:
        denied = statistics.lexicon.mentions(row["presence_denied"])[0]
        group = _group(bool(denied & held_out)) | {"denied": row["presence_kind"]}
        asked.presence.append(TextChoice(name, each.image, (caption, row["presence_negated"]), 0, group))
    (row, *_) = negate([each.photo], statistics, NegationOptions("absence", seed=seed, hard=True))
    if row["absence_negated"]:
        group = _group(row["absence_object"] in held_out)
        asked.negated_retrieval.append(SearchQuery(name, row["absence_negated"], (each.image,), (), group))
        asked.forgetting.append(TextChoice(name, each.image, (row["caption"], row["hard_affirmed"]), 0))


def _first(photo: Captioned) -> Captioned:
    return Captioned(photo.image_id, photo.image, photo.captions[:1], photo.objects)


def _ask_of_objects(
    asked: Questions,
    each: Shown,
    holders: dict[str, list[Shown]],
    lexicon: Lexicon,
    held_out: frozenset[str],
    random: Random,
) -> None:
    """Ask in every phrasing of an object that is there and one that is not."""
    pairs = [
        (there, missing)
        for there, missing in product(each.holds, each.lacks)
        if missing not in lexicon.related[there]
    ]
    for phrasing, forms in PHRASINGS.items():
        for there, missing in random.sample(pairs, min(OF_EACH, len(pairs))):
            present, lacking = lexicon.concepts[there].noun, lexicon.concepts[missing].noun
            form = random.choice(forms)
            denied = _group(there in held_out, phrasing) | {"denied": "template"}
            texts = (fill_in(form.positive, present, None), fill_in(form.negative, None, present))
            asked.presence.append(TextChoice(each.photo.image_id, each.image, texts, 0, denied))
            choice = multiple_choice(present, lacking, random, forms)
            group = _group(bool(held_out & {there, missing}), phrasing) | {"template": choice.template}
            if phrasing == "unseen":
                group["template, phrasing"] = f"{choice.template}, held-out phrasings"
            asked.multiple_choice.append(
                TextChoice(each.photo.image_id, each.image, choice.captions, choice.answer, group)
            )
        rivals = [
            (there, missing, both)
            for there, missing in pairs
            if (both := [other for other in holders[there] if missing in other.holds])
        ]
        for there, missing, both in random.sample(rivals, min(OF_EACH, len(rivals))):
            present, lacking = lexicon.concepts[there].noun, lexicon.concepts[missing].noun
            images = (each.image, random.choice(both).image)
            text = fill_in(random.choice(forms).hybrid, present, lacking)
            group = _group(missing in held_out, phrasing)
            asked.absence_choice.append(ImageChoice(each.photo.image_id, text, images, 0, group))


def _searches(
    seen: Sequence[Shown], lexicon: Lexicon, held_out: frozenset[str], seed: int
) -> Iterator[SearchQuery]:
    """Yield two searches, a seen and an unseen phrasing, for every pair that enough photos hold together."""
    held = [frozenset(each.holds) for each in seen]
    lacked = [frozenset(each.lacks) for each in seen]
    names = sorted(frozenset().union(*held))
    for there, missing in product(names, names):
        if missing in lexicon.related[there] or sum(there in h and missing in h for h in held) < SEARCHED:
            continue
        right = [
            each.image for each, h, no in zip(seen, held, lacked, strict=True) if there in h and missing in no
        ]
        wrong = [each.image for each, h in zip(seen, held, strict=True) if missing in h]
        if len(right) < SEARCHED:
            continue
        random = Random(f"{seed} {there} {missing}")  # noqa: S311
        present, lacking = lexicon.concepts[there].noun, lexicon.concepts[missing].noun
        for phrasing, forms in PHRASINGS.items():
            text = fill_in(random.choice(forms).hybrid, present, lacking)
            group = _group(missing in held_out, phrasing)
            yield SearchQuery(f"{there}, {missing}, {phrasing}", text, tuple(right), tuple(wrong), group)


def _group(held_out_object: bool, phrasing: str = "seen") -> dict[str, str]:
    return {"condition": Condition(held_out_object, phrasing == "unseen").name}
