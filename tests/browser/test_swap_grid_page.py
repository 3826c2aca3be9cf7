"""SwapGrid in a browser: keys and mouse choose, hover and focus show differences, and the walk shows what Python made."""

import numpy as np
import pytest
from swap_stand_in import Half, People

from dlq.widgets import SwapGrid

pytestmark = pytest.mark.browser
NASTY = "</script><script>alert(1)</script><b>"
READY = ".dlq-swaps[data-ready]"
PIXELS = """(c) => { const small = document.createElement("canvas"), side = 16, step = c.width / side;
    const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, found = [];
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++)
        for (let k = 0; k < 3; k++) found.push(data[4 * ((y * step) * c.width + x * step) + k]);
    return found; }"""


class Still(Half):
    def swap(self, source, target, mask=None):
        return 0.8 * target + 0.2 * source


@pytest.fixture(scope="module")
def view():
    people = People(12, 1, 16, seed=2)
    names = (["Ada", NASTY], ["one", "two", "three"])
    return SwapGrid(Still(people), people, [0, 1], [5, 6, 7], walks=("smile", "beard"), names=names)


@pytest.fixture
def page(view, show, tmp_path):
    view.chosen, view.difference = [0, 0], False
    return show(view.to_html(tmp_path / "page.html"), ready=READY)


def pixels(canvas):
    """The pixels of a 16-pixel picture, enlarged or not, (3, 16, 16)."""
    return np.array(canvas.evaluate(PIXELS)).reshape(16, 16, 3).transpose(2, 0, 1)


def enlarged(page):
    return page.locator(".dlq-peek canvas")


def test_a_click_enlarges_what_python_made(page, view):
    page.get_by_role("button", name="Ada in three").click()
    view.chosen = [0, 2]
    assert page.locator(READY).get_attribute("data-chosen") == "0,2"
    assert page.get_by_role("heading", name="Ada in three").count() == 1
    shown = pixels(enlarged(page))
    np.testing.assert_array_equal(shown[:, :12], view.image()[:, :12])  # below is the tag
    exact = pixels(page.get_by_role("img", name="Exact swap").first)
    np.testing.assert_array_equal(exact, np.rint(255 * view._pairs.exact[0, 2]))
    assert page.get_by_role("button", name="Ada in three").get_attribute("aria-pressed") == "true"


def test_arrows_move_in_the_table_and_enter_chooses(page):
    page.get_by_role("button", name="Ada in one").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):  # the last row: stays
        page.keyboard.press(key)
    assert page.locator(READY).get_attribute("data-chosen") == "0,0"
    page.keyboard.press("Enter")
    assert page.locator(READY).get_attribute("data-chosen") == "1,1"
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    assert page.locator(READY).get_attribute("data-chosen") == "1,0"
    assert page.get_by_role("heading", level=2).first.inner_text() == f"{NASTY} in one"


def test_hover_and_focus_show_the_difference(page, view):
    root, peek = page.locator(READY), page.locator(".dlq-peek")
    assert root.get_attribute("data-different") == "false"
    peek.hover()
    assert root.get_attribute("data-different") == "true"
    np.testing.assert_array_equal(pixels(enlarged(page))[:, :12], view.difference_image()[:, :12])
    page.mouse.move(0, 0)
    assert root.get_attribute("data-different") == "false"
    page.get_by_role("button", name="Show differences").focus()
    page.keyboard.press("Tab")
    assert peek.evaluate("e => e === document.activeElement")
    assert root.get_attribute("data-different") == "true"


def test_the_button_shows_differences_everywhere(page, view):
    button = page.get_by_role("button", name="Show differences")
    button.click()
    page.mouse.move(0, 0)
    assert button.get_attribute("aria-pressed") == "true"
    cell = page.get_by_role("button", name="Ada in one").locator("canvas")
    np.testing.assert_array_equal(pixels(cell), view.difference_image())
    button.click()
    np.testing.assert_array_equal(pixels(cell), view.image())


def test_the_tag_is_on_the_page_and_in_the_picture(page, view, show, tmp_path):
    assert page.locator(".dlq-tag").inner_text() == "SYNTHETIC"
    assert not np.array_equal(pixels(enlarged(page))[:, 13:], view.image()[:, 13:])
    view.tag = ""
    bare = show(view.to_html(tmp_path / "bare.html"), ready=READY)
    view.tag = "SYNTHETIC"
    assert bare.locator(".dlq-tag").count() == 0
    np.testing.assert_array_equal(pixels(enlarged(bare)), view.image())


def test_the_walk_shows_its_frames(page, view):
    slider = page.get_by_role("slider", name="smile of one")
    walk = view._walks[0]
    for step in (0, 8):
        slider.fill(str(step))
        moved = pixels(page.locator(".dlq-walk .dlq-large canvas").nth(0))
        np.testing.assert_array_equal(moved, walk.inputs[step])
        swap = pixels(page.locator(".dlq-walk .dlq-large canvas").nth(1))
        np.testing.assert_array_equal(swap[:, :12], walk.results[step][:, :12])
    assert slider.get_attribute("aria-valuetext") == "1.00, 9 of 9"
    page.get_by_label("Walk", exact=True).select_option("beard")
    assert page.get_by_role("slider", name="beard of Ada").input_value() == "0"
    page.locator(".dlq-strip canvas").nth(4).click()
    assert page.get_by_role("slider").input_value() == "4"
    np.testing.assert_array_equal(pixels(page.locator(".dlq-walk .dlq-large canvas").nth(2)), view._walks[1].truth[4])


def test_a_page_fits_a_phone_and_names_every_control(page):
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    snapshot = page.get_by_role("main").aria_snapshot()
    controls = [
        line
        for line in snapshot.splitlines()
        if line.strip().startswith(("- slider", "- button", "- img", "- combobox"))
    ]
    assert len(controls) > 10
    assert all('"' in line or "'" in line for line in controls), controls


def test_the_dark_scheme_is_dark(page):
    page.emulate_media(color_scheme="dark")
    colour = page.locator(".dlq-swaps").evaluate("e => getComputedStyle(e).color")
    assert sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) > 600
