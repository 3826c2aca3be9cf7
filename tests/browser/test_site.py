"""The built site: nothing comes from elsewhere, links lead somewhere, and it works in a browser, light, dark and small."""

import functools
import html
import http.server
import os
import pathlib
import re
import threading
import urllib.parse
from html.parser import HTMLParser

import pytest
from axe import serious

ROOT = pathlib.Path(__file__).parents[2]
SITE = ROOT / "_site"
FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
}
FETCHED_LINKS = {"stylesheet", "icon", "preload", "preconnect", "modulepreload", "shortcut", "dns-prefetch", "manifest"}


@pytest.fixture(scope="module")
def site():
    """The folder that ``make site`` filled; ``make test`` runs it before these tests."""
    if not (SITE / "index.html").exists():
        complain = pytest.fail if os.environ.get("DLQ_REQUIRE_BROWSER") == "1" else pytest.skip
        complain("there is no _site/index.html; run make site")
    return SITE


@pytest.fixture(scope="module")
def server(site):
    """The address of a plain web server for the site."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()


@pytest.fixture
def visit(browser, site, server):
    """Opens a page of the site from the server or from the disk; any request elsewhere and any error is a fault."""
    contexts, faults = [], []

    def visit(name, *, disk=False, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        home = site.as_uri() if disk else server
        context.route(lambda url: not url.startswith((home, "data:", "blob:")), lambda route: route.abort())
        page = context.new_page()
        page.on("request", lambda r: None if r.url.startswith((home, "data:", "blob:")) else faults.append(r.url))
        page.on("pageerror", lambda error: faults.append(f"{name}: {error}"))
        page.on("console", lambda m: faults.append(f"{name}: {m.text}") if m.type == "error" else None)
        page.goto(f"{home}/{name}")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


class Page(HTMLParser):
    """What a page fetches by itself, where its links lead, and its pictures without a text."""

    def __init__(self, path):
        super().__init__()
        self.fetched, self.links, self.mute = [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag in FETCHED and found.get(FETCHED[tag]):
            self.fetched.append(found[FETCHED[tag]])
        if tag == "link" and FETCHED_LINKS & set(found.get("rel", "").split()):
            self.fetched.append(found["href"])
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img" and not found.get("alt"):
            self.mute.append(found.get("src"))


def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def is_local(address):
    return not urllib.parse.urlsplit(address).scheme and not address.startswith("//")


def test_every_lesson_and_page_is_there(site):
    there = {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")}
    lessons = {f"lessons/{path.stem}" for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert lessons | {"index", "start", "models", "metrics", "datasets", "publish", "search", "api/dlq"} <= there


def test_nothing_is_fetched_from_elsewhere_and_every_picture_has_a_text(site):
    found = pages(site)
    assert [a for page in found.values() for a in page.fetched if not is_local(a) and not a.startswith("data:")] == []
    assert [path.name for path, page in found.items() if page.mute] == []
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert "url(http" not in text
        assert "url(//" not in text
        assert "@import" not in text.replace('@import url("basic.css");', "")


def test_links_within_the_site_lead_somewhere(site):
    for path, page in pages(site).items():
        for address in [*page.links, *page.fetched]:
            target = urllib.parse.unquote(urllib.parse.urlsplit(address).path)
            if is_local(address) and target:
                assert (path.parent / target).exists(), f"{path.relative_to(site)}: {address}"


def test_signatures_read_as_they_are_called(site):
    for name in ("api/dlq", "api/dlq.datasets", "api/dlq.widgets"):
        page = (site / f"{name}.html").read_text(encoding="utf-8")
        text = " ".join(html.unescape(re.sub("<[^>]*>", "", page)).split())
        for mark in ("*args: t.Any", "jaxtyping.", "<function", "<factory>", " at 0x"):
            assert mark not in text
    assert "class Traversal( model, image=None, *," in text


FRONT, LESSON, WIDGET = "index.html", "lessons/00_start_here.html", "widgets/traversal.html"
FROM = pytest.mark.parametrize("disk", [False, True], ids=["server", "disk"])


@pytest.mark.browser
@FROM
def test_the_widget_of_the_front_page_moves(visit, disk):
    frame = visit(FRONT, disk=disk).frame_locator("iframe")
    slider = frame.get_by_role("slider", name="wall_hue")
    before = frame.locator("canvas[data-code]").get_attribute("data-code")
    slider.press("ArrowRight")
    assert frame.locator("canvas[data-code]").get_attribute("data-code") != before


@pytest.mark.browser
@FROM
def test_a_widget_page_moves(visit, disk):
    page = visit(WIDGET, disk=disk)
    page.wait_for_selector("body[data-ready]")
    before = page.locator("canvas[data-code]").get_attribute("data-code")
    page.get_by_role("slider", name="wall_hue").press("ArrowRight")
    assert page.locator("canvas[data-code]").get_attribute("data-code") != before


@pytest.mark.browser
@FROM
def test_a_lesson_shows_live_figures_and_a_live_widget(visit, disk):
    page = visit(LESSON, disk=disk)
    figures = page.locator(".dlq-figure").all()
    assert len(figures) >= 3
    for figure in figures:
        figure.scroll_into_view_if_needed()
        figure.locator(".main-svg").first.wait_for()
        figure.locator("img").wait_for(state="detached")
    page.locator("iframe").scroll_into_view_if_needed()
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Reset").click()
    assert frame.locator("canvas[data-code]").is_visible()


@pytest.mark.browser
def test_a_lesson_without_scripts_shows_its_stored_pictures(visit):
    page = visit(LESSON, java_script_enabled=False)
    sizes = [box.bounding_box() for box in page.locator(".dlq-figure img").all()]
    assert len(sizes) >= 3
    assert all(size["width"] > 300 and size["height"] > 100 for size in sizes)


@pytest.mark.browser
def test_a_frame_is_as_high_as_its_widget(visit):
    page = visit(FRONT)
    page.frame_locator("iframe").locator("canvas[data-code]").wait_for()
    page.wait_for_function(
        """() => { const frame = document.querySelector("iframe"), inside = frame.contentDocument.documentElement;
        return inside.scrollHeight <= frame.clientHeight && frame.clientHeight < inside.scrollHeight + 80; }"""
    )


@pytest.mark.browser
def test_search_finds_a_word(visit):
    page = visit(FRONT)
    page.get_by_role("textbox", name="Search").first.fill("explicitness")
    page.keyboard.press("Enter")
    page.wait_for_selector("ul.search li a")
    page.wait_for_load_state("networkidle")
    assert any("Modularity, compactness" in text for text in page.locator("ul.search li a").all_inner_texts())


def brightness(colour):
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


PAPER = "() => getComputedStyle(document.body).backgroundColor"


@pytest.mark.browser
def test_a_dark_system_gets_a_dark_page_and_dark_widgets(visit):
    page = visit(FRONT, color_scheme="dark")
    page.frame_locator("iframe").locator("canvas[data-code]").wait_for()
    assert brightness(page.evaluate(PAPER)) < 150
    assert brightness(page.frames[1].evaluate(PAPER)) < 150


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [FRONT, LESSON, WIDGET])
def test_axe_finds_nothing_serious(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    for frame in page.frames:
        assert serious(frame) == [], frame.url


@pytest.mark.browser
def test_the_button_turns_page_and_widgets_dark(visit):
    page = visit(FRONT, color_scheme="null")  # what is emulated would hide from the frame what the page says
    page.frame_locator("iframe").locator("canvas[data-code]").wait_for()
    assert brightness(page.evaluate(PAPER)) > 700
    page.locator(".theme-toggle:visible").first.click()
    assert page.locator("body").get_attribute("data-theme") == "dark"
    assert brightness(page.evaluate(PAPER)) < 150
    page.frames[1].wait_for_function("() => matchMedia('(prefers-color-scheme: dark)').matches")
    assert brightness(page.frames[1].evaluate(PAPER)) < 150


@pytest.mark.browser
def test_no_page_scrolls_sideways_on_a_phone(visit, site, server):
    page = visit(FRONT, viewport={"width": 390, "height": 844})
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site)
        page.goto(f"{server}/{name}")
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, str(name)


@pytest.mark.browser
def test_formulas_are_drawn_by_the_browser_itself(visit):
    page = visit("lessons/05_qlae.html")
    formula = page.locator("math").first
    assert formula.bounding_box()["height"] > 5
    assert "$" not in page.locator("article").inner_text().replace("$ ", "")
