"""Grids of images: a few of them, a dataset's factors, a model's reconstructions and latent traversals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dlq.plots import theme
from dlq.plots.sheet import mark, sheet, to_pixels


def images(array: Any, *, captions: Sequence[str] = (), num_columns: int = 6, title: str = "") -> go.Figure:
    """Images (n, C, H, W), uint8 or floats in [0, 1], row by row, each above its caption if there are captions."""
    array = _numpy(array)
    if array.ndim != 4 or array.size == 0:
        raise ValueError(
            f"found an array of shape {array.shape}; give at least one image, (n, channels, height, width)"
        )
    pixels = to_pixels(array)
    if len(captions) not in (0, len(pixels)):
        raise ValueError(f"found {len(captions)} captions for {len(pixels)} images; give one for each, or none")
    rows = [list(pixels[start : start + num_columns]) for start in range(0, len(pixels), num_columns)]
    room = 0.28 if len(captions) else 0.0
    fig = sheet(rows, title=theme.escaped(title), room=room)
    bottom = 0.5 / (1 + room)  # of a picture, in units of the grid
    for i, caption in enumerate(captions):
        row, column = divmod(i, num_columns)
        place = {"x": column, "y": row + bottom, "yanchor": "top", "showarrow": False, "font": {"size": 10}}
        fig.add_annotation(text=theme.escaped(caption), **place)
    return fig


def factor_grid(data: Any, *, row: int | None = None, num_columns: int = 8) -> go.Figure:
    """A row of images for each factor of a dataset, in which only that factor moves.

    The others keep the values of image ``row`` (default: the middle of each). A factor with more than ``num_columns``
    values shows evenly spaced ones; a factor with one value is left out.
    """
    sizes = np.array(data.factor_sizes)
    moving = np.flatnonzero(sizes > 1)
    if len(moving) == 0:
        raise ValueError(f"{data.name} has no factor that varies; show some of its images with dlq.plots.images")
    base = sizes // 2 if row is None else np.asarray(data.factors[row])
    rows = []
    for factor in moving:
        values = np.unique(np.linspace(0, sizes[factor] - 1, min(num_columns, sizes[factor])).round().astype(np.int64))
        wanted = np.tile(base, (len(values), 1))
        wanted[:, factor] = values
        rows.append(list(data.images[np.asarray(data.index(wanted))]))
    labels = [f"{data.factor_names[factor]} ({sizes[factor]})" for factor in moving]
    return sheet(rows, title=f"{theme.escaped(data.name)}: one factor moves in each row", row_labels=labels)


def reconstructions(model: Any, data: Any, *, num_images: int = 8, rows: Any = None, seed: int = 0) -> go.Figure:
    """Originals above a model's reconstructions, with the PSNR of each in decibels and their mean in the title.

    ``rows`` chooses the images; otherwise ``num_images`` are drawn with ``seed``. ``data`` is a dataset or an array.
    """
    import torch

    from dlq.datasets.given import as_dataset

    data = as_dataset(data, model.image_shape)
    if rows is None:
        rows = data.sample(min(num_images, len(data)), torch.Generator().manual_seed(seed))
    x = _numpy(data.batch(np.asarray(rows)))
    decoded = _numpy(_infer(model, lambda x: model.decode(model.encode(x)), x))
    psnr = -10 * np.log10(np.maximum(np.square(decoded - x).mean(axis=(1, 2, 3)), 1e-12))
    return sheet(
        [list(to_pixels(x)), list(to_pixels(decoded))],
        title=f"Reconstructions: PSNR {psnr.mean():.1f} dB",
        row_labels=("original", "decoded"),
        column_labels=[f"{value:.1f}" for value in psnr],
        axis_title="PSNR of each image (dB)",
    )


def traversal_grid(
    model: Any,
    image: Any,
    latents: Any = None,
    *,
    num_levels: int = 9,
    order: Any = None,
) -> go.Figure:
    """A row of decoded images for each latent of an image, in which only that latent moves.

    Over its codebook's values, smallest first, with the image's own value framed; without a codebook over ``num_levels``
    evenly spaced levels between the 2nd and 98th percentile of ``latents`` (n, num_latents), such as
    ``dlq.encode(model, data)``. ``order`` chooses and orders the latents. ``image`` is (C, H, W), uint8 or in [0, 1].
    """
    z = _numpy(_infer(model, model.encode, to_pixels(_numpy(image))[None] / np.float32(255)))[0]
    levels, subtitle = _levels(model, latents, num_levels)
    order = range(len(z)) if order is None else order
    rows, own = [], []
    for row, j in enumerate(order):
        codes = np.tile(z, (len(levels[j]), 1))
        codes[:, j] = levels[j]
        rows.append(list(to_pixels(_numpy(_infer(model, model.decode, codes)))))
        own.append((row, int(np.abs(levels[j] - z[j]).argmin())))
    fig = sheet(
        rows,
        title="One latent moves in each row",
        subtitle=subtitle,
        row_labels=[f"z{j}" for j in order],
    )
    if model.codebook is not None:
        mark(fig, own)
    return fig


def _levels(model: Any, latents: Any, num_levels: int) -> tuple[list[np.ndarray], str]:
    if model.codebook is not None:
        values = [np.sort(_numpy(values)) for values in model.codebook]
        return values, "over its codebook; framed: this image's own value"
    if getattr(model, "levels", None) is not None:
        return [_numpy(levels) for levels in model.levels], "over the levels that the model names"
    if latents is None:
        raise ValueError(
            "the model has no codebook, so the levels come from the latents of many images; "
            "pass latents=dlq.encode(model, data)"
        )
    latents = _numpy(latents)
    if latents.ndim != 2 or latents.shape[1] != model.num_latents:
        raise ValueError(f"latents has shape {latents.shape}; the model needs (number of images, {model.num_latents})")
    low, high = np.quantile(latents, [0.02, 0.98], axis=0)
    return list(
        np.linspace(low, high, num_levels).T.astype(np.float32)
    ), "from the 2nd to the 98th percentile of the latent"


def _infer(model: Any, function: Any, values: np.ndarray) -> Any:
    from dlq.evaluation import infer  # here, so that this folder loads without torch

    return infer(model, function, values)


def _numpy(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
