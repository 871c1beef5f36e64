"""The page in a real browser, as a person uses it: with a mouse, a keyboard alone, a phone."""

import json
import re
import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from listening import listening

from omninegclip.serve.app import Setup
from omninegclip.serve.evaluation import files_of
from omninegclip.serve.guard import Access
from omninegclip.serve.service import Service

playwright = pytest.importorskip("playwright.sync_api", reason="the extra browser is not installed")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="the extra browser is not installed"
)

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
expect = playwright.expect
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    expect.set_options(timeout=30_000)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "playwright.Browser", page_url: str) -> Iterator["playwright.Page"]:
    """The page after its first search; a request to another host or an error of the script fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    wrong: list[str] = []
    own = (page_url, "blob:")
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(own) else wrong.append(sent.url))
    page.goto(page_url)
    expect(page.locator("#ours > .tiles .tile")).to_have_count(12)
    yield page
    context.close()
    assert not wrong


def names(page: "playwright.Page", column: str) -> list[str]:
    return page.locator(f"#{column} > .tiles .caption span:first-child").all_inner_texts()


def number(name: str) -> int:
    return int(re.findall(r"\d+", name)[0])


def test_a_search_shows_both_answers_and_marks_what_was_denied(page: "playwright.Page") -> None:
    page.fill("#query", "a tree without dogs")
    page.keyboard.press("Enter")
    expect(page.locator("#chips .chip.not .turn")).to_have_text("dogs")
    expect(page.locator("#ours .asked")).to_have_text("a tree, NOT dogs")
    expect(page.locator("#plain .asked")).to_have_text("“a tree without dogs”, as one text")
    for column in ("plain", "ours"):
        for tile in page.locator(f"#{column} > .tiles .tile").all():
            name = tile.locator(".caption span").first.inner_text()
            if name != "private.jpg":
                assert bool(tile.locator(".mark").count()) == (number(name) % 2 == 0)


def test_only_asks_for_nothing_else_and_not_only_for_more(page: "playwright.Page") -> None:
    for query, understood in (
        ("only a tree", "a tree, NOT something else"),
        ("not only a tree", "a tree and something else"),
        ("only a tree, no dog", "a tree, NOT a dog, NOT something else"),
        ("a tree", "a tree"),
    ):
        page.fill("#query", query)
        page.keyboard.press("Enter")
        expect(page.locator("#ours .asked")).to_have_text(understood)


def test_chips_are_turned_weighed_and_dropped(page: "playwright.Page") -> None:
    page.click("#chips .chip.not .turn")
    expect(page.locator("#chips .chip.not")).to_have_count(0)
    expect(page.locator("#query")).to_have_value("a tree and a dog")
    expect(page.locator("#ours .asked")).to_have_text("a tree and a dog")
    page.locator("#chips .turn").nth(1).click()
    page.locator("#chips select").select_option("4")
    expect(page.locator("#ours .asked")).to_have_text("a tree, NOT a dog (weight 4)")
    page.locator("#chips .off").nth(1).click()
    expect(page.locator("#ours .asked")).to_have_text("a tree")
    page.locator("#chips .off").click()
    expect(page.locator("#ours .empty")).to_contain_text("Ask for something")


def test_strength_rescores_as_it_moves(page: "playwright.Page") -> None:
    before = names(page, "ours")
    with page.expect_response(lambda answer: '"strength":0,' in (answer.request.post_data or "")):
        page.locator("#strength").fill("0")
    expect(page.locator("#strength-value")).to_have_text("0.0")
    expect(page.locator("#ours > .tiles .caption").first).not_to_contain_text(before[0])
    page.get_by_label("Cosine").check()
    expect(page.locator("#strength")).to_be_disabled()
    expect(page.locator("#ours .asked")).to_contain_text("as one text")
    assert names(page, "ours") == names(page, "plain")


def test_more_shows_the_next_page(page: "playwright.Page") -> None:
    page.click("#ours .more")
    expect(page.locator("#ours > .tiles .tile")).to_have_count(24)
    assert len(set(names(page, "ours"))) == 24


def test_an_image_is_looked_for_and_what_is_none_is_told(page: "playwright.Page", folder: Path) -> None:
    page.fill("#query", "")
    page.set_input_files("#file", folder / "images" / "007.png")
    expect(page.locator("#ours > .tiles .caption").first).to_contain_text("007.png")
    expect(page.locator("#dropped")).to_be_visible()
    page.set_input_files("#file", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"no image"})
    expect(page.locator("#problem")).to_contain_text("not an image file")
    page.click("#drop-image")
    expect(page.locator("#dropped")).to_be_hidden()


def test_an_image_is_dropped(page: "playwright.Page", folder: Path) -> None:
    raw = list((folder / "images" / "009.png").read_bytes())
    page.evaluate(
        """(raw) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(raw)], "nine.png", {type: "image/png"}));
            for (const kind of ["dragover", "drop"])
                document.body.dispatchEvent(
                    new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        raw,
    )
    expect(page.locator("#dropped")).to_be_visible()


