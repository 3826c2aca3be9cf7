"""The optimum of a multinomial logistic regression without penalty, classes balanced by weights.

InfoE's classifier in the authors' code stops after 100 iterations, often before the optimum, which is another number. L-BFGS
is slow there since features of rare values hardly bend the loss; here it runs in coordinates in which the curvature of
each class is 1 (its own block of the Hessian, Cholesky factor), renewed every few iterations. The end is told by those
same coordinates: half the squared gradient estimates by how many nats the loss could still fall.
"""

from typing import Any

import numpy as np

STAGE = 25  # iterations between two looks at the curvature
ROWS = 4096  # weighted at once


def optimal_loss(
    labels: np.ndarray, features: Any, *, tolerance: float = 1e-8, max_stages: int = 40
) -> tuple[float, bool]:
    """The log-loss in nats, a plain mean over samples, where the class-balanced loss is lowest, and if that was reached.

    ``labels`` (n,) take two values or more, ``features`` are (n, num_features), dense or sparse. Reached means that the
    balanced loss could fall by less than ``tolerance`` nats, by estimate. Where a plane separates the classes the optimum
    is at infinity and the loss close to 0.
    """
    y = np.unique(labels, return_inverse=True)[1].reshape(-1)
    x = _with_intercept(features)
    counts = np.bincount(y)
    weights = 1 / (len(counts) * counts[y])  # their sum is 1
    theta = np.zeros((len(counts), x.shape[1]))
    reached = False
    for _ in range(max_stages):
        probabilities, _ = _predicted(theta, x, y)
        roots = _roots(x, weights, probabilities)
        if reached := bool(_decrement(_gradient(probabilities, x, y, weights), roots) < tolerance):
            break
        theta = _stage(theta, roots, x, y, weights, tolerance)
    return float(_predicted(theta, x, y)[1].mean()), reached


def _with_intercept(features: Any) -> np.ndarray:
    """Dense float64 with a last column of ones."""
    x = np.ones((features.shape[0], features.shape[1] + 1))
    for start in range(0, len(x), ROWS):
        rows = features[start : start + ROWS]
        x[start : start + ROWS, :-1] = rows.toarray() if hasattr(rows, "toarray") else rows
    return x


def _predicted(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (num_classes, n) and the log-loss of each sample (n,)."""
    logits = theta @ x.T
    logits -= logits.max(axis=0)
    chosen = logits[y, np.arange(len(y))]
    np.exp(logits, out=logits)
    total = logits.sum(axis=0)
    logits /= total
    return logits, np.log(total) - chosen


def _gradient(probabilities: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of the balanced loss, (num_classes, num_features); overwrites the probabilities."""
    probabilities[y, np.arange(len(y))] -= 1
    probabilities *= weights
    return probabilities @ x


def _roots(x: np.ndarray, weights: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """R of each class, R R^T = the inverse of its block of the Hessian: (num_classes, or 1 for all, features, features)."""
    bends = np.sqrt(weights * probabilities * (1 - probabilities))
    if (bends == bends[0]).all():  # at the start, where one block serves all classes
        bends = bends[:1]
    blocks = np.zeros((len(bends), x.shape[1], x.shape[1]))
    for start in range(0, len(x), ROWS):
        rows = x[start : start + ROWS]
        for block, bend in zip(blocks, bends[:, start : start + ROWS], strict=True):
            bent = rows * bend[:, None]
            block += bent.T @ bent
    diagonal = np.arange(x.shape[1])
    # one-hot features are dependent, and separated classes are flat: a little more than 0 keeps the factor
    blocks[:, diagonal, diagonal] += 1e-9 * np.trace(blocks, axis1=1, axis2=2)[:, None] / x.shape[1] + 1e-14
    return np.linalg.inv(np.linalg.cholesky(blocks)).transpose(0, 2, 1)


def _decrement(gradient: np.ndarray, roots: np.ndarray) -> float:
    return 0.5 * float(np.square(gradient[:, None] @ roots).sum())


def _stage(
    theta: np.ndarray, roots: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray, tolerance: float
) -> np.ndarray:
    """theta after some iterations in the coordinates u, theta + R u."""
    from scipy.optimize import minimize

    def moved(u: np.ndarray) -> np.ndarray:
        return theta + (roots @ u.reshape(*theta.shape, 1))[..., 0]

    def balanced(u: np.ndarray) -> tuple[float, np.ndarray]:
        probabilities, losses = _predicted(moved(u), x, y)
        gradient = _gradient(probabilities, x, y, weights)
        return float(weights @ losses), (gradient[:, None] @ roots).reshape(-1)

    smallest = np.sqrt(2 * tolerance / theta.size)
    options = {"maxiter": STAGE, "maxcor": 20, "gtol": smallest, "ftol": 1e-13}
    return moved(minimize(balanced, np.zeros(theta.size), jac=True, method="L-BFGS-B", options=options).x)
