"""Speed of the information metrics beside the authors' way, loops over scikit-learn, on the same input."""

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlq.cli.bench import report
from dlq.metrics import nmi, one_hot, standardised
from dlq.metrics.explicitness import linear_explicitness

FACTOR_SIZES = (10, 10, 10, 8, 4, 15)  # of rooms and Shapes3D
NUM_LATENTS, NUM_VALUES = 12, 10


def latents_with_noise(num_samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors, continuous latents that mix some of them with noise, and the same latents rounded to ten values."""
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(size, size=num_samples) for size in FACTOR_SIZES], 1)
    mixing = rng.normal(size=(len(FACTOR_SIZES), NUM_LATENTS)) * (rng.random((len(FACTOR_SIZES), NUM_LATENTS)) < 0.3)
    noise = 0.15 * rng.normal(size=(num_samples, NUM_LATENTS))
    continuous = (factors / (np.array(FACTOR_SIZES) - 1) - 0.5) @ mixing + noise
    half = NUM_VALUES // 2
    discrete = np.clip(np.round(continuous * half / 0.8), -half, half - 1)
    return factors, continuous.astype(np.float32), discrete.astype(np.float32)


def measurements(repeats: int, num_samples: int) -> Iterator[dict[str, Any]]:
    """Rows of seconds, ours and the authors', each followed by their ratio; the calls take turns."""
    factors, continuous, discrete = latents_with_noise(num_samples)
    hot, scalar = one_hot(discrete), standardised(continuous.astype(np.float64))
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "NMI, discrete": (
            lambda: nmi(factors, discrete, discrete=True),
            lambda: counted(factors, discrete),
        ),
        "NMI, continuous": (
            lambda: nmi(factors, continuous, discrete=False),
            lambda: neighbours(factors, scalar),
        ),
        "InfoE, one-hot, 100 iterations": (
            lambda: linear_explicitness(factors, hot).mean,
            lambda: explicitness(factors, hot),
        ),
        "InfoE, scalar, 100 iterations": (
            lambda: linear_explicitness(factors, scalar).mean,
            lambda: explicitness(factors, scalar),
        ),
        "InfoE, one-hot, at the optimum": (
            lambda: linear_explicitness(factors, hot, max_iter=None).mean,
            lambda: explicitness(factors, hot, max_iter=20_000, tol=1e-5),
        ),
        "InfoE, scalar, at the optimum": (
            lambda: linear_explicitness(factors, scalar, max_iter=None).mean,
            lambda: explicitness(factors, scalar, max_iter=20_000, tol=1e-5),
        ),
    }
    for name, (ours, authors) in pairs.items():
        # the classifiers take seconds a call
        yield from _side_by_side(name, ours, authors, min(repeats, 3) if "InfoE" in name else repeats)


def _side_by_side(
    name: str, ours: Callable[[], Any], authors: Callable[[], Any], repeats: int
) -> Iterator[dict[str, Any]]:
    """Two rows of seconds, then their ratio, with the largest difference between the two results."""
    difference = float(np.max(np.abs(np.asarray(ours()) - np.asarray(authors()))))
    seconds: dict[str, list[float]] = {"ours": [], "scikit-learn": []}
    for _ in range(repeats):
        for who, call in (("ours", ours), ("scikit-learn", authors)):
            start = time.perf_counter()
            call()
            seconds[who].append(time.perf_counter() - start)
    for who, values in seconds.items():
        yield report.result(f"{name}, {who}", "s", values)
    ratios = [b / a for a, b in zip(*seconds.values(), strict=True)]
    yield report.result(f"{name}, times faster", "times", ratios) | {
        "of_fastest": min(seconds["scikit-learn"]) / min(seconds["ours"]),
        "of_medians": statistics.median(seconds["scikit-learn"]) / statistics.median(seconds["ours"]),
        "largest_difference": difference,
    }


def counted(factors: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """The authors' way for discrete latents: ``mutual_info_score`` of each pair."""
    from sklearn.metrics import mutual_info_score
    from sklearn.preprocessing import LabelEncoder

    codes = np.stack([LabelEncoder().fit_transform(column) for column in latents.T], 1)
    return _normalised([[mutual_info_score(factor, code) for code in codes.T] for factor in factors.T], factors)


def neighbours(factors: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """The authors' way for continuous latents: ``mutual_info_classif``, which loops over latents, of each factor."""
    from sklearn.feature_selection import mutual_info_classif

    information = [mutual_info_classif(latents, factor, n_neighbors=10, random_state=0) for factor in factors.T]
    return _normalised(information, factors)


def explicitness(factors: np.ndarray, features: Any, *, max_iter: int = 100, tol: float = 1e-4) -> float:
    """The authors' way: a classifier of the features and one of zeros for each factor."""
    shares = []
    for factor in factors.T:
        nothing = _loss(factor, np.zeros((len(factor), 1)), max_iter, tol)
        shares.append((nothing - _loss(factor, features, max_iter, tol)) / nothing)
    return float(np.mean(shares))


def _normalised(information: Any, factors: np.ndarray) -> np.ndarray:
    from sklearn.metrics import mutual_info_score

    return np.array(information) / np.array([mutual_info_score(factor, factor) for factor in factors.T])[:, None]


def _loss(factor: np.ndarray, features: Any, max_iter: int, tol: float) -> float:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier = LogisticRegression(C=np.inf, max_iter=max_iter, tol=tol, class_weight="balanced")
        return float(log_loss(factor, classifier.fit(features, factor).predict_proba(features)))
