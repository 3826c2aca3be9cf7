"""What holds for every widget's page alike: keys, pointer, touch, names, zoom, quiet, copies, closing, a sandbox, axe."""

import re
from pathlib import Path

import pytest
from axe import serious
from every_widget import NASTY, WIDGETS

from dlq import export
from dlq.widgets import page as pages

pytestmark = pytest.mark.browser
STYLES = [pages.style(path.stem) for path in sorted(pages.FOLDER.glob("*.css")) if path.stem != "theme"]
LAYOUT = """() => [...document.querySelectorAll(".dlq-widget, .dlq-widget *")].map((e) => {
    const { x, y, width, height } = e.getBoundingClientRect();
    const { color, backgroundColor, fontWeight, borderColor, opacity } = getComputedStyle(e);
    return [e.tagName, e.className, x, y, width, height, color, backgroundColor, fontWeight, borderColor, opacity].join(" ");
})"""
SAID = """() => [...document.querySelectorAll(".dlq-widget, .dlq-widget *")].flatMap((e) => [
    ...["aria-label", "aria-valuetext", "alt", "title", "placeholder"].map((name) => e.getAttribute(name) ?? ""),
    ...[...e.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent)])"""
NAMES = [NASTY, "latent", "largest share", "total", "reconstruction", "size", "gradient norm"]
NAMES += ["red", "green", "blue", "tens", "first", "hue", "Ada", "one", "two", "three", "smile", "beard", "SYNTHETIC"]
DATA = "|".join(map(re.escape, NAMES))  # names of what is shown, and the mark of made faces
HOST = (Path(export.__file__).parent / "host.js").read_text()
PHONE = {"width": 360, "height": 740}
READY = "body[data-ready]"
SLIDERS = "input[type=range]:enabled"
DRAWN = """() => [...document.querySelectorAll("canvas")].every((c) => c.dataset.code !== undefined ||
    c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((v) => v))"""
SECOND = """async () => {
    const text = (id) => document.getElementById(id).textContent, el = document.createElement("div");
    const url = URL.createObjectURL(new Blob([text("module")], { type: "text/javascript" }));
    document.querySelector("main").append(el);
    window.close2 = await host((await import(url)).default, JSON.parse(text("state")), el);
}"""
UNCOVERED = """e => { e.scrollIntoView({ block: "nearest" }); const box = e.getBoundingClientRect();
    return e.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)); }"""
FOCUSED = """() => { const e = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(e);
    return [[...document.querySelectorAll("*")].indexOf(e), outlineStyle, parseFloat(outlineWidth) > 1].join(); }"""
STOPS = """() => [...document.querySelectorAll(
    ".dlq-widget :is(button:not([tabindex='-1']), input, select, [tabindex='0'])")]
    .filter((e) => !e.disabled && e.offsetParent !== null).length"""


@pytest.fixture(scope="module", params=WIDGETS)
def exported(request, tmp_path_factory):
    """A widget and its page, with a title that looks like markup."""
    view = WIDGETS[request.param]()
    return view, view.to_html(tmp_path_factory.mktemp(request.param) / "page.html", title=NASTY)


@pytest.fixture
def open_page(exported, show):
    def open_page(**options):
        page = show(exported[1], ready=READY, **options)
        page.wait_for_function(DRAWN)
        return page

    return open_page


def first_slider(page):
    return page.locator(SLIDERS).first


