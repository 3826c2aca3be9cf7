"""Neck, shoulders and clothes under the head, and the background behind it: the target's, whoever the face is."""

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.faces.parameters import Columns
from dlq.datasets.faces.skin import complexion
from dlq.datasets.faces.tones import mix, pastel, smooth, within

ROWS, COLUMNS = 22, 33
PROFILE = np.array(  # height, half-width, half-depth, middle in depth
    [(-0.55, 0.40, 0.34, -0.12), (-0.95, 0.37, 0.32, -0.14), (-1.12, 0.40, 0.33, -0.16), (-1.24, 0.55, 0.37, -0.18)]
    + [(-1.36, 0.86, 0.43, -0.20), (-1.55, 1.15, 0.48, -0.22), (-2.20, 1.35, 0.52, -0.25)]
)


def points() -> np.ndarray:
    """Vertices (ROWS, COLUMNS, 3), from inside the head downwards, columns from back over front."""
    fine = np.linspace(PROFILE[0, 0], PROFILE[-1, 0], 400)
    smoothed = [
        np.convolve(np.interp(-fine, -PROFILE[:, 0], PROFILE[:, k]), np.hanning(33) / 16, "valid") for k in (1, 2, 3)
    ]
    heights = np.interp(np.linspace(0, 1, ROWS), [0, 0.75, 1], [PROFILE[0, 0], -1.6, fine[-17]])
    wide, deep, middle = (np.interp(-heights, -fine[16:-16], values)[:, None] for values in smoothed)
    turns = np.linspace(-np.pi, np.pi, COLUMNS)[None]
    y = np.broadcast_to(heights[:, None], (ROWS, COLUMNS))
    return np.stack([wide * np.sin(turns), y, deep * np.cos(turns) + middle], 2)


def paint(points: Tensor, face: Columns, soft: Tensor) -> Tensor:
    """Colours (3, n) of points (3, n): skin in the head's shadow, then clothes."""
    x, y, _ = points
    skin = complexion(face.skin) * (0.50 + 0.42 * smooth(-0.88, -1.32, y))
    cloth = pastel(face.clothes_hue, face.clothes_tone, 0.35)
    collar = y + 1.22 + 0.10 * smooth(0.40, 0.0, x.abs())
    seam = 1 - 0.25 * within((collar + 0.035).abs() - 0.008, soft + 0.01)
    return mix(skin, cloth * seam, within(collar, soft))


def background(face: Columns, side: int) -> Tensor:
    """Images (B, 3, side, side): one quiet colour, lighter behind the head and above; every parameter is (B, 1)."""
    device = face.background_hue.device
    across = (torch.arange(side, device=device) + 0.5) / side - 0.5
    x, y = across.repeat(side)[None], across.repeat_interleave(side)[None]
    tone = face.background_tone * (1.08 - 0.9 * (x**2 + (y + 0.05) ** 2) - 0.12 * y)
    flat = pastel(face.background_hue, tone, 0.15)
    return flat.clamp(0, 1).view(3, -1, side, side).transpose(0, 1)
