"""InfoGAN's discriminator trained by consistency alone: the control that tells what the game itself adds.

No generator, no adversary: Q must give a real image and a moved copy of it the same category, with all categories in use.
Not from a paper; the loss is that of ``dlq.models.consistency``, the learning rate higher than the discriminator's.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dlq.models.consistency import disagreement, moved
from dlq.models.infogan_networks import Discriminator, check_images, check_sides
from dlq.models.presets import preset
from dlq.recipe import Group, Player, Recipe


class Consistent(nn.Module):
    """The trunk of InfoGAN's discriminator with its reader, which names categories."""

    def __init__(self, image_shape: Sequence[int], num_categories: int, width: int):
        super().__init__()
        if num_categories < 2:
            raise ValueError(f"num_categories is {num_categories}; at least 2 are needed to tell apart")
        self.image_shape, self.num_categories, self.num_latents = check_sides(image_shape), num_categories, 1
        self.recipe = Recipe(steps=800, batch_size=64, bf16=True)
        networks = Discriminator(self.image_shape, num_categories, width)
        self.network = nn.Sequential(networks.trunk, networks.reader)

    @property
    def codebook(self) -> list[Tensor]:
        """The one latent takes the numbers of the categories."""
        return [torch.arange(self.num_categories, dtype=torch.float32)]

    def encode(self, x: Tensor) -> Tensor:
        """The likeliest category of x (batch, C, H, W) as a number, (batch, 1)."""
        check_images(x, self.image_shape)
        return self.network(x).argmax(1, keepdim=True).to(x.dtype)

    def players(self) -> list[Player]:
        """One player: Adam, as in the game."""
        return [Player("reader", [Group(list(self.parameters()), 1e-3, (0.5, 0.999))], self._loss)]

    def _loss(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        check_images(x, self.image_shape, fewest=2)
        loss = disagreement(self.network(x), self.network(moved(x, generator)))
        return loss, {"consistency": loss}


@preset
def consistency_only(
    image_shape: Sequence[int], num_categories: int = 10, *, width: int = 16, seed: int = 0
) -> Consistent:
    """What finds classes in ``infogan(..., consistency=1)`` without its game."""
    return Consistent(image_shape, num_categories, width)
