"""Progress on standard error while a command works, and the tables that it prints at the end."""

import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.text import Text

from omninegclip.printable import printable

T = TypeVar("T")


class PlainConsole(Console):
    """A console that shows text as it is: no markup, no emoji codes, no highlighting, no control characters.

    Names from data can be printed, and be cells of tables, without a thought; styles are given by `Text`.
    """

    def __init__(
        self, file: IO[str] | None = None, *, stderr: bool = False, width: int | None = None
    ) -> None:
        """Write to `file`, or to standard output or error, as wide as the terminal or `width`."""
        super().__init__(file=file, stderr=stderr, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """Return text as it is, so that its width is that of what is shown."""
        return super().render_str(printable(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is shown, also of `Text` that came with control characters."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))

    def on_broken_pipe(self) -> None:
        """Let the command line end as for any other result that nobody reads."""
        raise BrokenPipeError


class _Words(TextColumn):
    """A column of a bar that shows text as it is."""

    def render(self, task: Task) -> Text:
        """Return the text, as wide as it is shown."""
        return Text(printable(self.text_format.format(task=task)), justify=self.justify)


console = PlainConsole(stderr=True)


def progress() -> Progress:
    """Return a bar with description, count, time left and a free text field `note`."""
    return Progress(
        _Words("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        _Words("{task.fields[note]}"),
        console=console,
    )


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield `items`, showing how many of `total` are done."""
    with progress() as bar:
        task = bar.add_task(description, total=total, note="")
        for item in items:
            yield item
            bar.advance(task)


def show(*tables: RenderableType, width: int = 160) -> None:
    """Print tables on standard output, as wide as the terminal, or uncut at `width` where there is none."""
    out = PlainConsole(width=None if sys.stdout and sys.stdout.isatty() else width)
    for table in tables:
        out.print(table)
