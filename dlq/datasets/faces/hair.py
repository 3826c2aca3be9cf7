"""Hair: a cap that is the head's own surface pushed outwards above the hairline, and a curtain around sides and back."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.faces.parameters import Columns
from dlq.datasets.faces.tones import HAIR, ramp, ridge, smooth

ROWS, COLUMNS = 26, 45  # of the curtain's grid
OPEN = 1.10  # half of the curtain's opening in front, radians
TOP = 0.42  # height of its upper edge, inside the cap
STRANDS, ALONG = (
    512,
    8,
)  # the strands of a whole turn around the head, and how often their tone changes from crown to tip


def above(undeformed: Tensor, face: Columns) -> Tensor:
    """How far points (..., 3) of the undeformed head lie above the hairline (negative: bare skin)."""
    x, y, z = undeformed.unbind(-1)
    return _height(x, y, z, face)


def edge(points: Tensor, face: Columns) -> Tensor:
    """The same for points (3, n), with single locks reaching over the line; ears are bare."""
    x, y, z = points
    turn = torch.atan2(x, z)
    height = _height(x, y, z, face) + 0.028 * _strand(turn * 1.7 + 0.35 * x * y, torch.zeros_like(y))
    ear = (
        (x.abs() > 0.665)
        & (y.abs() < 0.25)
        & (z < 0.14)
        & (z > -0.30)
        & ((x / 0.74) ** 2 + y**2 + (z / 0.85) ** 2 > 1.004)
    )
    return height.masked_fill_(ear, -1.0)


def _height(x: Tensor, y: Tensor, z: Tensor, face: Columns) -> Tensor:
    turn = torch.atan2(x.abs(), z)
    front = 0.37 + 0.36 * face.hairline + 0.5 * face.hairline**8 + 0.20 * face.parting * x
    front = front + 0.07 * ridge((turn - 0.62) / 0.2)  # it recedes at the temples
    line = front + (0.04 - front) * smooth(0.62, 1.30, turn) - 0.57 * smooth(1.5, 2.3, turn)
    return y - line


def bulge(height: Tensor, face: Columns) -> Tensor:
    """How much the cap pushes the head outwards, as a share of its radius."""
    return smooth(-0.02, 0.26, height) * (0.035 + 0.125 * face.hair_volume)


def frozen(height: Tensor) -> Tensor:
    """1 where the surface is under hair and no longer follows who it is, since a swap keeps the target's hair."""
    return smooth(-0.16, -0.05, height)


def lattice() -> np.ndarray:
    """The curtain's vertices, (ROWS * COLUMNS, 3): sine of the turn, -0.3 - share of the way down, cosine of the turn."""
    t, turn = np.meshgrid(np.linspace(0, 1, ROWS), np.linspace(OPEN, 2 * np.pi - OPEN, COLUMNS), indexing="ij")
    return np.stack([np.sin(turn), -0.3 - t, np.cos(turn)], 2).reshape(-1, 3)


def curtain(face: Columns, lattice: Tensor) -> Tensor:
    """Vertices (B, ROWS * COLUMNS, 3) of the hair behind and beside the face; every parameter is (B, 1)."""
    sin, t, cos = lattice.unbind(-1)
    t = -0.3 - t
    long, volume = face.hair_length, face.hair_volume
    shown = 0.7 + 0.3 * smooth(0.03, 0.18, long)  # short hair has none: it shrinks into the head
    y = TOP + (-0.25 - 1.55 * long) * t - 0.04 * t * cos
    spread = smooth(0.0, 0.45, TOP - y)
    curl = smooth(0.55, 1.0, t) * 0.10
    wide = (0.60 + 0.05 * volume + (0.19 + 0.06 * volume) * spread - curl) * shown
    deep = (0.70 + 0.22 * spread - curl) * shown
    wave = 1 + 0.015 * torch.sin(14 * sin * cos + 5 * y) * spread
    return torch.stack([wide * wave * sin, y, deep * wave * cos - 0.08], -1)


def paint(points: Tensor, face: Columns, soft: Tensor) -> Tensor:
    """Colours (3, n) of hair at points (3, n): darker and lighter from strand to strand."""
    x, y, z = points
    fine = (0.02 / soft).clamp(0.3, 1)  # strands thinner than a sample are averaged away
    tones = _strand(torch.atan2(x, z), y) + 0.6 * _strand(3.1 * torch.atan2(x, z) + 1.0, y)
    return ramp(HAIR, face.hair_colour) * (1 + 0.16 * fine * tones)


def gloss(points: Tensor, normal: Tensor, face: Columns) -> Tensor:
    """The ring of light on hair, (n,): brightest where a strand, running downwards, lies across the light."""
    nx, ny, nz = normal
    length = (face.light_x**2 + face.light_y**2 + 1).sqrt()
    half_y, half_z = face.light_y / length, 1 / length + 1
    half = (half_y**2 + half_z**2 + (face.light_x / length) ** 2).sqrt()
    strand = (-ny * nz, 1 - ny * ny, -ny * nx)  # the upward direction, laid into the surface
    size = (strand[0] ** 2 + strand[1] ** 2 + strand[2] ** 2).sqrt().clamp(min=1e-3)
    along = (strand[2] * face.light_x / length + strand[1] * half_y + strand[0] * half_z) / (size * half)
    across = (1 - along**2).clamp(0, 1) ** 12
    return face.direct * (0.05 + 0.10 * face.hair_colour) * across * smooth(0.0, 0.5, nz)


@cache
def _tones(device: torch.device) -> Tensor:
    """Smooth noise, from about -1 to 1: a strand a row, which repeats after a whole turn."""
    rough = np.random.default_rng(7).standard_normal((STRANDS, ALONG + 1))
    return torch.from_numpy((0.7 * rough).clip(-1, 1).astype(np.float32)).to(device)


def _strand(turn: Tensor, y: Tensor) -> Tensor:
    """The tone of the strand at an angle around the head and a height, linear between its neighbours."""
    table = _tones(turn.device).view(-1)
    across = (turn / (2 * np.pi) + 4) * (STRANDS / 4)
    before = across.floor()
    row, share = before.long() % STRANDS, across - before
    down = ((1 - y) * 2.5).clamp(0, ALONG - 1e-3)
    step = down.floor()
    column, part = step.long(), down - step
    after = (row + 1) % STRANDS
    first, second = (_line(table, r * (ALONG + 1) + column, part) for r in (row, after))
    return (second - first).mul_(share).add_(first)


def _line(table: Tensor, at: Tensor, part: Tensor) -> Tensor:
    start = table.index_select(0, at)
    return (table.index_select(0, at + 1) - start).mul_(part).add_(start)
