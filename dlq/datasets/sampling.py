"""Rows of a dataset drawn by their factors: one factor fixed, pairs that differ in k factors, two factors tied.

On a grid rows are computed; on any other dataset they are looked up, and what does not exist is an error. All draws are
with replacement, and come from the generator alone. ``latent_sampler`` is what metrics that sample take.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError

Draw = Callable[[int, int], np.ndarray]  # (high, n) -> n whole numbers from 0 to high - 1
ROUNDS = 64  # of random partners, before every row is looked at
TRIES = 1000  # first rows without a partner, before the pair is taken not to exist


def sample_fixed(data: FactorDataset, factor, n: int, generator: torch.Generator, *, value=None) -> np.ndarray:
    """n rows in which one factor keeps one value and the others vary, int64 (n,).

    factor   its name or number
    value    the index of its value (default: one drawn from those that occur)
    """
    column = _factor(data, factor)
    draw = _torch_draw(generator)
    if value is None:
        values = np.arange(data.factor_sizes[column]) if data.is_grid else np.unique(data.factors[:, column])
        value = int(values[draw(len(values), 1)[0]])
    return _rows_with(data, {column: value}, n, draw)


def sample_pairs(data: FactorDataset, k: int, n: int, generator: torch.Generator) -> np.ndarray:
    """n pairs of rows whose factors differ in exactly k places, int64 (n, 2).

    On a grid any k factors that vary are as likely as any others, and their new values are uniform; elsewhere the second
    row is uniform among all that differ from the first in k factors. DataError where there is no such pair.
    """
    varying = [i for i, size in enumerate(data.factor_sizes) if size > 1]
    if not 0 <= k <= len(varying):
        raise DataError(
            f"k is {k}, {data.name} has {len(varying)} factors that vary; give a k from 0 to {len(varying)}"
        )
    draw = _torch_draw(generator)
    if not data.is_grid:
        return _looked_up_pairs(data, k, n, draw)
    first = draw(len(data), n)
    factors = np.stack(np.unravel_index(first, data.factor_sizes), axis=1)
    noise = torch.rand(n, len(varying), generator=generator, device=generator.device).cpu().numpy()
    changed = noise.argsort(axis=1)[:, :k]
    for place in range(k):
        columns = np.array(varying)[changed[:, place]]
        sizes = np.array(data.factor_sizes)[columns]
        shift = 1 + draw(2**40, n) % (sizes - 1)  # 2**40: the sizes differ from row to row; the bias is below 1e-9
        factors[np.arange(n), columns] = (factors[np.arange(n), columns] + shift) % sizes
    return np.stack([first, data.index(factors)], axis=1)


def sample_correlated(data: FactorDataset, first, second, rho: float, n: int, generator: torch.Generator) -> np.ndarray:
    """n rows in which two factors are tied with strength rho, int64 (n,); the other factors vary freely.

    With probability rho the second factor takes the value tied to the first one's: index j = i * size2 // size1, so that
    both ends meet; otherwise it is drawn by itself, as often as its values occur. So rho=0 is independent and rho=1 one
    to one, and where both factors have as many values on a grid, rho is the correlation of their indices. Give the
    factor with more values first, else some values of the second occur less often.
    """
    if not 0 <= rho <= 1:
        raise DataError(f"rho is {rho}; give a number from 0 (independent) to 1 (tied)")
    one, two = _factor(data, first), _factor(data, second)
    if one == two:
        raise DataError(f"{data.factor_names[one]} is given twice; give two factors")
    draw = _torch_draw(generator)
    rows = draw(len(data), n)
    i = _values(data, rows, one)
    free = _values(data, draw(len(data), n), two)
    is_tied = torch.rand(n, generator=generator, device=generator.device, dtype=torch.float64).cpu().numpy() < rho
    j = np.where(is_tied, i * data.factor_sizes[two] // data.factor_sizes[one], free)
    if data.is_grid:
        factors = np.stack(np.unravel_index(rows, data.factor_sizes), axis=1)
        factors[:, two] = j
        return np.asarray(data.index(factors))
    result = np.empty(n, dtype=np.int64)
    for a, b in np.unique(np.stack([i, j], axis=1), axis=0):
        where = (i == a) & (j == b)
        result[where] = _rows_with(data, {one: int(a), two: int(b)}, int(where.sum()), draw)
    return result


def latent_sampler(source, data: FactorDataset) -> Callable[[Mapping[int, int], int, np.random.Generator], np.ndarray]:
    """``sample(fixed, n, rng)`` for metrics: latents (n, num_latents) of random rows whose factors are as fixed says.

    source   the latents of every row of data (len(data), num_latents), or a function from row numbers int64 (n,) to them
    fixed is {factor number: index of its value}, empty for any row. DataError where no row is as asked.
    """
    if not callable(source):
        latents = np.asarray(source)
        if latents.ndim != 2 or len(latents) != len(data):
            raise DataError(
                f"latents are of shape {latents.shape}, {data.name} has {len(data)} rows; give those of every row, "
                "or a function from row numbers to latents"
            )
        source = latents.__getitem__

    def sample(fixed: Mapping[int, int], n: int, rng: np.random.Generator) -> np.ndarray:
        rows = _rows_with(data, fixed, n, lambda high, n: rng.integers(high, size=n))
        return np.asarray(source(rows))

    return sample


def _torch_draw(generator: torch.Generator) -> Draw:
    return lambda high, n: torch.randint(high, (n,), generator=generator, device=generator.device).cpu().numpy()


def _factor(data: FactorDataset, factor) -> int:
    """The number of a factor given by name or number."""
    if isinstance(factor, str) and factor in data.factor_names:
        return data.factor_names.index(factor)
    if isinstance(factor, int | np.integer) and 0 <= factor < len(data.factor_names):
        return int(factor)
    raise DataError(f"{data.name} has no factor {factor!r}; it has {', '.join(data.factor_names) or 'none'}")


def _values(data: FactorDataset, rows: np.ndarray, column: int) -> np.ndarray:
    """A factor of some rows; the table of a grid is not made for it."""
    return np.unravel_index(rows, data.factor_sizes)[column] if data.is_grid else data.factors[rows, column]


def _rows_with(data: FactorDataset, fixed: Mapping[int, int], n: int, draw: Draw) -> np.ndarray:
    """n random rows whose factors are as fixed says; DataError where there is none."""
    for column, value in fixed.items():
        size = data.factor_sizes[_factor(data, column)]
        if not 0 <= value < size:
            name = data.factor_names[column]
            raise DataError(f"{name} index {value} does not exist; give a number from 0 to {size - 1}")
    if data.is_grid:
        columns = [np.full(n, fixed[f]) if f in fixed else draw(size, n) for f, size in enumerate(data.factor_sizes)]
        return np.asarray(data.index(np.stack(columns, axis=1)))
    if not fixed:
        return draw(len(data), n)
    rows = np.flatnonzero(np.logical_and.reduce([data.factors[:, f] == value for f, value in fixed.items()]))
    if not len(rows):
        wanted = ", ".join(f"{data.factor_names[f]} {value}" for f, value in fixed.items())
        raise DataError(f"no image of {data.name} has {wanted} (indices of values); its factors list those that exist")
    return rows[draw(len(rows), n)]


def _looked_up_pairs(data: FactorDataset, k: int, n: int, draw: Draw) -> np.ndarray:
    """Random partners while they are found quickly, then, for the rows that are left, one among all that fit."""
    factors = data.factors
    pairs = np.stack([draw(len(data), n), np.full(n, -1)], axis=1)
    for _ in range(ROUNDS):
        left = np.flatnonzero(pairs[:, 1] < 0)
        if not len(left):
            return pairs
        other = draw(len(data), len(left))
        fits = (factors[pairs[left, 0]] != factors[other]).sum(axis=1) == k
        pairs[left[fits], 1] = other[fits]
    tries = 0
    for place in np.flatnonzero(pairs[:, 1] < 0):
        while not len(fitting := np.flatnonzero((factors != factors[pairs[place, 0]]).sum(axis=1) == k)):
            tries += 1
            if tries > TRIES:
                raise DataError(f"{data.name} has no pairs of images that differ in exactly {k} factors; try another k")
            pairs[place, 0] = draw(len(data), 1)[0]
        pairs[place, 1] = fitting[draw(len(fitting), 1)[0]]
    return pairs
