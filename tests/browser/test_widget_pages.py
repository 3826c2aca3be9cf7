"""The exported pages of the widgets beside Traversal: keys and mouse move them, and they show what Python says."""

import itertools

import numpy as np
import pytest
from stand_in import Stripes

import dlq
from dlq.datasets.base import FactorDataset
from dlq.datasets.images import Stored
from dlq.widgets import Codebook, FactorBrowser, NmiHeatmap, RelevanceBars

pytestmark = pytest.mark.browser
NASTY = "</script><script>alert(1)</script><b>"
PIXELS = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, k) => k % 4 === 0)"
READY = "body[data-ready]"


def level(page, name):
    return page.get_by_role("slider", name=name)


def fits(page, width):
    widest = (
        "Math.max(...[...document.querySelectorAll('.dlq-widget > *')].map((e) => e.getBoundingClientRect().right))"
    )
    return page.evaluate("document.documentElement.scrollWidth") <= width and page.evaluate(widest) <= width


# FactorBrowser


def grey(factors=None, sizes=(2, 3), rows=(0, 1, 2, 10, 11, 12), names=("tens", NASTY)):
    images = Stored(np.broadcast_to(np.array(rows, np.uint8)[:, None, None, None], (len(rows), 1, 4, 6)).copy())
    return FactorDataset("grey", images, factors=factors, factor_sizes=sizes, factor_names=names)


@pytest.fixture
def factors(show, tmp_path):
    view = FactorBrowser(grey())
    return view, show(view.to_html(tmp_path / "page.html"))


def test_every_combination_shows_the_row_that_python_shows(factors):
    view, page = factors
    for code in itertools.product(range(2), range(3)):
        for name, step in zip(view.names, code, strict=True):
            level(page, name).fill(str(step))
        view.set_code(code)
        canvas = page.locator(".dlq-pictures canvas")
        assert canvas.get_attribute("data-code") == ",".join(map(str, code))
        assert canvas.evaluate(PIXELS) == view.image().ravel().tolist()


def test_keys_move_a_factor_and_a_click_on_its_range_does_too(factors):
    _, page = factors
    canvas = page.locator(".dlq-pictures canvas")
    level(page, "tens").press("End")
    assert canvas.get_attribute("data-code") == "1,0"
    assert page.get_by_role("heading", name="The whole range of").inner_text().endswith("tens")
    level(page, NASTY).focus()
    thumbs = page.locator(".dlq-range canvas")
    assert [thumb.evaluate(PIXELS)[0] for thumb in thumbs.all()] == [10, 11, 12]
    thumbs.nth(2).click()
    assert canvas.get_attribute("data-code") == "1,2"
    assert level(page, NASTY).get_attribute("aria-valuetext") == "2, value 3 of 3"
    page.get_by_role("button", name="Random row").press("Enter")
    page.get_by_role("button", name="Reset").click()
    assert canvas.get_attribute("data-code") == "0,0"


def test_a_missing_combination_is_marked(show, tmp_path):
    holes = np.array([[0, 0], [1, 0], [1, 1], [1, 2]])
    view = FactorBrowser(grey(holes, rows=(0, 10, 11, 12), names=("tens", "ones")))
    page = show(view.to_html(tmp_path / "page.html"))
    assert "All 6 combinations can be set; the data have 4 of them." in page.locator(".dlq-note").inner_text()
    level(page, "ones").press("End")  # (0, 2): half a range from nothing, a range from (1, 2) and from (0, 0)
    assert "No image has these factors: the nearest one is shown, row " in page.get_by_role("status").inner_text()
    assert page.locator(".dlq-unseen").count() == 1
    level(page, "tens").press("End")
    assert page.get_by_role("status").inner_text() == ""
    for _ in range(10):
        page.get_by_role("button", name="Random row").click()
        assert page.locator(".dlq-unseen").count() == 0


def test_rows_of_unlabelled_data_are_turned_over(show, tmp_path):
    view = FactorBrowser(grey(np.empty((300, 0), int), (), np.arange(300) % 256, ()), 150)
    page = show(view.to_html(tmp_path / "page.html"))
    slider = level(page, "row")
    assert slider.get_attribute("aria-valuetext") == "row 150, value 33 of 64"
    slider.press("End")
    assert page.locator(".dlq-pictures canvas").evaluate(PIXELS)[0] == 299 % 256


# Codebook


@pytest.fixture
def codebook(show, tmp_path):
    latents = np.array([[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5]], np.float32)
    view = Codebook(dlq.LatentQuantizer(2, 3), latents, names=[NASTY, "second"])
    return view, show(view.to_html(tmp_path / "page.html"), ready=READY)


@pytest.mark.parametrize("position", [0, 33, 60, 85, 120])
def test_a_soft_value_snaps_to_what_python_says(codebook, position):
    view, page = codebook
    view.position = position
    level(page, "soft value").fill(str(position))
    found, facts = view.snap, page.locator("dl").inner_text()
    assert page.locator(".dlq-large").get_attribute("data-index") == str(found.indices[0])
    shown = dict(zip(facts.splitlines()[::2], facts.splitlines()[1::2], strict=True))
    assert float(shown["snaps to"].split()[0]) == found.value[0]
    assert float(shown["distance"].split()[0]) == pytest.approx(found.distance[0], abs=1e-4)
    for name in ("quantization", "commitment"):
        assert float(shown[f"{name} loss"].split()[0]) == pytest.approx(getattr(found, name)[0], abs=6e-5)
    assert shown["gradient dz/dsoft"].startswith("1 ")


