"""Runs the lessons and stores their outputs, small and without widget state: ``python notebooks/render.py [NAME …]``.

Beside each plotly figure comes a picture of it, for readers who see the page without JavaScript; a widget leaves its own
still picture. The notebook remembers which code its outputs belong to, and a test says when they are older.
"""

import hashlib
import io
import json
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"


def code_hash(notebook) -> str:
    """A fingerprint of the code cells: outputs that carry another one are out of date."""
    code = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def picture(figure: dict) -> str:
    """A plotly figure as a WebP picture, base64."""
    import base64

    import plotly.graph_objects as go

    figure = go.Figure(figure)
    figure.update_layout(paper_bgcolor="white")
    return base64.b64encode(figure.to_image("webp", width=900, height=figure.layout.height or 420)).decode()


def settled(text: str) -> str:
    """What a terminal would show at the end: progress bars leave their last state."""
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))


def tidy(cell) -> None:
    """Drops what only a live kernel can show, and adds what a page without JavaScript can."""
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = settled(output.text)
        data = output.get("data", {})
        data.pop(WIDGET, None)
        if PLOTLY in data:
            data.pop("text/html", None)
            data["image/webp"] = picture(data[PLOTLY])
    cell.outputs = merged([output for output in cell.outputs if output.output_type != "stream" or output.text.strip()])
    cell.metadata.pop("execution", None)


def merged(outputs: list) -> list:
    """Neighbouring pieces of one stream become one."""
    result: list = []
    for output in outputs:
        if result and output.output_type == "stream" == result[-1].output_type and output.name == result[-1].name:
            result[-1].text = settled(result[-1].text + output.text)
        else:
            result.append(output)
    return result


def render(path: Path) -> None:
    """Executes one notebook and writes it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=1800, resources={"metadata": {"path": str(FOLDER)}}, coalesce_streams=True
    ).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tidy(cell)
    notebook.metadata["dlq"] = {"outputs_of": code_hash(notebook)}
    text = io.StringIO()
    nbformat.write(notebook, text)
    path.write_text(json.dumps(json.loads(text.getvalue()), indent=1, ensure_ascii=False) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    names = sys.argv[1:]
    for lesson in sorted(FOLDER.glob("[0-9]*.ipynb")):
        if not names or any(lesson.name.startswith(name) for name in names):
            render(lesson)
