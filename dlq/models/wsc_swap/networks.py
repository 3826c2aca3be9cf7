"""The networks of WSC-swap: encoders of the target, the generator, the discriminator, the identity adversary.

The generator paints a texture on an average head and looks it up at the target's pose (the idea of a canonical decoder; at
this size a plain map modulated by codes paints a smooth egg). All of it is ours, the paper's own layers are not known to us.
"""

import copy
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlq.models.averaged_reader import AveragedReader
from dlq.models.face_reader import FaceReader, strided
from dlq.models.wsc_swap.place import NUM_CHANNELS, Look

SLOPE = 0.2
FINEST = 3  # activations of the trunk that skip connections carry
CORE = 64  # the largest side at which the head is painted; above it, finer stages double the sides


class FaceEncoder(nn.Module):
    """Images to a short vector with mean 0 and variance 1 over its entries, so that nothing hides by shrinking.

    It starts as the frozen reader's own trunk, and the first entries as the reader's coefficients. Images larger than that
    trunk takes, or than ``CORE``, are averaged down for it.
    """

    def __init__(self, image_shape: Sequence[int], reader: Any, num_attributes: int, width: int):
        super().__init__()
        reader = reader.reader if isinstance(reader, AveragedReader) else reader
        side = reader.image_shape[1] if isinstance(reader, FaceReader) else min(image_shape[1], CORE)
        self.factor = image_shape[1] // side
        if isinstance(reader, FaceReader):
            self.trunk, dense = copy.deepcopy(reader.trunk), copy.deepcopy(reader.dense)
        else:
            self.trunk = strided(image_shape[0], side.bit_length() - 2, 2 * width)
            dense = nn.Sequential(nn.LazyLinear(256), nn.BatchNorm1d(256), nn.LeakyReLU(SLOPE))
        self.dense, self.head = dense, nn.Linear(256, num_attributes)
        with torch.no_grad():
            self.eval()
            maps = self.maps(torch.zeros(1, *image_shape))
            self.dense(maps[-1].flatten(1))
            if isinstance(reader, FaceReader):
                start, n = len(reader.identity_names), len(reader.other_names)
                self.head.weight[:n] = reader.parameter_head.weight[start:]
                self.head.bias[:n] = reader.parameter_head.bias[start:]
        self.widths = [m.shape[1] for m in maps]
        self.is_warm = isinstance(reader, FaceReader)
        self.requires_grad_(True)

    def maps(self, x: Tensor) -> list[Tensor]:
        """Every activation of the trunk, finest first."""
        found, x = [], F.avg_pool2d(x, self.factor)
        for block in self.trunk:
            found.append(x := block(x))
        return found

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The vector (B, num_attributes) and the maps that it was made of."""
        maps = self.maps(x)
        z = self.head(self.dense(maps[-1].flatten(1)))
        return F.layer_norm(z, z.shape[1:]), maps


class OutsideEncoder(nn.Module):
    """What lies outside the face, [t where M is 0 and filled from there, M], as a map at full size: (B, C + 1, H, W) to
    (B, C + 1 + 3 width, H, W). Above ``CORE`` features are those of the averaged image, each repeated."""

    def __init__(self, channels: int, width: int, side: int):
        super().__init__()
        self.factor = max(1, side // CORE)
        self.fine = nn.Sequential(nn.Conv2d(channels + 1, width, 3, padding=1), nn.LeakyReLU(SLOPE))
        self.wide = nn.Sequential(
            *(nn.Conv2d(width, 2 * width, 4, 2, 1), nn.LeakyReLU(SLOPE)),
            *(nn.Conv2d(2 * width, 2 * width, 3, padding=2, dilation=2), nn.LeakyReLU(SLOPE)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The pixels themselves, fine details, and what lies around."""
        fine = self.fine(F.avg_pool2d(x, self.factor))
        found = torch.cat([fine, F.interpolate(self.wide(fine), scale_factor=2, mode="bilinear")], 1)
        return torch.cat([x, F.interpolate(found, scale_factor=self.factor) if self.factor > 1 else found], 1)


