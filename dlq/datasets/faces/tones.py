"""Colours of skin, hair, eyes, clothes and background as smooth ramps, one number each; and the steps that painting uses.

Colours are float32 (3, n), red, green and blue in [0, 1], a column a point.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

SKIN = (
    (0.95, 0.80, 0.72),
    (0.91, 0.73, 0.61),
    (0.80, 0.60, 0.46),
    (0.65, 0.45, 0.32),
    (0.47, 0.31, 0.22),
    (0.32, 0.21, 0.16),
)
HAIR = (
    (0.07, 0.06, 0.07),
    (0.20, 0.13, 0.09),
    (0.38, 0.22, 0.12),
    (0.52, 0.31, 0.17),
    (0.82, 0.64, 0.36),
    (0.80, 0.79, 0.77),
)
IRIS = ((0.20, 0.12, 0.07), (0.45, 0.32, 0.14), (0.34, 0.48, 0.30), (0.33, 0.55, 0.78))


def ramp(colours: tuple[tuple[float, float, float], ...], at: Tensor) -> Tensor:
    """Colours between evenly spaced anchors, (n,) in [0, 1] -> (3, n)."""
    anchors = torch.tensor(colours, device=at.device).T
    place = at.clamp(0, 1) * (len(colours) - 1)
    below = place.floor().clamp_(max=len(colours) - 2)
    k = below.long()
    start = anchors.index_select(1, k)
    return (anchors.index_select(1, k + 1) - start).mul_(place - below).add_(start)


def pastel(hue: Tensor, tone: Tensor, saturation: float) -> Tensor:
    """A hue in turns, of a brightness -> colours with a first axis of 3, too quiet to distract from a face."""
    waves = [torch.cos(2 * torch.pi * (hue - turn)) for turn in (0, 1 / 3, 2 / 3)]
    return torch.stack([(tone * (1 + saturation * wave)).clamp(0, 1) for wave in waves])


def mix(colour: Tensor, other: Tensor, amount: Tensor) -> Tensor:
    """``amount`` (n,) of the other colour over this one, (3, n)."""
    return ((other - colour) * amount).add_(colour)


def plain(red: float, green: float, blue: float, device: torch.device) -> Tensor:
    """One colour, (3, 1)."""
    return torch.tensor([[red], [green], [blue]], device=device)


def smooth(low: float, high: float, x: Tensor) -> Tensor:
    """0 below low, 1 above high, a cubic between them."""
    t = x.sub(low).mul_(1 / (high - low)).clamp_(0, 1)
    return t.mul(-2).add_(3).mul_(t).mul_(t)


def within(distance: Tensor, soft: Tensor) -> Tensor:
    """1 where the distance to an outline is negative, 0 outside, blurred over ``soft`` on both sides."""
    return distance.div(soft).mul_(-0.5).add_(0.5).clamp_(0, 1)


def ridge(distance: Tensor) -> Tensor:
    """A soft line where the distance is 0; cut off where floats would become subnormal, which are slow."""
    return distance.square().neg_().clamp_(min=-30).exp_()


def dot(x: Tensor, y: Tensor, wide: float, high: float) -> Tensor:
    """A soft spot around (0, 0)."""
    return x.mul(1 / wide).square_().add_(y.mul(1 / high).square_()).mul_(-0.5).clamp_(min=-30).exp_()


def total(parts: Iterable[Tensor]) -> Tensor:
    """Their sum, added up one after the other: the same bits in every batch."""
    first, *others = parts
    for part in others:
        first = first + part
    return first
