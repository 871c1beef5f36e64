"""Captioned images to rows of the record: both kinds of negation, each with where it comes from."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice, zip_longest
from random import Random
from typing import Literal

from omninegclip.captions.absence import (
    FEWEST_IMAGES,
    AbsentConcept,
    ImageEvidence,
    absent_objects,
    balanced,
    draw,
    draw_balanced,
    is_usually_mentioned,
    plausible_absences,
)
from omninegclip.captions.compose import NegatedCaption
from omninegclip.captions.contrast_sets import OF_EACH, contrast_set, named_literally
from omninegclip.captions.cooccurrence import Cooccurrence, shipped_mentions
from omninegclip.captions.lexicon import Lexicon, Mentions, Names
from omninegclip.captions.parse import BATCH, Parse, parse
from omninegclip.captions.phrasing import CLOSE_UP, insert_absence, is_closed, shows_scene
from omninegclip.captions.presence import presence_negations, proofread
from omninegclip.captions.screening import other_text, refusal, sentences, tidy, unfit
from omninegclip.captions.templates import affirm, swap
from omninegclip.data.sources import Row

NegationKind = Literal["presence", "absence", "both"]
PROVENANCE = (
    "presence_kind",
    "presence_rule",
    "presence_denied",
    "presence_reason",
    "absence_object",
    "absence_place",
    "absence_evidence",
    "absence_reason",
)
VISIBLE = 0.1  # of what a model takes for so likely nothing is denied as absent
LARGE = 2000  # images that say themselves what goes with what
SAMPLED = 1500  # images that are enough to see how often each noun is denied
LEAST_KEPT = 0.02
MOST_DENIED = 2.0  # times as often as named, as shares of all
OF_THE_WHOLE = frozenset({"there is no", "no subject", "place without it"})
HARD = ("hard_affirmed", "hard_true", "hard_swapped", "contrast_set", "objects_unsure")


@dataclass(frozen=True, slots=True)
class Captioned:
    """One image with its captions; `objects` are its labels, None where nobody labelled it.

    `seen` is how likely a model takes each object to be there, None where none looked.
    """

    image_id: str
    image: str | None
    captions: Sequence[str]
    objects: Sequence[str] | None = None
    seen: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class CollectionStatistics:
    """Statistics of the whole collection: its words, co-occurrence, and the vocabulary of its labels.

    `image_counts` counts the images that surely hold each concept. `balance` weighs absent concepts so that
    the noun doesn't tell if a denial is true, and `denied` is how often each is denied then.
    """

    lexicon: Lexicon
    counts: Cooccurrence
    vocabulary: Names
    image_counts: Counter[str]
    balance: Mapping[str, float] = field(default_factory=dict)
    denied: Mapping[str, float] = field(default_factory=dict)
    named: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, images: Sequence[Captioned], lexicon: Lexicon, labels: Iterable[str] = ()
    ) -> "CollectionStatistics":
        """Count a collection whose annotators looked for every one of `labels`.

        Below 2,000 images those that ship with the package are counted too.
        """
        labels = list(labels)
        lexicon, counts = lexicon.extended(labels), Cooccurrence()
        image_counts: Counter[str] = Counter()
        named: Counter[str] = Counter()
        for image in images:
            mentions = [lexicon.mentions(tidy(caption)) for caption in image.captions]
            counts.add(mentions, lexicon.resolve_all(image.objects or ()))
            named.update(name for each in mentions for name in each.sure)
            image_counts.update(certain_concepts(image, lexicon))
        if len(images) < LARGE:
            counts.add_all(*shipped_mentions())
        statistics = cls(lexicon, counts, lexicon.resolve_all(labels), image_counts)
        if len(images) < FEWEST_IMAGES:
            return statistics  # too few for frequencies
        some = images[:: max(1, len(images) // SAMPLED)]
        pools = [
            statistics.plausible(known, lexicon.mentions(tidy(caption)))
            for image in some
            for known in [statistics.evidence(image)]
            for caption in image.captions
        ]
        balance, denied = balanced([pool for pool in pools if pool], named)
        return replace(statistics, balance=balance, denied=denied, named=named)

    def evidence(self, captioned: Captioned) -> ImageEvidence:
        """Return what the captions and labels of one image say of presence and absence."""
        mentions = [self.lexicon.mentions(tidy(caption)) for caption in captioned.captions]
        visible = frozenset(name for name, p in (captioned.seen or {}).items() if p >= VISIBLE)
        return ImageEvidence(
            named=frozenset().union(*(each.named for each in mentions)),
            unsafe=visible.union(*(each.unsafe for each in mentions)),
            labelled=None if captioned.objects is None else self.lexicon.resolve_all(captioned.objects),
            sure=frozenset().union(*(each.sure for each in mentions)),
            captions=sum(len(sentences(tidy(caption))) for caption in captioned.captions),
            seen=captioned.seen,
        )

    def plausible(self, known: ImageEvidence, caption: Mentions) -> list[AbsentConcept]:
        """Return what is plausible beside what a caption names and safe to call absent."""
        return plausible_absences(known, caption, self.lexicon, self.counts, self.vocabulary)

    def in_balance(self, denials: list[NegatedCaption], rng: Random) -> list[NegatedCaption]:
        """Return a caption's own denials, but those whose noun would tell that they are false.

        A noun that is hardly ever denied where it is absent (a man) is seldom denied where it is there.
        """
        return [
            denial
            for denial in denials
            if denial.kind != "object" or rng.random() < self._kept(denial.denied)
        ]

    def _kept(self, denied: str) -> float:
        """Return in which share of its denials a noun may be denied where it is there."""
        found = (self._denied_per_named(name) for name in self.lexicon.mentions(denied).sure)
        return 1.0 if not self.denied else max([LEAST_KEPT, *(ratio for ratio in found if ratio is not None)])

    def draw(self, plausible: list[AbsentConcept], rng: Random) -> Iterator[AbsentConcept]:
        """Yield what is plausible in the order of a draw, but nouns that are denied far more than named."""
        for absent in draw(plausible, self.balance, rng):
            ratio = self._denied_per_named(absent.concept.name) or 0.0
            if rng.random() * ratio < MOST_DENIED:
                yield absent

    def _denied_per_named(self, name: str) -> float | None:
        """Return a noun's share of all denials over that of all mentions, None where one is unknown."""
        if not self.denied or not self.named.get(name, 0):
            return None
        told = sum(self.named.get(each, 0) for each in self.denied)
        return self.denied.get(name, 0.0) / sum(self.denied.values()) * told / self.named[name]

    def absent_and_present(
        self, captioned: Captioned, known: ImageEvidence, held: Names
    ) -> tuple[list[AbsentConcept], Names]:
        """Return the objects that are not in an image, and those of `held` that are surely there."""
        missing = absent_objects(known, self.lexicon, self.counts, self.vocabulary)
        objects = held & self.lexicon.objects.keys()
        return missing, frozenset(
            n for n in objects if captioned.objects is not None or is_usually_mentioned(n, self.counts)
        )


