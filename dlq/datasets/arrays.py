"""A dataset from the user's own arrays: images in any usual layout, factors as any labels."""

import numpy as np
from torch import Tensor, bfloat16

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError
from dlq.datasets.images import CHUNK, Stored

CHANNELS = (1, 3, 4)


def from_arrays(images, factors=None, factor_names=None, *, name: str = "images") -> FactorDataset:
    """A dataset of the images given, and of the factors where they are known.

    images         uint8, or float in [0, 1] (kept as uint8: rounded to 1/255); (N, H, W), (N, H, W, C) or (N, C, H, W)
    factors        any labels, (N, F), or (N,) for one factor; equal labels are one value, values are sorted
    factor_names   F names
    DataError says what was found, what was expected and what to do.
    """
    array = _as_uint8(_channels_first(_as_numpy(images, "images")))
    if factors is None:
        if factor_names is not None:
            raise DataError("factor_names is given without factors; give factors too, or leave out factor_names")
        return FactorDataset(name, Stored(array), factors=np.empty((len(array), 0), dtype=np.int64))
    indices, values = _encode(_as_numpy(factors, "factors"), len(array))
    names = _names(factor_names, len(values))
    sizes = tuple(len(v) for v in values)
    return FactorDataset(
        name, Stored(array), factor_names=names, factor_sizes=sizes, factor_values=values, factors=indices
    )


def _as_numpy(given, what: str) -> np.ndarray:
    if isinstance(given, Tensor):
        return (given.float() if given.dtype == bfloat16 else given).detach().cpu().numpy()
    try:
        return given if isinstance(given, np.ndarray) else np.asarray(given)
    except ValueError:
        raise DataError(
            f"{what} has rows of different shapes; give one array in which all rows have one shape"
        ) from None


def _channels_first(images: np.ndarray) -> np.ndarray:
    """The images as a view (N, C, H, W)."""
    shape = images.shape
    if images.ndim not in (3, 4):
        raise DataError(f"images has shape {shape}; give (N, H, W), (N, H, W, C) or (N, C, H, W)")
    if 0 in shape:
        raise DataError(f"images has shape {shape}, so there are no pixels in it; give at least one image")
    if images.ndim == 3:
        if shape[2] in CHANNELS and shape[1] != shape[2]:
            raise DataError(f"images has shape {shape}, which looks like one image; give many, or images[None] for one")
        return images[:, None]
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if first and last:
        first, last = shape[2] == shape[3], shape[1] == shape[2]  # tiny images: one of the two readings may be square
        if first == last:
            raise DataError(
                f"images has shape {shape}, where the channels may be axis 1 or axis 3; give images with more pixels a "
                "side, as (N, C, H, W): images.transpose(0, 3, 1, 2) moves a last axis of channels to its place"
            )
    if last:
        return images.transpose(0, 3, 1, 2)
    if first or shape[1] < min(shape[2:]):
        return images
    raise DataError(
        f"images has shape {shape}, where no axis is clearly the channels (1, 3 or 4 of them); give (N, C, H, W): "
        "images.transpose(0, 3, 1, 2) moves a last axis of channels to its place"
    )


def _as_uint8(images: np.ndarray) -> np.ndarray:
    if images.dtype == np.uint8:
        return images
    if images.dtype == bool:
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind != "f":
        raise DataError(
            f"images has dtype {images.dtype}; give uint8 (0 to 255), or float in [0, 1]: whole numbers from 0 to 255 "
            "become images.astype('uint8')"
        )
    bad = images.size - int(np.isfinite(images).sum())
    if bad:
        raise DataError(f"images has {bad:,} pixels that are NaN or infinite; leave out or repair those images")
    low, high = float(images.min()), float(images.max())
    if low < 0 or high > 1:
        remedy = "images / 255" if low >= 0 and high <= 255 else "(images - images.min()) / np.ptp(images)"
        raise DataError(f"images goes from {low:g} to {high:g}; float images must lie in [0, 1]: try {remedy}")
    out = np.empty(images.shape, dtype=np.uint8)
    for start in range(0, len(images), CHUNK):
        out[start : start + CHUNK] = np.rint(images[start : start + CHUNK].astype(np.float64) * 255)
    return out


def _encode(labels: np.ndarray, count: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Labels (N, F) or (N,) -> indices int64 (N, F) and the sorted values of each factor."""
    if labels.ndim not in (1, 2):
        raise DataError(f"factors has shape {labels.shape}; give (N, F), or (N,) for one factor")
    if len(labels) != count:
        raise DataError(f"factors has {len(labels)} rows, images has {count}; they must describe the same images")
    columns = labels.reshape(count, -1).T
    indices, values = np.empty((count, len(columns)), dtype=np.int64), []
    for k, column in enumerate(columns):
        if column.dtype.kind == "f" and np.isnan(column).any():
            raise DataError(f"factor {k} is NaN in {int(np.isnan(column).sum())} rows; leave out those images")
        try:
            found, indices[:, k] = np.unique(column, return_inverse=True)
        except TypeError:
            raise DataError(f"factor {k} mixes labels that have no order; give numbers only, or strings only") from None
        values.append(found)
    return indices, tuple(values)


def _names(names, count: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"factor_{k}" for k in range(count))
    names = (names,) if isinstance(names, str) else tuple(str(n) for n in names)
    if len(names) != count or len(set(names)) != count:
        raise DataError(f"factor_names is {names}; give {count} different names, one for each column of factors")
    return names
