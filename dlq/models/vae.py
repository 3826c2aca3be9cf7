"""Variational autoencoders: one class, and a penalty for each member of the family (see ``dlq.models.penalties``).

D. Kingma & M. Welling, "Auto-Encoding Variational Bayes", ICLR 2014, arXiv 1312.6114. Loss: -log p(x|z) + the penalty, in
nats: a sum over pixels and latents, a mean over the batch. ``bernoulli`` is the cross-entropy of the large studies;
``squared_error`` is the Gaussian likelihood without its constants and without 1/2, so that a weight beta on the KL is a
decoder variance of beta / 2 (a code base with the 1/2 writes half this beta for the same model).

Presets are small networks of the same sizes as ``autoencoder``; ``convolutional=True`` takes the study's networks for
64-pixel images, its learning rate 1e-4 and its 300,000 steps of batch 64 (Locatello et al., ICML 2019). Where this differs
from the authors' code: one network and one set of defaults serve all members, and weights of penalties that a paper tunes
by dataset have a value from the study's grid as default.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dlq.models.autoencoder import TEACHING
from dlq.models.penalties import Adversary, Posterior, Terms, dip_one, dip_two, total_correlation, weighted_kl
from dlq.models.presets import check_image_shape, preset
from dlq.models.strided import study
from dlq.nn import DenseDecoder, DenseEncoder
from dlq.recipe import Group, Player, Recipe

STUDY = Recipe(steps=300_000, batch_size=64, bf16=True)
Networks = tuple[nn.Module, nn.Module]


def bernoulli(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x|z) in nats for pixels that are probabilities: a sum over pixels, a mean over images."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def squared_error(logits: Tensor, x: Tensor) -> Tensor:
    """The squared error of pixels in [0, 1]: a sum over pixels, a mean over images, without 1/2."""
    return (torch.sigmoid(logits) - x).square().sum() / len(x)


def gaussian_kl(mean: Tensor, logvar: Tensor, prior_mean: Tensor, prior_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(prior_mean, prior_variance)) of every latent, in nats, shaped like mean."""
    ratio = ((mean - prior_mean).square() + logvar.exp()) / prior_variance
    return 0.5 * (prior_variance.log() - logvar - 1 + ratio)


def normal(shape: Sequence[int], generator: torch.Generator | None, like: Tensor) -> Tensor:
    """Standard normal noise on ``like``'s device; without a generator always the same."""
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    return torch.randn(tuple(shape), generator=generator, device=generator.device).to(like.device)