@dataclass(frozen=True, slots=True)
class NegationOptions:
    """What to write: which kind, how many of each caption, from which seed, and with hard variants or not."""

    kind: NegationKind = "both"
    per_caption: int = 1
    seed: int = 0
    hard: bool = False


def negate(
    images: Sequence[Captioned], statistics: CollectionStatistics, options: NegationOptions
) -> Iterator[Row]:
    """Yield one row or more for each caption of each image, in order; the same for the same seed.

    A caption that can't be negated well yields one row without negation, and with the reason. Every draw
    depends on seed, image and caption alone, so neither shards nor processes change it.
    """
    for some in _batches(images):
        drafts = _drafts(some, options)
        wanted = [draft for draft in drafts if draft.tree is not None and options.kind != "absence"]
        checked = proofread(
            [(draft.parse, statistics.in_balance(draft.deniable(), draft.rng)) for draft in wanted],
            options.per_caption,
        )
        for draft, denials in zip(wanted, checked, strict=True):
            draft.denials = denials
        by_image = iter(drafts)
        for image in some:
            yield from _rows(image, list(islice(by_image, len(image.captions))), statistics, options)


@dataclass(slots=True, eq=False)
class _Draft:
    """A caption, its parse or the reason why it has none, and the proofread negations.

    Of a caption with several sentences one is negated, and what is `before` and `after` it stays as it is;
    `fit` are all that could be, in the order of a draw.
    """

    caption: str
    tree: Parse | None
    reason: str | None
    rng: Random
    denials: list[NegatedCaption] = field(default_factory=list)
    before: str = ""
    after: str = ""
    fit: list[tuple[str, Parse]] = field(default_factory=list)

    def deniable(self) -> list[NegatedCaption]:
        """Return what the sentence asserts, negated, in the order of a draw."""
        if self.before or self.after:
            return _deniable(self.parse, self.rng)
        return presence_negations(self.parse, self.rng)

    def take(self, sentence: str, tree: Parse) -> None:
        """Choose the sentence to negate."""
        self.tree = tree
        self.before, _, self.after = self.caption.partition(sentence)

    def around(self, sentence: str) -> str:
        """Return the whole caption with this for the sentence that was chosen."""
        return f"{self.before}{sentence}{self.after}"

    @property
    def parse(self) -> Parse:
        """The parse of a caption that was not refused."""
        assert self.tree is not None  # noqa: S101
        return self.tree


