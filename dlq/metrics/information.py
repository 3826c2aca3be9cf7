"""Mutual information between factors and latents, in nats.

Discrete latents: the plug-in estimate, from one contingency table a pair. Continuous latents: the nearest-neighbour
estimate of Ross, "Mutual information between discrete and continuous data sets", PLoS ONE 9(2), 2014,
https://doi.org/10.1371/journal.pone.0087357, with the choices of scikit-learn's ``mutual_info_classif`` (noise of
1e-10, the k-th distance excluded from the count). Each latent is a line, so sorting replaces its search trees.
"""

import numpy as np

from dlq.metrics.checks import check_codes, check_few_values, distinct, warn_caller

AT_ONCE = 2**21  # values of latents that the nearest-neighbour estimator works on at once: some copies of 16 MB


def entropies(columns: np.ndarray) -> np.ndarray:
    """The entropy of each column's empirical distribution, in nats: (n, num_columns) -> (num_columns,)."""
    return np.array([_entropy(np.unique(column, return_counts=True)[1]) for column in np.asarray(columns).T])


def mutual_information(
    factors: np.ndarray, latents: np.ndarray, *, discrete: bool, num_neighbors: int = 10, seed: int = 0
) -> np.ndarray:
    """I(factor; latent) in nats, (num_factors, num_latents), never negative.

    ``discrete`` latents are label-encoded and counted; others go through the nearest-neighbour estimator, after
    standardising, with noise drawn from ``seed``. Warns (UserWarning) where continuous latents repeat.
    """
    factors, latents = check_codes(factors, latents, min_samples=min_samples(discrete, num_neighbors))
    information, notes = estimate(factors, latents, discrete, num_neighbors, seed)
    for note in notes:
        warn_caller(note)
    return information


def nmi(
    factors: np.ndarray, latents: np.ndarray, *, discrete: bool, num_neighbors: int = 10, seed: int = 0
) -> np.ndarray:
    """I(factor; latent) / H(factor), (num_factors, num_latents); the row of a constant factor is NaN.

    Arguments, warnings and errors are those of ``mutual_information``. In [0, 1] for discrete latents; the
    nearest-neighbour estimate can leave that range a little above.
    """
    information = mutual_information(factors, latents, discrete=discrete, num_neighbors=num_neighbors, seed=seed)
    return normalised(information, entropies(np.asarray(factors)))


def min_samples(discrete: bool, num_neighbors: int) -> int:
    """The fewest rows either estimator accepts."""
    if num_neighbors < 1:
        raise ValueError(f"num_neighbors is {num_neighbors}, at least 1 is needed; 10 is InfoMEC's choice")
    return 2 if discrete else num_neighbors + 2


def estimate(
    factors: np.ndarray, latents: np.ndarray, discrete: bool, num_neighbors: int, seed: int
) -> tuple[np.ndarray, list[str]]:
    """Mutual information of checked arrays, (num_factors, num_latents) in nats, and what the reader should be told."""
    if discrete:
        check_few_values(latents, "latent", "use discrete=False or bin the latents with dlq.metrics.binned")
        return count_information(labels(factors), labels(latents)), []
    notes = _repeats(latents, num_neighbors)
    return neighbour_information(labels(factors), latents, num_neighbors, seed), notes


def normalised(information: np.ndarray, entropy: np.ndarray) -> np.ndarray:
    """Divides each row by its factor's entropy; NaN where the factor is constant."""
    return information / np.where(entropy > 0, entropy, np.nan)[:, None]


def labels(columns: np.ndarray) -> np.ndarray:
    """Label-encodes each column: int64 codes 0, 1, ... in the order of the values."""
    # sorting values is several times faster than sorting positions, which np.unique's return_inverse would do
    rows = [np.searchsorted(distinct(column), column) for column in np.ascontiguousarray(columns.T)]
    return np.stack(rows).astype(np.int64, copy=False).T


