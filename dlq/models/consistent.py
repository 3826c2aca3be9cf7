"""InfoGAN's discriminator trained by consistency alone: the control that tells what the game itself adds.

No generator, no adversary: Q must give a real image and a moved copy of it the same category, with all categories in use.
Not from a paper; the loss is that of ``dlq.models.consistency``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dlq.models.consistency import disagreement, moved
from dlq.models.infogan_networks import Discriminator, start
from dlq.models.presets import check_image_shape, preset
from dlq.recipe import Group, Player, Recipe


class Consistent(nn.Module):
    """The trunk of InfoGAN's discriminator with its reader, which names categories."""

    def __init__(self, image_shape: Sequence[int], num_categories: int, width: int):
        super().__init__()
        self.image_shape, self.num_categories, self.num_latents = check_image_shape(image_shape), num_categories, 1
        self.recipe = Recipe(steps=1_000, batch_size=32, bf16=True)
        networks = Discriminator(self.image_shape, num_categories, width)
        self.network = nn.Sequential(networks.trunk, networks.reader)
        for module in self.modules():
            start(module)

    @property
    def codebook(self) -> list[Tensor]:
        """The one latent takes the numbers of the categories."""
        return [torch.arange(self.num_categories, dtype=torch.float32)]

    def encode(self, x: Tensor) -> Tensor:
        """The likeliest category of x (batch, C, H, W) as a number, (batch, 1)."""
        return self.network(x).argmax(1, keepdim=True).to(x.dtype)

    def players(self) -> list[Player]:
        """One player, with the settings of the discriminator in ``infogan``."""
        return [Player("reader", [Group(list(self.parameters()), 4e-4, (0.5, 0.999))], self._loss)]

    def _loss(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        loss = disagreement(self.network(x), self.network(moved(x, generator)))
        return loss, {"consistency": loss}


@preset
def consistency_only(
    image_shape: Sequence[int], num_categories: int = 10, *, width: int = 16, seed: int = 0
) -> Consistent:
    """What finds classes in ``infogan(..., consistency=1)`` without its game."""
    return Consistent(image_shape, num_categories, width)
