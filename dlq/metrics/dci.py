"""DCI: disentanglement, completeness and informativeness, read from which latents a predictor of each factor uses.

Eastwood and Williams, "A framework for the quantitative evaluation of disentangled representations", ICLR 2018,
https://openreview.net/forum?id=By-7dz-AZ, in the form of Locatello et al., ICML 2019, https://arxiv.org/abs/1811.12359:
entropies of importances in base num_factors (D) and num_latents (C), weighted by total importance; informativeness is an
accuracy, here on held-out rows. Their predictor is ``gradient_boosting``, slow for factors of many values. That of Hsu et
al., "Tripod", 2024, https://arxiv.org/abs/2404.10282, is ``tripod_forest``, whose splits must often take a latent that does
not matter, so that a code with a little noise gets about 0.7 where it deserves 1. The default, ``random_forest``, is a
forest without that choice: it agrees with boosting and is quick. Scores of different predictors, or of different numbers
of latents (C), are not comparable. Different: D's base counts only the factors that vary; a zero needs no epsilon.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.checks import check_codes, constant, constant_notes
from dlq.metrics.splits import MIN_SAMPLES, Split, held_out, most_frequent

Predictor = Callable[[np.ndarray, np.ndarray, int], Any]


class DCI(NamedTuple):
    """The three scores, the importances they come from, the settings used, and notes on what was skipped and why."""

    disentanglement: float
    completeness: float
    informativeness: float  # mean accuracy on held-out rows
    importance: np.ndarray  # (num_factors, num_latents): NaN in the row of a constant factor
    disentanglement_per_latent: np.ndarray
    completeness_per_factor: np.ndarray
    informativeness_per_factor: np.ndarray
    informativeness_train: float
    guessing: float  # mean held-out accuracy of naming the most frequent value
    predictor: str
    num_train: int
    num_test: int
    seed: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        scores = ", ".join(f"{name}={getattr(self, name):.2f}" for name in self._fields[:3])
        return f"DCI({scores}, predictor={self.predictor})"


def random_forest(latents: np.ndarray, factor: np.ndarray, seed: int) -> Any:
    """A fitted forest of 25 trees of depth 10, split by entropy, each split the best of all latents."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(25, criterion="entropy", max_depth=10, max_features=None, random_state=seed)
    return forest.fit(latents, factor)


