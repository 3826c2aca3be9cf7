"""What QLAE is compared with: the same autoencoder with another bottleneck or another penalty.

- BioAE: J. Whittington et al., "Disentanglement with Biological Constraints: A Theory of Functional Cell Types", ICLR
  2023, arXiv 2210.01768: latents that are nonnegative and cost energy, and weights that cost energy. Terms and weights
  are those of the baseline of Hsu et al. 2023 (arXiv 2305.18378), where the energy of the weights is their decay.
- VQ-VAE: A. van den Oord et al., 2017, arXiv 1711.00937, as in Hsu et al. 2023: each latent is a vector.
- FSQ: F. Mentzer et al., 2023, arXiv 2309.15505: a fixed grid instead of a learned codebook.
- Tripod: K. Hsu, J. Hamid, K. Burns, C. Finn, J. Wu, "Tripod: Three Complementary Inductive Biases for Disentangled
  Representation Learning", ICML 2024, arXiv 2404.10282: a fixed grid, ``latent_multi_information`` (KLM there) and
  ``hessian_penalty`` (NHP there).

Where this differs from the authors' code, and why: the teaching presets use the networks of ``autoencoder``, so that a
comparison differs in one thing. Tripod's penalty looks at the hidden layers of that dense decoder (theirs: the
conditioning vector and three stages of a convolutional one; logits are left out in both), and its network for 64 pixels
is not here, so there is no ``tripod_paper``. The ratio of the Hessian penalty is one of means over the batch, not the mean
of one ratio an image: few rectified units bend between two points that close, so that one image's denominator is often
nearly 0 and the gradient explodes. ``bio_ae_paper`` and ``vq_vae_paper`` are the baselines of Hsu et al. 2023.
"""

import math
from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlq.models.autoencoder import AutoEncoder, published, small
from dlq.models.presets import preset
from dlq.quantizers import FSQ, VectorQuantizer

TINY = 1e-6  # added to every standard deviation, as in Tripod's code
STEP = 0.1  # Tripod's epsilon: finite differences are taken this many standard deviations away
DRAWS = 2  # directions a finite-difference estimate is made from, as in Tripod's code


def biological(
    decoder: nn.Module, soft: Tensor, z: Tensor, generator: torch.Generator, *, nonnegativity: float, activity: float
) -> dict[str, Tensor]:
    """BioAE's terms: the mean of what is negative in z, and the mean of its squares, over batch and latents."""
    return {"nonnegativity": nonnegativity * (-z).clamp(min=0).mean(), "activity": activity * z.square().mean()}


def latent_multi_information(z: Float[Tensor, "batch latents"], spread: Float[Tensor, "latents"]) -> Float[Tensor, ""]:
    """Total correlation of the latents in nats, by kernel densities whose width is relative to each latent's ``spread``.

    Mean over the batch of log q(z) - sum over k of log q(z_k). The joint density has Silverman's bandwidth; the marginal
    ones have ``spread`` itself, as in Tripod's code (equation for KLM there), so independent latents do not give 0.
    """
    batch, latents = z.shape
    silverman = (4 / (latents + 2)) ** (1 / (latents + 4)) * batch ** (-1 / (latents + 4))
    squares = ((z[:, None] - z) / spread).square()  # (batch, batch, latents)
    logs = spread.log() + 0.5 * math.log(2 * math.pi)
    joint = (-0.5 * squares / silverman**2 - logs - math.log(silverman)).sum(-1)  # (batch, batch)
    marginal = (-0.5 * squares - logs).logsumexp(1) - math.log(batch)  # (batch, latents)
    return (joint.logsumexp(1) - math.log(batch) - marginal.sum(-1)).mean()


