"""The one place where a metric checks its input: two arrays about the same images, finite, of rank two, long enough."""

import numpy as np

MANY_VALUES = 32  # a column with this many values or fewer is always taken as discrete, however few the rows


def check_codes(factors: np.ndarray, latents: np.ndarray, *, min_samples: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Returns the factors as int64 (n, num_factors) and the latents as float64 (n, num_latents), or says what is wrong.

    Raises ValueError on another rank, different lengths, fewer than ``min_samples`` rows, NaN or infinity, factors that
    are not whole numbers, and factors that take almost as many values as there are rows.
    """
    factors, latents = check_factors(factors), check_latents(latents)
    if len(factors) != len(latents):
        raise ValueError(
            f"factors has {len(factors)} rows, latents has {len(latents)}; they must describe the same images"
        )
    if len(factors) < min_samples:
        raise ValueError(f"found {len(factors)} rows, this metric needs at least {min_samples}; encode more images")
    check_few_values(factors, "factor", "leave this factor out or group its values")
    return factors, latents


def check_latents(latents: np.ndarray) -> np.ndarray:
    """Returns the latents as finite float64 (n, num_latents)."""
    return _finite(_table(latents, "latents"), "latents").astype(np.float64)


def check_factors(factors: np.ndarray) -> np.ndarray:
    """Returns the factors as int64 (n, num_factors); floats that are whole numbers are accepted."""
    factors = _finite(_table(factors, "factors"), "factors")
    broken = factors != np.floor(factors) if factors.dtype.kind == "f" else np.zeros(factors.shape, bool)
    if broken.any():
        row, column = np.argwhere(broken)[0]
        raise ValueError(
            f"factors must be whole numbers (class labels), found {factors[row, column]:.6g} in column {column}; "
            "factors come first, latents second: are they swapped?"
        )
    return factors.astype(np.int64)


def check_few_values(table: np.ndarray, name: str, remedy: str) -> None:
    """Raises ValueError where a column takes too many distinct values for its frequencies to mean anything."""
    limit = max(MANY_VALUES, len(table) // 2)
    for column in range(table.shape[1]):
        num_values = len(np.unique(table[:, column]))
        if num_values > limit:
            raise ValueError(
                f"{name} {column} takes {num_values:,} different values in {len(table):,} rows, at most {limit:,} can "
                f"be counted; {remedy}"
            )


def _table(values: np.ndarray, name: str) -> np.ndarray:
    table = np.asarray(values)
    if table.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be real numbers, found an array of {table.dtype}; pass a numeric array")
    if table.ndim != 2:
        raise ValueError(
            f"{name} must have two axes (images, {name}), found shape {table.shape}; a single column is {name}[:, None]"
        )
    if table.size == 0:
        raise ValueError(f"{name} is empty, found shape {table.shape}; at least one row and one column are needed")
    return table


def _finite(table: np.ndarray, name: str) -> np.ndarray:
    broken = ~np.isfinite(table)
    if broken.any():
        columns = np.flatnonzero(broken.any(axis=0))
        raise ValueError(
            f"{name} must be finite, found {broken.sum():,} NaN or infinite values in column(s) "
            f"{', '.join(map(str, columns[:8]))}{', ...' if len(columns) > 8 else ''}; "
            "look at what encoded these images, or drop the rows"
        )
    return table
