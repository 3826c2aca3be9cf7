"""What members of the VAE family add to the reconstruction: each a function of q(z|x), a few lines long.

beta-VAE    I. Higgins et al., ICLR 2017: beta KL
beta-TCVAE  R. Chen et al., NeurIPS 2018, arXiv 1802.04942: KL + (beta - 1) TC, TC by minibatch-weighted sampling
FactorVAE   H. Kim & A. Mnih, ICML 2018, arXiv 1802.05983: KL + gamma TC, TC by a discriminator
DIP-VAE     A. Kumar et al., ICLR 2018, arXiv 1711.00848: KL + a pull of the latents' covariance towards the identity

Terms are in nats, a sum over latents and a mean over the batch, as in disentanglement_lib (Locatello et al., 2019), whose
formulas these are. Where this differs: TC leaves out log(batch size * data size) as there, so it is an estimate up to a
constant; FactorVAE permutes the codes of the batch that the VAE sees (the paper's algorithm draws a second batch), and its
discriminator sees detached codes, encoded anew after the VAE has moved.
"""

import itertools
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dlq.recipe import Group, Player

Terms = dict[str, Tensor]


class Posterior(NamedTuple):
    """q(z|x) of a batch, all (batch, num_latents): ``z`` is one sample, ``kl`` is in nats against the model's own prior."""

    mean: Tensor
    logvar: Tensor
    z: Tensor
    kl: Tensor


def weighted_kl(q: Posterior, *, beta: float = 1.0) -> Terms:
    """beta KL(q(z|x) || p(z)); with beta 1 this is the VAE."""
    return {"kl": beta * q.kl.sum(1).mean()}


def total_correlation(q: Posterior, *, beta: float) -> Terms:
    """KL + (beta - 1) TC(z)."""
    return weighted_kl(q) | {"total_correlation": (beta - 1) * estimated_tc(q.z, q.mean, q.logvar)}


def estimated_tc(
    z: Float[Tensor, "batch latents"], mean: Float[Tensor, "batch latents"], logvar: Float[Tensor, "batch latents"]
) -> Float[Tensor, ""]:
    """Minibatch-weighted E[log q(z) - sum_l log q(z_l)] without its constant (num_latents - 1) log(batch * data).

    Its gradient is the estimate's; its value falls below the total correlation by that constant, so it may be negative.
    """
    deviation = z[:, None] - mean[None]
    density = -0.5 * (math.log(2 * math.pi) + logvar + deviation.square() * (-logvar).exp())  # of z_i under q(z|x_j)
    return (density.sum(2).logsumexp(1) - density.logsumexp(1).sum(1)).mean()


def dip_one(q: Posterior, *, off_diagonal: float, diagonal: float) -> Terms:
    """DIP-VAE-I: the covariance of the means moves towards the identity."""
    return weighted_kl(q) | _identity(_covariance(q.mean), off_diagonal, diagonal)


def dip_two(q: Posterior, *, off_diagonal: float, diagonal: float) -> Terms:
    """DIP-VAE-II: the covariance of z (that of the means and the mean variance) moves towards the identity."""
    return weighted_kl(q) | _identity(_covariance(q.mean) + q.logvar.exp().mean(0).diag(), off_diagonal, diagonal)


def _covariance(mean: Tensor) -> Tensor:
    centred = mean - mean.mean(0)
    return centred.T @ centred / len(mean)


def _identity(covariance: Tensor, off_diagonal: float, diagonal: float) -> Terms:
    on = covariance.diag()
    off = (covariance - on.diag()).square().sum()
    return {"covariance": off_diagonal * off, "variance": diagonal * (on - 1).square().sum()}


class Adversary(nn.Module):
    """FactorVAE's discriminator: six hidden layers with leaky rectifiers tell codes from codes permuted axis by axis.

    Called with q, it is the VAE's penalty: KL + gamma TC, where TC is the mean log-odds that z is not permuted. ``opponent``
    is the player that trains it: Adam with betas (0.5, 0.9) and a learning rate of 1e-4.
    """

    def __init__(self, num_latents: int, *, gamma: float, width: int = 1000):
        super().__init__()
        self.gamma, self.width = gamma, width
        sizes = [num_latents, *[width] * 6]
        layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 2))

    def log_odds(self, z: Float[Tensor, "batch latents"]) -> Float[Tensor, " batch"]:
        """log D / (1 - D), D the probability that z was not permuted."""
        logits = self.layers(z).float()
        return logits[:, 0] - logits[:, 1]

    def forward(self, q: Posterior) -> Terms:
        """The VAE's two terms."""
        return weighted_kl(q) | {"total_correlation": self.gamma * self.log_odds(q.z).mean()}

    def loss(self, z: Tensor, generator: torch.Generator) -> tuple[Tensor, Terms]:
        """The discriminator's mean cross-entropy in nats: log 2 where it cannot tell."""
        z = z.detach()
        real, permuted = self.log_odds(z), self.log_odds(permuted_axes(z, generator))
        loss = 0.5 * (F.softplus(-real).mean() + F.softplus(permuted).mean())
        return loss, {"cross_entropy": loss}

    def opponent(self, draw) -> Player:
        """The discriminator as a player; ``draw(x, generator)`` returns q."""

        def loss(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Terms]:
            with torch.no_grad():
                z = draw(x, generator).z
            return self.loss(z, generator)

        return Player("discriminator", [Group(list(self.parameters()), 1e-4, (0.5, 0.9))], loss)


def permuted_axes(z: Float[Tensor, "batch latents"], generator: torch.Generator) -> Float[Tensor, "batch latents"]:
    """Every latent of the batch shuffled on its own: samples of the product of the marginals."""
    order = torch.rand(z.shape, generator=generator, device=generator.device).argsort(0).to(z.device)
    return z.gather(0, order)