def hessian_penalty(
    decoder: nn.Module,
    z: Float[Tensor, "batch latents"],
    spread: Float[Tensor, "latents"],
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    """How much of the curvature of the decoder's hidden layers lies between two latents: 0 none, about 1 all of it.

    The variance of v' H v over random v is 2 sum of H_ij^2 over i != j where v has entries of +-1, and over all i, j where v
    is normal; their ratio, each a mean over images and a layer's units, is summed over layers. H is relative to each
    latent's ``spread``.
    """
    shape = (DRAWS, *z.shape)
    signs = torch.randint(0, 2, shape, generator=generator, device=z.device) * 2.0 - 1
    normal = torch.randn(shape, generator=generator, device=z.device)
    moves = STEP * spread * torch.cat([signs, normal])  # (2 draws, batch, latents)
    points = torch.cat([z[None], z + moves, z - moves]).flatten(0, 1)
    total = z.new_zeros(())
    for layer in decoder.activations(points):  # type: ignore[operator]
        here, ahead, behind = layer.unflatten(0, (-1, len(z))).split([1, 2 * DRAWS, 2 * DRAWS])
        second = (ahead - 2 * here + behind) / STEP**2  # (2 draws, batch, units)
        between, everything = (half.var(0, correction=0).mean() for half in second.chunk(2))
        total = total + between / (everything + 1e-10)
    return total


def tripod_terms(
    decoder: nn.Module, soft: Tensor, z: Tensor, generator: torch.Generator, *, information: float, curvature: float
) -> dict[str, Tensor]:
    """Tripod's two penalties; both measure distances in standard deviations of the bounded latents before rounding."""
    z, spread = z.float(), torch.tanh(soft.float()).std(0, correction=0) + TINY
    return {
        "latent_multi_information": information * latent_multi_information(z, spread),
        "hessian": curvature * hessian_penalty(decoder, z, spread, generator),
    }


@preset
def bio_ae(
    image_shape: Sequence[int],
    num_latents: int = 15,
    *,
    nonnegativity: float = 1.0,
    activity: float = 0.01,
    width: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-4,
    seed: int = 0,
) -> AutoEncoder:
    """The teaching BioAE: continuous latents that are nonnegative and cost energy, with the published weights."""
    penalty = partial(biological, nonnegativity=nonnegativity, activity=activity)
    return small(image_shape, num_latents, width, optimizer=(learning_rate, weight_decay), penalty=penalty)


@preset
def vq_vae(
    image_shape: Sequence[int],
    num_latents: int = 15,
    num_values: int = 16,
    *,
    dimension: int = 8,
    quantization_weight: float = 0.01,
    commitment_weight: float = 0.01,
    width: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.01,
    seed: int = 0,
) -> AutoEncoder:
    """The teaching VQ-VAE: each latent is one of ``num_values`` learned vectors of ``dimension`` numbers, shared by all.

    ``encode`` gives the number of each latent's vector. Weight decay is the published one; 0 is the paper's ablation. The
    loss weights are those of ``qlae``: with the published ones (1 and 0.25) all vectors of this small network became one.
    """
    quantizer = VectorQuantizer(
        num_latents,
        num_values,
        dimension=dimension,
        quantization_weight=quantization_weight,
        commitment_weight=commitment_weight,
    )
    return small(image_shape, num_latents, width, quantizer, optimizer=(learning_rate, weight_decay))


@preset
def fsq_autoencoder(
    image_shape: Sequence[int],
    num_latents: int = 15,
    num_values: int | Sequence[int] = 3,
    *,
    width: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.3,
    seed: int = 0,
) -> AutoEncoder:
    """``qlae`` with a fixed grid on [-1, 1] instead of a learned codebook; all else, the weight decay too, is the same."""
    return small(image_shape, num_latents, width, FSQ(num_latents, num_values), optimizer=(learning_rate, weight_decay))


@preset
def tripod(
    image_shape: Sequence[int],
    num_latents: int = 15,
    num_values: int | Sequence[int] = 3,
    *,
    information: float = 1e-4,
    curvature: float = 1e-5,
    width: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    seed: int = 0,
) -> AutoEncoder:
    """The teaching Tripod: a fixed grid and two penalties.

    ``information`` is lambda_KLM and ``curvature`` lambda_NHP of the authors, who take 1e-4 and 1e-2 for Shapes3D, 1e-8 and
    1e-4 for MPI3D, 1e-10 and 1e-2 for Falcor3D, 1e-4 and 1e-8 for Isaac3D, with 12 values a latent, two latents a factor and
    no decay. A ``curvature`` of 1e-2 stops this small network from learning.
    """
    penalty = partial(tripod_terms, information=information, curvature=curvature)
    quantizer = FSQ(num_latents, num_values)
    return small(image_shape, num_latents, width, quantizer, optimizer=(learning_rate, weight_decay), penalty=penalty)


@preset
def bio_ae_paper(
    image_shape: Sequence[int],
    num_latents: int = 12,
    *,
    nonnegativity: float = 1.0,
    activity: float = 0.01,
    width: int = 32,
    weight_decay: float = 1e-4,
    seed: int = 0,
) -> AutoEncoder:
    """The BioAE baseline of Hsu et al. 2023: their networks and schedule; ``activity`` is 0.01 (Isaac3D: 0.1)."""
    penalty = partial(biological, nonnegativity=nonnegativity, activity=activity)
    return published(image_shape, num_latents, width, weight_decay=weight_decay, penalty=penalty)


@preset
def vq_vae_paper(
    image_shape: Sequence[int],
    num_latents: int = 12,
    num_values: int = 512,
    *,
    dimension: int = 64,
    width: int = 32,
    weight_decay: float = 0.01,
    seed: int = 0,
) -> AutoEncoder:
    """The VQ-VAE baseline of Hsu et al. 2023: their networks and schedule, one codebook of 512 vectors of 64 numbers."""
    quantizer = VectorQuantizer(num_latents, num_values, dimension=dimension)
    return published(image_shape, num_latents, width, quantizer, weight_decay=weight_decay)
