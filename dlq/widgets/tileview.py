"""Sliders and the picture of the code they set, drawn in the browser from an atlas: Traversal and FactorBrowser.

A slider's move needs no answer from Python: traversal.js draws the tile of the new code out of the atlas it holds.
Where the whole product of levels is small, the atlas holds it all; otherwise it holds the star of single moves around
the current code, and Python sends a new star after each move.
"""

import pathlib
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import anywidget
import numpy as np
import traitlets

from dlq import export
from dlq.widgets import page
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl

LIVE_TILES = 512  # more would be felt when the widget is made: about 2 ms a 64 px tile on one core


class Marks(NamedTuple):
    """What the reader is told of each tile: '1' in ``off`` marks it, ``notes`` (empty, or one a tile) say more."""

    off: str
    notes: list[str]


@runtime_checkable
class Source(Protocol):
    """Where a view's pictures come from."""

    sliders: list[sl.Slider]
    texts: list[list[str]]  # the value at each level; an empty list where the level's number says it all
    image_shape: tuple[int, int, int]
    samples: list[list[int]]  # codes that the Random button draws from; empty: any code
    words: dict[str, str]

    def pictures(self, codes: np.ndarray) -> np.ndarray:
        """Codes int64 (n, num_sliders) to uint8 (n, C, H, W)."""

    def marks(self, codes: np.ndarray) -> Marks:
        """What is to be said of these codes' pictures."""

    def draw(self, rng: np.random.Generator) -> Iterable:
        """One code at random."""


class TileView(anywidget.AnyWidget):
    """Sliders over the codes of a source; ``code`` holds one level per slider, counted from 0."""

    _esm = page.module("traversal")
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

    def _write_page(self, path, title: str, max_tiles: int | None) -> pathlib.Path:
        with self._lock:
            source, code, start = self._page_source()
            levels = [len(slider.values) for slider in source.sliders]
            reach = tl.page_reach(levels, self.shape, max_tiles)
            start = start if reach >= tl.num_movable(levels) else code
            atlas, _, _ = make_atlas(source, code, reach, max(levels), effort=3)
            state = {"atlas": atlas, "code": code, "start": start, "live": False, "problem": "", "samples": []}
            state |= {"levels": levels, "texts": source.texts, "words": source.words}
            return export.to_html(self, path, title=title, state=state)

    def _page_source(self) -> tuple[Source, list[int], list[int]]:
        """What an exported page shows, and the current and the starting code in it."""
        return self._source, list(self.code), list(self.start)

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


def make_atlas(
    source: Source, anchor: Sequence[int], reach: int, window: int, *, effort: int = 0
) -> tuple[dict[str, object], np.ndarray, dict[tuple[int, ...], int]]:
    """Packs the pictures within reach of the anchor: what the browser gets, the tiles, and each code's place there."""
    codes = tl.codes_within([len(slider.values) for slider in source.sliders], anchor, reach, window=window)
    pictures = source.pictures(codes)
    sheet, columns = tl.pack(pictures)
    off, notes = source.marks(codes)
    atlas = {
        "image": tl.data_url(sheet, effort),
        "columns": columns,
        "anchor": list(anchor),
        "reach": reach,
        "window": window,
        "unseen": off,
        "notes": notes,
    }
    return atlas, pictures, {tuple(code): k for k, code in enumerate(codes.tolist())}
