"""Where on the head each pixel looks: rays through an average head in a given pose, in closed form.

The head is the ellipsoid that the renderer deforms, so that no identity enters; six numbers of pose do. On other data any
upright head framed alike will do: only the pose is read off the target.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dlq.datasets.faces.camera import AHEAD, DISTANCE, PIVOT, SCALE
from dlq.datasets.faces.head import HALF

REACH = 1.9  # radians of longitude that a texture covers to either side
OCTAVES = 4
NUM_CHANNELS = 1 + 3 * 2 * OCTAVES


def rotation(pose: Tensor) -> Tensor:
    """Rotations (B, 3, 3) of yaw, pitch and roll in degrees, the first three columns of pose; as the camera turns heads."""
    (cy, cx, cz), (sy, sx, sz) = (f(torch.deg2rad(pose[:, :3])).unbind(1) for f in (torch.cos, torch.sin))
    zero = torch.zeros_like(cy)
    across, up = torch.stack([cy, zero, sy], 1), torch.stack([-sx * sy, cx, sx * cy], 1)
    ahead = torch.stack([-cx * sy, -sx, cx * cy], 1)
    cz, sz = cz[:, None], sz[:, None]
    return torch.stack([cz * across - sz * up, sz * across + cz * up, ahead], 1)


def surface(pose: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """What each pixel sees of the average head: unit coordinates (B, H, W, 3) on it and how surely it is hit (B, H, W).

    pose is (B, 6), in the order of dlq.models.face_reader.POSE and in the renderer's units. Rays that miss get the point
    that they pass closest to.
    """
    half = torch.tensor(HALF, dtype=pose.dtype, device=pose.device)
    pivot = torch.tensor(PIVOT, dtype=pose.dtype, device=pose.device)
    zoom, right, up = (pose[:, k, None, None] for k in (3, 4, 5))
    column = (torch.arange(width, device=pose.device) + 0.5) / width - 0.5
    row = 0.5 - (torch.arange(height, device=pose.device) + 0.5) / height
    x, y = torch.broadcast_tensors((column - right) / (SCALE * zoom), AHEAD + (row[:, None] - up) / (SCALE * zoom))
    one = torch.ones_like(x)
    start = torch.stack([x, y, 0 * one], -1)
    along = torch.stack([-x / DISTANCE, -(y - AHEAD) / DISTANCE, one], -1)
    turned = rotation(pose)[:, None, None]  # rows of the matrix times points: the inverse of the turn
    start = ((start - pivot)[..., None, :] @ turned)[..., 0, :] + pivot
    along = (along[..., None, :] @ turned)[..., 0, :]
    start, along = start / half, along / half
    a, b, c = (along * along).sum(-1), (along * start).sum(-1), (start * start).sum(-1) - 1
    inside = b * b - a * c
    point = start + ((-b + inside.clamp(min=0).sqrt()) / a)[..., None] * along
    return point / point.norm(dim=-1, keepdim=True).clamp(min=1e-6), torch.sigmoid(inside / (0.05 * a))


class Look(NamedTuple):
    """Where each pixel looks."""

    grid: Tensor  # (B, H, W, 2): where to take a texture from, as ``grid_sample`` wants it
    places: Tensor  # (B, NUM_CHANNELS, H, W): how surely it hits the head, sines and cosines of the head's coordinates


def look(pose: Tensor, height: int, width: int) -> Look:
    """Of each pixel of pictures of that size, for heads in these poses (B, 6)."""
    point, hit = surface(pose, height, width)
    longitude = torch.atan2(point[..., 0], point[..., 2]) / REACH
    latitude = torch.asin(point[..., 1].clamp(-0.9999, 0.9999)) / (math.pi / 2)
    angles = torch.cat([point * math.pi * 2**k / 2 for k in range(OCTAVES)], -1)
    waves = torch.cat([torch.sin(angles), torch.cos(angles)], -1) * hit[..., None]
    places = torch.cat([hit[..., None], waves], -1).permute(0, 3, 1, 2)
    return Look(torch.stack([longitude, -latitude], -1), places)
