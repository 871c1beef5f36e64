"""The verb `search`."""

import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from omninegclip.commands.options import Between, Flag, IndexModelOptions, Json, LlmOptions, Share
from omninegclip.errors import OmniNegClipError
from omninegclip.printable import say, say_json

if TYPE_CHECKING:
    from omninegclip.index.search import Hit, SearchOptions, SearchResults

_MARKS = {True: "right  ", False: "wrong  ", None: ""}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FindOptions(LlmOptions):
    """What is looked for, and how it is scored.

    Attributes:
        without: What must not be seen, as TEXT or TEXT:WEIGHT; may be repeated.
        image: An image that the results shall be like.
        top: How many results at most.
        reader: What reads QUERY: rules; llm; learned:PATH, which train made for the model of the index; or
            none to take it as it is.
        score: Soft gate, subtraction, hard filter, or the cosine of the sentence as it is.
        where: A condition on path, size, modified, width, height, taken, camera, latitude, longitude and
            shows, as "taken >= '2024-05-01' and path like '%holiday%'".
        min_probability: Leave out results that score less.
    """

    without: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    image: Path | None = None
    top: Annotated[int, Parameter(validator=Between(1, 10_000))] = 20
    reader: str = "rules"
    score: Literal["gate", "subtract", "filter", "cosine"] = "gate"
    where: str | None = None
    min_probability: Share = 0.0

    @property
    def rare(self) -> "SearchOptions":
        """Return what Python's `search` takes beside the sentence."""
        options: SearchOptions = {
            "reader": self.reader,
            "score": self.score,
            "min_probability": self.min_probability,
        }
        if self.image:
            options["image"] = self.image
        if endpoint := self.endpoint:
            options["llm"] = endpoint
        if self.where:
            options["where"] = self.where
        return options


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """How results are printed.

    Attributes:
        paths: Print paths alone, a line each, as other programs read them.
        explain: Print the probability of each half too, and what is shown where that is known.
        show: Draw the images in the terminal.
    """

    json_: Json = False
    paths: Flag = False
    explain: Flag = False
    show: Flag = False


def search(
    query: Annotated[
        list[str], Parameter(consume_multiple=True, allow_leading_hyphen=True, show_default=False)
    ] = [],  # noqa: B006 -- a command's default, which nothing changes
    /,
    *,
    db: Annotated[str, Parameter(help="Folder of the index.")],
    model: str | None = None,
    weights: IndexModelOptions = IndexModelOptions(),
    find: FindOptions = FindOptions(),
    output: OutputOptions = OutputOptions(),
) -> None:
    """Search an index of images with a sentence that may say no, as "a street without cars".

    What was understood is told on standard error; --without and --reader none correct it. Scores go from 0 to
    1.

    Args:
        query: What to look for, in quotes or without; a beach -people excludes too.
        model: Where the model of the index lies now, if it was moved.
    """
    from omninegclip.index.search import Index
    from omninegclip.progress import console

    _refuse_options(query)
    if output.json_ + output.paths + (output.explain or output.show) > 1:
        raise OmniNegClipError(
            "--json prints everything and --paths the paths alone: choose one, without --explain and --show."
        )
    if output.show and not (sys.stdout.isatty() and os.get_terminal_size(sys.stdout.fileno()).columns):
        raise OmniNegClipError("--show draws in a terminal: leave it out where the output goes elsewhere.")
    index = Index.open(db, model=model, **asdict(weights))
    found = index.search(_joined(query), without=find.without, top=find.top, **find.rare)
    console.print(f"Looking for: {found.understood}", soft_wrap=True)
    if not found.likely:
        console.print(
            "Probably nothing here is that, unless very many of the images are: the best result scores "
            f"{found[0].score:.2f}."
            if len(found)
            else "Nothing was found.",
            soft_wrap=True,
        )
    known = [hit.right for hit in found if hit.right is not None]
    if known:
        console.print(f"Right: {sum(known):,} of the {len(known):,} results whose content is known.")
    _print(found, output)


def _refuse_options(words: list[str]) -> None:
    """Refuse words of the query that were meant as options: --wihtout, or -top for --top."""
    verb = App()
    verb.default(search)
    options = {name for each in verb.assemble_argument_collection() for name in each.names}
    for word in words:
        if word.startswith("--"):
            raise OmniNegClipError(f"search has no option {word}: see omninegclip search --help.")
        named = word.partition("=")[0]
        if f"-{named}" in options:
            raise OmniNegClipError(
                f"search has no option {named}: did you mean -{named}? To exclude it, write without "
                f"{named[1:]}."
            )


def _joined(words: list[str]) -> str:
    """Return the query; the shell took the quotes of -"red car", which is one phrase."""
    if len(words) == 1:
        return words[0]
    return " ".join(
        f'-"{word[1:]}"' if word.startswith("-") and " " in word and '"' not in word else word
        for word in words
    )


def _print(found: "SearchResults", output: OutputOptions) -> None:
    if output.json_:
        say_json(found.as_dict())
        return
    for hit in found:
        if output.paths:
            _print_path(hit.path)
            continue
        name = hit.path.replace("\n", "\\n")  # a result is a line
        say(f"{hit.score:.3f}  {_MARKS[hit.right]}{name}")
        if output.explain:
            say(f"       {_explained(hit)}")
        if output.show:
            _draw(hit)


def _explained(hit: "Hit") -> str:
    affirmed = [] if hit.affirmed is None else [f"what is affirmed {hit.affirmed:.3f}"]
    shows = [f"it shows {hit.facts['shows']}"] if hit.facts["shows"] else []
    return ", ".join([*affirmed, *(f"{text} {share:.3f}" for text, share in hit.negated.items()), *shows])


def _print_path(path: str) -> None:
    """Print a path byte by byte, since its name need not be text."""
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        say(path)
    else:
        raw.write(os.fsencode(path) + b"\n")


def _draw(hit: "Hit") -> None:
    from PIL import ImageOps

    from omninegclip.extras import needed_for
    from omninegclip.images import open_image
    from omninegclip.progress import PlainConsole

    with needed_for("--show"):
        from textual_image.renderable import Image as Drawing
    try:
        thumbnail = open_image(hit.thumbnail(320))
    except OmniNegClipError as error:
        say(f"       {error}")
    else:
        if hit.right is not None:
            thumbnail = ImageOps.expand(thumbnail, 10, "green" if hit.right else "red")
        PlainConsole().print(Drawing(thumbnail, width=40))
