"""A swap on one target with latents that have names: what a slider can walk, one identity factor or one expression."""

from typing import Any

import torch
from torch import Tensor, nn

from dlq.datasets.faces import EXPRESSION

FACTORS = (*EXPRESSION, "skin")


class Onto(nn.Module):
    """``encode`` and ``decode`` of the model ``swapper`` before the surroundings of one target (1, C, H, W).

    Latents are the identity factors, then expression and skin, standardised as in a Reading. Moving one of the latter
    moves the 64 attributes by the shortest vector that changes what the coefficient head says of it.
    """

    target: Tensor
    swapper: Any

    def __init__(self, swapper: Any, target: Tensor, mask: Tensor | None):
        super().__init__()
        self.swapper, self.mask = swapper, mask
        self.register_buffer("target", target)
        reader = swapper.reader
        kept = () if swapper.attribute_head is None else FACTORS
        self.columns = [reader.other_names.index(name) for name in kept if name in reader.other_names]
        self.latent_names = (*reader.identity_names, *(reader.other_names[k] for k in self.columns))
        self.image_shape, self.num_latents = swapper.image_shape, len(self.latent_names)

    @property
    def codebook(self) -> None:
        """Latents are continuous."""
        return None

    def encode(self, x: Tensor) -> Tensor:
        """Identity of x (B, C, H, W), with the target's expression and skin: z (B, num_latents)."""
        codes = self.swapper.codes(x, self.target.expand(len(x), -1, -1, -1), self._masks(len(x)))
        who, attributes = codes.split([codes.shape[1] - self._width, self._width], 1)
        return torch.cat([who, self._read(attributes)], 1)

    def decode(self, z: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] of z."""
        target, mask = self.target.expand(len(z), -1, -1, -1), self._masks(len(z))
        who, asked = z.split([z.shape[1] - len(self.columns), len(self.columns)], 1)
        attributes = self.swapper.attributes(target, mask)
        if self.columns:
            back = torch.linalg.pinv(self.swapper.attribute_head.weight[self.columns])
            attributes = attributes + (asked - self._read(attributes)) @ back.T
        return self.swapper.draw(torch.cat([who, attributes], 1), target, mask)

    @property
    def _width(self) -> int:
        return self.swapper.face.head.out_features

    def _read(self, attributes: Tensor) -> Tensor:
        if not self.columns:
            return attributes[:, :0]
        return self.swapper.attribute_head(attributes)[:, self.columns]

    def _masks(self, n: int) -> Tensor | None:
        return None if self.mask is None else self.mask.expand(n, -1, -1, -1)
