import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from omninegclip.report.card import ModelCard
from omninegclip.report.table import FigureRow


def card(rows: list[FigureRow], base_model: str | None = "openai/clip-vit-base-patch32") -> str:
    return ModelCard(
        name="clip-omni",
        place=Path("runs") / "clip-omni",
        summary="CLIP that reads negation.",
        licence="mit",
        base_model=base_model,
        tags=["scenes: drawn"],
        rows=rows,
        columns=("pretrained", "omni"),
        measured_on="2,000 held-out scenes.",
        metadata={"seed": "0", "command": "a | b\nc"},
        limits=["Drawn scenes only."],
        attribution="Twemoji, CC BY 4.0.",
    ).markdown()


def front_matter(text: str) -> Any:
    opening, front, _ = text.split("---\n", 2)
    assert opening == ""
    return yaml.safe_load(front)


def test_the_hub_can_read_the_front_matter(rows: list[FigureRow]) -> None:
    assert front_matter(card(rows)) == {
        "license": "mit",
        "library_name": "transformers",
        "pipeline_tag": "zero-shot-image-classification",
        "tags": ["clip", "negation", "scenes: drawn"],
        "base_model": "openai/clip-vit-base-patch32",
    }
    assert "base_model" not in front_matter(card(rows, base_model=None))


NAMES = ["x: [y", "a\nlicense: mit\n---", "- &a *a", "{b}", "<script>|", "\x1b[31m", "# a](http://x)"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_from_data_stays_text_wherever_it_stands(name: str, rows: list[FigureRow]) -> None:
    text = ModelCard(
        name=name,
        place=name,
        summary=name,
        licence="mit",
        base_model=name,
        tags=[name],
        rows=rows,
        columns=(name, "omni"),
        measured_on="Scenes.",
        metadata={name: name},
        limits=[name],
        attribution=name,
    ).markdown()
    front = yaml.safe_load(text[4 : text.index("\n---\n\n#")])
    assert (front["license"], front["base_model"], front["tags"][-1]) == ("mit", name, name)
    body = text[text.index("\n---\n\n#") + 6 :]
    prose = body.replace(json.dumps(name), "")  # but for the code of the example
    assert "<script" not in prose
    assert "](http" not in prose
    assert (
        sum(line.startswith("# ") for line in body.splitlines())
        == 1 + ("summary" in name) + (name[0] == "#") * 2
    )
    tables = [line for line in body.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {7, 3}
    loaded = re.findall(r"from_pretrained\((.*)\)", body)
    assert [ast.literal_eval(each) for each in loaded] == [name, name]


@pytest.mark.parametrize(
    "line",
    [
        "| presence accuracy | seen | 50.0 % [48.0, 52.0], n 2,000"
        " | 90.0 % [88.0, 91.0], n 2,000, ▲ +80.0 % | 51.0 % | 50.0 % |",
        "| presence accuracy | held-out | 52.0 % [49.0, 55.0], n 1,000 | – | – | 50.0 % |",
        "| object AUC | seen | 0.975 [0.970, 0.980], n 100"
        " | 0.972 [0.966, 0.979], n 100, ≈ −0.3 % | – | 0.500 |",
        "| command | a \\| b c |",
        "- Drawn scenes only.",
        "Twemoji, CC BY 4.0.",
        'model = CLIPModel.from_pretrained("runs/clip-omni")',
    ],
)
def test_figures_facts_limits_and_attribution_are_lines_of_it(rows: list[FigureRow], line: str) -> None:
    assert line in card(rows).splitlines()


@pytest.mark.parametrize("library", ["transformers", "omninegclip"])
def test_the_example_uses_all_that_it_imports(library: str) -> None:
    text = ModelCard(
        name="m",
        place="m",
        summary="",
        measured_on="",
        metadata={},
        limits=(),
        attribution="",
        library=library,
    ).markdown()
    code = ast.parse(text.split("```python\n")[1].split("```")[0])
    imported = {
        alias.asname or alias.name
        for node in ast.walk(code)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported
    assert imported == imported & {node.id for node in ast.walk(code) if isinstance(node, ast.Name)}
