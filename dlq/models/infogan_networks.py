"""The networks of InfoGAN: those of the authors' MNIST code (openai/InfoGAN, 6e41232), with their width as an argument.

Width 64 is theirs. Batch normalisation stands before the activation; the discriminator's first layer has none.
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from dlq.models.presets import check_image_shape

SLOPE = 0.01  # of the leaky rectifiers


class Generator(nn.Module):
    """Two dense layers and two transposed convolutions from a code to image logits, as in the authors' MNIST code."""

    def __init__(self, image_shape: Sequence[int], num_inputs: int, width: int):
        super().__init__()
        channels, height, across = image_shape
        start = (2 * width, height // 4, across // 4)
        self.dense = nn.Sequential(
            *(nn.Linear(num_inputs, 16 * width), nn.BatchNorm1d(16 * width), nn.ReLU()),
            *(nn.Linear(16 * width, math.prod(start)), nn.BatchNorm1d(math.prod(start)), nn.ReLU()),
            nn.Unflatten(1, start),
        )
        self.rise = nn.Sequential(
            *(nn.ConvTranspose2d(2 * width, width, 4, 2, 1), nn.BatchNorm2d(width), nn.ReLU()),
            nn.ConvTranspose2d(width, channels, 4, 2, 1),
        )

    def forward(self, code: Tensor) -> Tensor:
        """Maps codes (batch, num_inputs) to logits (batch, C, H, W)."""
        return self.rise(self.dense(code))


class Discriminator(nn.Module):
    """One trunk with two heads: a logit for "real", and what Q reads off (category logits, then means of numbers)."""

    def __init__(self, image_shape: Sequence[int], num_codes: int, width: int):
        super().__init__()
        channels, height, across = image_shape
        self.trunk = nn.Sequential(
            *(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(SLOPE)),
            *(nn.Conv2d(width, 2 * width, 4, 2, 1), nn.BatchNorm2d(2 * width), nn.LeakyReLU(SLOPE), nn.Flatten()),
            nn.Linear(2 * width * (height // 4) * (across // 4), 16 * width),
            *(nn.BatchNorm1d(16 * width), nn.LeakyReLU(SLOPE)),
        )
        self.real = nn.Linear(16 * width, 1)
        self.reader = nn.Sequential(
            *(nn.Linear(16 * width, 128), nn.BatchNorm1d(128), nn.LeakyReLU(SLOPE)), nn.Linear(128, num_codes)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps x to logits for "real" (batch,) and Q's output (batch, num_codes)."""
        features = self.trunk(x)
        return self.real(features).squeeze(1), self.reader(features)


def check_sides(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """The shape of images that these networks take, or a ValueError."""
    shape = check_image_shape(image_shape)
    if shape[1] % 4 or shape[2] % 4:
        raise ValueError(
            f"images are {shape[1]} x {shape[2]}; these networks need sides that are multiples of 4, as 28"
        )
    return shape


def check_images(x: Tensor, image_shape: tuple[int, int, int], *, fewest: int = 1) -> None:
    """A ValueError for images of another shape, or for a batch of fewer than ``fewest``."""
    if x.ndim != 4 or tuple(x.shape[1:]) != image_shape:
        raise ValueError(f"x has shape {tuple(x.shape)}; this model takes (batch, {', '.join(map(str, image_shape))})")
    if len(x) < fewest:
        raise ValueError(f"the batch has {len(x)} image; batch normalisation needs {fewest}, so raise batch_size")


def start(module: nn.Module) -> None:
    """The authors' start: weights N(0, 0.02), biases 0, gains of batch normalisation N(1, 0.02)."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
