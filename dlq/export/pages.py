"""The four forms in which a widget leaves the notebook, of one ``Page``.

In one file the module stands as text and is imported from a blob, because an import of a file fails on ``file://``. In a
folder everything is an ordinary script or picture, so that a server's strict content policy has nothing to forbid. A
page that dlq exported may be replaced by another; any other file is left alone unless ``overwrite=True``.
"""

import base64
import contextlib
import html
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dlq.atomic import WriteError, write_atomic
from dlq.export import manifest
from dlq.export.manifest import MARK, as_json

MAX_BYTES = 4_000_000  # of a page: more takes long to open on a phone, and many learning platforms refuse it
FOLDER = Path(__file__).parent
OURS = re.compile(r"[\w-]+-[0-9a-f]{8}\.(js|mjs|css|webp|png|jpeg)")  # files beside a page, named after their content
PICTURE = re.compile(r"data:image/(\w+);base64,")
EXPORT = re.compile(r"^export default ", re.MULTILINE)

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' blob:"
PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">{policy}
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
{style}
</head>
<body>
<main><h1>{title}</h1><div id="view"></div><noscript>This page draws its pictures with JavaScript.</noscript></main>
{scripts}
<script type="application/json" id="{mark}"></script>
</body>
</html>
"""
INLINE = """<script type="application/json" id="state">{state}</script>
<script type="text/plain" id="module">{module}</script>
<script type="module">{host}
const text = (id) => document.getElementById(id).textContent;
const url = URL.createObjectURL(new Blob([text("module")], {{ type: "text/javascript" }}));
await host((await import(url)).default, JSON.parse(text("state")), document.getElementById("view"));
document.body.dataset.ready = "1";
</script>"""
SCRIPT = """(async () => {{
{host}
{module}
await host(exported, globalThis.dlqState, document.getElementById("view"));
document.body.dataset.ready = "1";
}})();
"""
MODULE = """{host}
{module}
const STATE = {state};
async function render({{ model, el }}) {{
  const given = Object.entries(STATE).map(([key, value]) => [key, model.get(key) ?? value]);
  return host(exported, Object.fromEntries(given), el);
}}
export default {{ render }};
"""
SNIPPET = """```{{anywidget}} ./{module}
:css: ./{style}

{manifest}
```
"""


@dataclass(frozen=True)
class Page:
    """What a page is made of: the module's state, the module, its style sheet, and facts for the manifest."""

    title: str
    state: Mapping[str, object]
    module: str
    style: str
    facts: Mapping[str, object] = field(default_factory=dict)
    lang: str = "en"

    def text(self) -> bytes:
        """The page as one HTML file."""
        scripts = INLINE.format(
            state=as_json(self.state), module=self.module.replace("</script", "<\\/script"), host=_host()
        )
        style = f"<style>{self._style()}</style>"
        return self._checked(manifest.stamped(self._around(style, scripts, POLICY), self._manifest(), {}))

    def to_html(self, path, *, overwrite: bool = False) -> Path:
        """Writes one HTML file, whole or not at all, and returns its path."""
        page = self.text()
        return write_atomic(_free(Path(path), overwrite), page)

    def to_dir(self, folder, *, overwrite: bool = False) -> Path:
        """Writes ``index.html`` with script, style, state and pictures beside it, and returns the folder.

        The folder is made if needed. Files are named after their content and ``index.html`` is replaced last, so what
        was there works until the new page is whole.
        """
        state, files = self._pictures_as_files()
        names = {
            "style": _add(files, "style", "css", self._style()),
            "state": _add(files, "state", "js", f"globalThis.dlqState = {as_json(state)};\n"),
            "widget": _add(files, "widget", "js", SCRIPT.format(host=_host(), module=self._plain_module())),
        }
        style = f'<link rel="stylesheet" href="{names["style"]}">'
        scripts = "\n".join(f'<script src="{names[name]}" defer></script>' for name in ("state", "widget"))
        text = self._around(style, scripts, "")
        page = self._checked(manifest.stamped(text, self._manifest(), files))
        return _write(Path(folder), "index.html", page, files, overwrite)

    def to_myst(self, folder, *, name: str | None = None, overwrite: bool = False) -> Path:
        """Writes ``NAME.md``, a directive to be copied into a MyST page of that folder, and the module and style it names.

        ``name`` is by default the widget's. The state is in the module; JSON in the directive's body replaces parts of it.
        """
        name = name or re.sub(r"(?<!^)(?=[A-Z])", "-", str(self.facts.get("widget", "widget"))).lower()
        files: dict[str, bytes] = {}
        module = MODULE.format(host=_host(), module=self._plain_module(), state=as_json(self.state))
        links = {"module": _add(files, name, "mjs", module), "style": _add(files, name, "css", self.style)}
        text = SNIPPET.format(**links, manifest=as_json({MARK: {}}))
        return _write(Path(folder), f"{name}.md", manifest.stamped(text, self._manifest(), files), files, overwrite)

    def to_iframe(self, height: int = 480) -> str:
        """The page in an ``<iframe>`` of ``height`` pixels that may run its script and nothing else."""
        if not 0 < height <= 10_000:
            raise ValueError(f"height is {height}; give the frame's height in pixels, such as 480")
        page = html.escape(self.text().decode())
        return (
            f'<iframe sandbox="allow-scripts" title="{html.escape(self.title)}" loading="lazy" width="100%" '
            f'height="{int(height)}" style="border: 0" srcdoc="{page}"></iframe>'
        )

    def _around(self, style: str, scripts: str, policy: str) -> str:
        guard = f'\n<meta http-equiv="Content-Security-Policy" content="{policy}">' if policy else ""
        around = {"lang": html.escape(self.lang), "title": html.escape(self.title), "mark": MARK, "policy": guard}
        return PAGE.format(style=style, scripts=scripts, **around)

    def _style(self) -> str:
        return ((FOLDER / "page.css").read_text(encoding="utf-8") + self.style).replace("</", "<\\/")

    def _plain_module(self) -> str:
        """The module without its export, for use inside another script."""
        text, count = EXPORT.subn("return ", self.module)
        assert count == 1, "a widget's module has one default export, at its end"
        return f"const exported = (() => {{\n{text}\n}})();"

    def _pictures_as_files(self) -> tuple[dict, dict[str, bytes]]:
        files: dict[str, bytes] = {}

        def moved(value, name):
            if isinstance(value, Mapping):
                return {key: moved(each, name if key == "image" else str(key)) for key, each in value.items()}
            if isinstance(value, list):
                return [moved(each, name) for each in value]
            found = PICTURE.match(value) if isinstance(value, str) else None
            if found is None:
                return value
            return _add(files, name, found[1], base64.b64decode(value[found.end() :]))

        return moved(self.state, "state"), files

    def _manifest(self) -> dict[str, object]:
        return {"dlq": sys.modules["dlq"].__version__, "title": self.title, **self.facts}

    def _checked(self, page: bytes) -> bytes:
        if len(page) > MAX_BYTES:
            raise ValueError(
                f"the page would take {len(page) / 1e6:.1f} MB, {MAX_BYTES / 1e6:.0f} MB are allowed; show less in it: "
                "smaller pictures, fewer anchors, max_tiles=, or another grid"
            )
        return page


