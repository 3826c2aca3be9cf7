"""What a model says about its own training: optimizer groups, players of a game, and a recipe; read by ``dlq.fit``.

This file stands below models and training, so that a model can describe how it is trained without knowing the loop.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn


class Group(NamedTuple):
    """Parameters that one optimizer treats alike.

    ``weight_decay`` is decoupled (AdamW: each step shrinks by learning_rate * weight_decay); ``clip`` bounds every
    element of the gradient to [-clip, clip] before the step.
    """

    parameters: list[nn.Parameter]
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float | None = None


class Player(NamedTuple):
    """One opponent of a (possibly adversarial) game: ``loss(batch, generator) -> (scalar, {term: weighted value})``.

    It moves at every tick whose number is a multiple of ``every``.
    """

    name: str
    groups: list[Group]
    loss: Callable[..., tuple[Tensor, dict[str, Tensor]]]
    every: int = 1


def constant(fraction: float) -> float:
    """Keeps the learning rate as it is."""
    return 1.0


def cosine(fraction: float) -> float:
    """Lowers the learning rate to nothing along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * min(fraction, 1.0)))


@dataclass(frozen=True)
class Recipe:
    """How a preset is trained unless ``fit`` is told otherwise.

    ``schedule`` maps the finished fraction of the run to a factor on every learning rate. ``threads`` is the number of
    CPU threads the network runs fastest with (small multilayer perceptrons: one); None leaves torch's setting alone.
    ``bf16`` runs the forward pass in bfloat16 where that is faster (convolutions and wide layers). ``ema`` is the decay of
    an exponential moving average of the weights (0.999, say), which the model then holds outside training; None: none.
    """

    steps: int
    batch_size: int
    schedule: Callable[[float], float] = constant
    threads: int | None = None
    bf16: bool = False
    ema: float | None = None


def weights_and_biases(
    module: nn.Module, *, learning_rate: float, weight_decay: float, betas: tuple[float, float] = (0.9, 0.999)
) -> list[Group]:
    """The two groups of the latent-quantization authors' code.

    Weights, normalisation gains and input maps are decayed and clipped to [-1, 1] element-wise; parameters named
    ``bias`` or ``codebook`` are neither. Frozen parameters are left out.
    """
    named = [(name.rsplit(".", 1)[-1], p) for name, p in module.named_parameters() if p.requires_grad]
    free = [p for leaf, p in named if leaf in ("bias", "codebook")]
    decayed = [p for leaf, p in named if leaf not in ("bias", "codebook")]
    groups = [
        Group(decayed, learning_rate, betas, weight_decay, clip=1.0),
        Group(free, learning_rate, betas),
    ]
    return [group for group in groups if group.parameters]
