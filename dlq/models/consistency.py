"""A loss without labels: a picture stays what it is when it is tilted, stretched or shifted a little.

A relative of Ojha et al., "Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
2020, arXiv 1910.01112; the form is ours. The balance counts twice: where it counts once, the first few categories that
are found take in the others, and a network needs long to part them again.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BALANCE = 2.0  # the weight of "all categories are in use"; agreement has 1
TILT, STRETCH, SHIFT = math.radians(20), 0.2, 0.08  # how far a copy may differ: angle, scale and shear, share of a side


def moved(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Each image of x (batch, C, H, W) tilted, stretched, sheared and shifted at random, black beyond its edges."""
    draws = 2 * torch.rand(len(x), 6, generator=generator, device=x.device) - 1
    angle, (wide, high, shear) = TILT * draws[:, 0], 1 + STRETCH * draws[:, 1:4].T
    cos, sin = angle.cos(), angle.sin()
    rows = [cos * wide, (shear - 1) - sin, SHIFT * 2 * draws[:, 4], sin, cos * high, SHIFT * 2 * draws[:, 5]]
    grid = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def shifted(x: Tensor, pixels: int, generator: torch.Generator | None = None) -> Tensor:
    """Each image of x (batch, C, H, W) moved by up to so many whole pixels along each side, black where it was not."""
    size = (2, len(x))
    down, right = torch.randint(-pixels, pixels + 1, size, generator=generator, device=x.device)
    padded = F.pad(x, [pixels] * 4)
    rows = pixels - down[:, None] + torch.arange(x.shape[2], device=x.device)
    columns = pixels - right[:, None] + torch.arange(x.shape[3], device=x.device)
    images = torch.arange(len(x), device=x.device)[:, None, None]
    return padded[images, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def disagreement(first: Tensor, second: Tensor) -> Tensor:
    """How far two readings (category logits of an image and of its copy) are from agreeing, with all categories in use.

    -log of the probability that both name the same category, plus ``BALANCE`` times (log K minus the entropy of their
    mean); nats, at least 0.
    """
    p, q = first.softmax(1), second.softmax(1)
    same = (p * q).sum(1).clamp_min(1e-8).log().mean()
    mean = torch.cat([p, q]).mean(0).clamp_min(1e-8)
    return BALANCE * (math.log(p.shape[1]) + (mean * mean.log()).sum()) - same
