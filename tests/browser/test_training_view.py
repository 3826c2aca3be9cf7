"""TrainingView: its page opens offline; in JupyterLab its curves grow while the cell runs, and Stop ends the run."""

import nbformat
import numpy as np
import pytest
from conftest import TOKEN
from stand_in import Learner
from test_lab import RUN_ALL, SMALL_PATIENCE
from test_widget_pages import NASTY, PIXELS, READY, fits, level

from dlq import fit
from dlq.widgets import TrainingView

pytestmark = pytest.mark.browser
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 1, 4, 6)).astype(np.uint8)
CELLS = [
    """import numpy as np, dlq
from stand_in import Learner
images = np.random.default_rng(0).integers(0, 256, (40, 1, 4, 6)).astype(np.uint8)
view = dlq.widgets.TrainingView(images, every=0.5)
view""",
    "history = dlq.fit(Learner(), images, steps=400_000, watch=view.watch, device='cpu', progress=False)",
    "print('it was', history.stopped, history.steps[-1] < 400_000, view.errors)",
]


@pytest.fixture
def trained():
    view = TrainingView(IMAGES, names=["red", "green", NASTY])
    fit(Learner(), IMAGES, steps=30, batch_size=8, watch=view.watch, device="cpu", progress=False)
    return view


def test_a_page_of_a_run_moves_every_latent_offline(show, trained, tmp_path):
    page = show(trained.to_html(tmp_path / "page.html"), ready=READY)
    assert page.get_by_role("button").count() == 0  # nothing runs that could be stopped
    for i, name in enumerate(["red", "green", NASTY]):
        level(page, "latent").fill(str(i))
        trained.latent = i
        assert level(page, "latent").get_attribute("aria-valuetext") == name
        values = trained.strip["moves"][str(i)]["values"]
        assert page.locator(".dlq-moves figcaption").all_inner_texts() == values == ["-1.00", "0.00", "1.00"]
        shown = [list(c.evaluate(PIXELS)[2 * i : 2 * i + 2]) for c in page.locator(".dlq-moves canvas").all()]
        assert shown == [[0, 0], [128, 128], [255, 255]]
    taken, count = trained.strip["used"][0]
    assert page.locator(".dlq-used li").first.inner_text().split() == ["red", str(taken), "of", str(count)]
    assert page.get_by_role("status").inner_text() == "Training is finished."
    assert page.locator(".dlq-chart").count() == 2
    steps = page.locator(".dlq-chart polyline").first.get_attribute("points").split()
    assert len(steps) == len(trained.record["steps"])


def test_curves_and_controls_have_names_and_a_phone_shows_them(show, trained, tmp_path):
    path = trained.to_html(tmp_path / "page.html")
    tree = show(path, ready=READY).get_by_role("main").aria_snapshot()
    last = trained.record["charts"][0]["lines"][0]["values"][-1]
    for line in (
        'progressbar "Steps done"',
        'slider "latent"',
        "Loss by step, logarithmic axis, now total",
        'img "red at',
    ):
        assert line in tree
    assert f"total {last:.3g}" in tree
    assert fits(show(path, ready=READY, viewport={"width": 360, "height": 740}), 360)


@pytest.mark.parametrize("interface", ["lab", "notebook"])
def test_curves_grow_while_the_cell_runs_and_stop_ends_it(browser, serve, interface):
    url, folder = serve(interface)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(notebook, folder / "test.ipynb")
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    page.goto(f"{url}/{'lab/tree' if interface == 'lab' else 'notebooks'}/test.ipynb?token={TOKEN}&reset")
    page.wait_for_function("() => window.jupyterapp !== undefined", timeout=90_000)
    page.evaluate(RUN_ALL.replace("await jupyterapp.commands.execute", "jupyterapp.commands.execute"))  # it goes on
    page.locator(".dlq-training[data-phase='training']").wait_for(timeout=SMALL_PATIENCE)
    step = int(page.locator(".dlq-training").get_attribute("data-step"))
    page.wait_for_function(f"() => +document.querySelector('.dlq-training').dataset.step > {step}")
    page.locator(".dlq-moves canvas").first.wait_for()
    assert "it was" not in page.locator(".jp-OutputArea").last.inner_text()

    slider = page.get_by_role("slider", name="latent")
    slider.press("ArrowRight")  # Python answers from the copy while it trains
    page.locator(".dlq-moves[data-latent='1']").wait_for(timeout=30_000)
    page.get_by_role("button", name="Stop").press("Enter")
    page.get_by_text("it was interrupted True []").wait_for(timeout=30_000)
    page.locator(".dlq-training[data-phase='interrupted']").wait_for(timeout=30_000)
    page.context.close()
