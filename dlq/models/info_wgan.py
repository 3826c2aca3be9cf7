"""InfoWGAN-GP with continuous or quantized codes: a generator that must name what it draws.

K. Hsu et al., "Disentanglement via Latent Quantization", NeurIPS 2023, arXiv 2305.18378, and the authors' code (9a420a3);
the game is that of Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, arXiv 1704.00028, and the latent loss
InfoGAN's bound (Chen et al. 2016, arXiv 1606.03657) for a Gaussian of fixed width: a squared error. There is no noise
beside the code. Critic and code regressor share all but their last layer.

Who is updated by which term, as in the authors' code: the critic step moves encoder and critic; the generator step moves
generator *and* codebook, which therefore learns through the sampled codes (the latent loss does not detach its target) and
through the quantization loss. Codes are drawn evenly from the current values of each latent, or from [0, 1] where they are
continuous. Where this differs: the two steps of one tick may share their real batch, as fit has one; the code that is
compared is the bit-exact codebook value; the presets without ``_paper`` are small networks with settings of our own.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dlq.models.autoencoder import published_networks
from dlq.models.presets import check_image_shape, preset
from dlq.nn import ConvEncoder, DenseDecoder, DenseEncoder
from dlq.quantizers import LatentQuantizer, Quantized, through
from dlq.recipe import Player, Recipe, weights_and_biases

TEACHING = Recipe(steps=8_000, batch_size=64, threads=1)
PAPER = Recipe(steps=200_000, batch_size=64)
BETAS = (0.0, 0.9)  # of Adam, in both players


class Weights(NamedTuple):
    """What the terms of the game weigh; the authors' values."""

    latent: float = 200.0
    gradient_penalty: float = 10.0


Critic = Callable[[Tensor], Tensor]  # x (batch, C, H, W) to values (batch, 1)
Penalty = Callable[[Critic, Tensor, Tensor, Tensor], Tensor]  # of critic, real images, generated ones, mixing shares


