"""Every widget with Python behind it, in one JupyterLab: keys, two copies, a cell run again, closing, a kernel restart."""

import json

import nbformat
import pytest
from conftest import TOKEN
from every_widget import WIDGETS
from test_lab import OUTPUTS, RUN_ALL, RUN_LAST, SMALL_PATIENCE

pytestmark = pytest.mark.browser
FIRST = """from IPython.display import display
from every_widget import WIDGETS
views = {name: make() for name, make in WIDGETS.items()}"""
SEEN = """import json
def plain(view):
    state = view.get_state()
    return {key: state[key] for key in view.keys if not key.startswith("_") and isinstance(state[key], int | list)}
print(json.dumps({name: plain(view) for name, view in views.items()}))
print([error for view in views.values() for error in getattr(view, "errors", [])])"""
CELL = """async ([command, index]) => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    await notebook.scrollToItem(index);
    if (command) await jupyterapp.commands.execute(command);
}"""
RESTART = """async () => {
    const { session } = jupyterapp.shell.currentWidget.sessionContext;
    await session.kernel.restart();
    while (session.kernel.status !== "idle") await new Promise((done) => setTimeout(done, 100));
}"""
PLACES = {name: k + 1 for k, name in enumerate(WIDGETS)}
EACH = pytest.mark.parametrize("name", WIDGETS)


@pytest.fixture(scope="module")
def lab(browser, serve_all):
    """A notebook with every widget shown twice in a cell of its own, run, in one JupyterLab; and its errors."""
    url, folder = serve_all("lab")
    shown = [f"display(views[{name!r}], views[{name!r}])" for name in WIDGETS]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in [FIRST, *shown, SEEN]])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(notebook, folder / "test.ipynb")
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    page.goto(f"{url}/lab/tree/test.ipynb?token={TOKEN}&reset")
    page.wait_for_function("() => window.jupyterapp !== undefined", timeout=90_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(f"{error}\n{error.stack}"))
    page.evaluate(RUN_ALL)
    page.locator(".dlq-widget").first.wait_for(timeout=SMALL_PATIENCE)
    yield page, errors
    page.context.close()


def cell(page, name, command=""):
    """The cell of a widget, brought into view, after a command on it."""
    page.evaluate(CELL, [command, PLACES[name]])
    found = page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{PLACES[name]}']")
    return found


def sliders(page, name, command=""):
    """The first slider of both copies, ready."""
    found = cell(page, name, command).locator(".jp-OutputArea-output")
    both = [found.nth(k).locator("input[type=range]:enabled").first for k in range(2)]
    for each in both:
        each.wait_for(timeout=30_000)
    return both


def python_sees(page):
    page.evaluate(RUN_LAST)
    for _ in range(50):
        text = "".join("".join(output.get("text", "")) for output in json.loads(page.evaluate(OUTPUTS)))
        if text.count("\n") == 2:
            break
        page.wait_for_timeout(100)
    state, errors = text.splitlines()
    assert errors == "[]"
    return json.loads(state)


def moves(page, name, command=""):
    """Moves the first copy to its other end, after a command on its cell; the second copy follows, and Python sees it."""
    sliders(page, name, command)
    before = python_sees(page)[name]
    first, second = sliders(page, name)
    end = "0" if first.input_value() != "0" else first.get_attribute("max")
    first.press("Home" if end == "0" else "End")
    page.wait_for_function("([e, end]) => e.value === end", arg=[second.element_handle(), end])
    for _ in range(30):
        if python_sees(page)[name] != before:
            return True
        page.wait_for_timeout(200)
    return False


@EACH
def test_a_key_reaches_python_and_the_other_copy(lab, name):
    page, errors = lab
    assert moves(page, name)
    assert errors == []


@EACH
def test_a_cell_can_be_run_again_and_cleared_while_python_computes(lab, name):
    page, errors = lab
    first, _ = sliders(page, name)
    for key in ("End", "Home", "End"):
        first.press(key)
    assert cell(page, name, "notebook:clear-cell-output").locator(".dlq-widget").count() == 0
    assert moves(page, name, "notebook:run-cell")
    assert errors == []


def test_a_restarted_kernel_leaves_widgets_that_do_no_harm_and_can_be_run_again(lab):
    page, errors = lab
    page.evaluate(RESTART)
    for name in WIDGETS:
        left = cell(page, name).locator("input[type=range]:enabled")
        if left.count():
            left.first.press("Home")
            left.first.press("End")
    page.evaluate(RUN_ALL)
    for name in WIDGETS:
        assert moves(page, name)
    assert [error for error in errors if "dlq" in error or "blob:" in error] == []
