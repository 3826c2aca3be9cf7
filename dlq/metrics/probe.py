"""Can a factor be read off latents? A probe learns to, on some groups of images, and is asked about groups it never saw.

A group is what images share that must not help: all images of one person, for factors of a person. Ridge regression says
what is there in plain sight, a small network what is there at all (no probe can show that nothing is). Probing follows
G. Alain and Y. Bengio, "Understanding intermediate layers using linear classifier probes", 2016, arXiv 1610.01644.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Probe(NamedTuple):
    """R2 of each factor (F,) on groups that the probe never saw: 1 is read exactly, 0 is no better than the mean."""

    r2: np.ndarray
    num_train: int
    num_test: int

    @property
    def mean(self) -> float:
        """Over the factors; negative where guessing is worse than the mean."""
        return float(np.nanmean(self.r2))


def linear_probe(factors: Any, latents: Any, groups: Any, *, seed: int = 0) -> Probe:
    """How well ridge regression reads real-valued factors (n, F) off latents (n, d) of groups (n,) that it never saw.

    A third of the groups (identities) is for the test; of the others, a quarter chooses the penalty. Raises ValueError
    where there are fewer than 12 groups.
    """
    return _probe(factors, latents, groups, _ridge, seed)


def mlp_probe(factors: Any, latents: Any, groups: Any, *, seed: int = 0) -> Probe:
    """The same, and for what the ridge regression leaves over one hidden layer of 64 units, stopped and scaled down to where
    the validation groups are read best: what it finds beyond the line is not there in plain sight.

    A low linear R2 alone does not show that a factor is gone.
    """
    return _probe(factors, latents, groups, _network, seed)


def _probe(factors: Any, latents: Any, groups: Any, learn: Callable, seed: int) -> Probe:
    factors, latents, groups = np.asarray(factors, float), np.asarray(latents, float), np.asarray(groups)
    if factors.ndim != 2 or latents.ndim != 2 or not len(factors) == len(latents) == len(groups):
        raise ValueError(
            f"found factors {factors.shape}, latents {latents.shape} and groups {groups.shape}; give (n, F), (n, d) and (n,)"
        )
    kinds = np.random.default_rng(seed).permutation(np.unique(groups))
    if len(kinds) < 12:
        raise ValueError(f"found {len(kinds)} groups, at least 12 are needed; a third of them is kept for the test")
    test, valid = kinds[: len(kinds) // 3], kinds[len(kinds) // 3 : len(kinds) // 2]
    parts = [np.isin(groups, test), np.isin(groups, valid)]
    parts.append(~(parts[0] | parts[1]))
    z = (latents - latents[~parts[0]].mean(0)) / latents[~parts[0]].std(0).clip(1e-6)
    scale = factors[~parts[0]].std(0)
    y = (factors - factors[~parts[0]].mean(0)) / np.where(scale > 1e-9, scale, np.nan)
    seen = ~np.isnan(y[0])
    guess = learn(z[parts[2]], y[parts[2]][:, seen], z[parts[1]], y[parts[1]][:, seen], seed)(z[parts[0]])
    truth, r2 = y[parts[0]][:, seen], np.full(factors.shape[1], np.nan)
    r2[seen] = 1 - np.square(guess - truth).sum(0) / np.square(truth - truth.mean(0)).sum(0).clip(1e-12)
    return Probe(r2, int((~parts[0]).sum()), int(parts[0].sum()))


def _ridge(z: np.ndarray, y: np.ndarray, z_valid: np.ndarray, y_valid: np.ndarray, seed: int) -> Callable:
    left, size, right = np.linalg.svd(z, full_matrices=False)
    turned = left.T @ y
    weights = [
        right.T @ ((size / (size**2 + len(z) * penalty))[:, None] * turned) for penalty in 10.0 ** np.arange(-4, 4)
    ]
    best = min(weights, key=lambda weight: float(np.square(z_valid @ weight - y_valid).mean()))
    return lambda rows: rows @ best


def _network(z: np.ndarray, y: np.ndarray, z_valid: np.ndarray, y_valid: np.ndarray, seed: int) -> Callable:
    from sklearn.neural_network import MLPRegressor  # here, since it takes a second to load

    line = _ridge(z, y, z_valid, y_valid, seed)
    rest, rest_valid = y - line(z), y_valid - line(z_valid)
    at_once = {"batch_size": min(32, len(z)), "random_state": seed}
    net = MLPRegressor(hidden_layer_sizes=(64,), alpha=0.01, learning_rate_init=2e-3, **at_once)
    best: tuple[float, list, list] = (np.inf, [], [])
    worse = 0
    while worse < 10:
        net.partial_fit(z, rest if rest.shape[1] > 1 else rest[:, 0])
        error = float(np.square(net.predict(z_valid).reshape(rest_valid.shape) - rest_valid).mean())
        worse = 0 if error < best[0] - 1e-4 else worse + 1
        if not worse:
            best = (error, [part.copy() for part in net.coefs_], [part.copy() for part in net.intercepts_])
    net.coefs_, net.intercepts_ = best[1], best[2]
    guess = net.predict(z_valid).reshape(rest_valid.shape)
    share = ((guess * rest_valid).sum(0) / np.square(guess).sum(0).clip(1e-12)).clip(0, 1)  # of what it dares to say
    return lambda rows: line(rows) + share * net.predict(rows).reshape(len(rows), -1)
