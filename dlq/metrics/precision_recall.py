"""Precision (do generated images look real?) and recall (are all kinds of real images generated?), on features.

``prd``: Sajjadi et al., "Assessing generative models via precision and recall", NeurIPS 2018,
https://arxiv.org/abs/1806.00035; clusters by mini-batch k-means, 1001 angles, ten clusterings whose curves are averaged,
as in the authors' code. Different: the clusterings are seeded, each one's two numbers are in the result, and 0/0 is 0.
``knn_precision_recall``: Kynkaanniemi et al., "Improved precision and recall metric for assessing generative models",
NeurIPS 2019, https://arxiv.org/abs/1904.06991. The two are different measures; say which one a number is.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.checks import check_features

BETA = 8.0  # the authors' weight: F_8 stands for recall and F_1/8 for precision
DISTANCES = 2**23  # held at once: 64 MB


class PRD(NamedTuple):
    """F_1/8 and F_8 of the mean curve, that curve, (num_angles,) each, and both numbers of each clustering."""

    precision: float
    recall: float
    precision_curve: np.ndarray
    recall_curve: np.ndarray
    precision_per_run: np.ndarray
    recall_per_run: np.ndarray
    features: str
    num_real: int
    num_generated: int
    num_clusters: int
    seed: int

    def __repr__(self) -> str:
        return (
            f"PRD(precision={self.precision:.3f}, recall={self.recall:.3f}, {self.num_real:,} images each, "
            f"{self.num_clusters} clusters, features: {self.features})"
        )


class PrecisionRecall(NamedTuple):
    """Shares between 0 and 1, whose features they rest on, how many images, and how many neighbours."""

    precision: float
    recall: float
    features: str
    num_real: int
    num_generated: int
    num_neighbors: int

    def __repr__(self) -> str:
        return (
            f"PrecisionRecall(precision={self.precision:.3f}, recall={self.recall:.3f}, {self.num_real:,} real and "
            f"{self.num_generated:,} generated, {self.num_neighbors} neighbours, features: {self.features})"
        )


def prd(
    real_features: Any,
    generated_features: Any,
    *,
    features: str,
    num_clusters: int = 20,
    num_runs: int = 10,
    seed: int = 0,
) -> PRD:
    """Precision F_1/8 and recall F_8 between the shares of real and of generated images in clusters of all features.

    Features are (n, dimensions), equally many real and generated, since the larger set would draw the clusters to itself.
    Run i clusters with seed ``seed`` + i. Raises ValueError on input that no score fits.
    """
    real, generated = check_features(real_features, generated_features, features=features)
    if len(real) != len(generated):
        raise ValueError(
            f"found {len(real):,} real and {len(generated):,} generated images; prd needs equally many, "
            f"take the first {min(len(real), len(generated)):,} of each"
        )
    if num_runs < 1 or not 2 <= num_clusters <= 2 * len(real):
        raise ValueError(
            f"num_clusters is {num_clusters} and num_runs {num_runs} for {2 * len(real):,} images in all; "
            "clusters must be from 2 to the number of images and runs at least 1"
        )
    pooled = np.concatenate([real, generated])
    shares = [_shares(pooled, num_clusters, seed + run) for run in range(num_runs)]
    curves = np.array([prd_curve(p, q) for p, q in shares])  # (num_runs, 2, num_angles)
    runs = np.array([f_scores(*curve) for curve in curves])
    precision_curve, recall_curve = curves.mean(axis=0)
    precision, recall = f_scores(precision_curve, recall_curve)
    counts = (len(real), len(generated), num_clusters, int(seed))
    return PRD(precision, recall, precision_curve, recall_curve, runs[:, 0], runs[:, 1], features, *counts)


def prd_curve(real: np.ndarray, generated: np.ndarray, *, num_angles: int = 1001) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall, (num_angles,) each, of two distributions over the same clusters, (num_clusters,) each.

    At slope s, the tangent of an angle between 0 and 90 degrees: precision = sum of min(s real, generated), recall =
    precision / s.
    """
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, num_angles))[:, None]
    precision = np.minimum(slopes * real, generated).sum(axis=1)
    # not precision / s: with s near 0 or infinity that loses digits
    recall = np.minimum(real, generated / slopes).sum(axis=1)
    return np.clip(precision, 0, 1), np.clip(recall, 0, 1)


def f_scores(precision: np.ndarray, recall: np.ndarray) -> tuple[float, float]:
    """The largest F_1/8 and the largest F_8 of a curve: one number for precision, one for recall."""
    return _largest_f(precision, recall, 1 / BETA), _largest_f(precision, recall, BETA)


def knn_precision_recall(
    real_features: Any, generated_features: Any, *, features: str, num_neighbors: int = 3
) -> PrecisionRecall:
    """Precision: the share of generated features within reach of a real one; recall: the same with the roles swapped.

    A feature reaches as far as its k-th nearest neighbour of its own set, k = ``num_neighbors``. Features are (n,
    dimensions); both shares depend on n, so compare at equal numbers. Raises ValueError on input that no score fits.
    """
    real, generated = check_features(real_features, generated_features, features=features)
    fewest = min(len(real), len(generated))
    if not 1 <= num_neighbors < fewest:
        raise ValueError(
            f"num_neighbors is {num_neighbors}, it must be at least 1 and below the images of the smaller set, {fewest:,}"
        )
    middle = real.mean(axis=0)  # distances between points far from 0 would lose digits
    real, generated = real - middle, generated - middle
    precision = _share_reached(generated, real, _reach(real, num_neighbors))
    recall = _share_reached(real, generated, _reach(generated, num_neighbors))
    return PrecisionRecall(precision, recall, features, len(real), len(generated), num_neighbors)


def _shares(pooled: np.ndarray, num_clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The shares of the clusters in the first and in the second half, (num_clusters,) each."""
    from sklearn.cluster import MiniBatchKMeans

    # random_state takes 32 bits
    labels = MiniBatchKMeans(num_clusters, n_init=10, random_state=seed % 2**32).fit(pooled).labels_
    half = len(pooled) // 2
    first, second = (np.bincount(part, minlength=num_clusters) / half for part in (labels[:half], labels[half:]))
    return first, second


def _largest_f(precision: np.ndarray, recall: np.ndarray, beta: float) -> float:
    below = beta**2 * precision + recall
    above = (1 + beta**2) * precision * recall
    return float(np.divide(above, below, out=np.zeros_like(above), where=below > 0).max())


def _reach(points: np.ndarray, num_neighbors: int) -> np.ndarray:
    """The squared distance of each point to its k-th nearest neighbour, (n,)."""
    found = np.empty(len(points))
    for rows, squared in _squared_distances(points, points):
        # the smallest is the point itself
        found[rows] = np.partition(squared, num_neighbors, axis=1)[:, num_neighbors]
    return found


def _share_reached(points: np.ndarray, centres: np.ndarray, reach: np.ndarray) -> float:
    inside = [(squared <= reach).any(axis=1) for _, squared in _squared_distances(points, centres)]
    return float(np.concatenate(inside).mean())


def _squared_distances(points: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Some rows at a time, and their squared distances to all others; what is only rounding is exactly 0."""
    sizes = np.square(others).sum(axis=1)
    step = max(1, DISTANCES // len(others))
    for start in range(0, len(points), step):
        rows = slice(start, start + step)
        scale = np.square(points[rows]).sum(axis=1)[:, None] + sizes
        squared = scale - 2 * points[rows] @ others.T
        squared[squared < 1e-12 * scale] = 0
        yield rows, squared
