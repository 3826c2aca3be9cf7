"""The terms of WSC-swap's game that are not a network of their own, each a mean over the pairs that it concerns.

The paper names adversarial identity removal and preservation of non-identity attributes by a 3-D face prior; weights and
forms are ours, from trials on rendered faces. The identity loss saturates: the usual 1 - cos drives a small encoder into
caricature.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from dlq.datasets.faces import EXPRESSION, LANDMARKS

FEATURES = [
    LANDMARKS.index(name)
    for name in ("pupil_left", "pupil_right", "mouth_corner_left", "mouth_corner_right", "lip_upper", "lip_lower")
]


class Weights(NamedTuple):
    """What each term weighs. Defaults suit 32 to 64 pixels; ``adversarial`` 0 leaves the discriminator out."""

    reconstruction: float = 10.0
    perceptual: float = 1.0
    identity: float = 3.0
    outside: float = 10.0
    kept_by_encoder: float = 1.0
    kept_in_result: float = 0.5
    removal: float = 3.0
    adversarial: float = 0.0


def over(values: Tensor, chosen: Tensor) -> Tensor:
    """The mean of values over the chosen ones, or weighted by shares of the same shape; 0 where none is chosen."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1e-6)


def reconstruction(result: Tensor, target: Tensor, emphasis: Tensor) -> Tensor:
    """Absolute plus three squared differences, a mean over pixels (B,); ``emphasis`` (B, 1, H, W) weighs the pixels."""
    difference = result - target
    return (emphasis * (difference.abs() + 3 * difference.square())).flatten(1).mean(1)


def perceptual(found: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """Absolute differences of activations, a mean over each and over all of them (B,)."""
    return torch.stack([(a - b).abs().flatten(1).mean(1) for a, b in zip(found, wanted, strict=True)]).sum(0)


def same_person(found: Tensor, wanted: Tensor, margin: Tensor | float) -> Tensor:
    """How far the cosine of two identities falls short of ``margin``, (B,): no gradient once it is reached."""
    return F.relu(margin - F.cosine_similarity(found, wanted, dim=1))


def outside(result: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Absolute differences where the mask is 0, a mean over those pixels (B,)."""
    elsewhere = (1 - mask).expand_as(result)
    total = (elsewhere * (result - target).abs()).flatten(1).sum(1)
    return total / elsewhere.flatten(1).sum(1).clamp(min=1)


def kept(found: Tensor, wanted: Tensor, importance: Tensor) -> Tensor:
    """Squared errors of standardised attributes, a weighted mean over them (B,)."""
    return ((found - wanted).square() * importance).sum(1) / importance.sum()


def importance(names: tuple[str, ...]) -> Tensor:
    """Of each attribute: expressions count three times, all others once."""
    return torch.tensor([3.0 if name in EXPRESSION else 1.0 for name in names])


def around_features(landmarks: Tensor | None, x: Tensor) -> Tensor:
    """4 at eyes and mouth, 1 away from them, (B, 1, H, W); 1 everywhere without landmarks (B, L, 2)."""
    if landmarks is None:
        return torch.ones_like(x[:, :1])
    height, width = x.shape[2:]
    row, column = (torch.arange(n, device=x.device) + 0.5 for n in (height, width))
    right, down = landmarks[:, FEATURES].unbind(-1)
    squares = (column - right[..., None, None]) ** 2 + (row[:, None] - down[..., None, None]) ** 2
    near = torch.exp(-squares / (2 * (0.05 * width) ** 2))
    return 1 + 3 * near.amax(1, keepdim=True)
