"""Reads a page back, so that its texts, its language and its look can be changed where no model and no torch is.

A page of one file holds all that it is made of: the widget's state, its module and its style sheet.
"""

import dataclasses
import html
import json
import re
from collections.abc import Mapping
from typing import Any

from dlq.export.checking import ExportError, verify_export
from dlq.export.pages import FOLDER, Page

FACTS = ("dlq", "title", "sha256", "size", "files")  # of the manifest: written anew
PART = r'<script type="{kind}" id="{name}">(.*?)</script>'


def open_page(path) -> Page:
    """The page that ``to_html`` wrote at a path, after ``verify_export``; ExportError for a folder or a damaged page."""
    found = verify_export(path)
    text = found.path.read_text(encoding="utf-8")
    if found.files or 'id="module"' not in text:
        raise ExportError(f"{path} is not a page of one file; open what to_html wrote")
    style = _part(text, "<style>(.*?)</style>").replace("<\\/", "</")
    frame = (FOLDER / "page.css").read_text(encoding="utf-8")
    return Page(
        html.unescape(_part(text, "<title>(.*?)</title>")),
        json.loads(_part(text, PART.format(kind="application/json", name="state"))),
        _part(text, PART.format(kind="text/plain", name="module")).replace("<\\/script", "</script"),
        style.removeprefix(frame),
        {key: value for key, value in found.manifest.items() if key not in FACTS},
        html.unescape(_part(text, '<html lang="(.*?)">')),
    )


def retold(
    page: Page,
    words: Mapping[str, str] | None = None,
    *,
    title: str | None = None,
    lang: str | None = None,
    style: str = "",
) -> Page:
    """The page with other ``words`` (its texts by key, see ``page.state["words"]``), title and language.

    ``style`` is CSS that comes after the widget's own. A key that the page does not have is an error.
    """
    known = {key for part in (page.state, *_sides(page.state)) for key in part["words"]}
    if unknown := sorted(set(words or {}) - known):
        raise ValueError(f"this page has no text {unknown[0]!r}; its texts are {', '.join(sorted(known))}")
    return dataclasses.replace(
        page,
        title=page.title if title is None else title,
        state=_said_with(page.state, words or {}),
        style=page.style + style,
        lang=lang or page.lang,
    )


def _sides(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The traversals of a comparison, which have words of their own."""
    return list(state.get("sides", ()))


def _said_with(state: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    own = {**state["words"], **{key: text for key, text in words.items() if key in state["words"]}}
    sides = [_said_with(side, words) for side in _sides(state)]
    return {**state, "words": own, **({"sides": sides} if sides else {})}


def _part(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    assert found is not None  # the page is as it was written
    return found[1]
