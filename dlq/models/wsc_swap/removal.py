"""Two ways to take identity out of the attribute vector, each a game of the face encoder against an adversary.

``Guess`` (the default): the adversary guesses the target's identity from the attributes by squared error, and the encoder
makes its best guess the mean of all people, which is 0. What a line can tell is solved for, so that there the encoder plays
against the best answer and not against one that still learns; a network guesses the rest. ``Pairs`` is nearer to the paper's
words "adversarial": a classifier tells whether attributes and an identity belong together, and the encoder makes it unsure
of both answers. Neither form is known to be the paper's.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlq.models.wsc_swap.networks import perceptron

FORGET = 0.02  # of the moments that the line is solved from, at each step
RIDGE = 0.01


class Guess(nn.Module):
    """Identity is guessed from attributes, by a line and by a network for what it leaves."""

    moments: Tensor
    mean: Tensor

    def __init__(self, num_attributes: int, num_identity: int):
        super().__init__()
        self.network = perceptron(num_attributes, num_identity)
        both = num_attributes + num_identity
        self.register_buffer("mean", torch.zeros(both))
        self.register_buffer("moments", torch.eye(both))

    def forward(self, attributes: Tensor, identity: Tensor) -> Tensor:
        """The adversary's own loss: its mean squared error."""
        if self.training:
            self._remember(attributes, identity)
        return F.mse_loss(self.guess(attributes), identity)

    def hide(self, attributes: Tensor, identity: Tensor) -> Tensor:
        """The encoder's loss: the mean square of the adversary's guess."""
        return self.guess(attributes).square().mean()

    def guess(self, attributes: Tensor) -> Tensor:
        """(B, num_attributes) to (B, num_identity)."""
        n = attributes.shape[1]
        within = self.moments[:n, :n] + RIDGE * torch.eye(n, device=attributes.device)
        line = torch.linalg.solve(within, self.moments[:n, n:])
        return (attributes - self.mean[:n]) @ line + self.network(attributes)

    @torch.no_grad()
    def _remember(self, attributes: Tensor, identity: Tensor) -> None:
        values = torch.cat([attributes, identity], 1)
        self.mean.lerp_(values.mean(0), FORGET)
        apart = values - self.mean
        self.moments.lerp_(apart.T @ apart / len(apart), FORGET)


class Pairs(nn.Module):
    """Attributes and an identity are told to belong together or not; mismatches are the batch's next rows."""

    def __init__(self, num_attributes: int, num_identity: int):
        super().__init__()
        self.network = perceptron(num_attributes + num_identity, 1)

    def forward(self, attributes: Tensor, identity: Tensor) -> Tensor:
        """The adversary's own loss: cross-entropy in nats, half of it on true pairs."""
        true, false = self._logits(attributes, identity)
        return (F.softplus(-true).mean() + F.softplus(false).mean()) / 2

    def hide(self, attributes: Tensor, identity: Tensor) -> Tensor:
        """The encoder's loss: cross-entropy to "either may be", less its least value log 2."""
        logits = torch.cat(self._logits(attributes, identity))
        return (F.softplus(logits) + F.softplus(-logits)).mean() / 2 - math.log(2)

    def _logits(self, attributes: Tensor, identity: Tensor) -> tuple[Tensor, Tensor]:
        pairs = (torch.cat([attributes, who], 1) for who in (identity, identity.roll(1, 0)))
        true, false = (self.network(pair)[:, 0] for pair in pairs)
        return true, false


REMOVALS = {"var": Guess, "pair": Pairs}
