"""A small classifier that judges pictures: which class is drawn, and the features that sample quality is measured in.

It is an ordinary convolutional network, trained with labels on images that are tilted and stretched a little; no paper.
Distances in its feature space carry its name, never "FID".
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlq.models.consistency import moved
from dlq.models.presets import check_image_shape, preset
from dlq.recipe import Player, Recipe, weights_and_biases


class Judge(nn.Module):
    """Two convolutions and two dense layers; learns the first factor of its data."""

    def __init__(self, image_shape: Sequence[int], num_classes: int, width: int):
        super().__init__()
        channels, height, across = self.image_shape = check_image_shape(image_shape)
        if min(height, across) < 8:
            raise ValueError(f"images are {height} x {across}; this classifier needs at least 8 x 8 pixels")
        if num_classes < 2:
            raise ValueError(f"num_classes is {num_classes}; at least 2 are needed to tell apart")
        self.num_classes, self.num_latents, self.recipe = num_classes, 4 * width, Recipe(2_500, 64, threads=1)
        self.trunk = nn.Sequential(
            *(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(2 * width * (height // 4) * (across // 4), 4 * width), nn.ReLU()),
        )
        self.head = nn.Linear(4 * width, num_classes)

    @property
    def codebook(self) -> None:
        """Features are continuous."""
        return None

    def encode(self, x: Tensor) -> Tensor:
        """The features (batch, 4 * width) of x (batch, C, H, W) in [0, 1]."""
        return self.trunk(x)

    def classify(self, x: Tensor) -> Tensor:
        """Class logits (batch, num_classes) of x (batch, C, H, W)."""
        return self.head(self.encode(x))

    def make_batch(self, data: Any, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images, each moved a little, and their labels: the first factor of the data."""
        where = self.head.weight.device
        x = data.batch(rows, "cpu")
        labels = torch.as_tensor(data.factors[rows.numpy(), 0])
        if int(labels.max()) >= self.num_classes:
            raise ValueError(
                f"found class {int(labels.max())}; this classifier knows classes 0 to {self.num_classes - 1}"
            )
        return moved(x, generator).to(where), labels.to(where)

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The mean cross-entropy in nats of (x, labels)."""
        x, labels = batch
        loss = F.cross_entropy(self.classify(x), labels)
        return loss, {"cross_entropy": loss}

    def players(self) -> list[Player]:
        """One player, with a little weight decay."""
        groups = weights_and_biases(self, learning_rate=1e-3, weight_decay=0.01)
        return [Player("judge", groups, lambda batch, generator: self.loss(batch))]


@preset
def judge(image_shape: Sequence[int], num_classes: int = 10, *, width: int = 16, seed: int = 0) -> Judge:
    """A classifier of the first factor, for judging generated images; a minute of one core on the digits."""
    return Judge(image_shape, num_classes, width)
