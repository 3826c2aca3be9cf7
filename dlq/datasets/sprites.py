"""Sprites: the dSprites dataset (Matthey, Higgins, Hassabis & Lerchner, 2017) drawn anew, without its file.

The official renderer is not public. The shapes here were fitted to the 320 frames of the published preview: on average
less than 1 wrong pixel of 4096. The preview turns shapes at scale 1 only, and moves only the heart; the rest is
extrapolated. It is a re-rendering, not the official file: say so beside its numbers.
Differences: the constant factor ``color`` is left out, and the orientations of ``orientation="clean"`` all differ
(the official first and last are the same image).
"""

import math

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError
from dlq.datasets.grid import check_size, check_sizes, choose, spread
from dlq.datasets.images import Rendered

NAMES = ("shape", "scale", "orientation", "x", "y")
OFFICIAL = (3, 6, 40, 32, 32)
SHAPES = ("square", "ellipse", "heart")

# Lengths are in pixels of the 64-pixel canvas, at scale 1.
HALF_SIDE, LONG, SHORT = 9.6, 12.75, 7.25
REACH = 13.6  # the farthest point of any shape from its centre: a corner of the square
HEART = (  # distance from the centre to the outline, every 3.75 degrees from straight up to straight down
    *(5.0, 6.28, 7.4, 8.13, 8.9, 9.51, 10.0, 10.42, 10.73, 10.95, 11.1, 11.2, 11.3, 11.24, 11.2, 11.05, 10.85),
    *(10.69, 10.35, 10.06, 9.7, 9.31, 8.95, 8.49, 8.07, 7.8, 7.4, 7.12, 6.92, 6.61, 6.45, 6.31, 6.15, 6.06, 6.0),
    *(5.9, 5.93, 5.9, 5.95, 5.93, 6.2, 6.16, 6.35, 6.54, 6.88, 7.19, 7.7, 8.33, 9.6),
)
CACHE_POINTS = 50_000  # points at a time on a CPU: what fits in its cache


def sprites(size=64, sizes=OFFICIAL, *, orientation="clean") -> FactorDataset:
    """A white square, ellipse or heart on black, one channel: five factors, drawn when asked for.

    size          side in pixels, 16 to 128; from 64 up every pixel is 0 or 255, below it edges are anti-aliased
    sizes         number of values of shape, scale, orientation, x, y: at most 3, 6, 40, 32, 32; evenly spaced, and with
                  one value scale, x and y keep their middle, orientation 0
    orientation   "clean": evenly around the full turn; "dsprites": from 0 to 2 pi inclusive, so first and last are equal
    Turning a square by a quarter or an ellipse by a half changes nothing, so orientation cannot be told from an image
    of these: with 40 clean orientations there are exact duplicates. Orientations are in radians.
    """
    if orientation not in ("clean", "dsprites"):
        raise DataError(f'orientation is {orientation!r}; give "clean" or "dsprites"')
    sizes = check_sizes(sizes, OFFICIAL, NAMES)
    shapes = choose(sizes[0], len(SHAPES))
    turns = np.linspace(0, 2 * np.pi, sizes[2], endpoint=orientation == "dsprites")
    places = [spread(n, 0.0, 1.0) for n in sizes[3:]]
    values = (np.array(SHAPES)[shapes], spread(sizes[1], 0.5, 1.0), turns, *places)
    painter = SpritePainter(check_size(size), values)
    return FactorDataset(
        "sprites", Rendered(painter, sizes), factor_names=NAMES, factor_sizes=sizes, factor_values=values
    )


class SpritePainter:
    """Draws sprites at one size from the values of each factor."""

    def __init__(self, size: int, values: tuple[np.ndarray, ...]) -> None:
        self.image_shape = (1, size, size)
        self.values = values
        self.samples = 1 if size >= 64 else math.ceil(128 / size)  # points a pixel along each axis
        turns = values[2] % (2 * np.pi)  # 2 pi is 0, bit for bit
        table = (values[1], np.cos(turns), np.sin(turns), 16 + 32 * values[3], 16 + 32 * values[4])
        self._tables = [torch.from_numpy(v.astype(np.float32)) for v in table]
        self._shapes = torch.tensor([SHAPES.index(name) for name in values[0]])
        self._reach = REACH * float(values[1].max())
        self._window = min(size, math.ceil(2 * self._reach * size / 64) + 1)  # pixels around a sprite that it can touch

    def resized(self, size: int) -> "SpritePainter":
        return SpritePainter(check_size(size), self.values)

    def render(self, factors: Tensor, device: torch.device) -> Tensor:
        """Factor indices int64 (B, 5) -> images uint8 (B, 1, size, size)."""
        size, side = self.image_shape[1], self._window * self.samples
        out = torch.zeros(len(factors), size * size, dtype=torch.uint8, device=device)
        step = max(1, CACHE_POINTS // side**2) if device.type == "cpu" else max(len(factors), 1)
        for start in range(0, len(factors), step):
            pixels, values = self._draw(factors[start : start + step], device)
            out[start : start + step].scatter_(1, pixels, values)
        return out.view(-1, *self.image_shape)

    def _draw(self, factors: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Pixel numbers (B, window^2) of the window around each sprite, and what they show, uint8."""
        size, num, samples = self.image_shape[1], self._window, self.samples
        columns = (1, 2, 2, 3, 4)
        scale, cos, sin, x, y = (t.to(device)[factors[:, k], None] for t, k in zip(self._tables, columns, strict=True))
        left, top = (((c - self._reach) * (size / 64)).floor().clamp_(0, size - num) for c in (x, y))
        points = (torch.arange(num * samples, device=device) + 0.5) / samples
        dx, dy = ((corner + points) * (64 / size) - c for corner, c in ((left, x), (top, y)))  # (B, num * samples)
        u = (cos * dx / scale)[:, None, :] - (sin * dy / scale)[:, :, None]
        v = (sin * dx / scale)[:, None, :] + (cos * dy / scale)[:, :, None]
        inside = self._inside(self._shapes.to(device)[factors[:, 0]], u, v)
        count = inside.view(-1, num, samples, num, samples).sum((2, 4), dtype=torch.int32) if samples > 1 else inside
        values = (count * 510 + samples**2).div(2 * samples**2, rounding_mode="floor") if samples > 1 else count * 255
        across = torch.arange(num, device=device)
        pixels = (top.long() + across)[:, :, None] * size + (left.long() + across)[:, None, :]
        return pixels.flatten(1), values.to(torch.uint8).flatten(1)

    def _inside(self, shape: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """Whether points (u, v), in the sprite's own axes, lie in the sprite, bool like u."""
        inside = torch.empty(u.shape, dtype=torch.bool, device=u.device)
        for kind, outline in enumerate((_in_square, _in_ellipse, _in_heart)):
            these = (shape == kind).nonzero()[:, 0]
            inside[these] = outline(u[these], v[these])
        return inside


def _in_square(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) < HALF_SIDE


def _in_ellipse(u: Tensor, v: Tensor) -> Tensor:
    return (u / LONG) ** 2 + (v / SHORT) ** 2 < 1


def _in_heart(u: Tensor, v: Tensor) -> Tensor:
    outline = torch.tensor(HEART, device=u.device)
    node = torch.atan2(u.abs(), -v) * ((len(HEART) - 1) / math.pi)  # 0 = up
    before = node.floor().clamp_(0, len(HEART) - 2)
    k = before.int()
    return torch.hypot(u, v) < torch.lerp(outline[k], outline[k + 1], node - before)