def test_keys_choose_a_latent_and_unused_values_are_hollow(codebook):
    _, page = codebook
    slider = level(page, "soft value")
    slider.press("End")
    assert slider.get_attribute("aria-valuetext") == "0.75, snaps to 0.5"
    assert "taken by 2 images" in page.locator("dl").inner_text()
    page.get_by_role("button", name="second").press("Enter")
    assert page.get_by_role("button", name="second").get_attribute("aria-pressed") == "true"
    assert page.get_by_role("heading", level=2).inner_text() == "second"
    assert page.locator(".dlq-large .dlq-hollow").count() == 1
    page.get_by_role("button", name=NASTY).click()
    assert page.get_by_role("heading", level=2).inner_text() == NASTY


def test_a_bounded_quantizer_shows_the_slope_of_tanh(show, tmp_path):
    page = show(Codebook(dlq.FSQ(1, 4)).to_html(tmp_path / "page.html"), ready=READY)
    level(page, "soft value").press("End")
    facts = page.locator("dl").inner_text()
    assert f"{np.tanh(2.5):.4f}" in facts
    assert f"{1 - np.tanh(2.5) ** 2:.4f} = 1" in facts


# NmiHeatmap


@pytest.fixture
def heatmap(show, tmp_path):
    rng = np.random.default_rng(0)
    known = rng.integers(0, 4, (300, 2))
    latents = known + 0.1 * rng.standard_normal((300, 2))
    view = NmiHeatmap(known, latents, discrete=False, rotate=(0, 1), num_angles=7, factor_names=["hue", NASTY])
    return view, show(view.to_html(tmp_path / "page.html"), ready=READY)


def test_the_map_and_the_bars_follow_the_angle(heatmap):
    view, page = heatmap
    slider = level(page, "Turn z0 and z1")
    for angle in (0, 3, 6):
        view.angle = angle
        slider.fill(str(angle))
        cells = [float(cell.inner_text()) for cell in page.locator(".dlq-cell").all()]
        np.testing.assert_allclose(cells, view.nmi.ravel(), atol=0.0051)
        numbers = [float(text) for text in page.locator(".dlq-bars .dlq-number").all_inner_texts()]
        np.testing.assert_allclose(numbers, list(view.scores.values()), atol=0.0051)
        widths = page.locator(".dlq-fill").evaluate_all("all => all.map((e) => parseFloat(e.style.width))")
        np.testing.assert_allclose(widths, [100 * score for score in view.scores.values()], atol=0.01)
        marks = page.locator(".dlq-mark").evaluate_all("all => all.map((e) => parseFloat(e.style.left))")
        np.testing.assert_allclose(marks, [100 * values[0] for values in view.table.scores.values()], atol=0.01)
    assert slider.get_attribute("aria-valuetext").startswith("90 degrees; InfoM")


def test_keys_and_the_mouse_read_a_cell(heatmap):
    view, page = heatmap
    page.locator(".dlq-cell").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")  # the last row: stays
    assert page.get_by_role("status").inner_text() == f"{NASTY}, z1: {view.nmi[1, 1]:.3f}"
    page.locator(".dlq-cell").first.hover()
    assert page.get_by_role("status").inner_text() == f"hue, z0: {view.nmi[0, 0]:.3f}"
    level(page, "Turn z0 and z1").press("ArrowRight")
    assert page.get_by_role("status").inner_text() == f"hue, z0: {view.table.nmi[1, 0, 0]:.3f} (turned by 15°)"


# RelevanceBars


@pytest.fixture
def relevance(show, tmp_path):
    rows = np.array([[0, 255, 0, 255], [255, 255, 0, 0]], np.uint8)
    images = np.repeat(rows[:, None, None], 4, axis=2).repeat(2, axis=3)
    model = Stripes((1, 4, 8), num_latents=4, continuous=True)
    view = RelevanceBars(model, [1, 6, 3, 0.5], images, samples=[[1, 1, 1, 1]], names=["a", NASTY, "c", "d"])
    return view, show(view.to_html(tmp_path / "page.html"), ready=".dlq-relevance[data-off]")


def shows(view, page):
    """Whether the page draws what Python decodes, images then samples."""
    strips = page.locator(".dlq-strip")
    drawn = [canvas.evaluate(PIXELS) for k in (2, 4) for canvas in strips.nth(k).locator("canvas").all()]
    return drawn == [picture.ravel().tolist() for picture in view.pictures()]


def test_the_slider_keeps_the_top_axes(relevance):
    view, page = relevance
    slider = level(page, "Keep the top axes")
    for count in (4, 3, 2, 1, 0):
        view.keep(count)
        slider.fill(str(count))
        assert page.locator(".dlq-relevance").get_attribute("data-off") == ",".join(map(str, view.off))
        assert shows(view, page)
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext").startswith("1 of 4 on, 57.1 % explained")
    page.get_by_role("button", name="All on").press("Enter")
    view.keep(4)
    assert shows(view, page)


def test_an_axis_alone_is_switched_and_other_choices_need_python(relevance):
    view, page = relevance
    button = page.get_by_role("button", name="c: score 3")
    button.press("Enter")
    view.off = [2]
    assert button.get_attribute("aria-pressed") == "false"
    assert shows(view, page)
    other = page.get_by_role("button", name="a: score 1")
    assert other.is_disabled()  # axes a and c are not the last ones
    reason = page.locator(f"id={other.get_attribute('aria-describedby')}")
    assert "disabled, as it needs Python" in reason.inner_text()
    button.click()
    assert not other.is_disabled()
    assert page.get_by_role("button", name=NASTY).get_attribute("aria-pressed") == "true"
