"""A grid of pictures as one image trace: one small file in a notebook, whatever the number of pictures."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from dlq.plots import theme

CRISP = 64  # pixels: smaller pictures are enlarged to about this before the browser, which blurs, scales them
GAP = 4  # pixels between pictures
LOSSLESS = 40_000  # bytes: a larger sheet is stored with WebP's losses, which the eye does not see at this size


def sheet(
    rows: Sequence[Sequence[np.ndarray | None]],
    *,
    title: str,
    subtitle: str = "",
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    axis_title: str = "",
    room: float = 0.0,
) -> go.Figure:
    """Lays uint8 (C, H, W) pictures out in rows, None for an empty place; the picture in row r, column c is at (c, r).

    Labels stand to the left and below; ``room`` is free height under each picture, a share of its own height.
    """
    rows = [[None if tile is None else _enlarged(tile) for tile in row] for row in rows]
    height, width = next(tile for row in rows for tile in row if tile is not None).shape[:2]
    pitch = (height + GAP + round(room * height), width + GAP)
    pixels = _composed(rows, height, width, pitch)
    num_rows, num_columns = len(rows), max(map(len, rows))
    trace = _trace(pixels, height, width, pitch)
    shown = min(88.0, 500 / num_columns, 88 if num_rows < 5 else 56)  # pixels a column, on a page that is wide enough
    below = 20 * bool(len(column_labels)) + 22 * bool(axis_title) + 14
    total = theme.top_margin(subtitle) + round(num_rows * shown * pitch[0] / pitch[1]) + below
    fig = theme.figure(trace, title=title, subtitle=subtitle, height=total)
    bare = {"showgrid": False, "fixedrange": True, "constrain": "domain"}
    fig.update_xaxes(**bare, **_ticks(column_labels), constraintoward="left", title_text=axis_title, tickangle=0)
    fig.update_yaxes(**bare, **_ticks(row_labels), constraintoward="top", scaleratio=pitch[0] / pitch[1])
    fig.update_yaxes(scaleanchor="x", autorange="reversed")
    return fig


def mark(fig: go.Figure, places: Sequence[tuple[int, int]]) -> None:
    """Frames the pictures at these (row, column) places of a sheet."""
    for row, column in places:
        corners = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
        fig.add_shape(type="rect", **corners, line={"color": theme.MARK, "width": 2})


def to_pixels(x: np.ndarray) -> np.ndarray:
    """Pictures as uint8: floats in [0, 1] are rounded, uint8 stays."""
    x = np.asarray(x)
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind != "f" or not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"found {x.dtype} from {x.min():g} to {x.max():g}; give uint8, or floats in [0, 1]")
    return np.rint(x * 255).astype(np.uint8)


def data_url(pixels: np.ndarray) -> str:
    """The pixels (H, W, 4) as a ``data:`` address: PNG, or WebP where a PNG would be large."""
    picture, png, webp = Image.fromarray(pixels), io.BytesIO(), io.BytesIO()
    picture.save(png, "PNG", optimize=True)
    if png.tell() <= LOSSLESS:
        return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
    picture.save(webp, "WEBP", quality=80, method=6)
    return "data:image/webp;base64," + base64.b64encode(webp.getvalue()).decode()


def _trace(pixels: np.ndarray, height: int, width: int, pitch: tuple[int, int]) -> go.Image:
    # in units of the grid: the middle of the picture in row r, column c is at x = c, y = r
    dy, dx = 1 / pitch[0], 1 / pitch[1]
    start = {"x0": -(width - 1) / 2 * dx, "y0": -(height - 1) / 2 * dy}
    return go.Image(source=data_url(pixels), zsmooth="fast", hoverinfo="skip", dx=dx, dy=dy, **start)


def _composed(rows: Sequence, height: int, width: int, pitch: tuple[int, int]) -> np.ndarray:
    num_rows, num_columns = len(rows), max(map(len, rows))
    pixels = np.zeros((num_rows * pitch[0] - GAP, num_columns * pitch[1] - GAP, 4), np.uint8)  # transparent
    for r, row in enumerate(rows):
        for c, tile in enumerate(row):
            if tile is not None:
                place = pixels[r * pitch[0] : r * pitch[0] + height, c * pitch[1] : c * pitch[1] + width]
                place[..., 3] = 255
                place[..., : max(3, tile.shape[2])] = tile
    return pixels


def _enlarged(tile: np.ndarray) -> np.ndarray:
    if tile.ndim != 3 or tile.shape[0] not in (1, 3, 4):
        raise ValueError(f"found a picture of shape {tile.shape}; it must be (1, 3 or 4 channels, height, width)")
    factor = max(1, round(CRISP / tile.shape[1]))
    return tile.transpose(1, 2, 0).repeat(factor, axis=0).repeat(factor, axis=1)  # grey broadcasts to three channels


def _ticks(labels: Sequence[str]) -> dict:
    if not len(labels):
        return {"showticklabels": False}
    return {"tickmode": "array", "tickvals": list(range(len(labels))), "ticktext": [theme.escaped(t) for t in labels]}
