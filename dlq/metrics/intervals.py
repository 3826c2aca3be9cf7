"""A mean over seeds and how well it is known: the interval of Student's t distribution."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np


class Interval(NamedTuple):
    """A mean of ``num`` numbers and the bounds that would hold the true mean in ``level`` of all repetitions."""

    mean: float
    low: float
    high: float
    num: int
    level: float

    def __repr__(self) -> str:
        bounds = f" [{self.low:z.2f}, {self.high:z.2f}]" if self.num > 1 else ""
        return f"{self.mean:z.2f}{bounds}, n={self.num}"


def mean_interval(values: Iterable[Any], *, level: float = 0.95) -> Interval:
    """The mean of some numbers with its t interval; one number has no interval (NaN bounds), none has no mean.

    NaN among the numbers is left out and not counted: a score that could not be computed. Raises ValueError for a level
    outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; give the share of repetitions that an interval should hold, such as 0.95")
    numbers = np.asarray([*values], float)
    numbers = numbers[~np.isnan(numbers)]
    n = len(numbers)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0, level)
    mean = float(numbers.mean())
    if n == 1:
        return Interval(mean, np.nan, np.nan, 1, level)
    from scipy.stats import t as student  # here, since it takes a second to load

    half = float(student.ppf((1 + level) / 2, n - 1) * numbers.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n, level)