def page_of(widget, *, title: str, state: Mapping[str, object] | None = None, facts=None, lang=None) -> Page:
    """The page of any anywidget whose module and style are texts; ``state`` replaces some of its traits in the page."""
    facts = {"widget": type(widget).__name__, "model": None, **(facts or {})}
    lang = lang or getattr(widget, "lang", "en")
    return Page(title, {**public_state(widget), **(state or {})}, str(widget._esm), str(widget._css), facts, lang)


def to_html(
    widget,
    path,
    *,
    title: str,
    state: Mapping[str, object] | None = None,
    lang: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes an anywidget as one HTML file and returns its path; ``state`` replaces some of its traits in the page."""
    return page_of(widget, title=title, state=state, lang=lang).to_html(path, overwrite=overwrite)


def public_state(widget) -> dict[str, object]:
    """Returns the synced traits that the widget's own module reads."""
    hidden = {"layout", "tabbable", "tooltip", "comm"}  # Jupyter's, of no use without it
    return {key: value for key, value in widget.get_state().items() if not key.startswith("_") and key not in hidden}


def _host() -> str:
    return (FOLDER / "host.js").read_text(encoding="utf-8")


def _add(files: dict[str, bytes], stem: str, suffix: str, content: str | bytes) -> str:
    content = content.encode() if isinstance(content, str) else content
    name = f"{stem}-{manifest.digest(content)[:8]}.{suffix}"
    files[name] = content
    return name


def _free(path: Path, overwrite: bool) -> Path:
    """The path, if it may be written: there is no file, or one that dlq exported, or it is to be overwritten."""
    if path.is_file() and not overwrite and manifest.read_file(path) is None:
        raise WriteError(f"{path} exists and is no page that dlq exported; choose another name, or say overwrite=True")
    return path


def _write(folder: Path, name: str, page: bytes, files: Mapping[str, bytes], overwrite: bool) -> Path:
    """Writes the files, then the page that needs them, then removes what only the page before it needed."""
    if folder.is_file():
        raise WriteError(f"{folder} is a file; give the name of a folder")
    if not folder.parent.is_dir():
        raise WriteError(
            f"there is no folder {folder.parent}; create it first, or choose another place for {folder.name}"
        )
    path = _free(folder / name, overwrite)
    old = (manifest.read_file(path) or {}).get("files", {})
    is_new, added = not folder.exists(), [each for each in files if not (folder / each).exists()]
    try:
        folder.mkdir(exist_ok=True)
        for each, content in files.items():
            write_atomic(folder / each, content)
        write_atomic(path, page)
    except BaseException as error:
        with contextlib.suppress(OSError):
            for each in added:
                (folder / each).unlink(missing_ok=True)
            if is_new:
                folder.rmdir()
        if isinstance(error, OSError) and not isinstance(error, WriteError):
            raise WriteError(f"cannot write {folder}: {error.strerror or error}; choose another place") from error
        raise
    for each in old:
        if each not in files and OURS.fullmatch(each):
            with contextlib.suppress(OSError):
                os.unlink(folder / each)
    return folder if name == "index.html" else path
