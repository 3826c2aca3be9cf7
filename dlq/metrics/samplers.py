"""Samplers: ``sample(fixed, n, rng) -> latents``, fresh latents of images in which some factors are held fixed.

``fixed`` maps a factor's column to its value as it stands in ``factors``; ``rng`` is a numpy Generator; the result is
(n, num_latents). A sampler that encodes images renders what no given row shows; one made from arrays draws from the rows.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from dlq.metrics.checks import check_codes, constant

Sampler = Callable[[Mapping[int, int], int, np.random.Generator], np.ndarray]


def sampler_from_arrays(factors: Any, latents: Any) -> Sampler:
    """Makes a sampler that draws, with replacement, among the rows whose factors have the fixed values.

    Raises ValueError on input that is not two tables about the same images; the sampler does where no row fits.
    """
    factors, latents = check_codes(factors, latents)
    found: dict[tuple[tuple[int, int], ...], np.ndarray] = {}

    def sample(fixed: Mapping[int, int], n: int, rng: np.random.Generator) -> np.ndarray:
        key = tuple(sorted(fixed.items()))
        if key not in found:
            found[key] = _rows(factors, fixed)
        return latents[found[key][rng.integers(len(found[key]), size=n)]]

    return sample


def checked(sample: Sampler, num_latents: int) -> Sampler:
    """The same sampler, whose answers are compared with what was asked for."""

    def sample_checked(fixed: Mapping[int, int], n: int, rng: np.random.Generator) -> np.ndarray:
        z = np.asarray(sample(fixed, n, rng), np.float64)
        if z.shape != (n, num_latents):
            raise ValueError(f"sample returned shape {z.shape}, expected {(n, num_latents)}: a row for each draw")
        if not np.isfinite(z).all():
            raise ValueError(f"sample returned NaN or infinite latents with {dict(fixed)} fixed; look at the encoder")
        return z

    return sample_checked


def sampler_for(factors: np.ndarray, latents: np.ndarray, sample: Sampler | None) -> tuple[Sampler, str]:
    """The sampler that was given, or one made of the arrays, and its name for the result."""
    if sample is None:
        return sampler_from_arrays(factors, latents), "resampled from the given rows"
    return checked(sample, latents.shape[1]), getattr(sample, "__name__", repr(sample))


def fixable(factors: np.ndarray, *, resampled: bool) -> tuple[dict[int, np.ndarray], list[str]]:
    """For each factor that varies, the values it may be fixed at, and a note on values left out.

    Where rows are resampled, a value needs two rows: of one row alone every latent would look fixed.
    """
    values, left_out = {}, []
    for i in np.flatnonzero(~constant(factors)):
        found, counts = np.unique(factors[:, i], return_counts=True)
        enough = counts >= 2 if resampled else counts > 0
        if not enough.all():
            left_out.append(f"{(~enough).sum()} of factor {i}")
        if enough.any():
            values[int(i)] = found[enough]
    if left_out:
        return values, [
            f"values that only one row has are not fixed ({', '.join(left_out)}); give sample= or more rows"
        ]
    return values, []


def draws(values: dict[int, np.ndarray], num: int, rng: np.random.Generator) -> Iterator[tuple[int, int, np.ndarray]]:
    """Draws ``num`` pairs (factor, value), uniformly, and yields each pair that occurs with the numbers of its draws."""
    columns = np.array([*values])
    chosen = columns[rng.integers(len(columns), size=num)]
    for column in columns:
        mine = np.flatnonzero(chosen == column)
        which = rng.integers(len(values[column]), size=len(mine))
        for k, value in enumerate(values[column]):
            if (which == k).any():
                yield int(column), int(value), mine[which == k]


def _rows(factors: np.ndarray, fixed: Mapping[int, int]) -> np.ndarray:
    matches = np.ones(len(factors), bool)
    for column, value in fixed.items():
        if not 0 <= column < factors.shape[1]:
            raise ValueError(f"there is no factor {column}, they are numbered 0 to {factors.shape[1] - 1}")
        matches &= factors[:, column] == value
    if not matches.any():
        raise ValueError(f"no row has the factors {dict(fixed)}; give sample= that encodes such images, or more rows")
    return np.flatnonzero(matches)
