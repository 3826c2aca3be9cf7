"""A widget as one HTML file that needs no kernel and no network.

The page holds the widget's state as JSON, its ES module and style sheet, and a host of a few lines that gives the
module what Jupyter would (anywidget's front-end contract: get, set, on, off, save_changes, send). It opens from a disk.
"""

import html
import json
import pathlib
from collections.abc import Mapping

from dlq.atomic import write_atomic

HOST = """
class Model {
  constructor(state) { this.state = state; this.handlers = {}; }
  get(key) { return this.state[key]; }
  set(key, value) {
    this.state[key] = value;
    for (const handler of [...(this.handlers["change:" + key] ?? [])]) handler();
  }
  on(event, handler) { (this.handlers[event] ??= []).push(handler); }
  off(event, handler) { this.handlers[event] = (this.handlers[event] ?? []).filter((h) => handler && h !== handler); }
  save_changes() {}
  send() {}
}
const text = (id) => document.getElementById(id).textContent;
const url = URL.createObjectURL(new Blob([text("module")], { type: "text/javascript" }));
const exported = (await import(url)).default;
const widget = typeof exported === "function" ? await exported() : exported;
const model = new Model(JSON.parse(text("state")));
await widget.initialize?.({ model });
await widget.render?.({ model, el: document.getElementById("view") });
document.body.dataset.ready = "1";
"""

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: #fff; color: #1b1f24; }
main { max-width: 76rem; margin: 0 auto; padding: 1rem; box-sizing: border-box; }
h1 { font-size: 1.4rem; font-weight: 600; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { background: #15181c; color: #e6e8eb; } }
"""

PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main><h1>{title}</h1><div id="view"></div><noscript>This page draws its pictures with JavaScript.</noscript></main>
<script type="application/json" id="state">{state}</script>
<script type="text/plain" id="module">{module}</script>
<script type="module">{host}</script>
</body>
</html>
"""


def to_html(widget, path, *, title: str, state: Mapping[str, object] | None = None, lang: str = "en") -> pathlib.Path:
    """Writes an anywidget as one HTML file and returns its path; ``state`` replaces some of its traits in the page.

    The file appears whole or not at all; a path that cannot be written is a WriteError that says what to do.
    """
    state = {**public_state(widget), **(state or {})}
    return write_atomic(path, page(state, widget._esm, widget._css, title=title, lang=lang).encode())


def public_state(widget) -> dict[str, object]:
    """Returns the synced traits that the widget's own module reads."""
    hidden = {"layout", "tabbable", "tooltip", "comm"}  # Jupyter's, of no use without it
    return {key: value for key, value in widget.get_state().items() if not key.startswith("_") and key not in hidden}


def page(state: Mapping[str, object], module: object, style: object, *, title: str, lang: str = "en") -> str:
    """Builds the page's text; every string that comes from the user is escaped for the place it stands in."""
    return PAGE.format(
        lang=html.escape(lang),
        title=html.escape(title),
        style=(STYLE + str(style)).replace("</", "<\\/"),
        # Inside a script element only "<" can end it or open a comment, so none is left in the JSON.
        state=json.dumps(state, separators=(",", ":")).replace("<", "\\u003c"),
        module=str(module).replace("</script", "<\\/script"),
        host=HOST,
    )