class Modulated(nn.Module):
    """Two convolutions beside a shortcut, each after a pixel norm and a scale and shift by the codes."""

    def __init__(self, width: int, num_codes: int):
        super().__init__()
        self.style = nn.Linear(num_codes, 4 * width)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        nn.init.normal_(self.style.weight, std=0.02)

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        """(B, width, H, W) and (B, num_codes) to (B, width, H, W)."""
        h, styles = x, self.style(codes)[:, :, None, None].chunk(4, 1)
        for conv, scale, shift in zip(self.convs, styles[::2], styles[1::2], strict=True):
            h = h * torch.rsqrt(h.square().mean(1, keepdim=True) + 1e-6)
            h = conv(F.leaky_relu((1 + scale) * h + shift, SLOPE))
        return x + h


class Texture(nn.Sequential):
    """Codes to a texture (B, 2 width, side, side) on the average head, doubling from 4 x 4."""

    def __init__(self, num_codes: int, width: int, side: int):
        widths = [6 * width, 6 * width, 4 * width, *[2 * width] * 8][: side.bit_length() - 2]
        widths[-1] = 2 * width
        layers: list[nn.Module] = [nn.Linear(num_codes, 256), nn.LeakyReLU(SLOPE), nn.Linear(256, 16 * widths[0])]
        layers += [nn.Unflatten(1, (widths[0], 4, 4)), nn.LeakyReLU(SLOPE)]
        for a, b in itertools.pairwise(widths):
            layers += [nn.Conv2d(a, b, 1), nn.Upsample(scale_factor=2)]
            layers += [nn.Conv2d(b, b, 3, padding=1), nn.LeakyReLU(SLOPE)]
        super().__init__(*layers)


class Painting(NamedTuple):
    """What is painted so far: the texture on the head, the map of the picture, and the image with the mask's logits."""

    texture: Tensor  # (B, width, side, side)
    h: Tensor  # (B, width, H, W)
    image: Tensor  # (B, C + 1, H, W)


def looked_up(texture: Tensor, look: Look) -> Tensor:
    """The texture (B, width, side, side) where each pixel looks, (B, width, H, W); nothing where it misses the head."""
    return F.grid_sample(texture, look.grid, align_corners=False, padding_mode="border") * look.places[:, :1]


