"""IRS, the interventional robustness score: while one factor is held, how little do the others move a latent.

Suter, Miladinovic, Schölkopf and Bauer, "Robustly disentangled causal mechanisms", ICML 2019,
https://arxiv.org/abs/1811.00007; the 0.99 quantile in place of the maximum is that of Locatello et al.,
https://arxiv.org/abs/1811.12359. Different: factors keep all their values, where common code merges those of factors with
more than 20. An independent latent does not score 0, since a quantile of deviations is below the largest.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.checks import check_codes, constant, constant_notes


class IRS(NamedTuple):
    """The score, each latent's, the matrix it comes from, the settings used, and notes on what was skipped and why."""

    score: float
    per_latent: np.ndarray  # (num_latents,): the best of its column, NaN for a constant latent
    robustness: np.ndarray  # (num_factors, num_latents): NaN for constant factors and latents
    weight: np.ndarray  # (num_latents,): the largest deviation from the mean
    quantile: float
    num_samples: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"IRS(score={self.score:.2f})"


def irs(factors: Any, latents: Any, *, quantile: float | int = 0.99) -> IRS:
    """Mean over latents, weighted by largest deviation, of the best robustness to other factors; 1 is best.

    Robustness to all but one factor is 1 - d / (largest deviation from the mean), where d is the ``quantile`` of
    deviations from the mean among rows that share a value of the factor, averaged over values; 1.0 is the paper's
    quantile. Constant latents and factors are left out; NaN where nothing is left. Depends on the latents' scale by the
    weights alone. A value that one row has counts as perfectly robust: many rows a value are needed.
    """
    factors, latents = check_codes(factors, latents)
    if not 0 < quantile <= 1:
        raise ValueError(f"quantile is {quantile}; it must be above 0 and at most 1, the paper's")
    notes = constant_notes(factors, latents, "left out")
    live, varying = ~constant(latents), ~constant(factors)
    weight = np.where(live, np.abs(latents - latents.mean(axis=0)).max(axis=0), 0)
    robustness = np.full((factors.shape[1], latents.shape[1]), np.nan)
    for i in np.flatnonzero(varying):
        deviation = _deviation(factors[:, i], latents[:, live], quantile)
        robustness[i, live] = 1 - deviation / weight[live]
    per_latent = np.full(latents.shape[1], np.nan)
    if varying.any() and live.any():
        per_latent[live] = robustness[varying][:, live].max(axis=0)
        score = float(np.average(per_latent[live], weights=weight[live]))
    else:
        score = np.nan
        notes.append("the score needs a factor and a latent that vary")
    return IRS(score, per_latent, robustness, weight, float(quantile), len(factors), tuple(notes))


def _deviation(factor: np.ndarray, latents: np.ndarray, quantile: float | int) -> np.ndarray:
    """The quantile of |z - mean of its group|, averaged over the factor's values, (num_latents,)."""
    groups = [latents[factor == value] for value in np.unique(factor)]
    return np.mean([np.quantile(np.abs(z - z.mean(axis=0)), quantile, axis=0) for z in groups], axis=0)
