"""The lessons as files: outputs as new as the code, small, without widget state; the last cell asserts the claim."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
LESSONS = pytest.mark.parametrize("path", sorted(FOLDER.glob("[0-9]*.ipynb")), ids=lambda path: path.stem)


def script():
    spec = importlib.util.spec_from_file_location("render", FOLDER / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_are_lessons():
    found = {path.stem[:2] for path in FOLDER.glob("[0-9]*.ipynb")}
    assert found == {f"{n:02d}" for n in range(13)}


@LESSONS
def test_outputs_belong_to_the_code(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.get("dlq", {}).get("outputs_of") == script().code_hash(notebook), "run: make outputs"


@LESSONS
def test_a_lesson_is_small_and_holds_no_widget_state(path):
    assert path.stat().st_size < 500_000
    notebook = nbformat.read(path, as_version=4)
    assert "widgets" not in notebook.metadata
    assert "application/vnd.jupyter.widget-view" not in path.read_text()
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@LESSONS
def test_a_lesson_has_parameters_and_ends_with_an_assertion(path):
    cells = code_cells(path)
    assert [cell for cell in cells if "parameters" in cell.metadata.get("tags", []) and "SCALE" in cell.source]
    assert "assert " in cells[-1].source
    assert max(len(cell.source.splitlines()) for cell in cells) <= 25


@LESSONS
def test_no_output_is_an_error(path):
    outputs = [output for cell in code_cells(path) for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]


def test_a_change_of_code_changes_the_fingerprint():
    notebook = json.loads(json.dumps(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("a = 1")])))
    before = script().code_hash(nbformat.from_dict(notebook))
    notebook["cells"][0]["source"] = "a = 2"
    assert script().code_hash(nbformat.from_dict(notebook)) != before


def test_progress_bars_leave_their_last_state():
    assert script().settled("start\n 0%\r50%\r100%\nend") == "start\n100%\nend"
