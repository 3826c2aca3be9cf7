import ast
import json

import nbformat
import pytest
from conftest import ROOT, TOKEN

pytestmark = pytest.mark.browser

SMALL = """
import numpy as np
from stand_in import Stripes
from dlq.widgets import Traversal
view = Traversal(Stripes((3, 8, 15), num_latents=15), np.full((3, 8, 15), 128, np.uint8))
view
"""
FACTORS = """
import dlq
from dlq.widgets import FactorBrowser
view = FactorBrowser(dlq.datasets.rooms(size=16), 240_000)
view
"""
BARS = """
import numpy as np
from stand_in import Stripes
from dlq.widgets import RelevanceBars
images = 255 * np.eye(4, dtype=np.uint8).repeat(2, 1)[:, None, None].repeat(4, 2)
view = RelevanceBars(Stripes((1, 4, 8), 4, continuous=True), [1, 6, 3, 2], images)
view
"""
CODES = """
from ipywidgets.widgets import widget
views = [w for w in widget._instances.values() if type(w).__module__.startswith("dlq.")]
print("python sees", [w.off if w.has_trait("off") else w.code for w in views])
"""
LESSON = ROOT / "notebooks" / "00_start_here.ipynb"
CASES = [("lab", None), ("notebook", None)] + [("lab", LESSON)] * LESSON.exists()
RUN_ALL = """async () => {
    await jupyterapp.restored;
    let panel;
    while (!(panel = jupyterapp.shell.currentWidget)?.context) await new Promise((done) => setTimeout(done, 100));
    await panel.context.ready;
    await panel.sessionContext.ready;
    const kernel = () => panel.sessionContext.session?.kernel;
    const ready = () => kernel()?.connectionStatus === "connected" && kernel().status === "idle";
    while (!ready()) await new Promise((done) => setTimeout(done, 100));
    await jupyterapp.commands.execute("notebook:run-all-cells");
}"""
RUN_LAST = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = notebook.widgets.length - 1;
    await jupyterapp.commands.execute("notebook:run-cell");
}"""
OUTPUTS = "() => JSON.stringify(jupyterapp.shell.currentWidget.content.widgets.at(-1).model.outputs.toJSON())"
SMALL_PATIENCE, LESSON_PATIENCE = 90_000, 400_000  # milliseconds until the widget shows; a lesson trains first
PIXELS = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].join()"


def put_notebook(folder, lesson, source):
    """Writes the lesson, or one cell of source, with a last cell that prints what Python sees; returns its name."""
    if lesson is None:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip())])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    else:
        notebook = nbformat.read(lesson, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(CODES.strip()))
    nbformat.write(notebook, folder / "test.ipynb")
    return "test.ipynb"


def run_all(browser, serve, interface, lesson, source=SMALL):
    """Opens the notebook and starts all its cells; returns the page."""
    url, folder = serve(interface)
    name = put_notebook(folder, lesson, source)
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    page.goto(f"{url}/{'lab/tree' if interface == 'lab' else 'notebooks'}/{name}?token={TOKEN}&reset")
    page.wait_for_function("() => window.jupyterapp !== undefined", timeout=90_000)
    page.evaluate(RUN_ALL)
    return page


def python_sees(page, code, patience=30):
    """Runs the last cell until it prints the code: a cell may overtake the widget's message, which is sent apart."""
    for _ in range(patience):
        page.evaluate(RUN_LAST)
        text = "".join("".join(output.get("text", "")) for output in json.loads(page.evaluate(OUTPUTS)))
        if code in ast.literal_eval(text.removeprefix("python sees")):
            return True
        page.wait_for_timeout(300)
    return False


def press_one_step(slider):
    """Moves a slider by one step with the keyboard; returns the level it should come to."""
    level, last = int(slider.input_value()), int(slider.get_attribute("max"))
    slider.press("ArrowRight" if level < last else "ArrowLeft")
    return level + 1 if level < last else level - 1