def _batches(images: Sequence[Captioned]) -> Iterator[list[Captioned]]:
    """Yield some images at a time, so that rows come while others still are to be parsed."""
    some: list[Captioned] = []
    for image in images:
        some.append(image)
        if sum(len(each.captions) for each in some) >= BATCH:
            yield some
            some = []
    if some:
        yield some


def _drafts(images: Sequence[Captioned], options: NegationOptions) -> list[_Draft]:
    """Return the captions with the parse of the sentence to negate: of several one that is drawn and fit."""
    drafts: list[_Draft] = []
    sentences_of: list[list[str]] = []
    for image in images:
        for caption in map(tidy, image.captions):
            rng = Random(f"{options.seed}\n{image.image_id}\n{caption}")  # noqa: S311 -- drawing phrasings, not secrets
            drafts.append(_Draft(caption, None, refusal(caption), rng))
            sentences_of.append(sentences(caption) if other_text(caption) is None else [caption])
    readable = [
        [sentence for sentence in found if refusal(sentence) is None]
        if len(found) > 1 or not draft.reason
        else []
        for draft, found in zip(drafts, sentences_of, strict=True)
    ]
    trees = parse(sentence for found in readable for sentence in found)
    for draft, found, all_ in zip(drafts, readable, sentences_of, strict=True):
        parsed = list(zip(found, islice(trees, len(found)), strict=True))
        if len(all_) > 1:
            draft.rng.shuffle(parsed)
            draft.reason = "none of its sentences is fit to be negated"
        fit = [(sentence, tree) for sentence, tree in parsed if unfit(tree) is None]
        if fit:
            # of several one of which something can be denied
            few = len(all_) == 1
            draft.take(*next((pair for pair in fit if few or _deniable(pair[1], draft.rng)), fit[0]))
            draft.fit, draft.reason = fit, None
        elif len(all_) == 1 and parsed:
            draft.reason = unfit(parsed[0][1])
    return drafts


def _deniable(tree: Parse, rng: Random) -> list[NegatedCaption]:
    """Return what one of several sentences asserts, negated; not its subject, of which the others speak."""
    return [denial for denial in presence_negations(tree, rng) if denial.rule not in OF_THE_WHOLE]


def _rows(
    image: Captioned, drafts: Sequence[_Draft], statistics: CollectionStatistics, options: NegationOptions
) -> Iterator[Row]:
    lexicon = statistics.lexicon
    known = statistics.evidence(image)
    held = certain_concepts(image, lexicon)
    missing, sure = statistics.absent_and_present(image, known, held) if options.hard else ([], held)
    # a dog is an animal, and an animal may be a dog
    unsure = known.unsafe.union(known.named, *(lexicon.related[name] for name in held))
    for draft in drafts:
        if draft.tree is None:
            rows: list[Row] = [{"presence_reason": draft.reason, "absence_reason": draft.reason}]
        else:
            rows = _negations(draft, known, statistics, options)
            if options.hard and not (draft.before or draft.after):
                drawn = islice(draw_balanced(missing, statistics.image_counts, draft.rng), OF_EACH)
                said = contrast_set(
                    draft.tree,
                    draft.caption,
                    sure,
                    [each.concept.name for each in drawn],
                    rows[0].get("presence_negated"),
                    lexicon,
                    draft.rng,
                )
                rows[0] = rows[0] | {"contrast_set": [asdict(each) for each in said]}
        for row in rows:
            yield _completed(row, image, draft.caption, known, held, unsure, options)