def count_information(factors: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The plug-in estimate from label-encoded columns, exactly 0 where the table factorises."""
    factor_rows, code_rows = np.ascontiguousarray(factors.T), np.ascontiguousarray(codes.T)
    num_values, num_codes = factor_rows.max(axis=1) + 1, code_rows.max(axis=1) + 1
    information = np.empty((len(factor_rows), len(code_rows)))
    for i, factor in enumerate(factor_rows):
        for j, code in enumerate(code_rows):
            table = np.bincount(factor * num_codes[j] + code, minlength=num_values[i] * num_codes[j])
            information[i, j] = _table_information(table.reshape(num_values[i], num_codes[j]))
    return information


def neighbour_information(factors: np.ndarray, latents: np.ndarray, num_neighbors: int, seed: int) -> np.ndarray:
    """Ross's estimate, k = ``num_neighbors``; a label that occurs once is left out, as in scikit-learn."""
    from sklearn.preprocessing import StandardScaler

    # RandomState and the order of its draws are scikit-learn's, so the same seed gives the same noise
    noise = np.random.RandomState(seed).standard_normal(latents.shape)
    noise *= 1e-10
    noise += StandardScaler().fit_transform(latents)
    some = max(1, AT_ONCE // len(latents))
    blocks = [np.ascontiguousarray(noise[:, j : j + some].T) for j in range(0, latents.shape[1], some)]
    del noise
    rows = [[_factor_information(factor, block, num_neighbors) for block in blocks] for factor in factors.T]
    return np.stack([np.concatenate(row) for row in rows])


def _entropy(counts: np.ndarray) -> float:
    p = counts / counts.sum()
    return float(np.sum(p * -np.log(p)))


def _table_information(table: np.ndarray) -> float:
    rows, columns = np.nonzero(table)
    counts = table[rows, columns]
    # integer products below 2^53 are exact floats: an independent table gives log(1), exactly 0
    ratio = counts * float(counts.sum()) / (table.sum(axis=1)[rows] * table.sum(axis=0)[columns].astype(float))
    return max(0.0, float(np.sum(counts * np.log(ratio)) / counts.sum()))


def _factor_information(factor: np.ndarray, latents: np.ndarray, num_neighbors: int) -> np.ndarray:
    """Of one factor (n,) and some latents (num_latents, n)."""
    counts = np.bincount(factor)
    kept = counts[factor] > 1
    if not kept.all():
        factor, latents = factor[kept], latents[:, kept]
    if len(factor) == 0:
        return np.zeros(len(latents))
    everything = np.sort(latents, axis=1)
    # digamma(m) = harmonic(m) - Euler's constant, which cancels in the sum of four
    harmonic = np.concatenate(([np.nan, 0.0], np.cumsum(1.0 / np.arange(1, len(factor)))))
    total = np.full(len(latents), harmonic[len(factor)])
    for label in np.flatnonzero(counts > 1):
        group = np.sort(latents[:, factor == label], axis=1)
        count = group.shape[1]
        k = min(num_neighbors, count - 1)
        inside = _points_within(everything, group, np.nextafter(_kth_distance(group, k), 0))
        total += (count * (harmonic[k] - harmonic[count]) - harmonic[inside].sum(axis=1)) / len(factor)
    return np.maximum(total, 0.0)


def _kth_distance(group: np.ndarray, k: int) -> np.ndarray:
    """Distance of each sorted point to its k-th neighbour: the best of the k + 1 windows of k + 1 points holding it."""
    num_latents, count = group.shape
    pad = np.full((num_latents, k), np.inf)
    padded = np.concatenate([-pad, group, pad], axis=1)
    distance = np.full(group.shape, np.inf)
    for start in range(k + 1):
        below, above = padded[:, start : start + count], padded[:, start + k : start + k + count]
        np.minimum(distance, np.maximum(group - below, above - group), out=distance)
    return distance


def _points_within(everything: np.ndarray, group: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """How many of the sorted points lie within ``radius`` of each point of the group, itself included."""
    inside = np.empty(group.shape, dtype=np.int64)
    for j, (points, x, r) in enumerate(zip(everything, group, radius, strict=True)):
        first = np.searchsorted(points, x - r, side="left")
        last = np.searchsorted(points, x + r, side="right") - 1
        # x - r rounds, so a point just outside can look inside: compare the differences themselves
        first += x - points[first] > r
        last -= points[last] - x > r
        inside[j] = last - first + 1
    return inside


def _repeats(latents: np.ndarray, num_neighbors: int) -> list[str]:
    """One sentence if values repeat so often that a point's nearest neighbours are its own copies, else nothing."""
    columns = np.sort(latents, axis=0)
    copied = columns[num_neighbors:] == columns[:-num_neighbors]
    latents_hit = np.flatnonzero(copied.any(axis=0) & (columns[0] != columns[-1]))
    if len(latents_hit) == 0:
        return []
    note = (
        f"latents {_listed(latents_hit)} repeat a value more than {num_neighbors} times, where the nearest-neighbour "
        "estimator breaks (on repeated images every NMI becomes 1); draw images without replacement, or use "
        "discrete=True if the latents are quantized"
    )
    return [note]


def _listed(numbers: np.ndarray) -> str:
    return ", ".join(map(str, numbers[:8])) + (", ..." if len(numbers) > 8 else "")