def test_nothing_left_and_a_server_that_fails_are_told(page: "playwright.Page") -> None:
    empty = {"understood": "x", "wanted": [], "unwanted": [], "likely": False, "results": [], "next": None}
    page.route("**/v1/search", lambda route: route.fulfill(json=empty))
    page.click("#form .go")
    expect(page.locator("#ours .empty")).to_contain_text("Nothing is left")
    problem = {"type": "a", "title": "b", "status": 503, "detail": "Too many.", "request_id": "abc"}
    page.unroute("**/v1/search")
    page.route("**/v1/search", lambda route: route.fulfill(status=503, json=problem))
    page.click("#form .go")
    expect(page.locator("#problem")).to_contain_text("Too many.")
    expect(page.locator("#problem")).to_contain_text("abc")
    page.unroute("**/v1/search")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#problem")).to_be_hidden()


def test_a_keyboard_is_enough(page: "playwright.Page") -> None:
    page.keyboard.press("/")
    page.keyboard.type("a tree without a cat")
    page.keyboard.press("Enter")
    expect(page.locator("#ours .asked")).to_have_text("a tree, NOT a cat")
    for _ in range(60):
        page.keyboard.press("Tab")
        if "Not wanted: a cat" in (page.evaluate("document.activeElement.ariaLabel") or ""):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#ours .asked")).to_have_text("a tree and a cat")
    assert "Wanted: a cat" in page.evaluate("document.activeElement.ariaLabel")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className").startswith("tile"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_visible()
    expect(page.locator("#detail-presence")).to_contain_text("a cat")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()


def test_a_phone_shows_it_all_without_scrolling_sideways(page: "playwright.Page") -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for column in ("plain", "ours"):
        box = page.locator(f"#{column}").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360


def test_the_evaluation_is_shown(page: "playwright.Page") -> None:
    page.click("#tab-evaluation")
    expect(page.frame_locator("#evaluation iframe").locator("h1")).to_have_text("A report")
    expect(page.locator("#evaluation td").first).to_have_text("a, b")
    page.click("#tab-search")
    expect(page.locator("#ours > .tiles .tile").first).to_be_visible()


def test_the_key_that_is_asked_for_serves_for_all_that_the_page_shows(
    browser: "playwright.Browser", service: Service, folder: Path
) -> None:
    report, key = folder / "keyed-report", "a-key-of-16-characters"
    report.mkdir()
    plot = b64encode((folder / "images" / "007.png").read_bytes()).decode()
    (report / "report.html").write_text(
        f"<style>h1 {{color: rgb(255, 0, 0)}}</style><h1>A report</h1>"
        f"<img src='data:image/png;base64,{plot}'>"
    )
    shutil.copy(folder / "images" / "009.png", report / "plot.png")
    setup = Setup("test", access=Access((key,)), evaluation=files_of(report), quiet=True)
    drawn = """image => new Promise(done => {
        const look = () => image.naturalWidth ? done(true) : setTimeout(look, 20);
        setTimeout(() => done(false), 20_000);
        look();
    })"""
    with listening(service, setup) as url:
        page = browser.new_page()
        page.set_default_timeout(30_000)
        page.goto(url)
        expect(page.locator("#key-dialog")).to_be_visible()
        expect(page.locator("#key-wrong")).to_be_hidden()
        for wrong in ("not-one-of-its-keys", "kein Schlüssel – 键键键键键键"):
            page.fill("#key", wrong)
            page.keyboard.press("Enter")
            expect(page.locator("#key-wrong")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#key-dialog")).to_be_visible()
        page.fill("#key", key)
        page.keyboard.press("Enter")
        expect(page.locator("#key-dialog")).to_be_hidden()
        page.fill("#query", "a tree without a dog")
        page.keyboard.press("Enter")
        expect(page.locator("#ours > .tiles .tile")).to_have_count(12)
        assert page.locator("#ours .tile img").first.evaluate(drawn)
        page.fill("#query", "")
        page.set_input_files("#file", folder / "images" / "007.png")
        expect(page.locator("#ours > .tiles .caption").first).to_contain_text("007.png")
        page.click("#ours .tile >> nth=0")
        assert page.locator("#detail-image").evaluate(drawn)
        page.keyboard.press("Escape")
        page.click("#tab-evaluation")
        frame = page.frame_locator("#evaluation iframe")
        expect(frame.locator("h1")).to_have_css("color", "rgb(255, 0, 0)")
        assert frame.locator("img").evaluate(drawn)
        assert page.locator("#evaluation .sheet > img").evaluate(drawn)
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: "playwright.Page", scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    # the page's policy lets no script of others in, so that axe is run beside the page's own
    source = Path(axe.__file__).with_name("axe.min.js").read_text()
    for prepare in ("#query", "#ours > .tiles .tile"):
        page.locator(prepare).first.click()
        page.evaluate(source + "\n; undefined")
        found = page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then((done) => done.violations)"
        )
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        assert not serious, json.dumps(serious, indent=1)[:3000]
