"""Bins that turn continuous latents into discrete ones, so that two models can be compared under one estimator."""

from collections.abc import Callable

import numpy as np

from dlq.metrics.checks import check_latents

Edges = Callable[[np.ndarray, int], np.ndarray]


def binned(latents: np.ndarray, num_bins: int, *, edges: Edges | None = None) -> np.ndarray:
    """Integer codes 0..num_bins-1 of each latent, (n, num_latents), for scoring continuous latents as discrete ones.

    ``edges`` makes the inner edges of one latent's bins: ``quantile_edges`` (default, equally full) or
    ``equal_width_edges``. A value on an edge belongs to the bin above it.
    """
    if num_bins < 2:
        raise ValueError(f"num_bins is {num_bins}, at least 2 are needed; 20 is common")
    edges = quantile_edges if edges is None else edges
    columns = check_latents(latents).T
    return np.stack([np.searchsorted(edges(c, num_bins), c, side="right") for c in columns], axis=1)


def quantile_edges(latent: np.ndarray, num_bins: int) -> np.ndarray:
    """The inner edges of bins that hold equally many samples."""
    return np.quantile(latent, np.arange(1, num_bins) / num_bins)


def equal_width_edges(latent: np.ndarray, num_bins: int) -> np.ndarray:
    """The inner edges of equally wide bins between the smallest and the largest value."""
    return np.linspace(latent.min(), latent.max(), num_bins + 1)[1:-1]
