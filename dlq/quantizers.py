"""Quantizers: each latent may take only a few values.

Latent quantization: K. Hsu et al., "Disentanglement via Latent Quantization", NeurIPS 2023, arXiv 2305.18378, section 3.
Finite scalar quantization: F. Mentzer et al., "Finite Scalar Quantization: VQ-VAE Made Simple", 2023, arXiv 2309.15505.
Vector quantization: A. van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017, arXiv 1711.00937.

Where this differs from the authors' code, and why:

- Straight-through values are bit-exact. The authors write ``c + stop_gradient(q - c)``, which in float32 is often one
  rounding step away from q, so that ten values become fourteen distinct floats. ``q + (c - stop_gradient(c))`` has the
  same gradient and is exactly q.
- ``FSQ`` uses the symmetric grid on [-1, 1] for even and odd numbers of values alike (tanh, then round), as Tripod
  (K. Hsu et al., 2024) does; Mentzer et al. shift even grids by half a step.
- ``VectorQuantizer`` follows the VQ-VAE baseline of Hsu et al. 2023, not van den Oord et al.: each latent, instead of each
  place of a feature map, is a vector, and both losses are means over the components of all latents instead of sums.
"""

import math
from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Quantized(NamedTuple):
    """What every quantizer returns.

    ``z``: (batch, num_latents), the chosen values, with the gradient of the input (of a ``VectorQuantizer`` the vectors of
    all latents side by side); ``indices``: int64 (batch, num_latents), which value each latent took; ``losses``: weighted
    auxiliary losses by name, each a mean over batch and latents; may be empty.
    """

    z: Tensor
    indices: Tensor
    losses: dict[str, Tensor]


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """Has the value of ``hard``, bit for bit, and the gradient of ``soft``; both of any one shape."""
    return hard.detach() + (soft - soft.detach())


def _sizes(num_latents: int, num_values: int | Sequence[int]) -> list[int]:
    """Number of values of each latent, checked."""
    sizes = [*map(index, num_values)] if isinstance(num_values, Iterable) else [index(num_values)] * num_latents
    if num_latents < 1:
        raise ValueError(f"num_latents is {num_latents}; it must be at least 1")
    if len(sizes) != num_latents:
        raise ValueError(
            f"num_values lists {len(sizes)} sizes for {num_latents} latents; give one size a latent, or one number"
        )
    if min(sizes) < 2:
        raise ValueError(
            f"num_values is {min(sizes)} for some latent; a latent needs at least 2 values to carry information"
        )
    return sizes


def _check_soft(soft: Tensor, num_latents: int) -> None:
    if soft.ndim != 2 or soft.shape[1] != num_latents:
        raise ValueError(f"the latents have shape {tuple(soft.shape)}; this quantizer expects (batch, {num_latents})")


def through(bottleneck: nn.Module | None, soft: Tensor) -> Quantized:
    """Passes ``soft`` (batch, num_latents) through a quantizer; without one z is ``soft`` and ``indices`` is empty."""
    if bottleneck is None:
        return Quantized(soft, torch.empty(len(soft), 0, dtype=torch.int64), {})
    return bottleneck(soft)


class LatentQuantizer(nn.Module):
    """Quantizes each latent to the nearest value of its own small, learned codebook (Hsu et al. 2023, section 3.1).

    ``num_values`` is one number or a list with one size a latent. ``learned=False`` keeps the values on their first
    grid, evenly spaced on [-0.5, 0.5]; ``shared=True`` uses one codebook for all latents (the paper's ablation).
    The quantization loss moves the codebook to the latents, the commitment loss the latents to the codebook; both look
    at the chosen values themselves, never at the straight-through output, so the codebook does train.
    """

    allowed: Tensor

    def __init__(
        self,
        num_latents: int,
        num_values: int | Sequence[int] = 10,
        *,
        learned: bool = True,
        shared: bool = False,
        quantization_weight: float = 0.01,
        commitment_weight: float = 0.01,
    ):
        super().__init__()
        self.sizes = _sizes(num_latents, num_values)
        if shared and len(set(self.sizes)) > 1:
            raise ValueError(
                f"a shared codebook has one size, num_values lists {sorted(set(self.sizes))}; give one number"
            )
        self.num_latents, self.shared = num_latents, shared
        self.quantization_weight, self.commitment_weight = quantization_weight, commitment_weight
        rows = self.sizes[:1] if shared else self.sizes
        grid = torch.zeros(len(rows), max(rows))
        for row, size in zip(grid, rows, strict=True):
            row[:size] = torch.linspace(-0.5, 0.5, size)
        self.codebook = nn.Parameter(grid, requires_grad=learned)
        self.register_buffer("allowed", torch.arange(max(rows)) < torch.tensor(rows)[:, None], persistent=False)

    def values(self) -> list[Tensor]:
        """The allowed values of each latent: ``num_latents`` tensors of one dimension, detached."""
        rows = self.codebook.detach().expand(self.num_latents, -1)
        return [row[:size] for row, size in zip(rows, self.sizes, strict=True)]

    def forward(self, soft: Tensor) -> Quantized:
        """Quantizes ``soft`` (batch, num_latents); ties go to the lowest index. Raises ValueError on another width."""
        _check_soft(soft, self.num_latents)
        codebook = self.codebook.expand(self.num_latents, -1)
        indices = self._nearest(soft.detach(), codebook.detach())
        hard = codebook.gather(1, indices.T).T  # (batch, num_latents), with the codebook's gradient
        losses = {"commitment": self.commitment_weight * (soft - hard.detach()).square().mean()}
        if self.codebook.requires_grad:
            losses["quantization"] = self.quantization_weight * (hard - soft.detach()).square().mean()
        return Quantized(straight_through(hard, soft), indices, losses)

    def _nearest(
        self, soft: Float[Tensor, "batch latents"], codebook: Float[Tensor, "latents values"]
    ) -> Int[Tensor, "batch latents"]:
        distance = (soft[:, :, None] - codebook).abs()  # (batch, latents, values)
        return distance.masked_fill(~self.allowed, torch.inf).argmin(-1)