@pytest.mark.parametrize(("interface", "lesson"), CASES, ids=[f"{a}-{b.stem if b else 'small'}" for a, b in CASES])
def test_an_arrow_key_moves_the_picture_and_python_sees_it(browser, serve, interface, lesson):
    page = run_all(browser, serve, interface, lesson)
    widget = page.locator(".dlq-traversal").first
    canvas = widget.locator("canvas[data-code]")
    canvas.wait_for(timeout=SMALL_PATIENCE if lesson is None else LESSON_PATIENCE)
    errors = []  # from here on: Notebook's own start is not free of them
    page.on("pageerror", lambda error: errors.append(str(error)))

    changed = False
    for slider in widget.get_by_role(
        "slider", disabled=False
    ).all():  # a trained model may have a latent it does not use
        before = canvas.evaluate(PIXELS)
        slider.scroll_into_view_if_needed()
        level = press_one_step(slider)
        assert int(slider.input_value()) == level
        page.wait_for_function("c => !c.closest('.dlq-waiting')", arg=canvas.element_handle())
        shown = [int(level) for level in canvas.get_attribute("data-code").split(",")]
        assert python_sees(page, shown)
        changed = changed or canvas.evaluate(PIXELS) != before
        if changed:
            break
    assert changed
    assert errors == []
    page.context.close()


def test_many_moves_in_a_row_end_at_the_last_one(browser, serve):
    page = run_all(browser, serve, "lab", None)
    canvas = page.locator(".dlq-traversal canvas[data-code]")
    canvas.wait_for(timeout=SMALL_PATIENCE)
    sliders = page.locator(".dlq-traversal").get_by_role("slider")
    for i in range(15):  # far beyond single moves: each needs Python's next atlas
        sliders.nth(i).press("Home" if i % 2 else "End")
    end = ",".join("0" if i % 2 else "2" for i in range(15))
    page.locator(f".dlq-traversal canvas[data-code='{end}']").wait_for(timeout=30_000)
    row = "c => [...c.getContext('2d').getImageData(0, 0, 15, 1).data].filter((_, k) => k % 4 === 0)"
    assert canvas.evaluate(row) == [0 if i % 2 else 255 for i in range(15)]
    assert python_sees(page, [int(level) for level in end.split(",")])
    page.context.close()


def test_the_factors_of_a_large_grid_are_browsed_with_python_behind(browser, serve):
    page = run_all(browser, serve, "lab", None, FACTORS)
    canvas = page.locator(".dlq-pictures canvas[data-code]")
    canvas.wait_for(timeout=SMALL_PATIENCE)
    widget = page.locator(".dlq-traversal")
    code = [5, 0, 0, 0, 0, 0]  # row 240,000
    assert canvas.get_attribute("data-code") == ",".join(map(str, code))
    for factor, name in ((1, "wall_hue"), (5, "orientation"), (0, "floor_hue")):
        before = canvas.evaluate(PIXELS)
        slider = widget.get_by_role("slider", name=name)
        slider.scroll_into_view_if_needed()
        code[factor] = press_one_step(slider)
        page.locator(f".dlq-pictures canvas[data-code='{','.join(map(str, code))}']").wait_for(timeout=30_000)
        assert canvas.evaluate(PIXELS) != before
        assert python_sees(page, code)
    values = {"floor_hue": 10, "orientation": 15}
    for name, count in values.items():
        widget.get_by_role("slider", name=name).focus()
        thumbs = widget.locator(".dlq-range canvas")
        page.wait_for_function("n => document.querySelectorAll('.dlq-range canvas').length === n", arg=count)
        assert thumbs.count() == count
    thumbs.last.click()
    code[5] = 14
    assert python_sees(page, code)
    page.context.close()


def test_axes_are_switched_off_with_python_behind(browser, serve):
    page = run_all(browser, serve, "lab", None, BARS)
    page.locator(".dlq-relevance[data-off='']").wait_for(timeout=SMALL_PATIENCE)
    kept = page.locator(".dlq-strip").nth(2).locator("canvas").first
    row = "c => [...c.getContext('2d').getImageData(0, 0, 8, 1).data].filter((_, k) => k % 4 === 0)"
    assert kept.evaluate(row) == [255, 255, 0, 0, 0, 0, 0, 0]
    page.get_by_role("button", name="latent 0: score 1").press("Enter")
    page.get_by_role("button", name="latent 2: score 3").click()  # at once: only the last choice is decoded
    page.locator(".dlq-relevance[data-off='0,2']").wait_for(timeout=30_000)
    assert kept.evaluate(row) == [64, 64, 0, 0, 64, 64, 0, 0]  # the mean of 255, 0, 0 and 0
    assert python_sees(page, [0, 2])
    page.context.close()
