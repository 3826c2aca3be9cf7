"""InfoGAN: a generator whose few named codes can be read off its pictures.

Chen et al., "InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial Nets", 2016,
arXiv 1606.03657; networks, weights and learning rates of ``infogan_paper`` are those of the authors' MNIST code
(openai/InfoGAN, 6e41232). Code = one category and a few numbers uniform on [-1, 1]; noise beside them enters the generator
only. The bound on the mutual information is H(code) - E[-log Q(code | G(code, noise))]; Q is a category and a Gaussian of
standard deviation 1 for each number, so its terms are a cross-entropy and half a squared error. Q moves with the
discriminator; the information term stands in both players' losses. Real and generated images pass the discriminator in
separate batches.

Where this differs: Q has no unused heads for a standard deviation; probabilities are computed from logits, so that no 1e-8
stands inside a logarithm. ``infogan`` is a narrow network with settings of our own: it starts from torch's own weights (the
authors' start, N(0, 0.02), left most narrow networks without a picture), and its discriminator sees real images shifted
by a pixel, lest it learns a small data set by heart. Its ``consistency`` is no part of the paper: Q must give a real image
and a tilted, stretched, shifted copy of it the same category, with all categories used equally often (a relative of Ojha
et al., "Elastic-InfoGAN", 2020, arXiv 1910.01112). It uses no labels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlq.models.consistency import disagreement, moved, shifted
from dlq.models.infogan_networks import Discriminator, Generator, check_images, check_sides, start
from dlq.models.presets import preset
from dlq.recipe import Group, Player, Recipe

BETAS = (0.5, 0.999)


class Codes(NamedTuple):
    """How many codes of each kind a generator takes: values of the category, numbers, and noise."""

    num_categories: int = 10
    num_continuous: int = 2
    num_noise: int = 62


class Weights(NamedTuple):
    """What the terms of the game weigh beside the adversarial one."""

    category: float = 1.0
    continuous: float = 1.0
    consistency: float = 0.0


class InfoGAN(nn.Module):
    """The game of a generator against a discriminator that also reads the codes.

    A latent vector z is (category as a number 0, 1, ..., then the continuous codes); ``decode`` draws it with one noise
    vector that stays the same, so that what changes is what z names. ``rates`` are (discriminator's, generator's); the
    discriminator sees real images moved by up to ``shift`` pixels.
    """

    noise: Tensor

    def __init__(
        self,
        image_shape: Sequence[int],
        codes: Codes,
        *,
        width: int,
        weights: Weights,
        recipe: Recipe,
        rates: tuple[float, float] = (2e-4, 1e-3),
        shift: int = 0,
    ):
        super().__init__()
        _check(codes, weights, width, shift)
        self.image_shape = check_sides(image_shape)
        self.codes, self.weights, self.recipe, self.rates = codes, weights, recipe, rates
        self.num_latents, self.shift = 1 + codes.num_continuous, shift
        self.generator = Generator(self.image_shape, sum(codes), width)
        self.discriminator = Discriminator(self.image_shape, codes.num_categories + codes.num_continuous, width)
        self.register_buffer("noise", 2 * torch.rand(codes.num_noise) - 1)

    @property
    def codebook(self) -> None:
        """There is none: only the first latent takes few values."""
        return None

    @property
    def levels(self) -> list[Tensor]:
        """What a traversal moves each latent through: all categories, and nine numbers from -1 to 1."""
        numbers = torch.linspace(-1, 1, 9, device=self.noise.device)
        categories = torch.arange(self.codes.num_categories, dtype=torch.float32, device=self.noise.device)
        return [categories, *[numbers] * self.codes.num_continuous]

    def encode(self, x: Tensor) -> Tensor:
        """What Q reads off x (batch, C, H, W): z (batch, num_latents), the likeliest category and the means."""
        check_images(x, self.image_shape)
        read = self.discriminator(x)[1]
        category = read[:, : self.codes.num_categories].argmax(1, keepdim=True)
        return torch.cat([category.to(read.dtype), read[:, self.codes.num_categories :]], dim=1)

    def decode(self, z: Tensor) -> Tensor:
        """Images (batch, C, H, W) in [0, 1] of z (batch, num_latents), all with the model's own noise vector."""
        return self._draw(z, self.noise.expand(len(z), -1))

    def sample_codes(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draws z (n, num_latents): categories evenly, numbers uniform on [-1, 1]."""
        where, codes = self.noise.device, self.codes
        category = torch.randint(codes.num_categories, (n, 1), generator=generator, device=where)
        numbers = 2 * torch.rand(n, codes.num_continuous, generator=generator, device=where) - 1
        return torch.cat([category.float(), numbers], dim=1)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draws n images (n, C, H, W) in [0, 1], each with its own code and noise."""
        return self.draw(self.sample_codes(n, generator), generator)

    def draw(self, z: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Images of z (batch, num_latents) with fresh noise."""
        return self._draw(z, 2 * torch.rand(len(z), self.codes.num_noise, generator=generator, device=z.device) - 1)

    def players(self) -> list[Player]:
        """The discriminator, with Q, and the generator."""
        groups = zip((self.discriminator, self.generator), self.rates, strict=True)
        theirs, ours = ([Group(list(part.parameters()), rate, BETAS)] for part, rate in groups)
        return [
            Player("discriminator", theirs, self.discriminator_loss),
            Player("generator", ours, self.generator_loss),
        ]

    def discriminator_loss(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Real from generated, plus the information term, plus consistency on real images where it is asked for."""
        check_images(x, self.image_shape, fewest=2)
        z = self.sample_codes(len(x), generator)
        fake = self.draw(z, generator).detach()
        x = shifted(x, self.shift, generator) if self.shift else x
        real_logit, read_real = self.discriminator(x)
        fake_logit, read = self.discriminator(fake)
        terms = {"real": F.softplus(-real_logit).mean(), "generated": F.softplus(fake_logit).mean()}
        terms |= self._information(read, z)
        if self.weights.consistency:
            copy = self.discriminator(moved(x, generator))[1]
            k = self.codes.num_categories
            terms["consistency"] = self.weights.consistency * disagreement(read_real[:, :k], copy[:, :k])
        return torch.stack(list(terms.values())).sum(), terms

    def generator_loss(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """The non-saturating loss -log D(G(z)), plus the information term."""
        z = self.sample_codes(len(x), generator)
        logit, read = self.discriminator(self.draw(z, generator))
        terms = {"adversarial": F.softplus(-logit).mean(), **self._information(read, z)}
        return torch.stack(list(terms.values())).sum(), terms

    def _information(self, read: Tensor, z: Tensor) -> dict[str, Tensor]:
        """-log Q(code | image) in nats without constants: log(num_categories) when the category is ignored, 0 at best."""
        k = self.codes.num_categories
        terms = {"category": self.weights.category * F.cross_entropy(read[:, :k], z[:, 0].long())}
        if self.codes.num_continuous:
            squares = 0.5 * (read[:, k:] - z[:, 1:]).square().sum(1).mean()
            terms["continuous"] = self.weights.continuous * squares
        return terms

    def _draw(self, z: Tensor, noise: Tensor) -> Tensor:
        k = self.codes.num_categories
        if z.ndim != 2 or z.shape[1] != self.num_latents:
            raise ValueError(f"z has shape {tuple(z.shape)}; this generator takes (batch, {self.num_latents})")
        category = z[:, 0].detach().round().long()
        if len(z) and not 0 <= int(category.min()) <= int(category.max()) < k:
            wrong = z[(category < 0) | (category >= k), 0][0].item()
            raise ValueError(f"z names category {wrong:g}; this generator has categories 0 to {k - 1}")
        code = torch.cat([noise, F.one_hot(category, k).to(z.dtype), z[:, 1:]], dim=1)
        return torch.sigmoid(self.generator(code).float())


def _check(codes: Codes, weights: Weights, width: int, shift: int) -> None:
    if codes.num_categories < 2 or codes.num_continuous < 0 or codes.num_noise < 1:
        raise ValueError(f"found {codes}; at least 2 categories, 0 continuous codes and 1 of noise are needed")
    if min(weights) < 0 or width < 1 or shift < 0:
        raise ValueError(
            f"found {weights}, width {width} and shift {shift}; none may be negative, and width is at least 1"
        )


@preset
def infogan(
    image_shape: Sequence[int],
    num_categories: int = 10,
    num_continuous: int = 2,
    *,
    num_noise: int = 30,
    width: int = 16,
    consistency: float = 0.0,
    shift: int = 1,
    seed: int = 0,
) -> InfoGAN:
    """A narrow InfoGAN for small grey or colour images, such as ``dlq.datasets.digits()``.

    ``consistency`` 0 is the game of 2016. With 1 and these 4,000 steps on the digits, the category named at least 98 % of
    the drawn digits in each of five runs (seeds 0 to 4); ``dlq study infogan`` trains them beside the plain game. Real
    images are moved by up to ``shift`` pixels. Look at a run with ``dlq.diagnose``: a game can fail.
    """
    return InfoGAN(
        image_shape,
        Codes(num_categories, num_continuous, num_noise),
        width=width,
        weights=Weights(1.0, 0.5, consistency),
        recipe=Recipe(steps=4_000, batch_size=32, bf16=True, ema=0.99),
        rates=(4e-4, 1e-3),
        shift=shift,
    )


@preset
def infogan_paper(
    image_shape: Sequence[int] = (1, 28, 28),
    num_categories: int = 10,
    num_continuous: int = 2,
    *,
    num_noise: int = 62,
    seed: int = 0,
) -> InfoGAN:
    """The authors' InfoGAN for MNIST: 5,000 updates of batch 128, learning rates 2e-4 and 1e-3, all weights 1."""
    model = InfoGAN(
        image_shape,
        Codes(num_categories, num_continuous, num_noise),
        width=64,
        weights=Weights(),
        recipe=Recipe(steps=5_000, batch_size=128),
    )
    return model.apply(start)
