import html.parser
import json
import os

import numpy as np
import pytest
from stand_in import Stripes

from dlq.widgets import Traversal

NASTY = "</script><script>alert(1)</script>"
IMAGE = np.full((1, 4, 6), 128, np.uint8)


class Elements(html.parser.HTMLParser):
    """Collects what a browser would see: (tag, attributes, text)."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append([tag, dict(attributes), ""])

    def handle_data(self, data):
        if self.found:
            self.found[-1][2] += data

    def texts(self, tag):
        return [text.strip() for name, _, text in self.found if name == tag]


def test_names_and_title_stay_text(tmp_path):
    view = Traversal(Stripes(), IMAGE, names=[NASTY, "<!--<script>", "a&b"])
    path = view.to_html(tmp_path / "page.html", title=NASTY)
    elements = Elements(path.read_text())
    assert elements.texts("title") == [NASTY]
    assert elements.texts("h1") == [NASTY]
    scripts = [(attributes.get("type"), text) for tag, attributes, text in elements.found if tag == "script"]
    assert [kind for kind, _ in scripts] == ["application/json", "text/plain", "module"]
    assert json.loads(scripts[0][1])["names"] == [NASTY, "<!--<script>", "a&b"]


def test_the_page_holds_the_state_at_the_current_code(tmp_path):
    view = Traversal(Stripes(), IMAGE)
    view.set_code([0, 2, 1])
    path = view.to_html(tmp_path / "page.html", max_tiles=7)  # a star only
    state = json.loads(Elements(path.read_text()).texts("script")[0])
    assert (state["code"], state["start"], state["live"]) == ([0, 2, 1], [0, 2, 1], False)
    assert (state["atlas"]["anchor"], state["atlas"]["reach"]) == ([0, 2, 1], 1)
    assert not [key for key in state if key.startswith("_") or key == "layout"]
    assert view.live
    assert view.code == [0, 2, 1]


def test_nothing_in_the_page_points_at_the_network(tmp_path):
    text = Traversal(Stripes(), IMAGE).to_html(tmp_path / "page.html").read_text()
    assert "http:" not in text
    assert "https:" not in text


@pytest.mark.parametrize(("where", "message"), [("nowhere/page.html", "create it first"), (".", "is a folder")])
def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path, where, message):
    with pytest.raises(OSError, match=message):
        Traversal(Stripes(), IMAGE).to_html(tmp_path / where)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_page(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    target = tmp_path / "page.html"
    target.write_text("old")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match=r"cannot write .*page.html .*Permission denied"):
        Traversal(Stripes(), IMAGE).to_html(target)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("page.html", "old")]
