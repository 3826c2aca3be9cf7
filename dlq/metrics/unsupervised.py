"""Scores that need no factors: how far latents are from independent of each other.

As in Locatello et al., "Challenging common assumptions in the unsupervised learning of disentangled representations", ICML
2019, https://arxiv.org/abs/1811.12359. Different: constant latents are left out, where log det is minus infinity.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics import information
from dlq.metrics.binning import Edges, binned, equal_width_edges
from dlq.metrics.checks import check_latents, constant, note


class Independence(NamedTuple):
    """Three distances from independence, 0 for independent latents, the matrices they come from, and notes."""

    total_correlation: float  # nats, of the Gaussian with the latents' covariance
    wasserstein_correlation: float  # squared distance of that Gaussian to the one without correlations
    wasserstein_correlation_normalised: float  # the same, divided by the total variance
    mean_information: float  # nats, over pairs of latents
    covariance: np.ndarray  # (num_latents, num_latents)
    information: np.ndarray  # (num_latents, num_latents), nats
    num_samples: int
    num_bins: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Independence(total_correlation={self.total_correlation:.2f}, mean_information={self.mean_information:.2f})"


def independence(latents: Any, *, num_bins: int = 20, edges: Edges = equal_width_edges) -> Independence:
    """Gaussian total correlation and Wasserstein correlation, and the mean mutual information of pairs of latents.

    Constant latents are left out; with fewer than two others everything is 0. A latent that is a linear function of others
    makes the total correlation infinite.
    """
    latents = check_latents(latents)
    if latents.shape[1] > len(latents) or len(latents) < 2:
        raise ValueError(
            f"latents has shape {latents.shape}; rows are images, at least 2, and as many as there are columns"
        )
    live = ~constant(latents)
    covariance = np.atleast_2d(np.cov(latents, rowvar=False))
    inner = covariance[np.ix_(live, live)]
    codes = information.labels(binned(latents, num_bins, edges=edges))
    mutual = information.count_information(codes, codes)
    wasserstein = gaussian_wasserstein_correlation(inner)
    pairs = mutual[np.ix_(live, live)][np.triu_indices(live.sum(), 1)]
    return Independence(
        total_correlation=gaussian_total_correlation(inner),
        wasserstein_correlation=wasserstein,
        wasserstein_correlation_normalised=wasserstein / np.trace(inner) if live.any() else 0.0,
        mean_information=float(pairs.mean()) if len(pairs) else 0.0,
        covariance=covariance,
        information=mutual,
        num_samples=len(latents),
        num_bins=int(num_bins),
        notes=tuple(note("latents {} are constant and left out", ~live)),
    )


def gaussian_total_correlation(covariance: np.ndarray) -> float:
    """1/2 (sum of log variances - log det covariance) in nats; infinite where the covariance is singular."""
    if len(covariance) < 2:
        return 0.0
    deviation = np.sqrt(np.diag(covariance))
    sign, logdet = np.linalg.slogdet(covariance / np.outer(deviation, deviation))
    return float(max(0.0, -logdet / 2)) if sign > 0 else np.inf


def gaussian_wasserstein_correlation(covariance: np.ndarray) -> float:
    """2 tr S - 2 tr (diag(S)^1/2 S diag(S)^1/2)^1/2: the squared 2-Wasserstein distance of N(0, S) and N(0, diag S)."""
    if len(covariance) < 2:
        return 0.0
    deviation = np.sqrt(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(covariance * np.outer(deviation, deviation))
    return float(max(0.0, 2 * np.trace(covariance) - 2 * np.sqrt(np.maximum(eigenvalues, 0)).sum()))
