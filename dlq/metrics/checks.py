"""The one place where a metric checks its input: two arrays about the same images, finite, of rank two, long enough."""

import sys
import warnings
from typing import Any

import numpy as np

WRAPPERS = ("jaxtyping", "beartype")  # stand between our functions while types are checked
MANY_VALUES = 32  # a column with this many values or fewer is always taken as discrete, however few the rows


def check_codes(factors: Any, latents: Any, *, min_samples: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Returns the factors as int64 (n, num_factors) and the latents as float64 (n, num_latents), or says what is wrong.

    Raises ValueError on another rank, different lengths, fewer than ``min_samples`` rows, more factors than rows, NaN or
    infinity, factors that are not whole numbers, and factors that take almost as many values as there are rows.
    """
    factors, latents = check_factors(factors), check_latents(latents)
    if len(factors) != len(latents):
        pairs = (("factors", factors, latents), ("latents", latents, factors))
        asked = [f": is {name} transposed? Rows are images" for name, a, b in pairs if len(a) < a.shape[1] == len(b)]
        raise ValueError(
            f"factors has {len(factors)} rows, latents has {len(latents)}; they must describe the same images"
            + "".join(asked[:1])
        )
    check_enough(factors, min_samples)
    check_few_values(factors, "factor", "leave this factor out or group its values")
    return factors, latents


def check_latents(latents: Any) -> np.ndarray:
    """Returns the latents as finite float64 (n, num_latents)."""
    return _finite(_table(latents, "latents"), "latents").astype(np.float64)


def check_factors(factors: Any) -> np.ndarray:
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


def check_enough(factors: np.ndarray, min_samples: int) -> None:
    """Raises ValueError where there are fewer rows than ``min_samples``, or fewer than factors: a transposed table."""
    n, columns = factors.shape
    asked = f"factors has {n} rows and {columns} columns: is it transposed? Rows are images" if columns > n else ""
    if n < min_samples:
        raise ValueError(f"found {n} rows, this metric needs at least {min_samples}; {asked or 'encode more images'}")
    if asked:
        raise ValueError(f"{asked}, and there must be at least as many as factors")


def note(sentence: str, mask: np.ndarray) -> list[str]:
    """One sentence that lists the columns where ``mask`` is true, or nothing where there are none."""
    return [sentence.format(", ".join(map(str, np.flatnonzero(mask))))] if mask.any() else []


def constant(table: np.ndarray) -> np.ndarray:
    """Which columns hold one value only, (num_columns,)."""
    return (table == table[0]).all(axis=0)


def constant_notes(factors: np.ndarray, latents: np.ndarray, latent_rule: str) -> list[str]:
    """What a reader must know of constant factors, which are skipped, and of constant latents, whose rule is given."""
    notes = note("factors {} are constant and skipped", constant(factors))
    return notes + note(f"latents {{}} are constant and {latent_rule}", constant(latents))


def check_few_values(table: np.ndarray, name: str, remedy: str) -> None:
    """Raises ValueError where a column takes too many distinct values for its frequencies to mean anything."""
    limit = max(MANY_VALUES, len(table) // 2)
    for column in range(table.shape[1]):
        num_values = len(distinct(table[:, column]))
        if num_values > limit:
            raise ValueError(
                f"{name} {column} takes {num_values:,} different values in {len(table):,} rows, at most {limit:,} can "
                f"be counted; {remedy}"
            )


def distinct(column: np.ndarray) -> np.ndarray:
    """The different values, sorted: np.unique without its hash table, which takes several times as long on few values."""
    values = np.sort(column)
    return values[np.concatenate(([True], values[1:] != values[:-1]))]


def warn_caller(sentence: str) -> None:
    """Warns (UserWarning) at the line outside this package that called into it, however deep inside this happens."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("dlq", *WRAPPERS):
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, stacklevel=level)


def check_features(real: Any, generated: Any, *, features: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns features of two sets of images as finite float64, (n, dimensions) each; ``features`` must name them."""
    check_named(features)
    tables = []
    for values, name in ((real, "real_features"), (generated, "generated_features")):
        if np.ndim(values) > 2:
            raise ValueError(
                f"{name} must have two axes (images, dimensions), found shape {np.shape(values)}; "
                "pass features.reshape(len(features), -1) or, for maps, features.mean((2, 3))"
            )
        tables.append(_finite(_table(values, name), name).astype(np.float64))
    first, second = tables
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"real_features has {first.shape[1]} dimensions, generated_features has {second.shape[1]}; "
            "both must come from the same network"
        )
    if min(len(first), len(second)) < 2:
        raise ValueError(f"found {len(first)} real and {len(second)} generated images, at least 2 of each are needed")
    return first, second


def check_named(features: Any) -> None:
    """Raises ValueError where nothing says whose features these are."""
    if not isinstance(features, str) or not features.strip():
        raise ValueError(
            f"features is {features!r}; name the network and layer, such as 'VGG-16 fc2': numbers from different features "
            "cannot be compared"
        )


def check_images(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Returns two arrays of images, (n, C, H, W), uint8 or floats in [0, 1], of one shape, or says what is wrong."""
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape or x.ndim != 4 or x.size == 0:
        raise ValueError(
            f"the images have shapes {x.shape} and {y.shape}; both must be the same (n, channels, height, width), "
            "and one image is image[None]"
        )
    for images in (x, y):
        if images.dtype != np.uint8 and (images.dtype.kind != "f" or not (images.min() >= 0 and images.max() <= 1)):
            raise ValueError(
                f"the images are {images.dtype} between {images.min():.6g} and {images.max():.6g}; "
                "they must be uint8, or floats in [0, 1]"
            )
    return x, y


def _table(values: Any, name: str) -> np.ndarray:
    table = np.asarray(values)
    if table.dtype.kind not in "biuf":
        words = ", such as np.unique(words, return_inverse=True)[1] of each column" if table.dtype.kind == "U" else ""
        raise ValueError(f"{name} must be real numbers, found an array of {table.dtype}; pass a numeric array{words}")
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
