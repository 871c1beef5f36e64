"""The sentences of the robustness suite: each with an affirmative counterpart of about the same length.

{A} is what both images hold; {d[..]} and {e[..]} are objects in the words of `negation.forms`: {d[n]} "dog"
or "glasses", {d[an]} "a dog", {d[ns]} "dogs", {d[is]} "is" or "are".
"""

from typing import NamedTuple


class ProbeForm(NamedTuple):
    """A sentence that denies, and a plain one that tells the same two images apart."""

    negated: str
    plain: str


class Quantified(NamedTuple):
    """That there is nothing else, that there is something else, and plainly what else there is."""

    only: str
    not_only: str
    plain: str


DOUBLE_NEGATION = (
    ProbeForm("{A}, not without {d[an]}", "{A}, together with {d[an]}"),
    ProbeForm("not without {d[an]}: {A}", "together with {d[an]}: {A}"),
    ProbeForm("{A}, and the {d[n]} {d[is]} not missing", "{A}, and the {d[n]} {d[is]} here too"),
    ProbeForm("{A}, and {d[an]} {d[is]} not absent", "{A}, and {d[an]} {d[is]} also present"),
    ProbeForm("this is no picture without {d[an]}: {A}", "this is a picture with {d[an]}: {A}"),
    ProbeForm(
        "{A}, and it is not true that there {d[isnt]} {d[an]}",
        "{A}, and it is quite true that there {d[is]} {d[an]}",
    ),
)
SEVERAL_NEGATIONS = (
    ProbeForm("{A}, no {d[n]} and no {e[n]}", "{A}, {d[an]} and {e[an]}"),
    ProbeForm("{A} with neither {d[an]} nor {e[an]}", "{A} with both {d[an]} and {e[an]}"),
    ProbeForm("{A} without {d[an]} or {e[an]}", "{A} with {d[an]} and {e[an]}"),
    ProbeForm("neither {d[an]} nor {e[an]}, just {A}", "both {d[an]} and {e[an]}, with {A}"),
    ProbeForm("no {d[n]}, no {e[n]}, just {A}", "{d[an]}, {e[an]}, and {A}"),
    ProbeForm("{A}, but no {d[n]}, and no {e[n]} either", "{A}, and {d[an]}, and {e[an]} too"),
)
# {A} is one kind in the plural.
NEGATED_COUNT = (
    ProbeForm("{A}, not {number}", "{A}, namely {number}"),
    ProbeForm("{A}, but not {number} of them", "{A}, and exactly {number} of them"),
    ProbeForm("{A}, but not {number} {d[ns]}", "{A}, in all {number} {d[ns]}"),
    ProbeForm("{A}, any number but {number}", "{A}, and there are {number}"),
    ProbeForm("{A}, whose number is not {number}", "{A}, whose number is exactly {number}"),
)
NEGATED_RELATION = (
    ProbeForm("{d[an]}, not {relation} the {e[n]}", "{d[an]}, standing {relation} the {e[n]}"),
    ProbeForm(
        "{d[an]} and {e[an]}, the {d[n]} not {relation} the {e[n]}",
        "{d[an]} and {e[an]}, the {d[n]} being {relation} the {e[n]}",
    ),
    ProbeForm(
        "{d[an]} that {d[is]} not {relation} the {e[n]}",
        "{d[an]} that {d[is]} clearly {relation} the {e[n]}",
    ),
    ProbeForm(
        "the {e[n]}, and {d[an]} anywhere but {relation} it", "the {e[n]}, and {d[an]} here {relation} it"
    ),
)
NEGATED_PLACE = (
    ProbeForm("{A}, not {place}", "{A}, seen {place}"),
    ProbeForm("{A}, but not {place}", "{A}, seen here {place}"),
    ProbeForm("{A} anywhere but {place}", "{A} right here {place}"),
    ProbeForm("not {place}: {A}", "here {place}: {A}"),
    ProbeForm("{A} somewhere, just not {place}", "{A} somewhere, just here {place}"),
    ProbeForm(
        "{A} in a picture that was not taken {place}",
        "{A} in a picture that was surely taken {place}",
    ),
)
QUANTIFIER = (
    Quantified("only {A}", "not only {A}", "{A} and {d[an]}"),
    Quantified("nothing but {A}", "more than just {A}", "{A} with {d[an]}"),
    Quantified("just {A} and nothing else", "{A}, and that is not all", "{A}, and also {d[an]}"),
    Quantified("{A} alone", "{A}, but not alone", "{A}, and {d[an]}"),
    Quantified("{A} all alone here", "{A} not alone here", "{A} and {d[an]} here"),
)
DISTANT_NEGATION = (
    ProbeForm(
        "no, as far as one can see in this picture of {A}, {d[n]}",
        "here, as far as one can see in this picture of {A}, {d[is]} {d[an]}",
    ),
    ProbeForm(
        "without, as far as one can tell from this picture of {A}, {d[an]}",
        "with, as far as one can tell from this picture of {A}, {d[an]}",
    ),
    ProbeForm(
        "there is no sign, in this picture of {A}, of {d[an]}",
        "there is every sign, in this picture of {A}, of {d[an]}",
    ),
    ProbeForm(
        "{d[an]}, however long one looks at this picture of {A}, {d[is]} not in it",
        "{d[an]}, however short one looks at this picture of {A}, {d[is]} seen in it",
    ),
    ProbeForm(
        "on a quiet day somebody took this picture of {A}, and what it does not hold is {d[an]}",
        "on a quiet day somebody took this picture of {A}, and what it holds as well is {d[an]}",
    ),
    ProbeForm(
        "after lunch, when everybody had gone home, somebody took this picture: {A} and no {d[n]}",
        "after lunch, when everybody had gone home, somebody took this picture: {A} and {d[an]}",
    ),
)
