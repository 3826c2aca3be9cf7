"""Modularity and explicitness: does a latent inform of one factor only, and are factors read out linearly.

Ridgeway and Mozer, "Learning deep disentangled embeddings with the F-statistic loss", NeurIPS 2018,
https://arxiv.org/abs/1802.05312, with the settings of Locatello et al., ICML 2019, https://arxiv.org/abs/1811.12359: 20
equally wide bins; modularity is a mean over all latents, so dead ones lower it; explicitness is a raw area under the ROC
curve, chance is 0.5. Not InfoMEC's two scores of the same names. Different: a constant latent becomes 0 instead of 0/0, and
a value that was not drawn for both fitting and judging is left out.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.binning import Edges, equal_width_edges
from dlq.metrics.checks import check_codes, constant, constant_notes, note
from dlq.metrics.mig import plug_in
from dlq.metrics.splits import MIN_SAMPLES, Split, fitted, held_out


class ModularityExplicitness(NamedTuple):
    """Both scores, the matrix of modularity in nats, the settings used, and notes on what was skipped and why."""

    modularity: float
    explicitness: float  # area under the ROC curve on held-out rows: 0.5 is chance
    information: np.ndarray  # (num_factors, num_latents), nats
    modularity_per_latent: np.ndarray
    explicitness_per_factor: np.ndarray  # NaN for a constant factor
    explicitness_train: float
    converged: bool
    discrete: bool
    num_bins: int | None  # None for discrete latents
    edges: str | None
    num_train: int
    num_test: int
    seed: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ModularityExplicitness(modularity={self.modularity:.2f}, explicitness={self.explicitness:.2f})"


def modularity_explicitness(
    factors: Any,
    latents: Any,
    *,
    discrete: bool = False,
    num_bins: int = 20,
    edges: Edges = equal_width_edges,
    max_samples: int = 15_000,
    seed: int = 0,
) -> ModularityExplicitness:
    """Modularity in [0, 1] and explicitness in [0, 1], where 0.5 is chance; both 1 at best.

    ``discrete``, ``num_bins`` and ``edges`` are those of ``mig``. The classifiers use at most ``max_samples`` rows drawn by
    ``seed``, a third of them held out. A latent without information has modularity 0 and is counted; a constant factor is
    skipped. Modularity is NaN with fewer than two factors that vary. Raises ValueError on input that no score fits; needs
    6 rows.
    """
    factors, latents = check_codes(factors, latents, min_samples=MIN_SAMPLES)
    notes = constant_notes(factors, latents, "have modularity 0")
    varying = ~constant(factors)
    mutual = plug_in(factors, latents, discrete=discrete, num_bins=num_bins, edges=edges)
    per_latent = modularity_per_latent(mutual[varying])
    if varying.sum() < 2:
        notes.append(f"modularity needs two factors that vary, found {varying.sum()}")
    rows = held_out(len(factors), max_samples, seed)
    test, train, converged = _explicitness(factors, latents, rows)
    notes += note("factors {} have fewer than two values in both halves and are skipped", varying & np.isnan(test))
    if not converged:
        notes.append("a classifier of explicitness stopped before it converged, the value is slightly off")
    return ModularityExplicitness(
        modularity=float(per_latent.mean()),
        explicitness=_mean(test),
        information=mutual,
        modularity_per_latent=per_latent,
        explicitness_per_factor=test,
        explicitness_train=_mean(train),
        converged=converged,
        discrete=bool(discrete),
        num_bins=None if discrete else int(num_bins),
        edges=None if discrete else getattr(edges, "__name__", repr(edges)),
        num_train=len(rows.train),
        num_test=len(rows.test),
        seed=seed,
        notes=tuple(notes),
    )


def modularity_per_latent(information: np.ndarray) -> np.ndarray:
    """1 - (sum of squares - largest square) / (largest square (num_factors - 1)) of each column; 0 without information."""
    if len(information) < 2:
        return np.full(information.shape[1], np.nan)
    squares = np.square(information)
    best = squares.max(axis=0)
    rest = squares.sum(axis=0) - best
    return np.where(best > 0, 1 - rest / (np.where(best > 0, best, 1) * (len(information) - 1)), 0.0)


def _explicitness(factors: np.ndarray, latents: np.ndarray, rows: Split) -> tuple[np.ndarray, np.ndarray, bool]:
    """Area under the curve of each factor, held out and on the rows fitted on, and did every classifier converge."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(latents[rows.train])
    train, test = scaler.transform(latents[rows.train]), scaler.transform(latents[rows.test])
    areas, converged = np.full((2, factors.shape[1]), np.nan), True
    for i, factor in enumerate(factors.T):
        if len(np.unique(factor[rows.train])) > 1:
            classifier = LogisticRegression(max_iter=1_000)
            converged = fitted(classifier, train, factor[rows.train]) and converged
            areas[0, i] = _area(classifier, test, factor[rows.test])
            areas[1, i] = _area(classifier, train, factor[rows.train])
    return areas[0], areas[1], converged


def _area(classifier: Any, features: np.ndarray, factor: np.ndarray) -> float:
    """Mean over values of the area under the curve of that value against the rest; NaN where there is one value only."""
    from sklearn.metrics import roc_auc_score

    odds = classifier.predict_proba(features)
    shares = [(odds[:, k], factor == value) for k, value in enumerate(classifier.classes_)]
    areas = [roc_auc_score(truth, odd) for odd, truth in shares if truth.any() and not truth.all()]
    return float(np.mean(areas)) if areas else np.nan


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if (~np.isnan(values)).any() else np.nan
