"""How far generated images are from real ones, as distributions of features: the Frechet and the kernel distance.

Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium", NeurIPS 2017,
https://arxiv.org/abs/1706.08500; Binkowski et al., "Demystifying MMD GANs", ICLR 2018, https://arxiv.org/abs/1801.01401.
Different: both take features of any network, and name them. Only features of Inception-v3 (2015 TensorFlow weights, pool 3)
give FID and KID; with others the numbers are distances between those features and compare with nothing else. The square
root of the covariances is not taken of their product, which has no symmetry, and no constant is added to them.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.checks import check_features, warn_caller


class FrechetDistance(NamedTuple):
    """The squared distance d^2, which is what papers print, whose features it rests on, and how many images."""

    distance: float
    features: str
    num_real: int
    num_generated: int
    dimensions: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"FrechetDistance({self.distance:.4g}, {self.num_real:,} real and {self.num_generated:,} generated, "
            f"features: {self.features})"
        )


class KernelDistance(NamedTuple):
    """The mean of the unbiased squared distances of several subsets, their standard deviation, and the settings."""

    distance: float
    spread: float
    per_subset: np.ndarray
    features: str
    num_real: int
    num_generated: int
    subset_size: int
    seed: int

    def __repr__(self) -> str:
        return (
            f"KernelDistance({self.distance:.4g} ± {self.spread:.2g} over {len(self.per_subset)} subsets of "
            f"{self.subset_size:,}, features: {self.features})"
        )


def frechet_distance(real_features: Any, generated_features: Any, *, features: str) -> FrechetDistance:
    """|m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) of the means and covariances (of n - 1) of features (n, dimensions).

    ``features`` says whose features these are, such as "digit classifier, 64-d". Never negative, symmetric, computed in
    float64. Fewer images give larger values: compare at equal numbers only. Warns (UserWarning) and notes it where a set
    has no more images than dimensions, so that its covariance has no full rank. Raises ValueError on input that no
    distance fits.
    """
    real, generated = check_features(real_features, generated_features, features=features)
    notes = _few_images(real, generated)
    for note in notes:
        warn_caller(note)
    (mean1, cov1), (mean2, cov2) = _moments(real), _moments(generated)
    # the singular values of S1^(1/2) S2^(1/2) are the roots of the eigenvalues of S1^(1/2) S2 S1^(1/2), without
    # squaring, so that a direction without variance costs 1e-16 and not its root
    root = np.linalg.svd(_square_root(cov1) @ _square_root(cov2), compute_uv=False).sum()
    distance = np.square(mean1 - mean2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * root
    return FrechetDistance(max(0.0, float(distance)), features, len(real), len(generated), real.shape[1], tuple(notes))


def kernel_distance(
    real_features: Any,
    generated_features: Any,
    *,
    features: str,
    subset_size: int = 1000,
    num_subsets: int = 100,
    seed: int = 0,
) -> KernelDistance:
    """Unbiased squared maximum mean discrepancy under the kernel (x.y / dimensions + 1)^3, a mean over random subsets.

    Its expectation does not depend on how many images there are and is 0 for equal distributions, so single values may
    be negative. Each subset draws ``subset_size`` images of either set without repeats, from ``seed``. Raises ValueError
    on input that no distance fits, such as a subset larger than a set.
    """
    real, generated = check_features(real_features, generated_features, features=features)
    fewest = min(len(real), len(generated))
    if not 2 <= subset_size <= fewest:
        raise ValueError(
            f"subset_size is {subset_size:,}, it must be at least 2 and at most the images of the smaller set, {fewest:,}; "
            f"subset_size={max(2, fewest // 2)} lets subsets differ"
        )
    if num_subsets < 1:
        raise ValueError(f"num_subsets is {num_subsets}, at least 1 is needed; 100 is common")
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(num_subsets):
        x, y = (each[rng.choice(len(each), subset_size, replace=False)] for each in (real, generated))
        values.append(_discrepancy(x, y))
    found = np.array(values)
    return KernelDistance(
        float(found.mean()), float(found.std()), found, features, len(real), len(generated), subset_size, int(seed)
    )


def _few_images(real: np.ndarray, generated: np.ndarray) -> list[str]:
    fewest, dimensions = min(len(real), len(generated)), real.shape[1]
    note = (
        f"{fewest:,} images for {dimensions:,} dimensions: a covariance has no full rank and the distance is "
        f"unreliable; take more than {dimensions:,} images of each, or features of fewer dimensions"
    )
    return [note] if fewest <= dimensions else []


def _moments(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = table.mean(axis=0)
    centred = table - mean
    return mean, centred.T @ centred / (len(table) - 1)


def _square_root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric root; eigenvalues below 0 are rounding."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def _discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """Of two sets of m points each; a point is not compared with itself."""
    m = len(x)
    within = sum((kernel.sum() - kernel.trace()) / (m * (m - 1)) for kernel in (_kernel(x, x), _kernel(y, y)))
    return float(within - 2 * _kernel(x, y).mean())


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3
