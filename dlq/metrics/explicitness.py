"""InfoE: how much of each factor a linear classifier reads out of all latents together.

Hsu et al., "Disentanglement via latent quantization", NeurIPS 2023, https://arxiv.org/abs/2305.18378; predictive
V-information is Xu et al., ICLR 2020, https://arxiv.org/abs/2002.10689. As in the authors' code, the classifier is
fitted and evaluated on the same samples, without penalty, with balanced classes, while the log-loss is not balanced.
Different: their null model, fitted on zeros, gives every class the same probability, so its log-loss is written down
as log K (K classes), and the classifier can be taken to its optimum, where theirs stops after 100 iterations.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.softmax import optimal_loss
from dlq.metrics.splits import fitted


class Explicitness(NamedTuple):
    """The mean over factors, each factor's share of explained log-loss, and whether its classifier converged."""

    mean: float
    per_factor: np.ndarray
    converged: np.ndarray


def one_hot(latents: np.ndarray) -> Any:
    """One column for each value of each latent, as a sparse matrix."""
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder().fit_transform(latents)


def standardised(latents: np.ndarray) -> np.ndarray:
    """Each latent as one number with mean 0 and variance 1; a constant latent becomes 0."""
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit_transform(latents)


def linear_explicitness(factors: np.ndarray, features: Any, *, max_iter: int | None = 100) -> Explicitness:
    """Mean over factors of (log K - log-loss) / log K, at most 1; NaN for a constant factor, which the mean skips.

    ``features`` is (n, num_features), dense or sparse. ``max_iter`` bounds the iterations of scikit-learn's solver, as the
    authors do; None goes on to the optimum, by a solver that gets there sooner.

    Unequal classes can make it negative, since the classifier is balanced and the log-loss is not.
    """
    shares, converged = np.full(factors.shape[1], np.nan), np.ones(factors.shape[1], dtype=bool)
    for i, factor in enumerate(factors.T):
        num_classes = len(np.unique(factor))
        if num_classes > 1:
            found = optimal_loss(factor, features) if max_iter is None else _fitted_loss(factor, features, max_iter)
            loss, converged[i] = found
            shares[i] = 1 - loss / np.log(num_classes)
    varying = ~np.isnan(shares)
    return Explicitness(float(shares[varying].mean()) if varying.any() else np.nan, shares, converged)


def _fitted_loss(factor: np.ndarray, features: Any, max_iter: int) -> tuple[float, bool]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    classifier = LogisticRegression(C=np.inf, max_iter=max_iter, class_weight="balanced")
    converged = fitted(classifier, features, factor)
    return float(log_loss(factor, classifier.predict_proba(features), labels=classifier.classes_)), converged
