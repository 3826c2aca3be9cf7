"""SAP, the separated attribute predictability: how far one latent predicts each factor better than the second best.

Kumar, Sattigeri and Balakrishnan, "Variational inference of disentangled latent concepts from unlabeled observations",
ICLR 2018, https://arxiv.org/abs/1711.00848. Two forms are in use and are not comparable: the held-out accuracy of a linear
SVM (C = 0.01, balanced classes, the form of Locatello et al., https://arxiv.org/abs/1811.12359) and the squared
correlation. Different: the SVM is solved in its primal, which has the same optimum and needs no random order; a latent
that is constant is not fitted but predicts the most frequent class.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.checks import check_codes, constant, constant_notes, note
from dlq.metrics.mig import gaps
from dlq.metrics.splits import MIN_SAMPLES, held_out, most_frequent

Predictability = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


class SAP(NamedTuple):
    """The score, each factor's gap, the matrix of predictabilities, the form used, and notes on what was skipped."""

    score: float
    per_factor: np.ndarray  # (num_factors,): NaN for a constant factor
    predictability: np.ndarray  # (num_factors, num_latents)
    form: str
    num_samples: int  # rows that were used
    seed: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"SAP(score={self.score:.2f}, form={self.form})"


def svm_accuracy(factors: np.ndarray, latents: np.ndarray, seed: int) -> np.ndarray:
    """Accuracy on a held-out third of a linear SVM on one latent, (num_factors, num_latents).

    Depends on the latents' scale, since the SVM is regularised; ``standardised`` latents take that away.
    """
    train, test = held_out(len(factors), len(factors), seed)
    still = constant(latents[train])
    accuracy = np.empty((factors.shape[1], latents.shape[1]))
    for i, factor in enumerate(factors.T):
        for j, latent in enumerate(latents.T):
            guess = most_frequent(factor[train])
            if not still[j] and len(np.unique(factor[train])) > 1:
                guess = _svm(latent[train], factor[train]).predict(latent[test][:, None])
            accuracy[i, j] = (guess == factor[test]).mean()
    return accuracy


def squared_correlation(factors: np.ndarray, latents: np.ndarray, seed: int) -> np.ndarray:
    """Squared correlation of factor and latent, (num_factors, num_latents), 0 for what does not vary; uses no seed.

    Takes the factors' values as numbers, so a category that has no order gives a number that means little.
    """
    f, z = (_normed(columns) for columns in (factors.astype(float), latents))
    return np.square(f.T @ z)


def sap(
    factors: Any, latents: Any, *, form: Predictability = svm_accuracy, max_samples: int = 15_000, seed: int = 0
) -> SAP:
    """Mean over factors of the largest minus the second largest predictability by one latent, in [0, 1].

    ``form`` is ``svm_accuracy`` or ``squared_correlation``, or a function (factors, latents, seed) -> (num_factors,
    num_latents). ``max_samples`` rows are drawn by ``seed`` where there are more. A constant latent is harmless; a
    constant factor is skipped; with one latent there is no gap and the score is NaN. Raises ValueError on input that no
    score fits; needs 6 rows.
    """
    factors, latents = check_codes(factors, latents, min_samples=MIN_SAMPLES)
    notes = constant_notes(factors, latents, "predict nothing")
    rows = np.sort(np.concatenate(held_out(len(factors), max_samples, seed)))
    matrix = form(factors[rows], latents[rows], seed)
    skipped = constant(factors[rows])
    notes += note("factors {} are constant in the rows drawn and skipped", skipped & ~constant(factors))
    per_factor = np.where(skipped, np.nan, gaps(matrix))
    if latents.shape[1] < 2:
        notes.append("a gap needs two latents, found 1")
    score = float(np.nanmean(per_factor)) if (~np.isnan(per_factor)).any() else np.nan
    name = getattr(form, "__name__", repr(form))
    return SAP(score, per_factor, matrix, name, len(rows), seed, tuple(notes))


def _svm(latent: np.ndarray, classes: np.ndarray) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=0.01, class_weight="balanced", dual=False).fit(latent[:, None], classes)


def _normed(columns: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and length 1; one with a variance of at most 1e-12 becomes 0."""
    centred = columns - columns.mean(axis=0)
    variance = columns.var(axis=0)
    length = np.sqrt(variance * len(columns))
    return np.where(variance > 1e-12, centred / np.where(variance > 1e-12, length, 1), 0)
