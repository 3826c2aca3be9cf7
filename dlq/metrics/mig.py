"""MIG, the mutual information gap: how far the best latent of each factor is ahead of the second best.

Chen et al., "Isolating sources of disentanglement in variational autoencoders", NeurIPS 2018,
https://arxiv.org/abs/1802.04942, as computed by Locatello et al., ICML 2019, https://arxiv.org/abs/1811.12359: posterior
means, 20 equally wide bins, the plug-in estimate. Different from Chen et al., who estimate entropies from samples of
q(z|x) and leave the shape of dSprites out: the two are not comparable. A bin spans a latent's own range, so one outlier
empties the others; ``edges=quantile_edges`` does not mind.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics import information
from dlq.metrics.binning import Edges, binned, equal_width_edges
from dlq.metrics.checks import check_codes, check_few_values, constant_notes


class MIG(NamedTuple):
    """The score, each factor's gap, the matrix in nats, the settings used, and notes on what was skipped and why."""

    score: float
    per_factor: np.ndarray  # (num_factors,): NaN for a constant factor
    information: np.ndarray  # (num_factors, num_latents), nats
    entropy: np.ndarray  # (num_factors,), nats
    num_samples: int
    discrete: bool
    num_bins: int | None  # None for discrete latents
    edges: str | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"MIG(score={self.score:.2f})"


def mig(
    factors: Any, latents: Any, *, discrete: bool = False, num_bins: int = 20, edges: Edges = equal_width_edges
) -> MIG:
    """Mean over factors of (largest - second largest I(factor; latent)) / H(factor), in [0, 1].

    ``discrete=True`` counts the latents' own values; otherwise they are binned by ``edges``. A constant latent has no
    information and is harmless; a constant factor is skipped; with one latent there is no gap and the score is NaN.
    Raises ValueError on input that no score fits.
    """
    factors, latents = check_codes(factors, latents)
    mutual = plug_in(factors, latents, discrete=discrete, num_bins=num_bins, edges=edges)
    entropy = information.entropies(factors)
    notes = constant_notes(factors, latents, "carry no information")
    per_factor = gaps(information.normalised(mutual, entropy))
    if latents.shape[1] < 2:
        notes.append("a gap needs two latents, found 1")
    score = float(np.nanmean(per_factor)) if (~np.isnan(per_factor)).any() else np.nan
    bins = None if discrete else int(num_bins)
    rule = None if discrete else getattr(edges, "__name__", repr(edges))
    return MIG(score, per_factor, mutual, entropy, len(factors), bool(discrete), bins, rule, tuple(notes))


def plug_in(factors: np.ndarray, latents: np.ndarray, *, discrete: bool, num_bins: int, edges: Edges) -> np.ndarray:
    """I(factor; latent) in nats of checked arrays, (num_factors, num_latents), by counting values or bins."""
    if discrete:
        check_few_values(latents, "latent", "use discrete=False, which bins the latents")
    codes = latents if discrete else binned(latents, num_bins, edges=edges)
    return information.count_information(information.labels(factors), information.labels(codes))


def gaps(matrix: np.ndarray) -> np.ndarray:
    """Largest minus second largest entry of each row, (num_factors,); NaN with one column or where a row is NaN."""
    if matrix.shape[1] < 2:
        return np.full(len(matrix), np.nan)
    best = np.sort(matrix, axis=1)
    return best[:, -1] - best[:, -2]
