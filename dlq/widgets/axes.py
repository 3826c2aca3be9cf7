"""Latent axes by how much they matter: order, shares, and which pictures an exported page holds. Pure functions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Ranking(NamedTuple):
    """Axes from the most to the least relevant."""

    order: np.ndarray  # int64 (num_latents,): the axis at each rank; equal scores keep the order of the axes
    scores: np.ndarray  # at each rank
    cumulative: np.ndarray  # share of the sum that this rank and those above it explain, up to 1
    needed: int  # how many axes explain the asked-for share


def ranking(scores: object, share: float | int = 0.99) -> Ranking:
    """Ranks the axes by their scores (num_latents,), which are not negative; raises ValueError on others."""
    found = np.asarray(scores, float)
    if found.ndim != 1 or not len(found):
        raise ValueError(f"the relevance has shape {found.shape}; give one score a latent, shape (num_latents,)")
    if not np.isfinite(found).all() or found.min() < 0:
        raise ValueError(
            f"the relevance has the score {found[~(found >= 0) | ~np.isfinite(found)][0]}; all must be >= 0"
        )
    if found.sum() == 0:
        raise ValueError("every relevance score is 0; at least one axis must matter")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; give a number above 0 and at most 1, such as 0.99")
    order = np.argsort(-found, kind="stable")
    cumulative = np.cumsum(found[order]) / found.sum()
    needed = int(np.searchsorted(cumulative, share - 1e-9) + 1)
    return Ranking(order, found[order], cumulative, min(needed, len(found)))


def switched_off(z: np.ndarray, off: Sequence[int], mean: np.ndarray) -> np.ndarray:
    """Replaces the axes in ``off`` by their mean, in a copy of z (n, num_latents)."""
    changed = np.array(z, np.float32)
    changed[:, list(off)] = mean[list(off)]
    return changed


def page_sets(order: np.ndarray) -> list[list[int]]:
    """The sets of switched-off axes that an exported page holds: the top k left on for every k, and each axis alone.

    Each set is sorted, none is there twice.
    """
    tails = [sorted(int(axis) for axis in order[k:]) for k in range(len(order), -1, -1)]
    single = [[int(axis)] for axis in order]
    return tails + [one for one in single if one not in tails]