class FSQ(nn.Module):
    """Bounds each latent by tanh and rounds it to an even grid on [-1, 1]; nothing is learned, no auxiliary loss."""

    levels: Tensor

    def __init__(self, num_latents: int, num_values: int | Sequence[int] = 10):
        super().__init__()
        self.sizes = _sizes(num_latents, num_values)
        self.num_latents = num_latents
        self.register_buffer("levels", torch.tensor(self.sizes, dtype=torch.float32), persistent=False)

    def values(self) -> list[Tensor]:
        """The allowed values of each latent: ``num_latents`` tensors of one dimension."""
        return [self._on_grid(torch.arange(n, device=self.levels.device), torch.tensor(float(n))) for n in self.sizes]

    def forward(self, soft: Tensor) -> Quantized:
        """Quantizes ``soft`` (batch, num_latents). Raises ValueError on another width."""
        _check_soft(soft, self.num_latents)
        bounded = torch.tanh(soft)
        indices = ((bounded.detach() + 1) / 2 * (self.levels - 1)).round().long()
        hard = self._on_grid(indices, self.levels)
        return Quantized(straight_through(hard, bounded), indices, {})

    @staticmethod
    def _on_grid(indices: Tensor, levels: Tensor) -> Tensor:
        return 2 * indices / (levels - 1) - 1


class VectorQuantizer(nn.Module):
    """Quantizes each latent, a vector of ``dimension`` numbers, to the nearest vector of one learned codebook.

    All latents choose from the same ``num_values`` vectors (512 of 64 numbers in Hsu et al. 2023), which start uniform
    within sqrt(3 / dimension): unit variance for a whole vector. The losses are those of ``LatentQuantizer``, with the
    weights of van den Oord et al. (the quantization loss 1, the commitment loss 0.25).
    """

    def __init__(
        self,
        num_latents: int,
        num_values: Any = 512,
        *,
        dimension: int = 64,
        quantization_weight: float = 1.0,
        commitment_weight: float = 0.25,
    ):
        super().__init__()
        if isinstance(num_values, Iterable):
            raise ValueError(f"num_values is {num_values!r}; all latents share one codebook, so give one number")
        if dimension < 1:
            raise ValueError(f"dimension is {dimension}; a vector needs at least 1 number")
        self.sizes = _sizes(num_latents, num_values)
        self.num_latents, self.dimension, self.width = num_latents, dimension, num_latents * dimension
        self.quantization_weight, self.commitment_weight = quantization_weight, commitment_weight
        bound = math.sqrt(3 / dimension)
        self.codebook = nn.Parameter(torch.empty(self.sizes[0], dimension).uniform_(-bound, bound))

    def values(self) -> list[Tensor]:
        """What each latent may be: ``num_latents`` times 0, 1, …, as the numbers that ``look_up`` takes."""
        numbers = torch.arange(self.sizes[0], device=self.codebook.device, dtype=self.codebook.dtype)
        return [numbers] * self.num_latents

    def look_up(self, numbers: Float[Tensor, "batch latents"]) -> Float[Tensor, "batch width"]:
        """The vectors of all latents, side by side; a number off the grid counts as the nearest one on it."""
        _check_soft(numbers, self.num_latents)
        rows = numbers.round().clamp(0, self.sizes[0] - 1).long()
        return self.codebook.detach()[rows].flatten(1)

    def forward(self, soft: Tensor) -> Quantized:
        """Quantizes ``soft`` (batch, num_latents * dimension); ties go to the lowest index. ValueError on another width."""
        _check_soft(soft, self.width)
        vectors = soft.detach().unflatten(1, (self.num_latents, self.dimension))
        indices = self._nearest(vectors, self.codebook.detach())
        hard = self.codebook[indices].flatten(1)  # (batch, width), with the codebook's gradient
        losses = {
            "commitment": self.commitment_weight * (soft - hard.detach()).square().mean(),
            "quantization": self.quantization_weight * (hard - soft.detach()).square().mean(),
        }
        return Quantized(straight_through(hard, soft), indices, losses)

    @staticmethod
    def _nearest(
        vectors: Float[Tensor, "batch latents dimension"], codebook: Float[Tensor, "values dimension"]
    ) -> Int[Tensor, "batch latents"]:
        """By |v|^2 - 2 v.c + |c|^2 without its first term, which is the same for every c: no (batch, values, dimension)."""
        return (codebook.square().sum(1) - 2 * vectors @ codebook.T).argmin(-1)
