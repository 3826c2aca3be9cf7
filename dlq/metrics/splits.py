"""Which rows a classifier is fitted on and which it is judged by, and how it is fitted without a loose warning."""

import warnings
from typing import Any, NamedTuple

import numpy as np

MIN_SAMPLES = 6  # the fewest rows that leave two for the test


class Split(NamedTuple):
    """Row numbers to fit on and row numbers to judge by; no row is in both."""

    train: np.ndarray
    test: np.ndarray


def held_out(n: int, max_samples: int, seed: int) -> Split:
    """Two thirds of at most ``max_samples`` random rows to fit on, one third to judge by, as 10,000 and 5,000 are."""
    if max_samples < MIN_SAMPLES:
        raise ValueError(f"max_samples is {max_samples}, at least {MIN_SAMPLES} are needed; 10,000 is common")
    rows = np.random.default_rng(seed).permutation(n)[:max_samples]
    num_test = len(rows) // 3
    return Split(rows[num_test:], rows[:num_test])


def fitted(classifier: Any, features: Any, classes: np.ndarray) -> bool:
    """Fits a scikit-learn classifier and says whether it converged; its warning of that is not passed on."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        classifier.fit(features, classes)
    for other in caught:
        if not issubclass(other.category, ConvergenceWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)


def most_frequent(classes: np.ndarray) -> int:
    """The class that occurs most often; of equally frequent ones the smallest."""
    values, counts = np.unique(classes, return_counts=True)
    return int(values[counts.argmax()])
