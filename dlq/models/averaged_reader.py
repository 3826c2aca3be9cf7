"""A face reader of small images in front of larger ones: it sees them averaged down, as identity encoders for photographs
see every face at one size."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from dlq.models.face_reader import Reading
from dlq.models.presets import check_image_shape


class AveragedReader(nn.Module):
    """The reader ``reader`` for images whose side is a whole multiple of its own, for ``dlq.wsc_swap(reader=...)``.

    Landmarks and masks are given at the size of the images, parameters and features are the reader's own. Raises
    ValueError for sides that are no multiple.
    """

    def __init__(self, reader: Any, image_shape: Sequence[int]):
        super().__init__()
        self.image_shape, own = check_image_shape(image_shape), tuple(reader.image_shape)
        self.reader, self.factor = reader, self.image_shape[1] // own[1]
        if self.factor < 1 or self.image_shape != (own[0], self.factor * own[1], self.factor * own[2]):
            raise ValueError(
                f"this reader takes images of shape {own}, and {self.image_shape} is no whole multiple of that; resize the "
                "images, or train a reader of their size"
            )
        self.identity_names, self.other_names = reader.identity_names, reader.other_names

    @property
    def same_person(self) -> Tensor:
        """The reader's own."""
        return self.reader.same_person

    def forward(self, x: Tensor) -> Reading:
        """Reads x (B, C, H, W) in [0, 1]; ValueError for images of another size."""
        return self.perceive(x)[0]

    def embed(self, x: Tensor) -> Tensor:
        """Who it is as a unit vector (B, num_identity)."""
        return F.normalize(self(x).identity, dim=1)

    def perceive(self, x: Tensor) -> tuple[Reading, list[Tensor]]:
        """The reading and the reader's features in one pass."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images have shape {tuple(x.shape)}, this face reader was built for (batch, {self.image_shape}); "
                "resize them, or build another AveragedReader"
            )
        read, features = self.reader.perceive(F.avg_pool2d(x, self.factor))
        mask = F.interpolate(read.mask, x.shape[2:], mode="bilinear", align_corners=False)
        places = None if read.landmarks is None else self.factor * read.landmarks
        return read._replace(landmarks=places, mask=mask), features

    def standardised(self, parameters: Tensor) -> Tensor:
        """Parameters in the units of a reading."""
        return self.reader.standardised(parameters)

    def pose(self, reading: Reading) -> Tensor:
        """Of a reading, (B, 6)."""
        return self.reader.pose(reading)
