"""Lessons for the site: the notebooks with their stored outputs, and an index of what each claims.

The notebooks are not run. A plotly figure becomes its stored picture with the figure's numbers beside it, from which
``assets/site.js`` draws the live one; a picture gets a text for those who cannot see it.
"""

import copy
import html
import json
import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
NOTEBOOKS, LESSONS = ROOT / "notebooks", ROOT / "docs" / "lessons"
PLOTLY = "application/vnd.plotly.v1+json"
LIVE = {  # a widget page of make_widgets.py that stands below the first widget of a lesson
    "00_start_here": ("traversal", "The same widget, live."),
    "09_wsc_swap": ("swaps", "The same widget, live."),
    "05_qlae": ("traversal", "A live one: the model that comes with dlq, trained longer on larger pictures."),
}
INDEX = """# Lessons

Each lesson makes one claim, and its last cell asserts it on what was just trained. Read them here with the outputs of their
last run, or run them: `make lab`.

{rows}

```{{toctree}}
:hidden:

{names}
```
"""
FRAME = (
    '<figure class="dlq-frame"><iframe src="../widgets/{page}.html" title="{caption}" loading="lazy"></iframe>\n'
    '<figcaption>{caption} <a href="../widgets/{page}.html">On a page of its own</a></figcaption></figure>'
)


def write(path: Path, text: str) -> None:
    """Writes a file only when it changes, so that the site is built anew only where it must."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def plain(text: str) -> str:
    """The words of a figure's title, without markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def figure(data: dict) -> str:
    """A plotly output as its picture and its numbers."""
    layout = data[PLOTLY].get("layout", {})
    title = layout.get("title") or {}
    title = {"text": title} if isinstance(title, str) else title
    words = [plain(part.get("text", "")) for part in (title, title.get("subtitle") or {})]
    alt = html.escape(". ".join(word for word in words if word) or "A figure")
    picture = f'<img src="data:image/webp;base64,{data["image/webp"]}" alt="{alt}">' if "image/webp" in data else ""
    numbers = json.dumps(
        {key: data[PLOTLY].get(key, {}) for key in ("data", "layout", "config")}, separators=(",", ":")
    )
    numbers = numbers.replace("<", "\\u003c")
    height = int(layout.get("height") or 420)
    return (
        f'<div class="dlq-figure" role="figure" aria-label="{alt}" style="--height: {height}px">{picture}'
        f'<script type="application/json">{numbers}</script></div>'
    )


def shown(cell, stem: str, live: bool) -> list:
    """A code cell as the site shows it, followed by a live widget where the lesson has one."""
    after = []
    for output in cell.outputs:
        data = output.get("data", {})
        if PLOTLY in data:
            output["data"] = {"text/html": figure(data)}
        elif any(kind.startswith("image/") for kind in data):
            name = re.search(r"(\w+) object at", data.get("text/plain", ""))
            alt = f"The widget {name.group(1)}" if name else "A picture"
            cell.metadata["mystnb"] = {"image": {"alt": f"{alt}, as it was when the lesson was last run"}}
            if live and stem in LIVE and not after:
                page, caption = LIVE[stem]
                after = [nbformat.v4.new_markdown_cell(FRAME.format(page=page, caption=caption), id=f"live-{stem[:2]}")]
    return [cell, *after]


def lesson(notebook, stem: str):
    """The notebook as the site takes it: figures as above, and a link to the notebook itself."""
    made = copy.deepcopy(notebook)
    cells, live = [], True
    for cell in made.cells:
        new = shown(cell, stem, live) if cell.cell_type == "code" else [cell]
        if cells and cell.cell_type == "markdown":  # one title a page
            cell.source = re.sub(r"^# ", "## ", cell.source, flags=re.M)
        live = live and len(new) == 1
        cells += new
    if cells and cells[0].cell_type == "markdown":
        cells[0].source += f"\n\n{{download}}`Download this lesson as a notebook <../../notebooks/{stem}.ipynb>`"
    made.cells = cells
    return made


def row(notebook, stem: str) -> str:
    """A lesson in the index: its number, its title and its claim."""
    text = notebook.cells[0].source if notebook.cells else ""
    title = re.search(r"^# (.*)$", text, re.M)
    claim = re.search(r"^\*\*The claim of this lesson\.?\*\*\s*(.*)$", text, re.M)
    name = title.group(1) if title else stem
    return f"{stem[:2]} [{name}]({stem}.ipynb)\n: {claim.group(1) if claim else 'A lesson.'}\n"


def make() -> None:
    """Writes ``docs/lessons/``: what is in ``notebooks/`` and nothing else."""
    rows, names = [], []
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        write(LESSONS / path.name, nbformat.writes(lesson(notebook, path.stem)))
        rows.append(row(notebook, path.stem))
        names.append(path.stem)
    for old in LESSONS.glob("*.ipynb"):
        if old.stem not in names:
            old.unlink()
    write(LESSONS / "index.md", INDEX.format(rows="\n".join(rows), names="\n".join(names)))


if __name__ == "__main__":
    make()
