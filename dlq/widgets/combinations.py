"""Which row of a dataset stands for a combination of factor values: pure functions of numpy arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dlq.widgets.sliders import Slider

THINNED = 64  # levels of one slider in a live star or an exported page: a long slider keeps this many


class Combinations:
    """The distinct combinations among the rows of ``factors``, int64 (N, F), and the first row of each."""

    def __init__(self, factors: np.ndarray, sizes: Sequence[int]):
        from sklearn.neighbors import KDTree

        self.distinct, self.first, self.counts = np.unique(factors, axis=0, return_index=True, return_counts=True)
        self._scale = np.maximum(1, np.asarray(sizes) - 1)  # so that each factor's range is 1
        self._tree = KDTree(self.distinct / self._scale, metric="manhattan")

    def nearest(self, wanted: np.ndarray) -> "Nearest":
        """Finds the row nearest to each combination (n, F): least sum of steps, each as a share of its factor's range.

        An existing combination is its own nearest; where several images have it, the first of them is given.
        """
        distance, place = self._tree.query(wanted / self._scale)
        place = place[:, 0]
        return Nearest(self.first[place], distance[:, 0] == 0, self.counts[place])


class Nearest(NamedTuple):
    """For each combination: the row (n,), whether it has exactly these factors, how many rows have the same ones."""

    rows: np.ndarray
    exact: np.ndarray
    counts: np.ndarray


def value_texts(values: Sequence | np.ndarray | None, size: int) -> list[str]:
    """Writes a factor's values for the reader; their numbers, counted from 0, where nobody named them."""
    if values is None:
        return [str(k) for k in range(size)]
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return [f"{value:.3g}" for value in values]
    return [str(value) for value in values.tolist()]


def thinned(slider: Slider, levels: Sequence[int], most: int = THINNED) -> tuple[Slider, list[int]]:
    """Keeps at most so many even levels of a slider, and of ``levels`` all; returns the places of those there too."""
    if len(slider.values) <= most:
        return slider, list(levels)
    kept = np.linspace(0, len(slider.values) - 1, most).round().astype(np.int64)
    kept[np.abs(kept - levels[0]).argmin()] = levels[0]
    kept = np.union1d(kept, levels)
    return slider._replace(values=slider.values[kept]), np.searchsorted(kept, levels).tolist()
