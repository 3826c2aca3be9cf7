"""The pages under docs/: their code runs, and what is made for the site says what the notebooks and docstrings say."""

import importlib.util
import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
PAGES = [path for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md"))) if BLOCK.search(path.read_text())]


def tool(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_that_promise_code_have_it():
    assert {"README", "models", "metrics", "publish"} <= {path.stem for path in PAGES}


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_block_of_code_runs(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for block in BLOCK.findall(path.read_text()):
        exec(compile(re.sub(r"steps=[\d_]+", "steps=20", block), str(path), "exec"), {"__name__": "__main__"})
    if path.stem == "metrics":
        assert "InfoMEC(modularity=1.00, explicitness=1.00" in capsys.readouterr().out
    if path.stem == "publish":
        from dlq.export import verify_export

        assert verify_export(tmp_path / "traversal.html").manifest["widget"] == "Traversal"


def test_rows_of_a_docstring_become_parameters_and_signs_stay_signs():
    lines = [
        "Mean |a - b| of *args.",
        "",
        "size    side in",
        "        pixels",
        "sizes   numbers",
        "Hues are ``|x|``.",
        "",
    ]
    assert tool("docstrings").readable(lines) == [
        r"Mean \|a - b\| of \*args.",
        "",
        ":param size: side in",
        "    pixels",
        ":param sizes: numbers",
        "",
        "Hues are ``|x|``.",
        "",
    ]


def lesson(*sources, stem="07_x"):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source) for source in sources])
    return tool("make_lessons").lesson(notebook, stem)


def test_a_lesson_has_one_title_and_a_link_to_itself():
    first, second = lesson("# Title", "# Part\ntext # no heading").cells
    assert first.source.startswith("# Title\n")
    assert "notebooks/07_x.ipynb" in first.source
    assert second.source == "## Part\ntext # no heading"


def test_a_figure_keeps_its_picture_and_its_numbers():
    title = {"text": "A <b>title</b>", "subtitle": {"text": "</script> & more"}}
    plot = {"data": [{"y": [1, 2]}], "layout": {"height": 300, "title": title}}
    made = tool("make_lessons").figure({"application/vnd.plotly.v1+json": plot, "image/webp": "UklG"})
    assert made.count("</script") == 1
    assert '"data":[{"y":[1,2]}]' in made
    assert "--height: 300px" in made
    assert '<img src="data:image/webp;base64,UklG" alt="A title. &amp; more">' in made


def test_the_index_tells_the_claim():
    cell = nbformat.v4.new_markdown_cell("# A title\n\n**The claim of this lesson.** It holds.\n\nMore.")
    row = tool("make_lessons").row(nbformat.v4.new_notebook(cells=[cell]), "07_x")
    assert row == "07 [A title](07_x.ipynb)\n: It holds.\n"


def test_every_public_name_is_in_the_reference(monkeypatch):
    import dlq

    monkeypatch.syspath_prepend(str(DOCS))
    monkeypatch.setitem(sys.modules, "make_lessons", tool("make_lessons"))
    page = tool("make_api").page("dlq")
    for name in dlq.__all__:
        if not isinstance(getattr(dlq, name), type(sys)):
            assert re.search(rf"^\.\. auto\w+:: dlq\.{name}$", page, re.M), name
