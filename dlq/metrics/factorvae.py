"""The FactorVAE score: of images that share one factor, the latent that varies least names the factor.

Kim and Mnih, "Disentangling by factorising", ICML 2018, https://arxiv.org/abs/1802.05983, with the settings of Locatello et
al., ICML 2019, https://arxiv.org/abs/1811.12359: batches of 64, 10,000 votes to fit and 5,000 to judge, latents of a
standard deviation below 0.05 pruned. Different from common code: votes carry the number of the latent, not its place among
those kept; the active latents are counted, not listed by length; a constant latent is never chosen.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.active import ActiveRule, std_at_least
from dlq.metrics.checks import check_codes, constant, constant_notes, note
from dlq.metrics.samplers import Sampler, draws, fixable, sampler_for


class FactorVAEScore(NamedTuple):
    """The score, the votes it comes from, the settings used, and notes on what was skipped and why."""

    score: float
    train_score: float
    votes: np.ndarray  # (num_factors, num_latents): training votes, how often fixing a factor calmed a latent most
    factor_of: np.ndarray  # (num_latents,): the factor that a latent names, -1 without a vote
    active: np.ndarray  # (num_latents,): the latents that may be named
    chance: float  # one over the number of factors that vary
    num_train: int
    num_test: int
    batch_size: int
    active_rule: str
    sampler: str
    seed: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"FactorVAEScore(score={self.score:.2f}, chance={self.chance:.2f})"


def factorvae_score(
    factors: Any,
    latents: Any,
    *,
    sample: Sampler | None = None,
    active: ActiveRule | None = None,
    num_votes: tuple[int, int] = (10_000, 5_000),
    batch_size: int = 64,
    seed: int = 0,
) -> FactorVAEScore:
    """Accuracy of a majority vote from the calmest latent to the fixed factor, in [0, 1]; guessing gets ``chance``.

    The global variances come from ``latents``. ``sample(fixed, n, rng)`` encodes fresh images with a factor fixed; without
    it, batches are resampled from the given rows, which needs values that several rows share. ``active`` says which
    latents may be named: by default ``std_at_least(0.05)``, made for latents of about unit scale. ``num_votes`` are those
    to fit and to judge. The score is 0 where no latent is active and NaN where fewer than two factors can be fixed.
    """
    factors, latents = check_codes(factors, latents)
    if batch_size < 2 or min(num_votes) < 1:
        raise ValueError(f"found batch_size {batch_size} and num_votes {num_votes}; at least 2 and (1, 1) are needed")
    active = std_at_least(0.05) if active is None else active
    kept = np.asarray(active(latents)) & (np.ptp(latents, axis=0) > 0)
    notes = constant_notes(factors, latents, "never named") + note(
        "latents {} are inactive and never named", ~kept & ~constant(latents)
    )
    values, left_out = fixable(factors, resampled=sample is None)
    sample, name = sampler_for(factors, latents, sample)
    notes += left_out
    shape, rng = (factors.shape[1], latents.shape[1]), np.random.default_rng(seed)
    votes, test_votes = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    if len(values) < 2:
        notes.append(f"the score needs two factors that can be fixed, found {len(values)}")
    elif not kept.any():
        notes.append(
            f"no latent is active by {getattr(active, '__name__', repr(active))}; scale the latents or relax it"
        )
    else:
        spread = np.where(kept, latents.var(axis=0, ddof=1), np.nan)
        votes, test_votes = (_votes(sample, values, shape, spread, n, batch_size, rng) for n in num_votes)
    factor_of = np.where(votes.any(axis=0), votes.argmax(axis=0), -1)
    train_score, score = (_accuracy(v, factor_of) if len(values) >= 2 else np.nan for v in (votes, test_votes))
    chance = 1 / len(values) if values else np.nan
    rule = getattr(active, "__name__", repr(active))
    settings = (chance, *num_votes, batch_size, rule, name, seed, tuple(notes))
    return FactorVAEScore(score, train_score, votes, factor_of, kept, *settings)


def _votes(
    sample: Sampler,
    values: dict[int, np.ndarray],
    shape: tuple[int, int],
    spread: np.ndarray,
    num: int,
    batch_size: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """How often fixing each factor calmed each latent most, (num_factors, num_latents)."""
    votes = np.zeros(shape, np.int64)
    for column, value, numbers in draws(values, num, rng):
        z = sample({column: value}, len(numbers) * batch_size, rng).reshape(len(numbers), batch_size, -1)
        calmest = np.nanargmin(z.var(axis=1, ddof=1) / spread, axis=1)
        votes[column] += np.bincount(calmest, minlength=shape[1])
    return votes


def _accuracy(votes: np.ndarray, factor_of: np.ndarray) -> float:
    named = np.flatnonzero(factor_of >= 0)
    return float(votes[factor_of[named], named].sum() / max(votes.sum(), 1))
