"""Latent traversal: one slider a latent, and the picture it decodes to, drawn in the browser from tiles decoded ahead.

A slider's move needs no answer from Python: traversal.js draws the tile of the new code out of the atlas it holds.
Where the whole product of levels is small, the atlas holds it all; otherwise it holds the star of single moves around
the current code, and Python sends a new star after each move.
"""

import base64
import pathlib
import threading
from collections.abc import Iterable, Mapping

import anywidget
import numpy as np
import traitlets

from dlq import export
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl
from dlq.widgets.snapshot import Snapshot, as_x

LIVE_TILES = 512  # more would be felt when the widget is made: about 2 ms a 64 px tile on one core
SAMPLES = 64  # codes of the data that the Random button draws from


class Traversal(anywidget.AnyWidget):
    """Moves the latents of a model one by one and shows what it decodes.

    The widget keeps its own copy of the model, in evaluation mode, made when the widget is made: training may go on
    meanwhile, and what the widget shows does not change. ``code`` holds one level per slider, counted from 0.
    """

    _esm = pathlib.Path(__file__).with_name("traversal.js")
    _css = pathlib.Path(__file__).with_name("traversal.css")
    code = traitlets.List(traitlets.Int()).tag(sync=True)
    start = traitlets.List(traitlets.Int()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    texts = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)  # the value at each level
    atlas = traitlets.Dict().tag(sync=True)  # image, columns, anchor, reach, unseen: replaced together
    original = traitlets.Unicode().tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)  # height, width in the atlas
    tile = traitlets.Int().tag(sync=True)  # width on the screen, CSS pixels
    samples: traitlets.List = traitlets.List().tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)  # False in an exported page
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        model,
        image=None,
        *,
        code: Iterable | None = None,
        latents: object = None,
        groups: Mapping[str, Iterable] | None = None,
        names: Iterable | None = None,
        tile: int | None = None,
    ):
        """Decodes the tiles around ``image`` (or ``code``).

        ``image`` is (C, H, W): uint8, or float in [0, 1], numpy or torch. ``latents`` (n, num_latents) are those of the
        data, ``dlq.encode(model, data)``: a continuous model's range is taken from them, and a quantized model's codes
        that do not occur in them are marked. ``groups`` maps a name to the latents that one slider moves together, over
        their most frequent combinations in ``latents``, ordered so that neighbours look alike. ``names`` has one name a
        latent; ``tile`` is the picture's width on the screen.
        """
        self._lock = threading.RLock()
        self.errors: list[Exception] = []
        self._model = Snapshot(model)
        self._index: dict[tuple[int, ...], int] | None = None
        x = None if image is None else as_x(image, self._model.image_shape)
        z = None if x is None else self._model.encode(x)
        latents = None if latents is None else sl.check_latents(latents, self._model.num_latents)
        self._sliders = self._make_sliders(z, latents, groups, sl.check_names(names, self._model.num_latents))
        self._levels = [len(slider.values) for slider in self._sliders]
        self._seen = None if latents is None or self._model.codebook is None else sl.seen_codes(latents, self._sliders)
        if code is None:
            if z is None:
                raise ValueError("there is nothing to start from; give an image, or code= with one level a slider")
            code = sl.code_of(z[None], self._sliders)[0]
        start = sl.check_code(code, self._sliders)
        super().__init__(code=start, start=start, **self._fixed_traits(x, tile))
        self._check_star()
        whole = tl.num_movable(self._levels)
        self._live_reach = whole if tl.count_within(self._levels, whole) <= LIVE_TILES else 1
        self._covered()
        self.observe(self._on_code, "code")

    def _make_sliders(self, z, latents, groups, names):
        sliders = sl.make_sliders(self._model.codebook, names, groups=groups, latents=latents, start=z)
        for k, slider in enumerate(sliders):
            if len(slider.latents) > 1:  # combinations have no order of their own
                around = np.repeat((latents[:1] if z is None else z[None]), len(slider.values), 0)
                around[:, list(slider.latents)] = slider.values
                sliders[k] = slider._replace(values=slider.values[sl.smooth_order(self._model.decode(around))])
        return sliders

    def _fixed_traits(self, x, tile):
        _, height, width = self._model.image_shape
        drawn = self._seen if self._seen is not None else np.empty((0, 0), int)
        if len(drawn) > SAMPLES:
            drawn = drawn[np.random.default_rng(0).choice(len(drawn), SAMPLES, replace=False)]
        return {
            "names": [slider.name for slider in self._sliders],
            "texts": [sl.value_texts(slider) for slider in self._sliders],
            "original": "" if x is None else tl.data_url(tl.to_pixels(x).transpose(1, 2, 0)),
            "shape": [height, width],
            "tile": tile or max(1, round(192 / width)) * width,
            "samples": drawn.tolist(),
        }

    @property
    def z(self) -> np.ndarray:
        """The latent vector of the current code, float32 (num_latents,)."""
        return sl.latents_of(np.array([self.code]), self._sliders)[0]

    def set_code(self, code: Iterable) -> None:
        """Moves the sliders; one level per slider, counted from 0."""
        self.code = sl.check_code(code, self._sliders)

    def reset(self) -> None:
        """Returns to the starting code: the image's own."""
        self.code = self.start

    def random(self, seed: int | None = None) -> None:
        """Moves to a code drawn from those in the data, where ``latents`` gave them, otherwise from all codes."""
        rng = np.random.default_rng(seed)
        if self._seen is not None and len(self._seen):
            self.set_code(self._seen[rng.integers(len(self._seen))])
        else:
            self.set_code(rng.integers(self._levels))

    def image(self) -> np.ndarray:
        """Returns the picture of the current code out of the atlas, uint8 (C, H, W)."""
        with self._lock:
            code, index = self._covered()
            return self._tiles[index[tuple(code)]].copy()

    def to_html(self, path, *, title: str = "Latent traversal", max_tiles: int | None = None) -> pathlib.Path:
        """Writes one page that needs no kernel and no network, and returns its path.

        The page opens at the current code. It holds every code where they fit (4096 pictures, fewer when they are large;
        or ``max_tiles``), otherwise those in which two sliders, or one, differ from the current code.
        """
        with self._lock:
            code, reach = list(self.code), tl.page_reach(self._levels, self.shape, max_tiles)
            start = self.start if reach >= tl.num_movable(self._levels) else code
            atlas, _, _ = self._make_atlas(code, reach, effort=3)
            state = {"atlas": atlas, "code": code, "start": start, "live": False, "problem": "", "samples": []}
            return export.to_html(self, path, title=title, state=state)

    def _check_star(self):
        needed, limit = tl.count_within(self._levels, 1), tl.sheet_limit(*self.shape)
        if needed > limit:
            raise ValueError(
                f"the sliders' single moves are {needed} pictures, one sheet holds {limit} of this size; "
                "group fewer latents, or decode smaller images"
            )

    def _make_atlas(self, anchor, reach, effort=0):
        codes = tl.codes_within(self._levels, anchor, reach)
        pictures = self._model.decode(sl.latents_of(codes, self._sliders))
        sheet, columns = tl.pack(pictures)
        atlas = {
            "image": tl.data_url(sheet, effort),
            "columns": columns,
            "anchor": anchor,
            "reach": reach,
            "unseen": "" if self._seen is None else sl.unseen_flags(codes, self._seen),
        }
        return atlas, pictures, {tuple(code): k for k, code in enumerate(codes.tolist())}

    def _covered(self):
        """Returns the current code, and the places in the atlas of that code and of its single moves."""
        code = list(self.code)  # read once: another thread may move on
        if self._index is None or (code != self.atlas["anchor"] and self._live_reach < tl.num_movable(self._levels)):
            self.atlas, self._tiles, self._index = self._make_atlas(code, self._live_reach)
        return code, self._index

    def _rows(self):
        with self._lock:
            (code, index), rows = self._covered(), []
            for i, slider in enumerate(self._sliders):
                moves = [(*code[:i], level, *code[i + 1 :]) for level in range(len(slider.values))]
                rows.append((slider.name, self._tiles[[index[move] for move in moves]], code[i]))
            return rows

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        assert bundle is not None  # AnyWidget always makes one
        data, metadata = bundle
        picture = tl.contact_sheet(self._rows())
        return {**data, "image/png": base64.b64encode(picture).decode()}, metadata

    @traitlets.validate("code")
    def _validate_code(self, proposal):
        return sl.check_code(proposal["value"], self._sliders)

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
            self.problem = f"Python could not decode this code: {error}"
