"""Where a point of the scene falls in the image, and how much light its surface sends there."""

from typing import NamedTuple

import torch
from torch import Tensor

from dlq.datasets.faces.parameters import Columns
from dlq.datasets.faces.tones import plain, smooth

PIVOT = (0.0, -0.25, -0.05)  # what the head turns about
DISTANCE = 4.5  # of the camera, in half-heights of the head
SCALE = 0.40  # of the image's side, for one half-height at zoom 1
SHOULDERS = 0.25  # how much of a turn the shoulders follow
AHEAD = -0.02  # what the camera looks at, in height


class Turn(NamedTuple):
    """Rotations: nine numbers, each (B, 1), row by row."""

    rows: tuple[tuple[Tensor, ...], ...]

    def __call__(self, points: Tensor) -> Tensor:
        """Directions (B, V, 3) or (V, 3) -> turned (B, V, 3)."""
        x, y, z = points.unbind(-1)
        return torch.stack([a * x + b * y + c * z for a, b, c in self.rows], -1)

    def about(self, points: Tensor) -> Tensor:
        """Places turned about the pivot."""
        pivot = torch.tensor(PIVOT, device=points.device)
        return self(points - pivot) + pivot


def turn(face: Columns, share: float = 1.0) -> Turn:
    """The head's rotation: to the side, then up, then tipped; of a share of the angles."""
    (cy, sy), (cx, sx), (cz, sz) = (
        (torch.cos(a), torch.sin(a)) for a in (torch.deg2rad(share * d) for d in (face.yaw, face.pitch, face.roll))
    )
    across = (cy, torch.zeros_like(cy), sy)
    up = (-sx * sy, cx, sx * cy)
    return Turn(
        (
            tuple(cz * a - sz * b for a, b in zip(across, up, strict=True)),
            tuple(sz * a + cz * b for a, b in zip(across, up, strict=True)),
            (-cx * sy, -sx, cx * cy),
        )
    )


def project(places: Tensor, face: Columns, side: int) -> Tensor:
    """Places (B, V, 3) -> pixels to the right, pixels down and nearness, (B, V, 3)."""
    x, y, z = places.unbind(-1)
    scale = SCALE * side * face.zoom * DISTANCE / (DISTANCE - z)
    right = side * (0.5 + face.shift_x) + scale * x
    down = side * (0.5 - face.shift_y) - scale * (y - AHEAD)
    return torch.stack([right, down, z], -1)


def shade(colour: Tensor, normals: Tensor, face: Columns, gloss: float) -> Tensor:
    """Colours (3, n) under the light of their face: Lambert's law on normals (3, n), a soft sky, a little gloss."""
    nx, ny, nz = normals
    length = (face.light_x**2 + face.light_y**2 + 1).sqrt()
    lx, ly, lz = face.light_x / length, face.light_y / length, 1 / length
    facing = nx * lx + ny * ly + nz * lz
    wrapped = ((facing + 0.12) / 1.12).clamp(min=0)
    tint = 1 + face.warmth * plain(0.06, 0.0, -0.09, colour.device)
    light = face.ambient * (0.90 + 0.16 * ny) + face.direct * 1.06 * wrapped * tint
    half = (2 + 2 * lz).sqrt()
    glint = ((nx * lx + ny * ly + nz * (lz + 1)) / half).clamp(0, 1)
    glint = glint * glint
    glint = glint * glint
    glint = glint * glint
    return colour * light + gloss * face.direct * glint * glint * glint * smooth(0.0, 0.3, facing)
