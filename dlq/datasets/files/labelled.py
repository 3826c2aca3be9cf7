"""Images and their labels -> a dataset whose factors are the labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.images import Stored


def labelled(name: str, images: np.ndarray, columns: Mapping[str, Any]) -> FactorDataset:
    """A dataset of images uint8 (N, C, H, W) with a factor for each column of labels; its values are sorted."""
    found = {key: np.unique(np.asarray(column), return_inverse=True) for key, column in columns.items()}
    factors = np.empty((len(images), len(found)), dtype=np.int64)
    for k, (_, indices) in enumerate(found.values()):
        factors[:, k] = indices
    return with_values(name, images, factors, {key: values for key, (values, _) in found.items()})


def with_values(
    name: str, images: np.ndarray, factors: np.ndarray, values: Mapping[str, Sequence[Any] | np.ndarray]
) -> FactorDataset:
    """A dataset of images uint8 (N, C, H, W) and factor indices int64 (N, F), with the values behind them by name."""
    return FactorDataset(
        name,
        Stored(images),
        factor_names=tuple(values),
        factor_sizes=tuple(len(known) for known in values.values()),
        factor_values=tuple(np.asarray(known) for known in values.values()),
        factors=factors,
    )
