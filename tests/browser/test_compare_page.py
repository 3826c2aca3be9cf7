"""CompareTraversal: each model's own sliders on an offline page, one row of pictures, sliders that move together."""

import numpy as np
import pytest
from stand_in import Stripes
from test_lab import SMALL_PATIENCE, press_one_step, run_all
from test_widget_pages import NASTY, PIXELS, fits

from dlq.widgets import CompareTraversal

pytestmark = pytest.mark.browser
IMAGE = np.array([0, 0, 255, 255, 128, 128], np.uint8)[None, None].repeat(4, 1)
LATENTS = np.array([[-1, 0, 1], [-1, 0, 0], [1, 1, 0], [0, -1, -1], [-1, 1, 0]], np.float32)
GROUPS = {"first": {"hue": [0, 1]}, "second": {"hue": [2]}}
LIVE = """
import numpy as np
from stand_in import Stripes
from dlq.widgets import CompareTraversal
many = Stripes((1, 4, 30), num_latents=15)
view = CompareTraversal({"a": many, "b": many}, np.full((1, 4, 30), 128, np.uint8))
view
"""


def shown(page):
    """The first row of every model's picture."""
    return [c.evaluate(PIXELS)[:6] for c in page.locator(".dlq-top canvas").all()]


def slider(page, model, name):
    return page.get_by_role("region", name=model, exact=True).get_by_role("slider", name=name, exact=True)


def test_each_model_moves_alone_and_shows_what_python_decodes(show, tmp_path):
    models = {"mixed": Stripes(continuous=True), NASTY: Stripes()}
    view = CompareTraversal(models, IMAGE, latents={"mixed": LATENTS})
    page = show(view.to_html(tmp_path / "page.html"))
    assert page.get_by_role("checkbox").count() == 0  # nothing is linked
    for model, name, level in (("mixed", "latent 1", 3), (NASTY, "latent 0", 2), ("mixed", "latent 2", 0)):
        slider(page, model, name).fill(str(level))
        k = list(models).index(model)
        codes = [list(code) for code in view.codes]
        codes[k][int(name[-1])] = level
        view.codes = codes
        assert np.array_equal(np.array(shown(page)).ravel(), view.image()[0, 0])
    page.get_by_role("region", name=NASTY).get_by_role("button", name="Reset").press("Enter")
    assert shown(page)[1] == IMAGE[0, 0].tolist()
    assert shown(page)[0] == view.image()[0, 0, :6].tolist()


def test_linked_sliders_move_together_until_told_not_to(show, tmp_path):
    models = {"first": Stripes(), "second": Stripes()}
    view = CompareTraversal(models, IMAGE, latents=dict.fromkeys(models, LATENTS), groups=GROUPS)
    page = show(view.to_html(tmp_path / "page.html"))
    own, other = slider(page, "first", "hue"), slider(page, "second", "hue")
    (table,) = [link["levels"] for link in view.links if link["from"] == 0]
    for level in range(len(table)):
        own.fill(str(level))
        assert other.input_value() == str(table[level])
    box = page.get_by_role("checkbox", name="Move sliders of the same name together")
    box.press("Space")
    assert not box.is_checked()
    before = own.input_value()
    press_one_step(other)
    assert own.input_value() == before


def test_a_phone_and_the_dark_scheme_show_one_row(show, tmp_path):
    models = {"a name that is longer than its picture is wide": Stripes(), "second": Stripes()}
    path = CompareTraversal(models, IMAGE).to_html(tmp_path / "page.html")
    page = show(path, viewport={"width": 360, "height": 740}, color_scheme="dark")
    assert fits(page, 360)
    tops = page.locator(".dlq-top canvas, .dlq-top img").evaluate_all(
        "all => all.map((e) => e.getBoundingClientRect().top)"
    )
    assert len(tops) == 3
    assert max(tops) - min(tops) < 1


def test_with_python_behind_each_model_gets_its_next_pictures(browser, serve):
    page = run_all(browser, serve, "lab", None, LIVE)
    page.locator(".dlq-top canvas[data-code]").first.wait_for(timeout=SMALL_PATIENCE)
    for name in ("latent 0", "latent 1", "latent 2"):  # three moves: far beyond the star that is there
        slider(page, "b", name).press("End")
    code = ",".join(["2"] * 3 + ["1"] * 12)
    page.locator(f".dlq-top canvas[data-code='{code}']").wait_for(timeout=30_000)
    assert shown(page) == [[128] * 6, [255] * 6]
    page.context.close()