def tripod_forest(latents: np.ndarray, factor: np.ndarray, seed: int) -> Any:
    """A fitted forest of 100 trees of depth 10, split by entropy, each split the best of a few random latents."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(n_estimators=100, criterion="entropy", max_depth=10, random_state=seed)
    return forest.fit(latents, factor)


def gradient_boosting(latents: np.ndarray, factor: np.ndarray, seed: int) -> Any:
    """A fitted gradient-boosting classifier as published: 100 rounds of depth 3 at rate 0.1, a tree for each value."""
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(n_estimators=100, max_depth=3, learning_rate=0.1, random_state=seed).fit(
        latents, factor
    )


def dci(
    factors: Any,
    latents: Any,
    *,
    predictor: Predictor = random_forest,
    max_samples: int = 10_000,
    seed: int = 0,
    progress: Callable[[str], object] | None = None,
) -> DCI:
    """Scores in [0, 1], 1 best: D, does a latent serve one factor; C, is a factor served by one latent; I, accuracy.

    ``predictor(latents, factor, seed)`` returns a fitted classifier with ``predict`` and ``feature_importances_``:
    ``random_forest``, ``tripod_forest`` or ``gradient_boosting``. At most ``max_samples`` rows are drawn by ``seed``, a
    third of them held out.
    ``progress`` is called with a sentence before each factor. A constant latent has no importance, so no weight in D, but
    counts in the base of C; a constant factor is skipped. D needs two factors that vary and C two latents, else they are
    NaN. Raises ValueError on input that no score fits; needs 6 rows.
    """
    factors, latents = check_codes(factors, latents, min_samples=MIN_SAMPLES)
    notes = constant_notes(factors, latents, "have no importance, and count in the base of completeness")
    rows = held_out(len(factors), max_samples, seed)
    importance = np.full((factors.shape[1], latents.shape[1]), np.nan)
    accuracy = np.full((factors.shape[1], 3), np.nan)  # held out, on the rows fitted on, by guessing
    for i in np.flatnonzero(~constant(factors)):
        if progress is not None:
            progress(f"DCI: factor {i + 1} of {factors.shape[1]}")
        importance[i], accuracy[i] = _fit(predictor, factors[:, i], latents, rows, seed)
    per_latent, per_factor = disentanglement_per_latent(importance), completeness_per_factor(importance)
    notes += _reasons(importance)
    means = [
        float(np.mean(column[~np.isnan(column)])) if (~np.isnan(column)).any() else np.nan for column in accuracy.T
    ]
    return DCI(
        disentanglement=weighted(per_latent, np.nansum(importance, axis=0)),
        completeness=weighted(per_factor, np.nansum(importance, axis=1)),
        informativeness=means[0],
        importance=importance,
        disentanglement_per_latent=per_latent,
        completeness_per_factor=per_factor,
        informativeness_per_factor=accuracy[:, 0],
        informativeness_train=means[1],
        guessing=means[2],
        predictor=getattr(predictor, "__name__", repr(predictor)),
        num_train=len(rows.train),
        num_test=len(rows.test),
        seed=seed,
        notes=tuple(notes),
    )


def disentanglement_per_latent(importance: np.ndarray) -> np.ndarray:
    """1 - entropy of each latent's importances over factors, base num_factors; 0 without importance, NaN for one factor."""
    return _one_minus_entropy(importance[~np.isnan(importance).any(axis=1)].T)


def completeness_per_factor(importance: np.ndarray) -> np.ndarray:
    """1 - entropy of each factor's importances over latents, base num_latents; 0 without importance, NaN for one latent."""
    return _one_minus_entropy(importance)


def weighted(scores: np.ndarray, weights: np.ndarray) -> float:
    """Mean of the scores by weight, over those that are not NaN; 0 where no weight is left, NaN where no score is."""
    known = ~np.isnan(scores)
    if not known.any():
        return np.nan
    total = weights[known].sum()
    return float((scores * weights)[known].sum() / total) if total > 0 else 0.0


def _one_minus_entropy(rows: np.ndarray) -> np.ndarray:
    if rows.shape[1] < 2:
        return np.full(len(rows), np.nan)
    total = rows.sum(axis=1, keepdims=True)
    p = np.where(total > 0, rows / np.where(total > 0, total, 1), 1 / rows.shape[1])
    return 1 + np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1) / np.log(rows.shape[1])


def _fit(predictor: Predictor, factor: np.ndarray, latents: np.ndarray, rows: Split, seed: int) -> tuple[Any, Any]:
    """Importances (num_latents,), and accuracy held out, on the rows fitted on, and by guessing."""
    train, test = factor[rows.train], factor[rows.test]
    guess = most_frequent(train)
    guessing = float((test == guess).mean())
    if len(np.unique(train)) < 2:  # the rarer values were all drawn for the test: nothing to learn
        return np.zeros(latents.shape[1]), (guessing, 1.0, guessing)
    model = predictor(latents[rows.train], train, seed)
    found = (model.predict(latents[rows.test]) == test).mean(), (model.predict(latents[rows.train]) == train).mean()
    return np.abs(model.feature_importances_), (*found, guessing)


def _reasons(importance: np.ndarray) -> list[str]:
    num_varying, num_latents = (~np.isnan(importance).any(axis=1)).sum(), importance.shape[1]
    notes = []
    if num_varying < 2:
        notes.append(f"disentanglement needs two factors that vary, found {num_varying}")
    if num_latents < 2:
        notes.append("completeness needs two latents, found 1")
    return notes
