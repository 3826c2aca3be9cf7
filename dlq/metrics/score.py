"""Every metric of factors and latents at once, as one table that says what each number means.

The protocol is that of Locatello et al., ICML 2019, https://arxiv.org/abs/1811.12359, where a metric has no other of its
own: up to 10,000 images, posterior means, 20 equally wide bins for continuous latents. Different: two thirds of the rows are
fitted on and the rest judged by, since given arrays end; sampler metrics resample the rows. Dead latents move some
metrics, so scores on active latents stand beside those on all.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.active import ActiveRule, range_above, range_positive
from dlq.metrics.betavae import betavae_score
from dlq.metrics.checks import MANY_VALUES, check_codes
from dlq.metrics.dci import completeness_per_factor, dci, disentanglement_per_latent, weighted
from dlq.metrics.factorvae import factorvae_score
from dlq.metrics.infomec import infomec
from dlq.metrics.irs import irs
from dlq.metrics.mig import gaps, mig
from dlq.metrics.ridgeway import modularity_explicitness
from dlq.metrics.sap import sap, squared_correlation
from dlq.metrics.table import Row, ScoreTable

MIN_SAMPLES = 12  # what the nearest-neighbour estimator needs


class Task(NamedTuple):
    """What every metric is given."""

    factors: np.ndarray
    latents: np.ndarray
    discrete: bool
    active: np.ndarray
    rule: ActiveRule
    seed: int
    progress: Callable[[str], object]


def score(
    factors: Any,
    latents: Any,
    *,
    discrete: bool | None = None,
    metrics: Iterable[Callable] | None = None,
    max_samples: int = 10_000,
    seed: int = 0,
    progress: Callable[[str], object] | None = None,
) -> ScoreTable:
    """Scores latents (n, num_latents) against integer factors (n, num_factors) by every metric, or by those in ``metrics``.

    ``discrete`` says whether the latents take few values; None takes them as discrete where every column has at most 32,
    and says so in the result. ``metrics`` are functions of this package, such as ``(mig, dci)``. ``max_samples`` rows are
    drawn by ``seed`` where there are more. ``progress`` is called with a sentence before each metric. Raises ValueError on
    input that no metric fits; needs 12 rows.
    """
    factors, latents = check_codes(factors, latents, min_samples=MIN_SAMPLES)
    chosen = _chosen(metrics)
    if max_samples < MIN_SAMPLES:
        raise ValueError(f"max_samples is {max_samples}, at least {MIN_SAMPLES} are needed; 10,000 is common")
    most = max(len(np.unique(column)) for column in latents.T)
    kind = f"given as {'discrete' if discrete else 'continuous'}"
    if discrete is None:
        discrete = most <= MANY_VALUES
        kind = f"taken as {'discrete' if discrete else 'continuous'}: a column has up to {most:,} different values"
    num_given = len(factors)
    if num_given > max_samples:
        rows = np.sort(np.random.default_rng(seed).choice(num_given, max_samples, replace=False))
        factors, latents = factors[rows], latents[rows]
    rule = range_positive if discrete else range_above(1 / 20)
    active, tell = rule(latents), progress or (lambda sentence: None)
    task = Task(factors, latents, bool(discrete), active, rule, seed, tell)
    rows_found, results, notes = [], {}, []
    for metric in chosen:
        tell(metric.__name__)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results[metric.__name__], found = ROWS[metric](task)
        rows_found += found
        said = [*results[metric.__name__].notes, *(str(warning.message) for warning in caught)]
        notes += [f"{metric.__name__}: {sentence}" for sentence in dict.fromkeys(said)]
    return ScoreTable(
        tuple(rows_found), results, active, bool(discrete), kind, len(factors), num_given, seed, tuple(notes)
    )


def _chosen(metrics: Iterable[Callable] | None) -> list[Callable]:
    chosen = list(dict.fromkeys(ROWS if metrics is None else metrics))
    strangers = [getattr(metric, "__name__", repr(metric)) for metric in chosen if metric not in ROWS]
    if strangers or not chosen:
        known = ", ".join(metric.__name__ for metric in ROWS)
        raise ValueError(f"found {', '.join(strangers) or 'no metric'}; metrics are functions among {known}")
    return chosen


def _infomec(task: Task) -> tuple[Any, list[Row]]:
    found = infomec(task.factors, task.latents, discrete=task.discrete, seed=task.seed)
    whole = bool(found.active.all())
    m, c = (value if whole else None for value in (found.modularity, found.compactness))
    return found, [
        Row(
            "InfoMEC modularity",
            m,
            found.modularity,
            None,
            "a latent informs of one factor; 0: of all alike, noise gets more",
        ),
        Row("InfoMEC explicitness", found.explicitness, None, 0.0, "a linear classifier reads every factor"),
        Row(
            "InfoMEC compactness",
            c,
            found.compactness,
            None,
            "a factor is in one latent; 0: in all alike, noise gets more",
        ),
    ]


def _mig(task: Task) -> tuple[Any, list[Row]]:
    found = mig(task.factors, task.latents, discrete=task.discrete)
    with np.errstate(divide="ignore", invalid="ignore"):
        nmi = found.information / np.where(found.entropy > 0, found.entropy, np.nan)[:, None]
    active = _mean(gaps(nmi[:, task.active]))
    return found, [Row("MIG", found.score, active, 0.0, "one latent has all information on a factor, the next none")]


def _sap(task: Task) -> tuple[Any, list[Row]]:
    found = sap(task.factors, task.latents, seed=task.seed)
    linear = sap(task.factors, task.latents, form=squared_correlation, seed=task.seed)
    best = 1 - float(np.nanmean(1 / _sizes(task.factors)))
    meaning = f"one latent predicts a factor, the next guesses: at best {best:.2f} here"
    rows = [Row("SAP (SVM accuracy)", found.score, _gap(found, task), 0.0, meaning)]
    meaning = "one latent is linear in a factor, the next uncorrelated"
    return found, rows + [Row("SAP (squared correlation)", linear.score, _gap(linear, task), 0.0, meaning)]


def _dci(task: Task) -> tuple[Any, list[Row]]:
    found = dci(task.factors, task.latents, seed=task.seed, progress=task.progress)
    kept = found.importance[:, task.active]
    d = weighted(disentanglement_per_latent(kept), np.nansum(kept, axis=0))
    c = weighted(completeness_per_factor(kept), np.nansum(kept, axis=1))
    return found, [
        Row("DCI disentanglement", found.disentanglement, d, 0.0, "a latent predicts one factor"),
        Row("DCI completeness", found.completeness, c, 0.0, "one latent predicts a factor"),
        Row("DCI informativeness", found.informativeness, None, found.guessing, "held-out accuracy of a random forest"),
    ]


def _ridgeway(task: Task) -> tuple[Any, list[Row]]:
    found = modularity_explicitness(task.factors, task.latents, discrete=task.discrete, seed=task.seed)
    active = _mean(found.modularity_per_latent[task.active])
    return found, [
        Row(
            "Modularity (Ridgeway)",
            found.modularity,
            active,
            None,
            "a latent informs of one factor; 0: dead, or of all",
        ),
        Row("Explicitness (Ridgeway)", found.explicitness, None, 0.5, "area under the ROC curve, linear classifier"),
    ]


def _factorvae(task: Task) -> tuple[Any, list[Row]]:
    found = factorvae_score(task.factors, task.latents, active=task.rule, seed=task.seed)
    whole = factorvae_score(task.factors, task.latents, active=range_positive, seed=task.seed)
    meaning = "the latent that a fixed factor calms most names it"
    return found, [Row("FactorVAE score", whole.score, found.score, found.chance, meaning)]


def _betavae(task: Task) -> tuple[Any, list[Row]]:
    found = betavae_score(task.factors, task.latents, seed=task.seed)
    return found, [
        Row("beta-VAE score", found.score, None, found.chance, "differences of pairs name the shared factor")
    ]


def _irs(task: Task) -> tuple[Any, list[Row]]:
    found = irs(task.factors, task.latents)
    kept = task.active & ~np.isnan(found.per_latent)
    active = float(np.average(found.per_latent[kept], weights=found.weight[kept])) if kept.any() else np.nan
    return found, [Row("IRS", found.score, active, None, "other factors do not move a latent; chance is above 0")]


ROWS: dict[Callable, Callable[[Task], tuple[Any, list[Row]]]] = {
    infomec: _infomec,
    mig: _mig,
    sap: _sap,
    dci: _dci,
    modularity_explicitness: _ridgeway,
    factorvae_score: _factorvae,
    betavae_score: _betavae,
    irs: _irs,
}


def _gap(found: Any, task: Task) -> float:
    varying = ~np.isnan(found.per_factor)
    return _mean(gaps(found.predictability[varying][:, task.active]))


def _sizes(factors: np.ndarray) -> np.ndarray:
    """How many values each factor takes; NaN for a constant one."""
    sizes = np.array([len(np.unique(factor)) for factor in factors.T], float)
    return np.where(sizes > 1, sizes, np.nan)


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if (~np.isnan(values)).any() else np.nan
