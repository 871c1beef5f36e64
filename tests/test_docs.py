"""The documents: what they point to is there, their code parses, and the figures in two places agree."""

import ast
import re
from pathlib import Path
from pkgutil import resolve_name

import pytest
import yaml

import omninegclip as onc

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(?<![\w./-])(?:src|tests|recipes|benchmarks|docs)/[\w./-]*\w")
MODULE = re.compile(r"(?<![\w./-])omninegclip(?:\.[a-z]\w+)+(?!\w)")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text())):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(path), f"{page.name} links to {target}#{anchor}"


@each_page
def test_every_path_and_module_is_there(page: Path) -> None:
    text = page.read_text()
    for path in PATH.findall(text):
        assert (ROOT / path).exists(), f"{page.name} names {path}"
    for name in MODULE.findall(text):
        if not name.endswith(".json"):
            assert resolve_name(name)


@each_page
def test_python_in_documents_parses_and_imports_what_is_there(page: Path) -> None:
    for language, code in FENCE.findall(page.read_text()):
        for node in ast.walk(ast.parse(code)) if language == "python" else ():
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("omninegclip"):
                assert all(resolve_name(f"{node.module}:{alias.name}") for alias in node.names)
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "onc"
            ):
                assert node.attr in onc.__all__


def test_the_readme_has_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert "python -m pip install -c constraints.txt '.[scenes]' && omninegclip quickstart" in lines
    assert (
        "python -m pip install -c constraints.txt -e '.[dev]' && python -m pytest -n 2 --dist worksteal"
        in lines
    )


def test_the_short_table_of_the_readme_is_part_of_the_long_one() -> None:
    def figures(path: str) -> set[tuple[str, ...]]:
        lines = (ROOT / path).read_text().splitlines()
        rows = [tuple(re.findall(r"[\d.]+ \[[\d., ]+\]", line)) for line in lines if line.startswith("| ")]
        return {row for row in rows if row}

    assert len(figures("README.md")) == 5
    assert figures("README.md") <= figures("docs/results.md")


def test_the_words_of_the_glossary_have_one_line_each() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    words = [row for row in rows if row not in ("word", "---")]
    assert len(words) == len(set(words)) > 50


def test_the_site_has_every_page_and_fetches_nothing() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    listed = set(re.findall(r"[\w/-]+\.md", str(site["nav"])))
    assert listed == {str(page.relative_to(ROOT / "docs")) for page in PAGES if "docs" in page.parts}
    assert site["theme"]["font"] is False
