"""The prior of ARD-VAE: each latent has a precision with a Gamma prior, and encoded images say what it is.

S. Saha, S. Joshi & R. Whitaker, "ARD-VAE", WACV 2025, arXiv 2501.10901. p(z_l | alpha_l) = N(center_l, 1 / alpha_l) and
p(alpha_l) = Gamma(shape, rate). Given latents z the posterior of alpha_l is Gamma again (conjugacy), and z_l predicted
from it is Student-t, which for thousands of latents is a normal distribution of variance rate / shape.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

FLOOR = 1e-8  # of the variance: a latent that is the same for all images would make the KL infinite


class Precision(NamedTuple):
    """Gamma(shape, rate) over the precision of every latent: ``shape`` is one number, ``rate`` is (num_latents,)."""

    shape: float
    rate: Tensor

    @property
    def variance(self) -> Tensor:
        """rate / shape: the variance of the normal limit, the square of the Student-t's scale; at least 1e-8."""
        return (self.rate / self.shape).clamp(min=FLOOR)


def posterior_precision(
    z: Float[Tensor, "n latents"], *, center: Tensor | float = 0.0, shape: float = 0.0, rate: float = 0.0
) -> Precision:
    """Gamma(shape + n / 2, rate + sum (z - center)^2 / 2), from a Gamma(shape, rate) before z was seen.

    The defaults are the paper's uninformative prior, so the variance is the mean of (z - center)^2.
    """
    return Precision(shape + len(z) / 2, rate + 0.5 * (z - center).square().sum(0))


def student_log_density(z: Tensor, precision: Precision, center: Tensor | float = 0.0) -> Tensor:
    """log p(z_l | encoded images), shaped like z: Student-t with 2 shape degrees of freedom around ``center``."""
    freedom = torch.tensor(2 * precision.shape, dtype=z.dtype, device=z.device)
    ratio = (z - center).square() / precision.variance
    scale = -0.5 * (math.log(math.pi) + freedom.log() + precision.variance.log())
    start = torch.lgamma((freedom + 1) / 2) - torch.lgamma(freedom / 2) + scale
    return start - (freedom + 1) / 2 * torch.log1p(ratio / freedom)


def normal_log_density(z: Tensor, precision: Precision, center: Tensor | float = 0.0) -> Tensor:
    """The limit of ``student_log_density`` for many images: N(center, rate / shape)."""
    variance = precision.variance
    return -0.5 * (math.log(2 * math.pi) + variance.log() + (z - center).square() / variance)
