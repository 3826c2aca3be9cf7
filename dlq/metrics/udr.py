"""UDR, unsupervised disentanglement ranking: a model is trusted whose latents other runs of it find again.

Duan et al., "Unsupervised model selection for variational disentangled representation learning", ICLR 2020,
https://arxiv.org/abs/1905.12614. Different from common code: which latents count is what ``active`` says, in all places,
and a model without a live latent scores 0 instead of failing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.active import range_positive
from dlq.metrics.checks import check_latents

Relation = Callable[[np.ndarray, np.ndarray], np.ndarray]


class UDR(NamedTuple):
    """Each model's score, the scores of pairs, the settings used, and notes on what was skipped and why."""

    scores: np.ndarray  # (num_models,): the median of its row of ``pairs``
    pairs: np.ndarray  # (num_models, num_models): how alike two models are; NaN on the diagonal
    active: np.ndarray  # (num_models, num_latents)
    relation: str
    num_samples: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"UDR(best model {int(self.scores.argmax())}, scores={np.round(self.scores, 2).tolist()})"


def lasso_weights(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|coefficients| of the lasso (alpha = 0.1) that predicts each latent of b from those of a, (latents a, latents b)."""
    from sklearn.linear_model import Lasso

    return np.abs(np.stack([Lasso(alpha=0.1).fit(a, target).coef_ for target in b.T], axis=1))


def rank_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|Spearman correlation| of each latent of a with each of b, (latents a, latents b)."""
    from scipy.stats import rankdata

    ranks = [standard(rankdata(z, axis=0)) for z in (a, b)]
    return np.abs(ranks[0].T @ ranks[1]) / len(a)


def udr(latents: Any, *, active: Any = None, relation: Relation = lasso_weights) -> UDR:
    """Scores in [0, 1] of models that differ in their seed alone, 1 best: the median likeness to the other models.

    ``latents`` has each model's (n, num_latents) of the same images, in the same order; 1,000 images are usual. ``active``
    has each model's (num_latents,) bools: of a VAE ``kl > 0.01``, the mean KL of each axis against the model's own prior;
    by default the latents that vary. ``relation`` is ``lasso_weights`` or ``rank_correlation``. Raises ValueError on fewer
    than two models, other shapes, or input that no score fits.
    """
    if getattr(latents, "ndim", 3) == 2:
        raise ValueError(f"latents is one table, of shape {np.shape(latents)}; udr compares models: list one each")
    tables = [check_latents(z) for z in latents]
    _check(tables)
    masks = np.stack([range_positive(z) for z in tables])
    if active is not None:
        given = np.asarray([np.asarray(mask) for mask in active])
        if given.shape != masks.shape or given.dtype != bool:
            raise ValueError(
                f"active is {given.dtype} of shape {given.shape}; a bool a latent is needed, {masks.shape}"
            )
        masks &= given
    live = [standard(z[:, mask]) for z, mask in zip(tables, masks, strict=True)]
    num = len(tables)
    pairs = np.full((num, num), np.nan)
    for i in range(num):
        for j in range(num):
            if i != j:
                pairs[i, j] = _likeness(relation, live[i], live[j])
    notes = [f"model {i} has no active latent and scores 0" for i in np.flatnonzero(~masks.any(axis=1))]
    scores = np.nanmedian(pairs, axis=1)
    return UDR(scores, pairs, masks, getattr(relation, "__name__", repr(relation)), len(tables[0]), tuple(notes))


def one_to_one(relation: np.ndarray) -> float:
    """1/2 [mean over columns of largest^2 / sum + the same over rows], 0 for what has no relation; 1 for an identity."""
    if not relation.size:
        return 0.0
    return float(np.mean([_peaked(relation.T), _peaked(relation)]))


def standard(columns: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1; a constant one becomes 0."""
    spread = columns.std(axis=0)
    return (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _likeness(relation: Relation, a: np.ndarray, b: np.ndarray) -> float:
    return one_to_one(relation(a, b)) if a.shape[1] and b.shape[1] else 0.0


def _peaked(rows: np.ndarray) -> float:
    total = rows.sum(axis=1)
    return float(np.mean(np.where(total > 0, np.square(rows.max(axis=1)) / np.where(total > 0, total, 1), 0)))


def _check(tables: list[np.ndarray]) -> None:
    if len(tables) < 2:
        raise ValueError(f"found latents of {len(tables)} model(s), at least 2 are needed; train with other seeds")
    shapes = sorted({z.shape for z in tables})
    if len(shapes) > 1:
        raise ValueError(f"latents have shapes {shapes}; all models must encode the same images into as many latents")
    n, num_latents = shapes[0]
    if n < 2 or num_latents > n:
        raise ValueError(
            f"found {n} rows and {num_latents} latents; rows are images, at least 2, and as many as latents"
        )
