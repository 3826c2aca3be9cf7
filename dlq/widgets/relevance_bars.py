"""How much each latent axis matters, and what the pictures lose when axes are switched off.

Relevance: S. Saha, S. Joshi and R. Whitaker, "ARD-VAE: A Statistical Formulation to Find the Relevant Latent
Dimensions of Variational Autoencoders", 2025, arXiv 2501.10901. The widget takes any scores, one an axis.
"""

import math
import threading
from collections.abc import Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets

from dlq import export
from dlq.widgets import axes, page, words
from dlq.widgets import tiles as tl
from dlq.widgets.sliders import check_latents
from dlq.widgets.snapshot import Snapshot, as_x


class RelevanceBars(page.Portable, anywidget.AnyWidget):
    """Sorted bars of the axes' scores, each a switch; beside them images, reconstructions, and what is left of them.

    ``off`` holds the axes that are switched off: their latents are replaced by the mean. The widget keeps its own copy
    of the model, as ``Traversal`` does.
    """

    _title = "Relevance of the latent axes"
    _esm = page.module("relevance_bars")
    _css = page.style("relevance_bars")
    off = traitlets.List(traitlets.Int()).tag(sync=True)
    order = traitlets.List(traitlets.Int()).tag(sync=True)  # axes, most relevant first
    scores: traitlets.List = traitlets.List().tag(sync=True)  # in that order, as the next two
    cumulative: traitlets.List = traitlets.List().tag(sync=True)
    needed = traitlets.Int().tag(sync=True)  # axes that explain `share`
    share = traitlets.Float().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # by axis
    still: traitlets.Dict = traitlets.Dict().tag(sync=True)  # originals, then everything with all axes on
    atlas: traitlets.Dict = traitlets.Dict().tag(sync=True)  # image, columns, sets: tiles of each set of axes off
    counts = traitlets.List(traitlets.Int()).tag(sync=True)  # images, samples
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    words: traitlets.Dict = traitlets.Dict(words.RELEVANCE).tag(sync=True)

    def __init__(
        self,
        model: Any,
        relevance: Any,
        images: Any,
        *,
        latents: object = None,
        samples: object = None,
        share: float | int = 0.99,
        names: Sequence[str] | None = None,
    ):
        """Encodes and decodes a few ``images`` (n, C, H, W): uint8, or float in [0, 1].

        ``relevance`` is an array (num_latents,) of scores, or has them as ``.scores``. The mean that replaces an axis
        is that of ``latents`` (n, num_latents), by default of the images given. ``samples`` (m, num_latents) are latents
        drawn from a prior, to be decoded too. The cut stands where the axes explain ``share`` of the scores' sum.
        """
        self._lock = threading.RLock()
        self.errors: list[Exception] = []
        self._model = Snapshot(model)
        num_latents = self._model.num_latents
        self._ranking = axes.ranking(getattr(relevance, "scores", relevance), share)
        if len(self._ranking.order) != num_latents:
            raise ValueError(
                f"the relevance has {len(self._ranking.order)} scores, the model has {num_latents} latents; "
                "give one score a latent"
            )
        if not len(images):
            raise ValueError("there are no images; give a few, (n, C, H, W)")
        self._x = np.stack([as_x(image, self._model.image_shape) for image in images])
        encoded = np.stack([self._model.encode(x) for x in self._x])
        drawn = np.empty((0, num_latents), np.float32) if samples is None else check_latents(samples, num_latents)
        self._z = np.concatenate([encoded, drawn])
        self._mean = (encoded if latents is None else check_latents(latents, num_latents)).mean(0)
        self._full = self._model.decode(self._z)
        super().__init__(
            order=self._ranking.order.tolist(),
            scores=[float(f"{score:.5g}") for score in self._ranking.scores],
            cumulative=[round(float(part), 5) for part in self._ranking.cumulative],
            needed=self._ranking.needed,
            share=float(share),
            names=page.check_labels(names, num_latents, "latent", "the model"),
            counts=[len(self._x), len(drawn)],
            shape=list(self._model.image_shape[1:]),
            still=_sheet(np.concatenate([tl.to_pixels(self._x), self._full])),
        )
        self._show()
        self.observe(self._on_off, "off")

    def pictures(self) -> np.ndarray:
        """What is decoded from the axes left on, uint8 (images then samples, C, H, W)."""
        with self._lock:
            self._show()
            return self._kept.copy()

    def image(self) -> np.ndarray:
        """Originals, reconstructions and what is left of them in three rows, uint8 (C, 3 H, num_images W)."""
        n = len(self._x)
        rows = [tl.to_pixels(self._x), self._full[:n], self.pictures()[:n]]
        return np.concatenate([np.concatenate(list(row), axis=2) for row in rows], axis=1)

    def keep(self, count: int) -> None:
        """Leaves the ``count`` most relevant axes on and switches the others off."""
        page.check_index(count, len(self.order) + 1, "count")
        self.off = sorted(self.order[count:])

    def _page(self, title: str | None) -> export.Page:
        """Holds the pictures for the top k axes for every k and for each axis switched off alone.

        Where they are too many for one sheet, the page shows fewer images.
        """
        with self._lock:
            sets = axes.page_sets(self._ranking.order)
            limit = min(tl.MAX_TILES, tl.sheet_limit(*self.shape), tl.MAX_PIXELS // math.prod(self.shape) * 2)
            most = limit // len(sets)
            if most < 1:
                raise ValueError(
                    f"{len(sets)} sets of axes need as many pictures, one sheet holds {limit} of this size; "
                    "prune the model first, or decode smaller images"
                )
            images, samples = self.counts
            images = min(images, max(1, most - samples))
            samples = min(samples, most - images)
            rows = [*range(images), *range(len(self._x), len(self._x) + samples)]
            tiles = np.concatenate([self._decode(off)[rows] for off in sets])
            still = _sheet(np.concatenate([tl.to_pixels(self._x)[:images], self._full[rows]]), effort=3)
            start = self.off if sorted(self.off) in sets else []
            state: dict[str, object] = {"atlas": {**_sheet(tiles, effort=3), "sets": sets}, "still": still}
            state |= {"counts": [images, samples], "off": sorted(start), "live": False, "problem": ""}
            facts = {"model": self._model.digest(), "sets": len(sets)}
            return export.page_of(self, title=title or self._title, state=state, facts=facts)

    def _decode(self, off):
        return self._model.decode(axes.switched_off(self._z, off, self._mean))

    def _show(self):
        off = sorted(self.off)  # read once: another thread may move on
        if self.atlas.get("sets") != [off]:
            self._kept = self._decode(off)
            self.atlas = {**_sheet(self._kept), "sets": [off]}

    def _repr_mimebundle_(self, **kwargs):
        n = len(self._x)
        rows = [("original", tl.to_pixels(self._x), -1), ("all axes", self._full[:n], -1)]
        picture = tl.contact_sheet([*rows, (f"top {len(self.order) - len(self.off)}", self.pictures()[:n], -1)])
        return page.with_picture(super()._repr_mimebundle_(**kwargs), picture)

    @traitlets.validate("off")
    def _validate_off(self, proposal):
        return sorted({page.check_index(axis, len(self._ranking.order), "off") for axis in proposal["value"]})

    def _on_off(self, change):
        # As in TileView: the browser's moves come on any thread, and only the last of them is decoded.
        try:
            with self._lock:
                if change["new"] == self.off:
                    self._show()
                self.problem = ""
        except Exception as error:  # a callback's error reaches no cell, so the widget shows it
            self.errors.append(error)
            self.problem = f"Python could not decode these axes: {error}"


def _sheet(tiles: np.ndarray, effort: int = 0) -> dict[str, object]:
    sheet, columns = tl.pack(tiles)
    return {"image": tl.data_url(sheet, effort), "columns": columns}
