"""InfoMEC: modularity, explicitness and compactness from normalised mutual information and a linear classifier.

Hsu, Dorrell, Whittington, Wu and Finn, "Disentanglement via latent quantization", NeurIPS 2023,
https://arxiv.org/abs/2305.18378, section 4. Follows the authors' stand-alone InfoMEC code. Different: where theirs
divides by zero (a latent or factor without information, a constant factor) the entry is skipped and noted; the noise of
the nearest-neighbour estimator is seeded; both encodings of explicitness are reported, since their training code uses
the scalar one for QLAE and the stand-alone code the one-hot one, and the two differ widely.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dlq.metrics import information
from dlq.metrics.active import ActiveRule, range_above, range_positive
from dlq.metrics.checks import check_codes, note, warn_caller
from dlq.metrics.explicitness import Explicitness, linear_explicitness, one_hot, standardised


class InfoMEC(NamedTuple):
    """The three scores, the matrix they come from, the settings used, and notes on what was skipped and why."""

    modularity: float
    explicitness: float
    compactness: float
    nmi: np.ndarray  # (num_factors, num_latents): I(factor; latent) / H(factor)
    active: np.ndarray  # (num_latents,): the latents that modularity and compactness count
    explicitness_one_hot: float  # NaN for continuous latents
    explicitness_scalar: float
    explicitness_per_factor: np.ndarray
    converged: bool  # did every classifier behind `explicitness` converge?
    num_samples: int
    discrete: bool
    active_rule: str
    encoding: str
    num_neighbors: int | None  # None for discrete latents
    max_iter: int | None  # None where the classifiers went to their optimum
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        scores = ", ".join(f"{name}={getattr(self, name):.2f}" for name in self._fields[:3])
        return f"InfoMEC({scores})"


def infomec(
    factors: np.ndarray,
    latents: np.ndarray,
    *,
    discrete: bool,
    active: ActiveRule | None = None,
    encoding: Callable | None = None,
    num_neighbors: int = 10,
    max_iter: int | None = 100,
    seed: int = 0,
) -> InfoMEC:
    """Scores latents (n, num_latents) against integer factors (n, num_factors); 1 is best, 0 is evenly spread.

    ``discrete=True`` is for latents that take few values (a quantizer's bit-exact z, or its indices): they are
    label-encoded and counted. ``discrete=False`` uses the nearest-neighbour estimator with ``num_neighbors`` and noise
    drawn from ``seed``. ``active`` tells which latents count (default: those of positive range, or for continuous ones
    of more than a twentieth of the largest range). ``encoding`` picks what ``explicitness`` is computed from:
    ``one_hot`` (default for discrete) or ``standardised``. ``max_iter`` bounds each classifier; the authors' 100 often
    stops early, and ``converged`` says so. ``max_iter=None`` goes on to the optimum, another and slightly higher number.

    Scores that cannot be computed are NaN and ``notes`` has the reason. Raises ValueError on input that no score fits;
    warns (UserWarning) where continuous latents repeat. Needs 2 samples, or ``num_neighbors`` + 2.
    """
    factors, latents = check_codes(factors, latents, min_samples=information.min_samples(discrete, num_neighbors))
    active = active or usual_rule(discrete)
    encoding = encoding or (one_hot if discrete else standardised)
    mask, notes = _active_mask(active, latents)
    nmi, estimator_notes = _nmi(factors, latents, discrete, num_neighbors, seed)
    modularity, compactness, score_notes = modularity_compactness(nmi, mask)
    explicit, explicit_notes = _explicitness(factors, latents, discrete, encoding, max_iter)
    chosen = explicit[encoding]
    return InfoMEC(
        modularity=modularity,
        explicitness=chosen.mean,
        compactness=compactness,
        nmi=nmi,
        active=mask,
        explicitness_one_hot=explicit[one_hot].mean if one_hot in explicit else np.nan,
        explicitness_scalar=explicit[standardised].mean,
        explicitness_per_factor=chosen.per_factor,
        converged=bool(chosen.converged.all()),
        num_samples=len(factors),
        discrete=bool(discrete),
        active_rule=getattr(active, "__name__", repr(active)),
        encoding=getattr(encoding, "__name__", repr(encoding)),
        num_neighbors=None if discrete else num_neighbors,
        max_iter=max_iter,
        notes=(*notes, *estimator_notes, *score_notes, *explicit_notes),
    )


def _active_mask(rule: ActiveRule, latents: np.ndarray) -> tuple[np.ndarray, list[str]]:
    mask = np.asarray(rule(latents))
    if mask.shape != latents.shape[1:] or mask.dtype != bool:
        raise ValueError(
            f"the active rule returned {mask.dtype} of shape {mask.shape}; it must return one bool per latent, "
            f"shape {latents.shape[1:]}"
        )
    return mask, note("latents {} are inactive and not counted", ~mask)


def _nmi(
    factors: np.ndarray, latents: np.ndarray, discrete: bool, num_neighbors: int, seed: int
) -> tuple[np.ndarray, list[str]]:
    entropy = information.entropies(factors)
    notes = note("factors {} are constant and skipped", entropy == 0)
    mutual, estimator_notes = information.estimate(factors, latents, discrete, num_neighbors, seed)
    for sentence in estimator_notes:
        warn_caller(sentence)
    return information.normalised(mutual, entropy), notes + estimator_notes


def usual_rule(discrete: bool) -> ActiveRule:
    """Which latents count unless told otherwise: those of positive range; continuous ones of a twentieth of the largest."""
    return range_positive if discrete else range_above(1 / 20)


def modularity_compactness(nmi: np.ndarray, active: np.ndarray) -> tuple[float, float, list[str]]:
    """InfoM and InfoC of an NMI matrix (num_factors, num_latents) and its active latents, with notes on what was skipped."""
    varying = ~np.isnan(nmi).any(axis=1)
    if varying.sum() < 2:
        reason = f"modularity and compactness need two factors that vary, found {varying.sum()}"
        return np.nan, np.nan, [reason]
    counted = nmi[varying][:, active]  # (factors that vary, active latents)
    silent_latents, silent_factors = np.zeros_like(active), np.zeros_like(varying)
    silent_latents[active] = counted.sum(axis=0) == 0
    silent_factors[varying] = counted.sum(axis=1) == 0
    notes = note("latents {} carry no information and are left out of modularity", silent_latents)
    notes += note("factors {} reach no active latent and are left out of compactness", silent_factors)
    modularity, compactness = _concentration(counted.T), _concentration(counted)
    if np.isnan(modularity):
        notes.append("modularity needs an active latent that carries information, found none")
    if active.sum() < 2:
        notes.append(f"compactness needs two active latents, found {active.sum()}")
    elif np.isnan(compactness):
        notes.append("compactness needs a factor that reaches an active latent, found none")
    return modularity, compactness, notes


def _concentration(rows: np.ndarray) -> float:
    """Mean over rows of largest / sum, rescaled: an even row is 0, a single entry 1, a row of zeros is skipped."""
    total = rows.sum(axis=1)
    if rows.shape[1] < 2 or not (total > 0).any():
        return np.nan
    share = rows.max(axis=1)[total > 0] / total[total > 0]
    even = 1 / rows.shape[1]
    return float((share.mean() - even) / (1 - even))


def _explicitness(
    factors: np.ndarray, latents: np.ndarray, discrete: bool, encoding: Callable, max_iter: int | None
) -> tuple[dict[Callable, Explicitness], list[str]]:
    if encoding is one_hot and not discrete:
        raise ValueError("encoding=one_hot needs discrete=True, found discrete=False; use encoding=standardised")
    encodings = dict.fromkeys([one_hot, standardised, encoding] if discrete else [standardised, encoding])
    found = {encode: linear_explicitness(factors, encode(latents), max_iter=max_iter) for encode in encodings}
    notes = [
        f"explicitness ({encode.__name__}): {(~result.converged).sum()} of {factors.shape[1]} classifiers stopped "
        + (
            "short of the optimum, the value is slightly low"
            if max_iter is None
            else f"at {max_iter} iterations, the value is slightly low; raise max_iter, or pass max_iter=None"
        )
        for encode, result in found.items()
        if not result.converged.all()
    ]
    if np.isnan(found[encoding].mean):
        notes.append("explicitness needs a factor that varies, found none")
    return found, notes
