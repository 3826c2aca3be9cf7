"""Encoders and decoders of strided convolutions: the networks of the large studies of variational autoencoders.

``study`` are the networks of F. Locatello et al., "Challenging Common Assumptions in the Unsupervised Learning of
Disentangled Representations", ICML 2019, arXiv 1811.12359. The same two classes with batch normalisation are the networks
of ARD-VAE (``dlq.models.ard_paper``). Where this differs from the authors' code: convolutions start He-normal in both, as
in ARD-VAE's, but each from its own random numbers (there every convolution starts from seed 0), and batch normalisation
has torch's constants.
"""

import itertools
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn


class Signed(nn.Module):
    """Maps pixels from [0, 1] to [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        """2 x - 1."""
        return 2 * x - 1


class Cropped(nn.ConvTranspose2d):
    """A transposed convolution of kernel 4 and stride 1 that keeps the size ("same" padding)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__(in_channels, out_channels, 4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Maps (batch, in, h, w) to (batch, out, h, w)."""
        return super().forward(x)[..., :-1, :-1]


class StridedEncoder(nn.Module):
    """Convolutions that halve the size, then a hidden layer of width ``dense`` (0: none) and a linear head."""

    def __init__(
        self,
        image_shape: Sequence[int],
        num_outputs: int,
        *,
        widths: Sequence[int],
        kernels: Sequence[int] = (4, 4, 4, 4),
        dense: int = 0,
        batch_norm: bool = False,
    ):
        super().__init__()
        channels, height, width = image_shape
        if height != width or height % 2 ** len(widths):
            raise ValueError(
                f"images are {height} x {width}; this network needs squares with a side that is a multiple of "
                f"{2 ** len(widths)}; pad them, or take data.resized(size)"
            )
        blocks: list[nn.Module] = [Signed()] if batch_norm else []
        for a, b, kernel in zip([channels, *widths], widths, kernels, strict=False):
            blocks += _block(nn.Conv2d(a, b, kernel, 2, kernel // 2 - 1, bias=not batch_norm), b, batch_norm)
        flat = widths[-1] * (height >> len(widths)) ** 2
        hidden = [nn.Linear(flat, dense), nn.ReLU()] if dense else []
        self.layers = nn.Sequential(*blocks, nn.Flatten(), *hidden, nn.Linear(dense or flat, num_outputs))
        he_normal(self)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outputs"]:
        """Encodes x; the result is unbounded."""
        return self.layers(x)


class StridedDecoder(nn.Module):
    """A linear layer to a small map of ``widths[0]`` channels, then transposed convolutions; returns logits.

    Every convolution doubles the size, except the last one where the map reaches the size of the image before it.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        num_latents: int,
        *,
        widths: Sequence[int],
        side: int,
        dense: int = 0,
        batch_norm: bool = False,
    ):
        super().__init__()
        channels, size, _ = image_shape
        grown = side << (len(widths) - 1)
        if size not in (grown, 2 * grown):
            raise ValueError(
                f"images are {size} pixels wide; this network draws {grown} or {2 * grown}; resize the data"
            )
        hidden = [nn.Linear(num_latents, dense), nn.ReLU()] if dense else []
        start = nn.Linear(dense or num_latents, widths[0] * side * side)
        blocks: list[nn.Module] = [*hidden, start, *([nn.ReLU()] if dense else [])]
        blocks.append(nn.Unflatten(1, (widths[0], side, side)))
        for a, b in itertools.pairwise(widths):
            blocks += _block(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=not batch_norm), b, batch_norm)
        last = Cropped(widths[-1], channels) if size == grown else nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)
        self.layers = nn.Sequential(*blocks, last)
        he_normal(self)

    def forward(self, z: Float[Tensor, "batch latents"]) -> Float[Tensor, "batch channels height width"]:
        """Decodes z to logits."""
        return self.layers(z)


def study(image_shape: Sequence[int], num_latents: int) -> tuple[nn.Module, nn.Module]:
    """The study's pair for 64-pixel images: 32, 32, 64, 64 channels and a hidden layer of 256 each way."""
    return (
        StridedEncoder(image_shape, 2 * num_latents, widths=(32, 32, 64, 64), kernels=(4, 4, 2, 2), dense=256),
        StridedDecoder(image_shape, num_latents, widths=(64, 64, 32, 32), side=4, dense=256),
    )


def _block(convolution: nn.Module, channels: int, batch_norm: bool) -> list[nn.Module]:
    return [convolution, *([nn.BatchNorm2d(channels)] if batch_norm else []), nn.ReLU()]


def he_normal(module: nn.Module) -> None:
    """Starts every convolution as K. He et al. (2015) do, from torch's random state, with biases of 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = (
                layer.weight[0, 0].numel() * layer.in_channels
            )  # torch would count the other channels of a transposed one
            nn.init.normal_(layer.weight, std=(2 / taps) ** 0.5)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
