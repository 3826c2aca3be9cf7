"""Encoders and decoders: networks with no loss. Encoders map x to (batch, num_latents), decoders z to image logits.

``DenseEncoder`` and ``DenseDecoder`` are the small teaching networks. ``ConvEncoder`` and ``StyleDecoder`` are the
"large" image encoder and the style decoder of K. Hsu et al., "Disentanglement via Latent Quantization", 2023, appendix
(code at kylehkhsu/latent_quantization): twelve convolutions each way, latents enter the decoder only as a style.
Transposed convolutions start uniform within 1/sqrt(in_channels * kernel area), as in the authors' framework; torch's own
start counts output channels.
"""

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SLOPE = 0.2  # of every leaky rectifier in the authors' networks
EPS = 1e-6  # of every instance normalisation there
KERNELS, STRIDES = (3, 3, 4), (1, 1, 2)  # one stage: two convolutions that keep the size, one that halves it


def _dense(sizes: Sequence[int]) -> nn.Sequential:
    """Linear -> LayerNorm -> ReLU for every pair of neighbouring sizes."""
    pairs = itertools.pairwise(sizes)
    return nn.Sequential(*(layer for a, b in pairs for layer in (nn.Linear(a, b), nn.LayerNorm(b), nn.ReLU())))


class DenseEncoder(nn.Module):
    """Two hidden layers with layer normalisation, for images of up to about 64 pixels."""

    def __init__(self, image_shape: Sequence[int], num_latents: int, *, width: int = 128):
        super().__init__()
        self.hidden = _dense([math.prod(image_shape), width, width])
        self.head = nn.Linear(width, num_latents)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch latents"]:
        """Encodes x; the result is unbounded."""
        return self.head(self.features(x))

    def features(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch hidden"]:
        """The last hidden layer: what a critic that shares this trunk sees."""
        return self.hidden(x.flatten(1))


class DenseDecoder(nn.Module):
    """The mirror of ``DenseEncoder``; returns logits."""

    def __init__(self, image_shape: Sequence[int], num_latents: int, *, width: int = 128):
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.hidden = _dense([num_latents, width, width])
        self.out = nn.Linear(width, math.prod(image_shape))

    def forward(self, z: Float[Tensor, "batch latents"]) -> Float[Tensor, "batch channels height width"]:
        """Decodes z to logits."""
        return self.out(self.hidden(z)).unflatten(1, self.image_shape)

    def activations(self, z: Float[Tensor, "batch latents"]) -> list[Tensor]:
        """The output of each hidden layer, (batch, width) each: what a penalty on the decoder's curvature looks at."""
        found = []
        for layer in self.hidden:
            z = layer(z)
            if isinstance(layer, nn.ReLU):
                found.append(z)
        return found


class UpsamplingDecoder(nn.Module):
    """A small convolutional decoder for square images of 16 pixels or a power of two above: 0.4 million parameters at 64.

    Linear, linear, then one transposed convolution (kernel 4, stride 2, padding 1) a doubling; returns logits.
    """

    def __init__(self, image_shape: Sequence[int], num_latents: int, *, width: int = 64):
        super().__init__()
        channels, height, size = image_shape
        if height != size or size < 16 or size & (size - 1):
            raise ValueError(
                f"images are {height} x {size}; this decoder draws squares with a side of 16, 32, 64, 128, … pixels"
            )
        doublings = int(math.log2(size // 4))
        widths = [width] * 2 + [max(width // 2, 8)] * (doublings - 2)
        self.start = nn.Sequential(nn.Linear(num_latents, 256), nn.ReLU(), nn.Linear(256, width * 16), nn.ReLU())
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1), nn.ReLU()]
        self.rise = nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1))

    def forward(self, z: Float[Tensor, "batch latents"]) -> Float[Tensor, "batch channels height width"]:
        """Decodes z to logits."""
        return self.rise(self.start(z).unflatten(1, (-1, 4, 4)))


class Shrink(nn.Module):
    """Averages areas of larger images down to ``size`` before they reach an encoder made for ``size``."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels size size"]:
        """Shrinks x to (batch, channels, size, size)."""
        return F.adaptive_avg_pool2d(x, self.size)


class ConvBlock(nn.Conv2d):
    """Convolution without bias -> affine instance normalisation -> leaky rectifier."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int):
        super().__init__(in_channels, out_channels, kernel, stride, padding=1, bias=False)
        self.norm = nn.GroupNorm(out_channels, out_channels, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, in, h, w) to (batch, out, h / stride, w / stride)."""
        return F.leaky_relu(self.norm(super().forward(x)), SLOPE)


class StyleBlock(nn.ConvTranspose2d):
    """Transposed convolution without bias -> leaky rectifier -> instance normalisation -> scale and shift by the style.

    Scale and shift both pass a rectifier, as in the authors' code (their conditioning layer is a dense block).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, style: int):
        super().__init__(in_channels, out_channels, kernel, stride, padding=1, bias=False)
        self.style = nn.Linear(style, 2 * out_channels)
        bound = 1 / math.sqrt(in_channels * kernel * kernel)
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:  # type: ignore[override]
        """Maps (batch, in, h, w) and a style (batch, style) to (batch, out, h * stride, w * stride)."""
        scale, shift = F.relu(self.style(style))[:, :, None, None].chunk(2, dim=1)
        return F.instance_norm(F.leaky_relu(super().forward(x), SLOPE), eps=EPS) * scale + shift


def _check_stages(image_shape: Sequence[int], stages: int) -> int:
    """The side of the coarsest map; the image must halve ``stages`` times."""
    _, height, width = image_shape
    if height != width or height % 2**stages or height < 2 ** (stages + 1):
        raise ValueError(
            f"images are {height} x {width}; the authors' network needs squares with a side that is a multiple of "
            f"{2**stages}, {2 ** (stages + 1)} or more"
        )
    return height >> stages


class ConvEncoder(nn.Module):
    """The authors' image encoder: four stages of three convolutions, then two dense layers and a linear head."""

    def __init__(
        self,
        image_shape: Sequence[int],
        num_latents: int,
        *,
        widths: Sequence[int] = (32, 64, 128, 256),
        dense: int = 256,
    ):
        super().__init__()
        side = _check_stages(image_shape, len(widths))
        channels = [image_shape[0], *(w for w in widths for _ in KERNELS)]
        shapes = zip(channels[:-1], channels[1:], KERNELS * len(widths), STRIDES * len(widths), strict=True)
        self.conv = nn.ModuleList(ConvBlock(*shape) for shape in shapes)
        self.dense = nn.ModuleList([nn.Linear(widths[-1] * side * side, dense), nn.Linear(dense, dense)])
        self.head = nn.Linear(dense, num_latents)

    def features(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch dense"]:
        """The last hidden layer: what a critic that shares this trunk sees."""
        for block in self.conv:
            x = block(x)
        h = x.flatten(1)
        for layer in self.dense:
            h = F.relu(layer(h))
        return h

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch latents"]:
        """Encodes x; the result is unbounded."""
        return self.head(self.features(x))


class StyleDecoder(nn.Module):
    """The authors' decoder: a learned input map, four stages of three style blocks, a convolution to logits."""

    def __init__(
        self,
        image_shape: Sequence[int],
        num_latents: int,
        *,
        widths: Sequence[int] = (256, 128, 64, 32),
        dense: int = 256,
    ):
        super().__init__()
        side = _check_stages(image_shape, len(widths))
        self.input_map = nn.Parameter(torch.full((widths[0], side, side), 0.1))
        self.dense = nn.ModuleList([nn.Linear(num_latents, dense), nn.Linear(dense, dense)])
        channels = [widths[0], *(w for w in widths for _ in KERNELS)]
        shapes = zip(channels[:-1], channels[1:], KERNELS * len(widths), STRIDES * len(widths), strict=True)
        self.block = nn.ModuleList(StyleBlock(*shape, dense) for shape in shapes)
        self.out = nn.Conv2d(widths[-1], image_shape[0], 3, padding=1, bias=False)

    def forward(self, z: Float[Tensor, "batch latents"]) -> Float[Tensor, "batch channels height width"]:
        """Decodes z to logits."""
        style = z
        for layer in self.dense:
            style = F.relu(layer(style))
        h = self.input_map.expand(len(z), -1, -1, -1)
        for block in self.block:
            h = block(h, style)
        return self.out(h)
