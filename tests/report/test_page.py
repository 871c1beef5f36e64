from html.parser import HTMLParser

import pytest

from omninegclip.evaluation.intervals import Estimate
from omninegclip.report.curves import curves_svg
from omninegclip.report.page import PolicyRow, RunPage
from omninegclip.report.table import FigureRow
from omninegclip.report.thumbnails import ThumbnailRow

COLUMNS = ("pretrained", "omni")
VOID = {"meta", "img", "col", "path", "use"}


class Page(HTMLParser):
    """Elements and text of a page; refuses tags that do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(rows: list[FigureRow], loss: list[tuple[float, float]], image_rows: list[ThumbnailRow]) -> str:
    return RunPage(
        title="No <means> no",
        summary="What changed & what did not.",
        rows=rows,
        columns=COLUMNS,
        curves=[curves_svg({"presence": loss, "absence": loss}, "step", "loss", "Loss parts")],
        image_rows=image_rows,
        metadata={"seed": "7", "</dd><script>": "9"},
        policy_rows=[PolicyRow("text blocks 0-5", True, 1200), PolicyRow("image tower", False, 3400)],
        notes=["Drawn scenes <i>only</i>."],
        attribution="Twemoji, CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
    ).html()


def test_figures_stand_in_the_page(html: str) -> None:
    text = Page(html).text
    assert "50.0 % [48.0, 52.0] n 2,000 90.0 % ▲ better, +80.0 % [88.0, 91.0] n 2,000" in text
    assert "92.0 % [90.0, 94.0] n 1,000 87.4 % ▼ worse, −5.0 % [85.0, 89.0]" in text
    assert "held-out chance 50.0 % 52.0 % [49.0, 55.0] n 1,000 –" in text
    assert "The largest gain pretrained 50.0 % → omni 90.0 % presence accuracy, seen" in text
    assert "trained in all 1,200 of 4,600" in text


def test_nothing_is_loaded_and_nothing_runs(html: str) -> None:
    page = Page(html)
    assert not page.all("script")
    assert not page.all("link")
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in {"src", "href", "xlink:href", "data", "srcset", "poster"} & set(attributes):
            assert tag == "a" or str(attributes[name]).startswith(("data:image/", "#")), (
                tag,
                attributes[name],
            )
    assert "url(h" not in html
    assert "@import" not in html
    policies = [
        meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_text_is_escaped(html: str) -> None:
    page = Page(html)
    assert "<script" not in html
    assert "“a ball <script>alert(1)</script>”" in page.text
    assert "No <means> no" in page.text
    assert all("style" in mark for mark in page.all("i"))  # the tracks' marks, not the note's tag


def test_right_and_wrong_are_told_without_colour(html: str) -> None:
    page = Page(html)
    images = page.all("img")
    assert [image["alt"] for image in images] == ['a "dog"', 'a "dog"', "a red ball", 'a "dog"']
    labels = [span["aria-label"] for span in page.all("span") if span.get("role") == "img"]
    assert labels == ["wrong", "wrong", "right", "wrong"]
    assert "pretrained 0 of 2 right ✗ −0.040 ✗ −0.040 omni 1 of 2 right ✓ 0.310 ✗ −0.040" in page.text


def test_addresses_in_the_attribution_are_links(html: str) -> None:
    assert [link["href"] for link in Page(html).all("a")] == ["https://creativecommons.org/licenses/by/4.0/"]


def test_empty_parts_are_left_out() -> None:
    rows = [FigureRow("presence", "seen", (Estimate(0.5, 0.4, 0.6, 9),), None, None)]
    page = Page(RunPage(title="Title", summary="Summary.", rows=rows, columns=("clip",)).html())
    assert len(page.all("section")) == 1
    assert "50.0 % [40.0, 60.0]" in page.text
