"""What a batch serves objectives: L2-normalised features of all processes, and what is known of them."""

from typing import NamedTuple

from torch import Tensor


class CaptionFeatures(NamedTuple):
    """A batch of images, each with its caption and that caption negated by presence or by absence.

    Attributes:
        images: [B, d]; I or J in the papers' letters.
        captions: [B, d], true of the image; C or O.
        negated: [B, d]; N, false of the image, or U, true of it.
        same: [B, B] booleans, true where two rows show one image; None where that is ignored.
    """

    images: Tensor
    captions: Tensor
    negated: Tensor
    same: Tensor | None


class ContrastFeatures(NamedTuple):
    """A batch of images with all sentences of their contrast sets, and what is known of each pair.

    Attributes:
        images: [P, d], the images of the batch and behind them the hard ones.
        texts: [T, d], the sentences.
        own: [T] column of each sentence's own image.
        true: [T] whether it is true of that image.
        false: [T, P] where it is known to be false.
        hard: [T] column of its hard image, -1 for none.
        targets: [T, d] what it should mean.
        meant: [T] whether that is known.
        negates: [T] whether it negates something.
    """

    images: Tensor
    texts: Tensor
    own: Tensor
    true: Tensor
    false: Tensor
    hard: Tensor
    targets: Tensor
    meant: Tensor
    negates: Tensor


class WordFeatures(NamedTuple):
    """What a reader says of W words, and which part of its sentence each belongs to.

    Attributes:
        vectors: [W, d], what it says.
        said: [W] the numbers of the parts.
        parts: how many there are.
    """

    vectors: Tensor
    said: Tensor
    parts: int
