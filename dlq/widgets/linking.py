"""Which level of one model's slider goes with which of another's: a pure function of the codes of the same images."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def linked_levels(own: np.ndarray, other: np.ndarray, num_levels: int, start: tuple[int, int]) -> list[int]:
    """For each level of a slider, the other slider's level that the same images take most often.

    ``own`` and ``other`` (n,) are the levels of the same n images; ``start`` is the pair that the image shown has. A level
    that no image takes goes with what its nearest neighbour goes with.
    """
    known = {}
    for level in range(num_levels):
        taken = other[own == level]
        if len(taken):
            known[level] = int(np.bincount(taken).argmax())
    known[start[0]] = start[1]
    return [known[min(known, key=lambda k: (abs(k - level), k))] for level in range(num_levels)]


def same_grouping(groups: Mapping[str, Any]) -> bool:
    """Whether every model has groups, and all of them the same names."""
    names = [frozenset(map(str, of)) for of in groups.values()]
    return bool(names) and bool(names[0]) and all(each == names[0] for each in names)