def slope_one(critic: Critic, x: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """(norm of the critic's gradient - 1)^2 at a random point between each real and generated image, a mean."""
    return (_slope(critic, epsilon * x + (1 - epsilon) * fake) - 1).square().mean()


def r1(critic: Critic, x: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """The squared norm of the critic's gradient at real images, a mean (Mescheder et al. 2018, arXiv 1801.04406)."""
    return _slope(critic, x).square().mean()


def _slope(critic: Critic, x: Tensor) -> Tensor:
    """The norm of the critic's gradient at each image, (batch,)."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.flatten(1).norm(dim=1)


class InfoWGAN(nn.Module):
    """An encoder with a critic on its last hidden layer, a generator, and an optional quantizer of the codes.

    ``encoder`` has ``features(x)`` and ``head``; ``optimizer`` is (learning rate, weight decay) of both players;
    ``penalty`` keeps the critic smooth: ``slope_one``, as published, or ``r1``.
    The critic moves at every step, the generator at every ``critic_steps``-th, the first included.
    """

    def __init__(
        self,
        encoder: ConvEncoder | DenseEncoder,
        bottleneck: LatentQuantizer | None,
        generator: nn.Module,
        *,
        image_shape: Sequence[int],
        weights: Weights = Weights(),  # noqa: B008 (a tuple of numbers)
        recipe: Recipe = TEACHING,
        optimizer: tuple[float, float] = (2e-4, 1e-4),
        critic_steps: int = 5,
        penalty: Penalty = slope_one,
    ):
        super().__init__()
        self.penalty = penalty
        self.encoder, self.bottleneck, self.generator = encoder, bottleneck, generator
        self.critic = nn.Linear(encoder.head.in_features, 1)
        self.image_shape, self.num_latents = check_image_shape(image_shape), encoder.head.out_features
        self.weights, self.recipe, self.critic_steps = weights, recipe, critic_steps
        self.learning_rate, self.weight_decay = optimizer

    @property
    def codebook(self) -> list[Tensor] | None:
        """The values each latent may take, one tensor a latent; None where latents are continuous."""
        return None if self.bottleneck is None else self.bottleneck.values()

    def quantize(self, x: Tensor) -> Quantized:
        """Encodes x (batch, C, H, W) and passes the quantizer. Without one, ``indices`` is empty."""
        return through(self.bottleneck, self.encoder(x))

    def encode(self, x: Tensor) -> Tensor:
        """The latents z (batch, num_latents) of x (batch, C, H, W) in [0, 1]; quantized where there is a quantizer."""
        return self.quantize(x).z

    def decode(self, z: Tensor) -> Tensor:
        """Images (batch, C, H, W) in [0, 1] that the generator draws for codes z (batch, num_latents)."""
        if z.ndim != 2 or z.shape[1] != self.num_latents:
            raise ValueError(f"z has shape {tuple(z.shape)}; this generator takes (batch, {self.num_latents})")
        return torch.sigmoid(self.generator(z).float())

    def sample_codes(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draws n codes (n, num_latents): even over each latent's current values, or uniform on [0, 1]."""
        where = self.critic.weight.device
        draws = torch.rand(n, self.num_latents, generator=generator, device=where)
        if self.bottleneck is None:
            return draws
        sizes = torch.tensor(self.bottleneck.sizes, device=where)
        indices = (draws * sizes).long().clamp_max(sizes - 1)  # a draw just below 1 may round up in float32
        codebook = self.bottleneck.codebook.expand(self.num_latents, -1)
        return codebook.gather(1, indices.T).T  # with the codebook's gradient

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draws n images (n, C, H, W) in [0, 1]."""
        return self.decode(self.sample_codes(n, generator))

    def critic_loss(self, x: Tensor, z: Tensor, epsilon: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of the critic step for real images x, codes z, and mixing shares epsilon (batch, 1, 1, 1)."""
        z = z.detach()
        fake = self.decode(z).detach()
        value_real = self._values(x).mean()
        terms = {"value": -value_real}
        value_fake, latent_terms = self._judge(fake, z)
        terms["value"] = value_fake + terms["value"]
        terms["gradient_penalty"] = self.weights.gradient_penalty * self.penalty(self._values, x, fake, epsilon)
        return _sum(terms | latent_terms)

    def generator_loss(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of the generator step for codes z, whose gradient reaches the codebook."""
        value, latent_terms = self._judge(self.decode(z), z)
        return _sum({"value": -value, **latent_terms})

    def players(self) -> list[Player]:
        """The critic (with the encoder) and the generator (with the codebook)."""
        critic = nn.ModuleList([self.encoder, self.critic])
        drawing = nn.ModuleList([part for part in (self.generator, self.bottleneck) if part is not None])
        return [
            Player("critic", self._groups(critic), self._critic_move),
            Player("generator", self._groups(drawing), self._generator_move, every=self.critic_steps),
        ]

    def _groups(self, module: nn.Module):
        return weights_and_biases(module, learning_rate=self.learning_rate, weight_decay=self.weight_decay, betas=BETAS)

    def _critic_move(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        z = self.sample_codes(len(x), generator)
        return self.critic_loss(x, z, torch.rand(len(x), 1, 1, 1, generator=generator, device=x.device))

    def _generator_move(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        return self.generator_loss(self.sample_codes(len(x), generator))

    def _values(self, x: Tensor) -> Tensor:
        return self.critic(self.encoder.features(x))

    def _judge(self, fake: Tensor, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The critic's mean value of generated images, and the terms that tie their codes to z."""
        features = self.encoder.features(fake)
        quantized = through(self.bottleneck, self.encoder.head(features))
        latent = self.weights.latent * (quantized.z - z).square().mean()
        return self.critic(features).mean(), {"latent": latent, **quantized.losses}


def _sum(terms: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    return torch.stack(list(terms.values())).sum(), terms


def _teaching(
    image_shape: Sequence[int], num_latents: int, bottleneck: LatentQuantizer | None, width: int, decay: float
) -> InfoWGAN:
    image_shape = check_image_shape(image_shape)
    return InfoWGAN(
        DenseEncoder(image_shape, num_latents, width=width),
        bottleneck,
        DenseDecoder(image_shape, num_latents, width=width),
        image_shape=image_shape,
        weights=Weights(latent=50.0),
        optimizer=(1e-3, decay),
    )


@preset
def info_wgan_gp(
    image_shape: Sequence[int], num_latents: int = 9, *, width: int = 128, weight_decay: float = 1e-4, seed: int = 0
) -> InfoWGAN:
    """The small teaching InfoWGAN-GP with codes uniform on [0, 1]: the control of ``ql_info_wgan_gp``."""
    return _teaching(image_shape, num_latents, None, width, weight_decay)


@preset
def ql_info_wgan_gp(
    image_shape: Sequence[int],
    num_latents: int = 9,
    num_values: int | Sequence[int] = 3,
    *,
    width: int = 128,
    weight_decay: float = 1e-4,
    seed: int = 0,
) -> InfoWGAN:
    """The small teaching InfoWGAN-GP with quantized codes: ``num_values`` learned values for each of ``num_latents``."""
    return _teaching(image_shape, num_latents, LatentQuantizer(num_latents, num_values), width, weight_decay)


def _paper(
    image_shape: Sequence[int], num_latents: int, bottleneck: LatentQuantizer | None, width: int, decay: float
) -> InfoWGAN:
    image_shape = check_image_shape(image_shape)
    encoder, generator = published_networks(image_shape, num_latents, width)
    return InfoWGAN(
        encoder,
        bottleneck,
        generator,
        image_shape=image_shape,
        recipe=PAPER,
        optimizer=(2e-4, decay),
    )


@preset
def info_wgan_gp_paper(
    image_shape: Sequence[int], num_latents: int = 12, *, width: int = 32, weight_decay: float = 1e-4, seed: int = 0
) -> InfoWGAN:
    """The authors' InfoWGAN-GP: 200,000 critic steps of batch 64, one generator step in five, meant for a GPU."""
    return _paper(image_shape, num_latents, None, width, weight_decay)


@preset
def ql_info_wgan_gp_paper(
    image_shape: Sequence[int],
    num_latents: int = 12,
    num_values: int | Sequence[int] = 10,
    *,
    width: int = 32,
    weight_decay: float = 1e-3,
    seed: int = 0,
) -> InfoWGAN:
    """The authors' quantized-latent InfoWGAN-GP; weight decay is 1e-3 on Shapes3D and MPI3D, 1e-4 on Falcor3D."""
    return _paper(image_shape, num_latents, LatentQuantizer(num_latents, num_values), width, weight_decay)
