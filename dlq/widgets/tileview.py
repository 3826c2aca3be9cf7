"""Sliders and the picture of the code they set, drawn in the browser from an atlas: Traversal and FactorBrowser.

A slider's move needs no answer from Python: traversal.js draws the tile of the new code out of the atlas it holds.
Where the whole product of levels is small, the atlas holds it all; otherwise it holds the star of single moves around
the current code, and Python sends a new star after each move.
"""

import dataclasses
import pathlib
import threading
from collections.abc import Iterable
from typing import Any

import anywidget
import numpy as np
import traitlets

from dlq import export
from dlq.widgets import contents, page
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl
from dlq.widgets.atlas import Source, make_atlas

LIVE_TILES = 512  # more would be felt when the widget is made: about 2 ms a 64 px tile on one core


class TileView(page.Portable, anywidget.AnyWidget):
    """Sliders over the codes of a source; ``code`` holds one level per slider, counted from 0."""

    _esm = page.module("atlas", "traversal")
    _css = page.style("traversal")
    code = traitlets.List(traitlets.Int()).tag(sync=True)
    start = traitlets.List(traitlets.Int()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    levels = traitlets.List(traitlets.Int()).tag(sync=True)  # how many levels each slider has
    texts = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    atlas = traitlets.Dict().tag(sync=True)  # image, columns, anchor, reach, window, unseen, notes: replaced together
    original = traitlets.Unicode().tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)  # height, width in the atlas
    tile = traitlets.Int().tag(sync=True)  # width on the screen, CSS pixels
    samples: traitlets.List = traitlets.List().tag(sync=True)
    anchors: traitlets.List = traitlets.List().tag(sync=True)  # of a page: the codes to start from, with their pictures
    words: traitlets.Dict = traitlets.Dict().tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)  # False in an exported page
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(self, source: Source, code: Iterable, *, original: str = "", tile: int | None = None):
        self._lock = threading.RLock()
        self.errors: list[Exception] = []
        self._source = source
        self._index: dict[tuple[int, ...], int] | None = None
        self._levels = [len(slider.values) for slider in source.sliders]
        _, height, width = source.image_shape
        start = sl.check_code(code, source.sliders)
        super().__init__(
            code=start,
            start=start,
            names=[slider.name for slider in source.sliders],
            levels=self._levels,
            texts=source.texts,
            original=original,
            shape=[height, width],
            tile=tile or max(1, round(192 / width)) * width,
            samples=source.samples,
            words=source.words,
        )
        limit = min(LIVE_TILES, tl.sheet_limit(height, width))
        self._window = self._live_window(limit)
        whole = tl.num_movable(self._levels)
        self._live_reach = whole if tl.count_within(self._levels, whole) <= limit else 1
        self._covered()
        self.observe(self._on_code, "code")

    def _live_window(self, limit: int) -> int:
        """How many levels of each slider a live atlas holds: all, unless a subclass can do with fewer."""
        needed, limit = tl.count_within(self._levels, 1), tl.sheet_limit(*self.shape)
        if needed > limit:
            raise ValueError(
                f"the sliders' single moves are {needed} pictures, one sheet holds {limit} of this size; "
                "group fewer latents, or decode smaller images"
            )
        return max(self._levels)

    def set_code(self, code: Iterable) -> None:
        """Moves the sliders; one level per slider, counted from 0."""
        self.code = sl.check_code(code, self._source.sliders)

    def reset(self) -> None:
        """Returns to the starting code."""
        self.code = self.start

    def random(self, seed: int | None = None) -> None:
        """Moves to a code drawn from those in the data, where they are known, otherwise from all codes."""
        self.set_code(self._source.draw(np.random.default_rng(seed)))

    def image(self) -> np.ndarray:
        """Returns the picture of the current code out of the atlas, uint8 (C, H, W)."""
        with self._lock:
            code, index = self._covered()
            return self._tiles[index[tuple(code)]].copy()

    def to_html(
        self, path, *, title=None, grid=None, max_tiles=None, anchors: Iterable = (), overwrite: bool = False
    ) -> pathlib.Path:
        """Writes one HTML file that needs no kernel and no network, and returns its path.

        The page opens at the current code. It holds every code where they fit (4096 pictures, fewer when they are large;
        or ``max_tiles``), otherwise those in which two sliders, or one, differ from the current code. ``grid`` chooses:
        "star" (single moves), "pairs", "full", or "decoder", which ships a model's decoder instead of pictures. Where
        lossless pictures would be heavy, a value may be off by up to 10 of 255, and the page says so. ``anchors`` are more
        places to start from, to be chosen in the page: codes, for a Traversal also images (shown by the nearest code), for
        a FactorBrowser row numbers.
        """
        return self._page(title, grid, max_tiles, anchors).to_html(path, overwrite=overwrite)

    def to_dir(
        self, folder, *, title=None, grid=None, max_tiles=None, anchors: Iterable = (), overwrite: bool = False
    ) -> pathlib.Path:
        """Writes a folder with ``index.html``, script, style, state and lossless pictures, for any web server."""
        return self._page(title, grid, max_tiles, anchors, light=False).to_dir(folder, overwrite=overwrite)

    def to_myst(
        self,
        folder,
        *,
        title=None,
        grid=None,
        max_tiles=None,
        anchors: Iterable = (),
        name: str | None = None,
        overwrite: bool = False,
    ) -> pathlib.Path:
        """Writes ``NAME.md``, a directive for a MyST page of that folder, with its module and style; returns its path."""
        return self._page(title, grid, max_tiles, anchors).to_myst(folder, name=name, overwrite=overwrite)

    def to_iframe(self, height: int = 480, *, title=None, grid=None, max_tiles=None, anchors: Iterable = ()) -> str:
        """Returns the page as an HTML ``<iframe>`` that may run its script and nothing else."""
        return self._page(title, grid, max_tiles, anchors).to_iframe(height)

    def _page(
        self, title: str | None, grid=None, max_tiles: int | None = None, anchors: Iterable = (), *, light: bool = True
    ) -> export.Page:
        with self._lock:
            found = [(list(self.code), self.original), *map(self._anchor, anchors)]
            source, codes = self._page_source([code for code, _ in found])
            asked = contents.Asked(codes, [original for _, original in found], grid, max_tiles, light)
            own = {key: text for key, text in self.words.items() if text != self._source.words.get(key)}
            made = contents.held(source, asked, {**source.words, **own})
            whole = grid == "decoder" or made.reach >= tl.num_movable([len(slider.values) for slider in source.sliders])
            start = list(self.start) if whole and len(codes) == 1 and source is self._source else codes[0]
            state = {**made.state, "code": codes[0], "start": start, "live": False, "problem": ""}
            whole_page = export.page_of(self, title=title or self._title, state=state, facts=made.facts)
            return dataclasses.replace(whole_page, module=page.module("atlas", *made.scripts, "traversal"))

    def _page_source(self, codes: list[list[int]]) -> tuple[Source, list[list[int]]]:
        """What an exported page shows, and the codes as they stand in it."""
        return self._source, codes

    def _anchor(self, given: Any) -> tuple[list[int], str]:
        """A place to start from, as a code, and the address of its original picture where there is one."""
        return sl.check_code(given, self._source.sliders), ""

    def _covered(self):
        """Returns the current code, and the places in the atlas of that code and of its single moves."""
        code = list(self.code)  # read once: another thread may move on
        partial = self._live_reach < tl.num_movable(self._levels) or self._window < max(self._levels)
        if self._index is None or (partial and code != self.atlas["anchor"]):
            made = make_atlas(self._source, code, self._live_reach, self._window)
            self.atlas, self._tiles, self._index = made
        return code, self._index

    def _rows(self):
        with self._lock:
            (code, index), rows = self._covered(), []
            for i, slider in enumerate(self._source.sliders):
                low, high = tl.window_of(len(slider.values), code[i], self._window)
                moves = [(*code[:i], level, *code[i + 1 :]) for level in range(low, high)]
                rows.append((slider.name, self._tiles[[index[move] for move in moves]], code[i] - low))
            return rows

    def _repr_mimebundle_(self, **kwargs):
        return page.with_picture(super()._repr_mimebundle_(**kwargs), tl.contact_sheet(self._rows()))

    @traitlets.validate("code")
    def _validate_code(self, proposal):
        return sl.check_code(proposal["value"], self._source.sliders)

    def _on_code(self, change):
        # Comes from the browser too, at times on another thread while a cell trains. The front end holds moves back
        # until Python has answered, so no queue builds up; a code that is no longer the latest is left out.
        try:
            with self._lock:
                if change["new"] == self.code:
                    self._covered()
                self.problem = ""
        except Exception as error:  # a callback's error reaches no cell, so the widget shows it
            self.errors.append(error)
            self.problem = f"{self.words['failed']}: {error}"
