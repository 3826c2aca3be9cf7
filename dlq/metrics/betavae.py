"""The beta-VAE score: from how pairs that share one factor differ, a linear classifier names the factor.

Higgins et al., "beta-VAE: learning basic visual concepts with a constrained variational framework", ICLR 2017,
https://openreview.net/forum?id=Sy2fzU9gl, with the settings of Locatello et al., ICML 2019,
https://arxiv.org/abs/1811.12359: the mean absolute difference of 64 pairs is one point, logistic regression, 10,000 points
to fit and 5,000 to judge. It is near 1 for many codes that are not disentangled.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.checks import check_codes, constant_notes
from dlq.metrics.samplers import Sampler, draws, fixable, sampler_for
from dlq.metrics.splits import fitted


class BetaVAEScore(NamedTuple):
    """The score, the mean differences it rests on, the settings used, and notes on what was skipped and why."""

    score: float
    train_score: float
    differences: np.ndarray  # (num_factors, num_latents): mean |difference| of pairs that share the factor
    chance: float  # one over the number of factors that vary
    converged: bool
    num_train: int
    num_test: int
    num_pairs: int
    sampler: str
    seed: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"BetaVAEScore(score={self.score:.2f}, chance={self.chance:.2f})"


def betavae_score(
    factors: Any,
    latents: Any,
    *,
    sample: Sampler | None = None,
    num_points: tuple[int, int] = (10_000, 5_000),
    num_pairs: int = 64,
    seed: int = 0,
) -> BetaVAEScore:
    """Held-out accuracy of logistic regression on mean |z1 - z2| of pairs that share one factor, in [0, 1].

    ``sample(fixed, n, rng)`` encodes fresh images with a factor fixed; without it, pairs are resampled from the given
    rows, which needs values that several rows share. ``num_points`` are those to fit and to judge. The classifier is
    regularised, so the latents' scale matters. A constant latent is harmless; a constant factor is skipped; with fewer
    than two factors that can be fixed the score is NaN.
    """
    factors, latents = check_codes(factors, latents)
    if num_pairs < 1 or min(num_points) < 2:
        raise ValueError(f"found num_pairs {num_pairs} and num_points {num_points}; at least 1 and (2, 2) are needed")
    notes = constant_notes(factors, latents, "tell nothing")
    values, left_out = fixable(factors, resampled=sample is None)
    sample, name = sampler_for(factors, latents, sample)
    notes += left_out
    scores, converged, means = (np.nan, np.nan), True, np.full((factors.shape[1], latents.shape[1]), np.nan)
    if len(values) < 2:
        notes.append(f"the score needs two factors that can be fixed, found {len(values)}")
    else:
        rng = np.random.default_rng(seed)
        train, test = (_points(sample, values, n, num_pairs, latents.shape[1], rng) for n in num_points)
        scores, converged = _read_out(train, test)
        for i in values:
            means[i] = train[0][train[1] == i].mean(axis=0) if (train[1] == i).any() else np.nan
    if not converged:
        notes.append("the classifier stopped before it converged; standardised latents help")
    chance = 1 / len(values) if values else np.nan
    return BetaVAEScore(*scores, means, chance, converged, *num_points, num_pairs, name, seed, tuple(notes))


def _points(
    sample: Sampler,
    values: dict[int, np.ndarray],
    num: int,
    num_pairs: int,
    num_latents: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean |z1 - z2| (num, num_latents) and the shared factor (num,); each pair of a point has a value of its own."""
    columns = np.array([*values])
    shared = columns[rng.integers(len(columns), size=num)]
    total = np.zeros((num, num_latents))
    for column in columns:
        mine = np.flatnonzero(shared == column)
        if not len(mine):
            continue
        for _, value, numbers in draws({int(column): values[column]}, len(mine) * num_pairs, rng):
            first, second = np.split(sample({int(column): value}, 2 * len(numbers), rng), 2)
            np.add.at(total, mine[numbers // num_pairs], np.abs(first - second))
    return total / num_pairs, shared


def _read_out(train: tuple[np.ndarray, ...], test: tuple[np.ndarray, ...]) -> tuple[tuple[float, float], bool]:
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(train[1])) < 2:
        return (float((test[1] == train[1][0]).mean()), 1.0), True
    classifier = LogisticRegression(max_iter=1_000)
    converged = fitted(classifier, *train)
    return (float(classifier.score(*test)), float(classifier.score(*train))), converged