class VAE(nn.Module):
    """An encoder (x to mean and logvar, 2 num_latents wide), a decoder (z to image logits), a likelihood, and a penalty.

    ``penalty`` maps a ``Posterior`` to weighted terms; a new member of the family is such a function. The prior is
    N(prior_mean, prior_variance), two buffers that hold 0 and 1.
    """

    codebook = None
    weight_decay = 0.0
    prior_mean: Tensor
    prior_variance: Tensor

    def __init__(
        self,
        networks: Networks,
        penalty: Callable[[Posterior], Terms] | nn.Module,
        *,
        image_shape: Sequence[int],
        num_latents: int,
        likelihood: Callable[[Tensor, Tensor], Tensor] = bernoulli,
        recipe: Recipe = TEACHING,
        learning_rate: float = 1e-3,
    ):
        super().__init__()
        self.encoder, self.decoder = networks
        self.penalty, self.likelihood = penalty, likelihood
        self.image_shape, self.num_latents, self.recipe = check_image_shape(image_shape), num_latents, recipe
        self.learning_rate = learning_rate
        self.register_buffer("prior_mean", torch.zeros(num_latents))
        self.register_buffer("prior_variance", torch.ones(num_latents))

    def posterior(self, x: Float[Tensor, "batch channels height width"]) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), each (batch, num_latents)."""
        mean, logvar = self.encoder(x).float().chunk(2, dim=1)
        return mean, logvar

    def kl(self, mean: Tensor, logvar: Tensor) -> Tensor:
        """KL(q(z|x) || p(z)) of every image and latent in nats (batch, num_latents), p the model's own prior."""
        return gaussian_kl(mean, logvar, self.prior_mean, self.prior_variance)

    def draw(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        """q(z|x) with one sample of it; without a generator the noise is always the same."""
        mean, logvar = self.posterior(x)
        z = mean + (0.5 * logvar).exp() * normal(mean.shape, generator, mean)
        return Posterior(mean, logvar, z, self.kl(mean, logvar))

    def encode(self, x: Tensor) -> Tensor:
        """The mean of q(z|x), (batch, num_latents)."""
        return self.posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """Images (batch, C, H, W) in [0, 1] of latents z (batch, num_latents)."""
        return torch.sigmoid(self.decoder(z).float())

    def sample_latents(self, n: int, generator: torch.Generator) -> Tensor:
        """n latents drawn from the prior, (n, num_latents)."""
        noise = normal((n, self.num_latents), generator, self.prior_mean)
        return self.prior_mean + self.prior_variance.sqrt() * noise

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n images (n, C, H, W) in [0, 1], decoded from latents drawn from the prior."""
        return self.decode(self.sample_latents(n, generator))

    def loss(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Terms]:
        """The loss of x (batch, C, H, W) and its weighted terms in nats, sums over pixels and latents."""
        q = self.draw(x, generator)
        terms = {"reconstruction": self.likelihood(self.decoder(q.z).float(), x), **self.penalty(q)}
        return torch.stack(list(terms.values())).sum(), terms

    def players(self) -> list[Player]:
        """The VAE, and its opponent where the penalty has one. Plain Adam, no decay, no clipping."""
        own = [p for p in chain(self.encoder.parameters(), self.decoder.parameters()) if p.requires_grad]
        players = [Player("vae", [Group(own, self.learning_rate)], self.loss)]
        opponent = getattr(self.penalty, "opponent", None)
        return players if opponent is None else [*players, opponent(self.draw)]


def dense(image_shape: Sequence[int], num_latents: int, width: int) -> Networks:
    """The teaching pair: the encoder of ``autoencoder`` with a head twice as wide, and its decoder."""
    return (
        DenseEncoder(image_shape, 2 * num_latents, width=width),
        DenseDecoder(image_shape, num_latents, width=width),
    )


def _member(image_shape, num_latents, penalty, width, convolutional, likelihood=bernoulli) -> VAE:
    shape = check_image_shape(image_shape)
    check_num_latents(num_latents)
    networks = study(shape, num_latents) if convolutional else dense(shape, num_latents, width)
    return VAE(
        networks,
        penalty,
        image_shape=shape,
        num_latents=num_latents,
        likelihood=likelihood,
        recipe=STUDY if convolutional else TEACHING,
        learning_rate=1e-4 if convolutional else 1e-3,
    )


def check_num_latents(num_latents: int) -> None:
    """At least one latent."""
    if num_latents < 1:
        raise ValueError(f"num_latents is {num_latents}; a model needs at least 1, 10 is common")


@preset
def vae(
    image_shape: Sequence[int], num_latents: int = 10, *, width: int = 128, convolutional: bool = False, seed: int = 0
) -> VAE:
    """The VAE: reconstruction + KL, both in nats, so the loss is the negative ELBO."""
    return _member(image_shape, num_latents, weighted_kl, width, convolutional)


@preset
def beta_vae(
    image_shape: Sequence[int],
    num_latents: int = 10,
    *,
    beta: float = 4.0,
    gaussian: bool = False,
    width: int = 128,
    convolutional: bool = False,
    seed: int = 0,
) -> VAE:
    """beta-VAE: the KL counts ``beta`` times; ``gaussian`` takes the squared error, as ``ard_vae`` can."""
    likelihood = squared_error if gaussian else bernoulli
    return _member(image_shape, num_latents, partial(weighted_kl, beta=beta), width, convolutional, likelihood)


@preset
def beta_tcvae(
    image_shape: Sequence[int],
    num_latents: int = 10,
    *,
    beta: float = 6.0,
    width: int = 128,
    convolutional: bool = False,
    seed: int = 0,
) -> VAE:
    """beta-TCVAE: of the KL only the total correlation counts ``beta`` times."""
    return _member(image_shape, num_latents, partial(total_correlation, beta=beta), width, convolutional)


@preset
def factor_vae(
    image_shape: Sequence[int],
    num_latents: int = 10,
    *,
    gamma: float = 10.0,
    discriminator_width: int = 1000,
    width: int = 128,
    convolutional: bool = False,
    seed: int = 0,
) -> VAE:
    """FactorVAE: a game of two players; a ``discriminator_width`` of 200 is several times faster on a CPU."""
    check_num_latents(num_latents)
    adversary = Adversary(num_latents, gamma=gamma, width=discriminator_width)
    return _member(image_shape, num_latents, adversary, width, convolutional)


@preset
def dip_vae_i(
    image_shape: Sequence[int],
    num_latents: int = 10,
    *,
    off_diagonal: float = 10.0,
    diagonal: float = 100.0,
    width: int = 128,
    convolutional: bool = False,
    seed: int = 0,
) -> VAE:
    """DIP-VAE-I: lambda_od is ``off_diagonal``, lambda_d is ``diagonal``, ten times as large in the study."""
    penalty = partial(dip_one, off_diagonal=off_diagonal, diagonal=diagonal)
    return _member(image_shape, num_latents, penalty, width, convolutional)


@preset
def dip_vae_ii(
    image_shape: Sequence[int],
    num_latents: int = 10,
    *,
    off_diagonal: float = 10.0,
    diagonal: float = 10.0,
    width: int = 128,
    convolutional: bool = False,
    seed: int = 0,
) -> VAE:
    """DIP-VAE-II: lambda_od is ``off_diagonal``, lambda_d is ``diagonal``, equal in the study."""
    penalty = partial(dip_two, off_diagonal=off_diagonal, diagonal=diagonal)
    return _member(image_shape, num_latents, penalty, width, convolutional)
