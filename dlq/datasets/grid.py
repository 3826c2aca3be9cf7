"""Grids of factors: every combination of the factors' values once, C order, the last factor fastest."""

import operator

import numpy as np

from dlq.datasets.errors import DataError


def grid_factors(sizes: tuple[int, ...]) -> np.ndarray:
    """All combinations, int64 (prod(sizes), len(sizes)), in grid order."""
    return np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), sizes), axis=1)


def is_grid(factors: np.ndarray, sizes: tuple[int, ...]) -> bool:
    """Whether the rows of factors are the full grid in grid order."""
    if not sizes or len(factors) != int(np.prod([int(n) for n in sizes], dtype=object)):
        return False
    return bool((np.ravel_multi_index(tuple(factors.T), sizes) == np.arange(len(factors))).all())


def check_size(size, low: int = 16, high: int = 128) -> int:
    """The side of an image in pixels as an int; DataError outside low..high."""
    try:
        number = operator.index(size)
    except TypeError:
        raise DataError(f"size is {size!r}; give a whole number of pixels from {low} to {high}") from None
    if not low <= number <= high:
        raise DataError(f"size is {number}; give a whole number of pixels from {low} to {high}")
    return number


def check_sizes(sizes, official: tuple[int, ...], names: tuple[str, ...]) -> tuple[int, ...]:
    """How many values each factor takes, as a tuple of int; DataError where a count is outside 1..official."""
    try:
        found = tuple(operator.index(n) for n in sizes)
    except TypeError:
        raise DataError(f"sizes is {sizes!r}; give one whole number for each of {', '.join(names)}") from None
    if len(found) != len(official):
        raise DataError(
            f"sizes has {len(found)} numbers, {len(official)} are needed; give one for each of {', '.join(names)}"
        )
    for n, most, name in zip(found, official, names, strict=True):
        if not 1 <= n <= most:
            raise DataError(f"sizes asks for {n} values of {name}, it has {most}; give a number from 1 to {most}")
    return found


def spread(num: int, low: float, high: float) -> np.ndarray:
    """num evenly spaced values with both ends, or the middle one; float64 (num,)."""
    return np.linspace(low, high, num) if num > 1 else np.array([(low + high) / 2])


def choose(num: int, num_classes: int) -> np.ndarray:
    """num evenly spaced classes of 0..num_classes-1, or the (upper) middle one; int64 (num,)."""
    return np.floor(spread(num, 0.0, num_classes - 1.0) + 0.5).astype(np.int64)