def certain_concepts(image: Captioned, lexicon: Lexicon) -> Names:
    """Return the concepts that are surely in the image: labelled, or called by their own noun.

    A caption that denies something itself says of nothing that it is there.
    """
    texts = [tidy(caption) for caption in image.captions]
    said = (named_literally(text, lexicon) for text in texts if refusal(text) is None)
    return lexicon.resolve_all(image.objects or ()).union(*said)


def _negations(
    draft: _Draft,
    known: ImageEvidence,
    statistics: CollectionStatistics,
    options: NegationOptions,
) -> list[Row]:
    rng = draft.rng
    denied: list[Row] = []
    missing: list[Row] = []
    if options.kind != "absence":
        denied = [_presence(denial, draft) for denial in draft.denials]
        denied = denied or [{"presence_reason": "nothing in it can be denied well"}]
    if options.kind != "presence":
        plausible, shown = _plausible(draft, known, statistics)
        drawn = islice(statistics.draw(plausible, rng), options.per_caption)
        missing = [
            _absence(draft, each)
            | (_hard(draft.parse, draft.caption, each, statistics.lexicon, rng) if options.hard else {})
            for each in drawn
        ]
        reason = "nothing plausible is safely absent" if shown else "no place to say that something is absent"
        missing = missing or [{"absence_reason": reason}]
    return [(one or {}) | (other or {}) for one, other in zip_longest(denied, missing)]


def _plausible(
    draft: _Draft, known: ImageEvidence, statistics: CollectionStatistics
) -> tuple[list[AbsentConcept], bool]:
    """Return what is plausible beside the first sentence that lets one expect something, which is taken.

    The second says if there is a sentence behind which it could be said. What others name rules out.
    """
    whole, shown = statistics.lexicon.mentions(draft.caption), False
    for sentence, tree in draft.fit if CLOSE_UP.search(draft.caption) is None else ():
        if is_closed(tree) or not shows_scene(tree):
            continue
        shown = True
        said = whole if sentence == draft.caption else statistics.lexicon.mentions(sentence)
        if plausible := statistics.plausible(known, whole._replace(sure=said.sure)):
            draft.take(sentence, tree)
            return plausible, shown
    return [], shown


def _presence(denial: NegatedCaption, draft: _Draft) -> Row:
    return {
        "presence_negated": draft.around(denial.text),
        "presence_kind": denial.kind,
        "presence_rule": denial.rule,
        "presence_denied": denial.denied,
    }


def _absence(draft: _Draft, missing: AbsentConcept) -> Row:
    concept = missing.concept
    place, text = insert_absence(draft.parse, concept.noun, concept.kind, draft.rng)
    return {
        "absence_negated": draft.around(text),
        "absence_object": concept.name,
        "absence_place": place,
        "absence_evidence": missing.evidence,
        "objects_absent": [concept.name],
    }


def _hard(tree: Parse, caption: str, missing: AbsentConcept, lexicon: Lexicon, rng: Random) -> Row:
    row = {"hard_affirmed": affirm(tree, missing.concept.noun, rng)}
    if present := sorted(lexicon.mentions(caption).sure & lexicon.objects.keys()):
        row["hard_true"], row["hard_swapped"] = swap(
            lexicon.concepts[rng.choice(present)].noun, missing.concept.noun, rng
        )
    return row


def _completed(
    row: Row,
    image: Captioned,
    caption: str,
    known: ImageEvidence,
    held: Names,
    unsure: Names,
    options: NegationOptions,
) -> Row:
    present = image.objects if image.objects is not None else sorted(known.sure)
    if options.hard:  # in the words of the statements
        present = sorted(held)
        row = row | {"objects_unsure": sorted(unsure - held)}
    fixed = {
        "image": image.image,
        "image_id": image.image_id,
        "caption": caption,
        "objects_present": list(present),
    }
    drawn = (
        "presence_negated",
        "absence_negated",
        "objects_absent",
        *PROVENANCE,
        *(HARD if options.hard else ()),
    )
    return fixed | {column: row.get(column) for column in drawn}
