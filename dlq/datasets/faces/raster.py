"""Which triangle each pixel shows: all triangles of a batch at once, their depths settled by the smallest integer.

Every pixel centre in the bounding box of a triangle is tested; those inside offer a key, ``depth << 32 | triangle``, and
the pixel keeps the smallest. A minimum of integers does not depend on the order, so neither does the image. Triangles
share their edges, so a surface has no holes. Only what wins is shaded.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from dlq.datasets.faces.tones import total

DEPTHS = 2**20  # steps of depth per unit; two surfaces nearer than this are told apart by their number
FARTHEST = 8.0
NONE = 2**62


class Hits(NamedTuple):
    """The pixels that show something, n of them in all images together, in order."""

    pixel: Tensor  # int64 (n,), (image * side + row) * side + column
    image: Tensor  # int64 (n,)
    triangle: Tensor  # int64 (n,)
    weights: tuple[Tensor, Tensor, Tensor]  # float32 (n,) each, of the triangle's corners


class _Table(NamedTuple):
    """The K triangles that may cover a pixel centre, (K,) each: which they are, and the box of pixels around each."""

    number: Tensor  # image * T + triangle
    second: tuple[
        Tensor, Tensor, Tensor
    ]  # weight of the second corner in the box's first pixel, and a pixel right, down
    third: tuple[Tensor, Tensor, Tensor]
    depth: tuple[Tensor, Tensor, Tensor]  # of the corners
    left: Tensor
    top: Tensor
    wide: Tensor
    pixels: Tensor  # in the box, int64


def rasterise(places: Tensor, triangles: Tensor, two_sided: Tensor, side: int) -> Hits:
    """Vertices (B, V, 3) in pixels right, pixels down, and nearness to the camera; triangles int64 (T, 3) -> Hits.

    Triangles whose corners run clockwise in the image are seen from behind and left out unless two_sided bool (T,).
    """
    table = _front(places, triangles, two_sided, side)
    image = torch.div(table.number, len(triangles), rounding_mode="floor")
    element = torch.repeat_interleave(table.pixels)
    place = (
        torch.arange(len(element), device=places.device)
        - (table.pixels.cumsum(0) - table.pixels).index_select(0, element)
    ).float()
    wide = table.wide.index_select(0, element)
    down = ((place + 0.5) / wide).floor_()
    right = place.sub_(down * wide)
    second, third = (_affine(weight, element, right, down) for weight in (table.second, table.third))
    first = 1 - second - third
    inside = (torch.minimum(torch.minimum(first, second), third) >= -1e-4).nonzero()[:, 0]
    element = element.index_select(0, inside)
    first, second, third, right, down = (
        values.index_select(0, inside) for values in (first, second, third, right, down)
    )
    weights = (first, second, third)
    row, column = table.top.index_select(0, element) + down, table.left.index_select(0, element) + right
    pixel = image.index_select(0, element) * side**2 + (row * side + column).long()
    depth = total(weight * corner.index_select(0, element) for weight, corner in zip(weights, table.depth, strict=True))
    offer = torch.arange(len(element), device=places.device)  # in the order of the triangles
    key = ((FARTHEST - depth).clamp_(0, 2 * FARTHEST) * DEPTHS).long() << 32 | offer
    best = torch.full((len(places) * side * side,), NONE, dtype=torch.int64, device=places.device)
    best.scatter_reduce_(0, pixel, key, "amin")
    shown = (best < NONE).nonzero()[:, 0]
    winner = best[shown] & 0xFFFFFFFF
    element = element[winner]
    triangle = table.number[element] - image[element] * len(triangles)
    return Hits(shown, image[element], triangle, (weights[0][winner], weights[1][winner], weights[2][winner]))


def _front(places: Tensor, triangles: Tensor, two_sided: Tensor, side: int) -> _Table:
    xyz = places.permute(2, 0, 1).contiguous()
    (x0, y0, d0), (x1, y1, d1), (x2, y2, d2) = (xyz[:, :, triangles[:, k]].flatten(1) for k in range(3))
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    left = torch.minimum(torch.minimum(x0, x1), x2).sub_(0.5).ceil_().clamp_(0, side)
    top = torch.minimum(torch.minimum(y0, y1), y2).sub_(0.5).ceil_().clamp_(0, side)
    wide = torch.maximum(torch.maximum(x0, x1), x2).sub_(0.5).floor_().clamp_(-1, side - 1).sub_(left).add_(1)
    high = torch.maximum(torch.maximum(y0, y1), y2).sub_(0.5).floor_().clamp_(-1, side - 1).sub_(top).add_(1)
    seen = (area < -1e-9) | (two_sided.repeat(len(places)) & (area > 1e-9))
    kept = (seen & (wide > 0) & (high > 0)).nonzero()[:, 0]
    x0, y0, x1, y1, x2, y2, area, left, top, wide, high = (
        values.index_select(0, kept) for values in (x0, y0, x1, y1, x2, y2, area, left, top, wide, high)
    )
    x1, y1, x2, y2 = (x1 - x0) / area, (y1 - y0) / area, (x2 - x0) / area, (y2 - y0) / area
    x, y = left + 0.5 - x0, top + 0.5 - y0
    second, third = (x * y2 - y * x2, y2, -x2), (y * x1 - x * y1, -y1, x1)
    return _Table(
        kept,
        second,
        third,
        (d0.index_select(0, kept), d1.index_select(0, kept), d2.index_select(0, kept)),
        left,
        top,
        wide,
        (wide * high).long(),
    )


def _affine(weight: tuple[Tensor, Tensor, Tensor], element: Tensor, right: Tensor, down: Tensor) -> Tensor:
    start, across, along = weight
    return (
        start.index_select(0, element)
        .addcmul_(across.index_select(0, element), right)
        .addcmul_(along.index_select(0, element), down)
    )
