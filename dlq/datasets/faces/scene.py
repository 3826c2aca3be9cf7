"""The whole scene as one set of triangles: head, ears, hair, neck and shoulders, with what is fixed about each vertex."""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.faces import bust, hair, head
from dlq.datasets.faces.camera import SHOULDERS, turn
from dlq.datasets.faces.parameters import SHAPE, Columns
from dlq.datasets.faces.tones import total

HEAD, EARS, CURTAIN, BUST = range(4)


class Scene(NamedTuple):
    """What does not depend on the face. Vertices are in the order head, two ears, curtain, bust."""

    grids: tuple[tuple[int, int], ...]  # rows and columns of each of the five grids
    triangles: Tensor  # int64 (T, 3)
    part: Tensor  # int64 (T,), one of HEAD, EARS, CURTAIN, BUST
    corners: tuple[Tensor, Tensor, Tensor]  # the columns of triangles
    two_sided: Tensor  # bool (T,)
    undeformed: Tensor  # float32 (V, 3); for the curtain, its lattice
    mean: Tensor  # float32 (H, 3), of head and ears
    shapes: Tensor  # float32 (9, H, 3)
    expressions: Tensor  # float32 (3, H, 3)

    @property
    def num_head(self) -> int:
        return self.grids[0][0] * self.grids[0][1]


@cache
def scene(device: torch.device) -> Scene:
    """The scene on a device, made once."""
    surfaces = (head.head_points(), head.ear_points(-1), head.ear_points(1))
    trunk = bust.points()
    rows_columns = (*((len(s), s.shape[1]) for s in surfaces), (hair.ROWS, hair.COLUMNS), (bust.ROWS, bust.COLUMNS))
    triangles, parts, start = [], [], 0
    for (rows, columns), kind in zip(rows_columns, (HEAD, EARS, EARS, CURTAIN, BUST), strict=True):
        triangles.append(start + _cells(rows, columns))
        parts.append(np.full(len(triangles[-1]), kind))
        start += rows * columns
    skin = np.concatenate([s.reshape(-1, 3) for s in surfaces])
    model = head.model(skin)
    undeformed = np.concatenate([skin, hair.lattice(), trunk.reshape(-1, 3)])
    floats = (undeformed, model.mean, model.shapes, model.expressions)
    corners, part = (
        torch.from_numpy(np.concatenate(triangles)).to(device),
        torch.from_numpy(np.concatenate(parts)).to(device),
    )
    columns = (corners[:, 0].contiguous(), corners[:, 1].contiguous(), corners[:, 2].contiguous())
    tables = (torch.from_numpy(f.astype(np.float32)).to(device) for f in floats)
    return Scene(rows_columns, corners, part, columns, part == CURTAIN, *tables)


def _cells(rows: int, columns: int) -> np.ndarray:
    """Two triangles for each cell of a grid, whose outside is where rows go down and columns to the right."""
    grid = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (x.ravel() for x in (grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]))
    return np.concatenate([np.stack([a, c, b], 1), np.stack([d, b, c], 1)])


def deform(face: Columns, undeformed: Tensor, mean: Tensor, shapes: Tensor, expressions: Tensor) -> Tensor:
    """Places (B, V, 3) of points of head or ears, before the head turns; every parameter is (B, 1).

    The sums run in a fixed order, one factor after the other, so that a face does not depend on its batch.
    """
    height = hair.above(undeformed, face)
    free = (1 - hair.frozen(height))[..., None]
    who = total(getattr(face, name)[..., None] * basis for name, basis in zip(SHAPE, shapes, strict=True))
    places = mean + free * who
    for name, basis in zip(head.EXPRESSIONS, expressions, strict=True):
        places = places + getattr(face, name)[..., None] * basis
    return places


def build(face: Columns, on: Scene) -> tuple[Tensor, Tensor]:
    """Places and unit normals of all vertices as the camera sees them, (B, V, 3) each; every parameter is (B, 1)."""
    places = deform(face, on.undeformed[: len(on.mean)], on.mean, on.shapes, on.expressions)
    cap, ears = places[:, : on.num_head], places[:, on.num_head :]
    out = hair.bulge(hair.above(on.undeformed[: on.num_head], face), face)
    cap = cap + out[..., None] * on.undeformed[: on.num_head]
    covered = hair.smooth(0.05, 0.25, face.hair_length)[..., None]
    ears = ears - 0.25 * covered * ears * torch.tensor([1.0, 0.0, 0.0], device=ears.device)
    lattice = on.undeformed[len(on.mean) : -bust.ROWS * bust.COLUMNS]
    trunk = on.undeformed[-bust.ROWS * bust.COLUMNS :].expand(len(cap), -1, 3)
    rotate, follow = turn(face), turn(face, SHOULDERS)
    surfaces = [
        rotate.about(s)
        for s in (cap, ears[:, : ears.shape[1] // 2], ears[:, ears.shape[1] // 2 :], hair.curtain(face, lattice))
    ]
    surfaces.append(follow.about(trunk))
    normals = [_normals(s, *grid) for s, grid in zip(surfaces, on.grids, strict=True)]
    return torch.cat(surfaces, 1), torch.cat(normals, 1)


def _normals(places: Tensor, rows: int, columns: int) -> Tensor:
    grid = places.view(-1, rows, columns, 3)
    down, right = torch.empty_like(grid), torch.empty_like(grid)
    down[:, 1:-1] = grid[:, 2:] - grid[:, :-2]
    down[:, 0], down[:, -1] = grid[:, 1] - grid[:, 0], grid[:, -1] - grid[:, -2]
    right[:, :, 1:-1] = grid[:, :, 2:] - grid[:, :, :-2]
    right[:, :, 0], right[:, :, -1] = grid[:, :, 1] - grid[:, :, 0], grid[:, :, -1] - grid[:, :, -2]
    (a, b, c), (d, e, f) = down.unbind(-1), right.unbind(-1)
    normals = torch.stack([b * f - c * e, c * d - a * f, a * e - b * d], -1)
    normals[:, 0], normals[:, -1] = normals[:, 1], normals[:, -2]  # a pole has no direction of its own
    return (normals / normals.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-9)).view(len(places), -1, 3)
