"""Checks an exported page without a browser: whole, as it was written, and with nothing in it that leaves the page."""

import html.parser
import json
import re
from pathlib import Path
from typing import NamedTuple

from dlq.export import manifest
from dlq.export.manifest import MARK, digest

REQUIRED = ("dlq", "widget", "model", "sha256", "size")
AWAY = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
LINKS = {"src", "href", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href"}
IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^\s"')]*)""", re.IGNORECASE)
IN_SCRIPT = re.compile(
    r"""(?:\bimport|\bfrom|\bimport\(|\bfetch\(|\bopen\(|\bimportScripts\(|\bWebSocket\(|\bWorker\(|\bsrc\s*=|\bhref\s*=)"""
    r"""\s*["'`]\s*((?:https?:|wss?:)?//[^\s"'`]*)""",
    re.IGNORECASE,
)


class ExportError(ValueError):
    """An exported page is damaged, not one of dlq's, or needs something that is not in it."""


class Export(NamedTuple):
    """What ``verify_export`` found: the page, the files beside it, all bytes together, and the manifest."""

    path: Path
    files: tuple[str, ...]
    size: int
    manifest: dict

    def __str__(self) -> str:
        """One line for the reader."""
        model = self.manifest["model"]
        of = f" of model {model[:12]}" if model else ""
        beside = f", {len(self.files)} files beside it" if self.files else ""
        return (
            f"{self.path}: {self.manifest['widget']}{of}, written by dlq {self.manifest['dlq']}, "
            f"{self.size / 1e3:.0f} kB{beside}; whole, and nothing in it leaves the page"
        )


def verify_export(path) -> Export:
    """Reads a page (a file, or a folder with ``index.html``) and returns what is in it.

    Raises ExportError, a ValueError, that names every fault: no manifest, a changed or cut page, a missing file, or
    anything that would be fetched from elsewhere.
    """
    path = Path(path)
    page = path / "index.html" if path.is_dir() else path
    try:
        content = page.read_bytes()
        text = content.decode()
    except (OSError, ValueError) as error:
        raise ExportError(f"{page} cannot be read ({error}); give a page that dlq exported") from None
    try:
        found = manifest.read(text)
    except ValueError:
        raise ExportError(f"the manifest of {page} is damaged; export the page again") from None
    if found is None:
        raise ExportError(f"{page} has no manifest ({MARK}), so dlq did not export it; export the widget again")
    facts, rest = found
    missing = [key for key in REQUIRED if key not in facts]
    if missing:
        raise ExportError(f"the manifest of {page} lacks {', '.join(missing)}; export the page again")
    files = {name: _read(page.parent / Path(name).name) for name in facts.get("files", {})}
    faults = _damage(content, rest, facts, files) + _away(page.name, text, files)
    if faults:
        raise ExportError(f"{page}: {'; '.join(faults)}; export the page again")
    return Export(page, tuple(files), facts["size"], facts)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _damage(content: bytes, rest: str, facts: dict, files: dict[str, bytes | None]) -> list[str]:
    faults = [f"{name} is missing" for name, part in files.items() if part is None]
    for name, part in files.items():
        if part is not None and digest(part) != facts["files"][name]["sha256"]:
            faults.append(f"{name} was changed")
    size = len(content) + sum(len(part) for part in files.values() if part)
    if not faults and size != facts["size"]:
        faults.append(f"it has {size:,} bytes, its manifest says {facts['size']:,}")
    if digest(rest.encode()) != facts["sha256"]:
        faults.append("it is not as it was written")
    return faults


def _away(name: str, text: str, files: dict[str, bytes | None]) -> list[str]:
    """Everything that would be fetched from elsewhere: in links, style sheets, scripts and the state's pictures."""
    found = list(_links(text)) if name.endswith(".html") else []
    for each, content in files.items():
        if content and each.endswith((".js", ".mjs")):
            found += IN_SCRIPT.findall(content.decode())
        if content and each.endswith(".css"):
            found += IN_STYLE.findall(content.decode())
    return [f"it would fetch {address}" for address in dict.fromkeys(found)]


def _links(text: str):
    page = _Elements()
    page.feed(text)
    yield from (value for value in page.links if AWAY.match(value))
    for kind, content in page.texts:
        if kind == "style":
            yield from IN_STYLE.findall(content)
        elif kind == "application/json":
            yield from _pictures(json.loads(content))
        else:
            yield from IN_SCRIPT.findall(content)


def _pictures(value, key=""):
    """Addresses elsewhere among the pictures of a state; a name that looks like an address is only text."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _pictures(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _pictures(each, key)
    elif isinstance(value, str) and key in ("image", "original", "picture") and AWAY.match(value):
        yield value


class _Elements(html.parser.HTMLParser):
    """Collects links, and the texts of scripts and styles with their kind."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self._kind: str | None = None

    def handle_starttag(self, tag, attributes):
        self.links += [value for key, value in attributes if value and key in LINKS]
        given = dict(attributes)
        self.texts += [("style", given["style"])] if given.get("style") else []
        self._kind = {"style": "style", "script": given.get("type") or "script"}.get(tag)

    def handle_endtag(self, tag):
        self._kind = None

    def handle_data(self, data):
        if self._kind:
            self.texts.append((self._kind, data))
