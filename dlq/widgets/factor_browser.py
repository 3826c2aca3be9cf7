"""A dataset as a function of its factors: one slider a factor, and the image they choose."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlq.widgets import tiles as tl
from dlq.widgets import words
from dlq.widgets.atlas import Marks
from dlq.widgets.combinations import THINNED, Combinations, thinned, value_texts
from dlq.widgets.layers import Layer
from dlq.widgets.sliders import Slider
from dlq.widgets.tileview import TileView

SAMPLES = 64  # combinations that the Random button draws from where not all exist


class FactorBrowser(TileView):
    """Moves the factors of a dataset one by one and shows the image that has them; ``code`` holds the factor indices.

    Where the data are no full grid, a combination may be missing: the nearest row is shown and marked (see
    ``dlq.widgets.combinations``). A dataset without factors is browsed by its row number. In an exported page a slider
    of more than 64 values keeps 64 of them, evenly spaced, and the page says so.
    """

    _title = "Factors of the data"

    def __init__(self, data: Any, start: object = None, *, tile: int | None = None):
        """Fetches the images around ``start``: a row number, or one index a factor; by default the first row.

        ``data`` is a FactorDataset whose images have 1 or 3 channels; ``tile`` is the picture's width on the screen.
        """
        source = _Fetched(data)
        super().__init__(source, _start_code(data, start), tile=tile)

    @property
    def row(self) -> int:
        """The number of the row that is shown."""
        assert isinstance(self._source, _Fetched)
        return int(self._source.rows(np.array([self.code]))[0])

    def _live_window(self, limit: int) -> int:
        window = tl.largest_window(self._levels, limit)
        if window < min(2, max(self._levels)):
            raise ValueError(
                f"one sheet holds {limit} images of {self.shape[0]} x {self.shape[1]} pixels, too few for "
                f"{len(self._levels)} factors; browse data.resized(64)"
            )
        return window if window <= THINNED or max(self._levels) <= window else THINNED

    def _page_source(self, codes):
        assert isinstance(self._source, _Fetched)
        return self._source.thinned(codes)

    def _anchor(self, given: Any) -> tuple[list[int], str]:
        assert isinstance(self._source, _Fetched)
        return super()._anchor(_start_code(self._source.data, given))


class _Fetched:
    """The source of a browser: codes as rows of a dataset; each slider's values are the factor indices it offers."""

    digest = None
    seen = None

    def __init__(self, data: Any, sliders: list[Slider] | None = None, like: "_Fetched | None" = None):
        self.data, self.image_shape = data, tuple(data.image_shape)
        if self.image_shape[0] not in (1, 3):
            raise ValueError(f"the images of {data.name} have {self.image_shape[0]} channels; 1 or 3 can be shown")
        if not len(data):
            raise ValueError(f"{data.name} has no images; there is nothing to browse")
        self.unlabelled = not data.factor_names
        if like is None and not self.unlabelled and not data.is_grid:
            self.known: Combinations | None = Combinations(data.factors, data.factor_sizes)
        else:
            self.known = None if like is None else like.known
        sizes, names = ((len(data),), ("row",)) if self.unlabelled else (data.factor_sizes, data.factor_names)
        self.sliders = sliders or [Slider(n, (i,), np.arange(sizes[i])[:, None]) for i, n in enumerate(names)]
        self.texts = [self._value_texts(i) for i in range(len(names))]
        self.samples = [] if self.known is None else self._some(self.known.distinct)
        self.words = self._said(words.ROWS if self.unlabelled else words.FACTORS, sizes)

    def _value_texts(self, i: int) -> list[str]:
        levels = self.sliders[i].values[:, 0]
        if self.unlabelled:
            return [] if len(levels) == len(self.data) else [f"row {row}" for row in levels]
        values = None if self.data.factor_values is None else self.data.factor_values[i]
        texts = value_texts(values, self.data.factor_sizes[i])
        return [texts[level] for level in levels]

    def _said(self, found: dict[str, str], sizes) -> dict[str, str]:
        """The texts, which say what is kept of long sliders and how many of the combinations exist."""
        said = {**found, "exact": found["exact"] + self._kept(sizes)}
        if self.known is not None:
            offered = [np.isin(self.known.distinct[:, i], slider.values) for i, slider in enumerate(self.sliders)]
            said["all"] = found["some"].format(found=f"{np.all(offered, axis=0).sum():,}")
        return said

    def _kept(self, sizes) -> str:
        pairs = [(s, n) for s, n in zip(self.sliders, sizes, strict=True) if len(s.values) < n]
        return "".join(f" {len(s.values)} of the {n:,} values of {s.name} are on this page." for s, n in pairs)

    def _some(self, distinct: np.ndarray) -> list[list[int]]:
        if len(distinct) > SAMPLES:
            distinct = distinct[np.random.default_rng(0).choice(len(distinct), SAMPLES, replace=False)]
        return distinct.tolist()

    def thinned(self, codes: Iterable[Iterable[int]]) -> tuple["_Fetched", list[list[int]]]:
        """The same data on shorter sliders, and the codes there."""
        kept = [thinned(slider, levels) for slider, levels in zip(self.sliders, zip(*codes, strict=True), strict=True)]
        found = [list(code) for code in zip(*(levels for _, levels in kept), strict=True)]
        return _Fetched(self.data, [slider for slider, _ in kept], like=self), found

    def rows(self, codes: np.ndarray) -> np.ndarray:
        """The row shown for each code."""
        factors = self._factors(codes)
        if self.unlabelled:
            return factors[:, 0]
        return self.data.index(factors) if self.known is None else self.known.nearest(factors).rows

    def pictures(self, codes: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(self.data.images[self.rows(codes)])

    def marks(self, codes: np.ndarray) -> Marks:
        if self.known is None:
            return Marks("", [])
        found = self.known.nearest(self._factors(codes))
        notes = [
            f"The first of {count} images with these factors: row {row}." if exact and count > 1
            else "" if exact else f"{words.FACTORS['off'][:-1]}, row {row}: {self._described(row)}."
            for row, exact, count in zip(*found, strict=True)
        ]  # fmt: skip
        return Marks("".join("01"[not exact] for exact in found.exact), notes)

    def layers(self, codes: np.ndarray) -> list[Layer]:
        raise ValueError("the images of data are not decoded; grid can be 'star', 'pairs' or 'full'")

    def decoded(self, z: np.ndarray) -> np.ndarray:
        raise NotImplementedError  # there are no layers to compare it with

    def draw(self, rng: np.random.Generator) -> Iterable:
        if self.known is not None:
            return self.known.distinct[rng.integers(len(self.known.distinct))]
        return rng.integers([len(slider.values) for slider in self.sliders])

    def _factors(self, codes: np.ndarray) -> np.ndarray:
        return np.stack([slider.values[codes[:, i], 0] for i, slider in enumerate(self.sliders)], axis=1)

    def _described(self, row) -> str:
        values = self.data.factor_values or [None] * len(self.data.factor_names)
        index = self.data.factors[row]
        texts = [value_texts(v, n)[k] for v, n, k in zip(values, self.data.factor_sizes, index, strict=True)]
        return ", ".join(f"{name} {text}" for name, text in zip(self.data.factor_names, texts, strict=True))


def _start_code(data: Any, start: object) -> list[int]:
    given = np.asarray(0 if start is None else start)
    if given.ndim == 0:
        row = int(given)
        if not 0 <= row < max(1, len(data)):
            raise ValueError(f"start is row {row}; {data.name} has rows 0 to {len(data) - 1}")
        return [row] if not data.factor_names else [int(k) for k in data.factors[row]]
    return [int(k) for k in given]
