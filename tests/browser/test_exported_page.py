import itertools

import numpy as np
import pytest
from stand_in import Stripes

from dlq.widgets import Traversal

pytestmark = pytest.mark.browser
NASTY = "</script><script>alert(1)</script>"
IMAGE = np.full((1, 4, 6), 128, np.uint8)
PIXELS = "() => [...document.querySelector('.dlq-pictures canvas').getContext('2d').getImageData(0, 0, 6, 4).data]"


@pytest.fixture
def whole(tmp_path):
    """A page of three latents that holds all 27 codes, and the widget it came from."""
    view = Traversal(Stripes(), IMAGE, names=["red", "green", "blue"])
    return view, view.to_html(tmp_path / "page.html", title="Three stripes")


@pytest.fixture
def star(tmp_path):
    """A page of the same latents that holds single moves only."""
    return Traversal(Stripes(), IMAGE, names=["red", "green", "blue"]).to_html(tmp_path / "star.html", max_tiles=7)


def pixels(page):
    return np.array(page.evaluate(PIXELS), np.uint8).reshape(4, 6, 4)[..., 0]


def code(page):
    return page.locator(".dlq-pictures canvas").get_attribute("data-code")


def test_keys_move_the_slider_and_change_the_picture(show, whole):
    page = show(whole[1])
    slider = page.get_by_role("slider", name="green")
    before = pixels(page)
    slider.press("ArrowRight")
    assert code(page) == "1,2,1"
    assert slider.get_attribute("aria-valuetext") == "value 3 of 3"
    assert (pixels(page) != before).any()
    assert pixels(page)[0].tolist() == [128, 128, 255, 255, 128, 128]
    slider.press("Home")
    assert (code(page), pixels(page)[0].tolist()) == ("1,0,1", [128, 128, 0, 0, 128, 128])
    slider.press("End")
    assert code(page) == "1,2,1"
    page.get_by_role("button", name="Reset").press("Enter")
    assert code(page) == "1,1,1"
    assert (pixels(page) == before).all()


def test_every_code_shows_what_python_decodes(show, whole):
    view, path = whole
    page = show(path)
    for levels in itertools.product(range(3), repeat=3):
        for name, level in zip(("red", "green", "blue"), levels, strict=True):
            page.get_by_role("slider", name=name).fill(str(level))
        view.set_code(levels)
        assert code(page) == ",".join(map(str, levels))
        assert (pixels(page) == view.image()[0]).all()


def test_a_star_sends_the_other_slider_home_and_says_so(show, star):
    page = show(star)
    page.get_by_role("slider", name="red").press("End")
    assert code(page) == "2,1,1"
    page.get_by_role("slider", name="blue").press("Home")
    assert code(page) == "1,1,0"
    assert pixels(page)[0].tolist() == [128, 128, 128, 128, 0, 0]
    assert page.get_by_role("slider", name="red").input_value() == "1"
    assert "Back to the starting value: red." in page.get_by_role("status").inner_text()
    for _ in range(10):
        page.get_by_role("button", name="Random").click()
        assert sum(level != "1" for level in code(page).split(",")) <= 1


def test_a_click_on_a_thumbnail_moves_there(show, whole):
    page = show(whole[1])
    page.locator(".dlq-row", has_text="blue").locator("canvas").first.click()
    assert code(page) == "1,1,0"


def test_codes_outside_the_data_are_marked(show, tmp_path):
    latents = np.array([[0, 0, 0], [1, 0, 0]], np.float32)
    page = show(Traversal(Stripes(), IMAGE, latents=latents).to_html(tmp_path / "page.html"))
    slider = page.get_by_role("slider", name="latent 0")
    slider.press("End")
    assert page.get_by_role("status").inner_text() == ""
    slider.press("Home")
    assert page.get_by_role("status").inner_text() == "Not seen in the data."
    for _ in range(10):
        page.get_by_role("button", name="Random").click()
        assert code(page) in ("1,1,1", "2,1,1")


def test_names_that_look_like_markup_stay_text(show, tmp_path):
    view = Traversal(Stripes(), IMAGE, names=[NASTY, "<img src=x onerror=alert(1)>", "<!--<script>"])
    page = show(view.to_html(tmp_path / "page.html", title=NASTY))
    assert page.get_by_role("heading").inner_text() == NASTY
    page.get_by_role("slider", name=NASTY).press("End")
    assert code(page) == "2,1,1"


def test_every_control_and_picture_has_a_name(show, whole):
    page = show(whole[1])
    snapshot = page.get_by_role("main").aria_snapshot()
    assert page.title() == "Three stripes"
    assert page.locator("html").get_attribute("lang") == "en"
    for line in (
        'heading "Three stripes" [level=1]',
        'img "The original image"',
        'img "Decoded image: red value 2 of 3; green value 2 of 3; blue value 2 of 3"',
        'group "Latent code"',
        'slider "red"',
        'slider "green"',
        'slider "blue"',
        'button "Reset"',
        'button "Random"',
    ):
        assert line in snapshot


@pytest.mark.parametrize("num_latents", [3, 15])
def test_a_phone_needs_no_sideways_scrolling(show, tmp_path, num_latents):
    names = ["a name much longer than the screen of a phone is wide, to be sure", *map(str, range(1, num_latents))]
    view = Traversal(Stripes((3, 16, 30), num_latents=num_latents), np.zeros((3, 16, 30), np.uint8), names=names)
    page = show(view.to_html(tmp_path / "page.html"), viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert (
        page.evaluate("Math.max(...[...document.querySelectorAll('*')].map(e => e.getBoundingClientRect().right))")
        <= 360
    )
