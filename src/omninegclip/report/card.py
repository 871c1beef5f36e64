"""The model card: Markdown that the hub reads, with every figure and what it was measured on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from omninegclip.report.markdown import inline, table
from omninegclip.report.table import DASH, MARKS, FigureRow, TableCell, TableLine, legend, sections

# The library that reads the model -> how.
_USE = {
    "transformers": """\
```python
from transformers import CLIPModel, CLIPProcessor

model = CLIPModel.from_pretrained({place})
processor = CLIPProcessor.from_pretrained({place})
```""",
    "omninegclip": """\
```python
from pathlib import Path
import omninegclip as onc

encoder = onc.load({place})
cosines = encoder.similarity(["a dog", "no dog"], [Path("dog.jpg")])
```""",
    "omninegclip, as a reader": """\
```console
$ omninegclip read "a dog; the cat is missing" --reader learned:{place} --model MODEL
$ omninegclip search "a dog without a cat" --reader learned:{place} --db DB
$ omninegclip evaluate MODEL --reader learned:{place} --suite negation --data DATA
```

MODEL is the one that it was trained from, and no other.""",
}


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What a card says of a model.

    Attributes:
        name: its title.
        place: the folder or hub id that the example loads.
        summary: one sentence.
        licence: the hub's identifier of a licence.
        base_model: a hub id, or None where the hub has no such model.
        tags: of the hub, beside `clip` and `negation`.
        rows: the figures.
        columns: the models that they are of.
        measured_on: what the figures were measured on.
        metadata: facts of the training.
        limits: what the model is not good for.
        attribution: whose work it builds on.
        library: `transformers`, or `omninegclip` where that has no such model; a reader is said to be one.
    """

    name: str
    place: str | Path
    summary: str
    licence: str = "other"
    base_model: str | None = None
    tags: Sequence[str] = ("omninegclip",)
    rows: Sequence[FigureRow] = ()
    columns: Sequence[str] = ()
    measured_on: str
    metadata: Mapping[str, str]
    limits: Sequence[str]
    attribution: str
    library: str = "transformers"

    def markdown(self) -> str:
        """Return the card, with YAML front matter; raises OmniNegClipError as `sections` does."""
        front = {
            "license": self.licence,
            "library_name": self.library.partition(",")[0],
            "pipeline_tag": "zero-shot-image-classification",
            "tags": ["clip", "negation", *self.tags],
        } | ({"base_model": self.base_model} if self.base_model else {})
        parts = [
            f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---",
            f"# {inline(self.name)}",
            inline(self.summary),
            "## Use",
            _USE[self.library].format(place=json.dumps(str(self.place), ensure_ascii=False)),
            "## What was measured",
            self.measured_on,
            *_figures(self.rows, self.columns),
            "## Training",
            table(["fact", "value"], self.metadata.items()),
            "## Limits",
            "\n".join(f"- {inline(limit)}" for limit in self.limits),
            "## Attribution",
            inline(self.attribution),
        ]
        return "\n\n".join(parts) + "\n"


def derived_card(
    folder: Path, source: str, made: str, metadata: Mapping[str, str], library: str = "transformers"
) -> str:
    """Return the card of the model in `folder`, made from `source` without training, and not measured yet.

    `made` says how, as in "was converted from".
    """
    return ModelCard(
        name=folder.name,
        place=folder,
        summary=f"This model {made} {source}, made by omninegclip.",
        base_model=None if Path(source).exists() or source.count("/") != 1 else source,
        measured_on="Nothing was measured on this model yet: run `omninegclip evaluate`.",
        metadata=metadata,
        limits=["Its licence is that of the model that it was made from: say which before you publish it."],
        attribution=f"Made from: {source}.",
        library=library,
    ).markdown()


def _figures(rows: Sequence[FigureRow], columns: Sequence[str]) -> list[str]:
    """Return the table of figures and how to read it; nothing when there are none."""
    if not rows:
        return []
    return [
        _table(rows, columns),
        f"Brackets: 95 % interval; n: number of items. {inline(legend(columns))}".rstrip(),
    ]


def _table(rows: Sequence[FigureRow], columns: Sequence[str]) -> str:
    lines = [line for section in sections(rows, columns) for line in section.lines]
    return table(["metric", "on", *columns, "blind", "chance"], map(_texts, lines))


def _texts(line: TableLine) -> list[str]:
    return [line.row.metric, line.row.group, *map(_text, line.cells), line.blind, line.chance]


def _text(cell: TableCell) -> str:
    if cell.estimate is None:
        return DASH
    change = f", {MARKS[cell.verdict]} {cell.change}" if cell.change else ""
    return f"{cell.value} {cell.interval}, n {cell.n}{change}"