def ends(slider):
    """Where a pointer puts the slider to its ends: left, right, and the height of both."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    return box["x"] + 3, box["x"] + box["width"] - 3, box["y"] + box["height"] / 2


def state_of(page):
    """What a reader sees of the widget: its words and the pixels of its pictures."""
    return page.evaluate(
        """() => [document.querySelector(".dlq-widget").innerText, ...[...document.querySelectorAll("canvas")]
        .map((c) => [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data].join())].join("|")"""
    )


def test_axe_finds_nothing_serious_in_light_and_in_dark(open_page):
    page = open_page()
    first_slider(page).press("ArrowRight")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == [], scheme


def test_every_control_has_a_name_keys_reach_it_and_focus_is_seen(open_page):
    page = open_page()
    assert page.title() == page.get_by_role("heading", level=1).inner_text() == NASTY
    tree = page.get_by_role("main").aria_snapshot().splitlines()
    controls = [line for line in tree if line.strip().startswith(("- slider", "- button", "- img", "- checkbox"))]
    assert controls
    assert [line for line in controls if '"' not in line and "'" not in line] == []
    assert page.locator("[role=status][aria-live=polite]").count() >= 1
    seen = set()
    for _ in range(page.evaluate(STOPS)):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(FOCUSED))
    assert len(seen) == page.evaluate(STOPS)
    assert all(each.endswith(",true") and ",none," not in each for each in seen)


def test_keys_and_the_mouse_move_what_is_shown(open_page):
    page = open_page()
    slider = first_slider(page)
    slider.press("Home")
    before, said = state_of(page), slider.get_attribute("aria-valuetext")
    slider.press("End")
    assert slider.input_value() == slider.get_attribute("max")
    assert slider.get_attribute("aria-valuetext") != said
    after = state_of(page)
    assert after != before
    left, right, middle = ends(slider)
    page.mouse.click(left, middle)
    assert (slider.input_value(), state_of(page)) == ("0", before)
    page.mouse.move(left, middle)
    page.mouse.down()
    page.mouse.move(right, middle, steps=5)
    page.mouse.up()
    assert state_of(page) == after


def test_a_page_that_is_zoomed_does_not_scroll_sideways_and_hides_no_control(open_page):
    page = open_page()
    for zoom in (2, 4):  # of a window of 1280 x 800
        width = 1280 // zoom
        page.set_viewport_size({"width": width, "height": 800 // zoom})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for control in page.locator(".dlq-widget :is(input, button):enabled").all():
            assert control.evaluate(UNCOVERED), control.evaluate("e => e.outerHTML")


def test_a_phone_shows_all_of_it_and_a_touch_moves_it(open_page):
    page = open_page(viewport=PHONE, has_touch=True, device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    inside = "all => Math.max(...all.map((e) => e.getBoundingClientRect().right))"
    assert page.locator(".dlq-widget > *").evaluate_all(inside) <= PHONE["width"]
    slider = first_slider(page)
    for end in (0, 1):
        before = state_of(page)
        left, right, middle = ends(slider)
        page.touchscreen.tap((left, right)[end], middle)
        assert slider.input_value() == ("0", slider.get_attribute("max"))[end]
    assert state_of(page) != before


def test_it_is_dark_in_the_dark_and_still_where_less_motion_is_asked_for(open_page):
    page = open_page(reduced_motion="reduce")
    style = "e => [getComputedStyle(document.body).backgroundColor, getComputedStyle(e).color]"
    bright = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        rgb = page.locator(".dlq-widget").first.evaluate(style)
        bright[scheme] = [sum(map(int, c.removeprefix("rgb(").removesuffix(")").split(","))) for c in rgb]
    assert bright["light"][0] > 600 > 200 > bright["light"][1]
    assert bright["dark"][1] > 600 > 200 > bright["dark"][0]
    first_slider(page).press("End")
    assert page.evaluate("document.getAnimations().length") == 0


def test_all_that_is_said_can_be_translated(exported, show):
    page = export.open_page(exported[1])
    parts = [page.state, *page.state.get("sides", [])]
    silent = export.retold(page, {key: "¤" for part in parts for key in part["words"]})
    opened = show(silent.to_html(exported[1].with_name("silent.html")), ready=READY)
    opened.wait_for_function(DRAWN)
    first_slider(opened).press("End")
    left = re.sub(DATA, "", "|".join(opened.evaluate(SAID)))
    assert re.findall(r"[A-Za-z]{3,}[^|]*", left) == []


def test_the_style_sheets_of_other_widgets_change_nothing(open_page):
    page = open_page()
    before = page.evaluate(LAYOUT)
    for sheet in STYLES:
        page.add_style_tag(content=sheet)
    page.wait_for_timeout(50)
    assert page.evaluate(LAYOUT) == before


def test_two_copies_on_a_page_and_closing_one_disturb_nothing(open_page):
    page = open_page()
    page.add_script_tag(content=HOST)
    page.evaluate(SECOND)
    ids = page.locator("[id]").evaluate_all("all => all.map((e) => e.id)")
    assert len(ids) == len(set(ids))
    half = page.locator(SLIDERS).count() // 2
    first, second = first_slider(page), page.locator(SLIDERS).nth(half)
    value = second.input_value()
    first.press("Home")
    first.press("End")
    assert (first.input_value(), second.input_value()) == (first.get_attribute("max"), value)
    widgets = page.locator("main > div > .dlq-widget")
    assert widgets.count() == 2
    page.evaluate("close2()")
    page.evaluate(f"async () => {{ await ({SECOND})(); close2(); }}")
    assert widgets.count() == 1  # closed at once, while pictures were being read
    first.press("Home")
    assert first.input_value() == "0"


def test_it_works_in_a_sandboxed_frame(exported, show):
    outer = exported[1].with_name("outer.html")
    outer.write_text(
        '<!DOCTYPE html><html lang="en"><title>outer</title><main></main>'
        '<iframe src="page.html" sandbox="allow-scripts" title="widget"></iframe>'
    )
    frame = show(outer, ready="iframe").frame_locator("iframe")
    frame.locator(READY).wait_for(state="attached")
    slider = frame.locator(SLIDERS).first
    slider.press("End")
    assert slider.input_value() == slider.get_attribute("max")