def averaged(x: Tensor, side: int) -> Tensor:
    """Maps (B, C, H, H) as (B, C, side, side)."""
    return x if x.shape[2] == side else F.avg_pool2d(x, x.shape[2] // side)


class Finer(nn.Module):
    """Twice the side at half the width: a map, joined with the texture looked up afresh, with where each pixel looks and
    with what of the target has details of that size, and the image, to which it adds.

    It begins with next to nothing to add, so that a swap which ``start_from`` a smaller one begins as that, enlarged.
    """

    def __init__(self, num_texture: int, width: int, num_fine: int, num_codes: int, channels: int):
        super().__init__()
        half, quarter = width // 2, max(1, num_texture // 4)
        self.narrow = nn.Conv2d(width, half, 1, bias=False)
        self.texture = nn.Sequential(
            *(nn.Conv2d(num_texture, quarter, 1), nn.Upsample(scale_factor=2, mode="bilinear")),
            *(nn.Conv2d(quarter, quarter, 3, padding=1), nn.LeakyReLU(SLOPE)),
        )
        self.join = nn.Conv2d(half + quarter + NUM_CHANNELS + num_fine, half, 1)
        self.block = Modulated(half, num_codes)
        self.out = nn.Conv2d(half + channels + 1, channels + 1, 3, padding=1)
        nn.init.normal_(self.out.weight, std=1e-3)

    def forward(self, now: Painting, codes: Tensor, look: Look, fine: Tensor) -> Painting:
        """From a painting of half this side, with where to look and the target's maps (B, num_fine, H, W) at this one."""
        texture = self.texture(now.texture)
        h = F.interpolate(self.narrow(F.leaky_relu(now.h, SLOPE)), fine.shape[2:], mode="bilinear")
        h = self.join(torch.cat([h, looked_up(texture, look), look.places, fine], 1))
        h = self.block(F.leaky_relu(h, SLOPE), codes)
        image = F.interpolate(now.image, fine.shape[2:], mode="bilinear")
        pixels = fine[:, : image.shape[1]]  # of what surrounds the face, and the mask, where they may travel
        return Painting(texture, h, image + self.out(torch.cat([F.leaky_relu(h, SLOPE), pixels], 1)))


class Generator(nn.Module):
    """Codes, places on the head and maps of the target to an image, and to the logits of a soft mask.

    ``sides`` are those at which it paints: first of the head itself, at most ``CORE``, then of every ``Finer``.
    """

    def __init__(self, num_codes: int, num_map: int, width: int, side: int, channels: int):
        super().__init__()
        core = min(side, CORE)
        self.sides = [core << k for k in range((side // core).bit_length())]
        self.texture = Texture(num_codes, width, core)
        self.join = nn.Conv2d(2 * width + NUM_CHANNELS + num_map, 2 * width, 1)
        self.blocks = nn.ModuleList(Modulated(2 * width, num_codes) for _ in range(2))
        self.out = nn.Conv2d(2 * width + num_map, channels + 1, 3, padding=1)
        self.coarse = slice(channels + 1, channels + 1 + 3 * width)  # of the map, what has no details above ``CORE``
        num_fine, doublings = num_map - 3 * width, range(len(self.sides) - 1)
        self.finer = nn.ModuleList(
            Finer(2 * width >> 2 * k, 2 * width >> k, num_fine, num_codes, channels) for k in doublings
        )

    def forward(self, codes: Tensor, looks: Sequence[Look], maps: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) in [0, 1] and mask logits (B, 1, H, W); looks are of ``sides``."""
        now = self._painted(codes, looks[0], averaged(maps, self.sides[0]))
        fine = torch.cat([maps[:, : self.coarse.start], maps[:, self.coarse.stop :]], 1) if self.finer else maps
        for finer, look, side in zip(self.finer, looks[1:], self.sides[1:], strict=True):
            now = finer(now, codes, look, averaged(fine, side))
        image, mask = now.image.split([self.out.out_channels - 1, 1], 1)
        return torch.sigmoid(4 * (image - 0.5)), mask  # nearly the number itself, where it is an image's

    def _painted(self, codes: Tensor, look: Look, maps: Tensor) -> Painting:
        texture = self.texture(codes)
        h = F.leaky_relu(self.join(torch.cat([looked_up(texture, look), look.places, maps], 1)), SLOPE)
        for block in self.blocks:
            h = block(h, codes)
        return Painting(texture, h, self.out(torch.cat([F.leaky_relu(h, SLOPE), maps], 1)))


class Carried(nn.Module):
    """Maps of several sizes, each narrowed to ``width`` channels and enlarged: what skip connections carry."""

    def __init__(self, widths: Sequence[int], width: int):
        super().__init__()
        self.narrow = nn.ModuleList(nn.Conv2d(w, width, 1) for w in widths)

    def forward(self, maps: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """(B, len(maps) width, H, W)."""
        narrow = [conv(m) for conv, m in zip(self.narrow, maps, strict=True)]
        return torch.cat([F.interpolate(m, tuple(size), mode="bilinear") for m in narrow], 1)


class Discriminator(nn.Module):
    """Unbounded scores of patches, (B, 1, H / 8, W / 8), of images and how their pixels differ from the mean around them:
    it finds what is blurred within tens of steps. It halves by means, as strides would let combs of two pixels by."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        widths = [2 * channels, 2 * width, 4 * width, 6 * width]
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.LeakyReLU(SLOPE), nn.AvgPool2d(2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Of x (B, C, H, W) in [0, 1]."""
        around = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        return self.layers(torch.cat([x - 0.5, 4 * (x - around)], 1))


def perceptron(num_inputs: int, num_outputs: int) -> nn.Sequential:
    """Three layers: the identity adversary."""
    hidden = (*(nn.Linear(num_inputs, 256), nn.LeakyReLU(SLOPE)), *(nn.Linear(256, 256), nn.LeakyReLU(SLOPE)))
    return nn.Sequential(*hidden, nn.Linear(256, num_outputs))
