"""Latent traversal: one slider a latent, and the picture it decodes to."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl
from dlq.widgets import words
from dlq.widgets.atlas import Marks
from dlq.widgets.layers import Layer
from dlq.widgets.snapshot import Snapshot, as_x
from dlq.widgets.tileview import TileView

SAMPLES = 64  # codes of the data that the Random button draws from


class Traversal(TileView):
    """Moves the latents of a model one by one and shows what it decodes.

    The widget keeps its own copy of the model, in evaluation mode, made when the widget is made: training may go on
    meanwhile, and what the widget shows does not change. ``code`` holds one level per slider, counted from 0.
    """

    _title = "Latent traversal"

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
        self._model = Snapshot(model)
        x = None if image is None else as_x(image, self._model.image_shape)
        z = None if x is None else self._model.encode(x)
        latents = None if latents is None else sl.check_latents(latents, self._model.num_latents)
        sliders = _make_sliders(self._model, z, latents, groups, sl.check_names(names, self._model.num_latents))
        self._sliders = sliders
        seen = None if latents is None or self._model.codebook is None else sl.seen_codes(latents, sliders)
        if code is None:
            if z is None:
                raise ValueError("there is nothing to start from; give an image, or code= with one level a slider")
            code = sl.code_of(z[None], sliders)[0]
        original = "" if x is None else tl.picture_url(tl.to_pixels(x))
        super().__init__(_Decoded(self._model, sliders, seen), code, original=original, tile=tile)

    def _anchor(self, given: Any) -> tuple[list[int], str]:
        if np.ndim(given) != 3:
            return super()._anchor(given)
        x = as_x(given, self._model.image_shape)
        return sl.code_of(self._model.encode(x)[None], self._sliders)[0].tolist(), tl.picture_url(tl.to_pixels(x))

    @property
    def z(self) -> np.ndarray:
        """The latent vector of the current code, float32 (num_latents,)."""
        return sl.latents_of(np.array([self.code]), self._sliders)[0]


class _Decoded:
    """The source of a traversal: codes as a model decodes them."""

    def __init__(self, model: Snapshot, sliders: list[sl.Slider], seen: np.ndarray | None):
        self.model, self.sliders, self.seen, self.words = model, sliders, seen, words.TRAVERSAL
        self.image_shape = model.image_shape
        self.texts = [sl.value_texts(slider) for slider in sliders]
        drawn = np.empty((0, 0), int) if seen is None else seen
        if len(drawn) > SAMPLES:
            drawn = drawn[np.random.default_rng(0).choice(len(drawn), SAMPLES, replace=False)]
        self.samples = drawn.tolist()

    def pictures(self, codes: np.ndarray) -> np.ndarray:
        return self.model.decode(sl.latents_of(codes, self.sliders))

    def marks(self, codes: np.ndarray) -> Marks:
        return Marks("" if self.seen is None else sl.unseen_flags(codes, self.seen), [])

    @property
    def digest(self) -> str:
        return self.model.digest()

    def layers(self, codes: np.ndarray) -> list[Layer]:
        return self.model.layers(sl.latents_of(codes, self.sliders))

    def decoded(self, z: np.ndarray) -> np.ndarray:
        return self.model.draw(z)

    def draw(self, rng: np.random.Generator) -> Iterable:
        if self.seen is not None and len(self.seen):
            return self.seen[rng.integers(len(self.seen))]
        return rng.integers([len(slider.values) for slider in self.sliders])


def _make_sliders(model, z, latents, groups, names):
    sliders = sl.make_sliders(model.codebook, names, groups=groups, latents=latents, start=z, levels=model.levels)
    for k, slider in enumerate(sliders):
        if len(slider.latents) > 1:  # combinations have no order of their own
            around = np.repeat((latents[:1] if z is None else z[None]), len(slider.values), 0)
            around[:, list(slider.latents)] = slider.values
            sliders[k] = slider._replace(values=slider.values[sl.smooth_order(model.decode(around))])
    return sliders
