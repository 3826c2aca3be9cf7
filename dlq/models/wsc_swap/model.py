"""The networks of WSC-swap put together: from a source and a target to a picture.

Ren et al., 2023, arXiv 2307.07928; how they are trained, and what is the paper's, says ``game``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from dlq.models.presets import check_image_shape
from dlq.models.wsc_swap.masks import check_mask, dilated, filled
from dlq.models.wsc_swap.networks import FINEST, Carried, FaceEncoder, Generator, OutsideEncoder
from dlq.models.wsc_swap.place import look

NUM_ATTRIBUTES = 64


class Design(NamedTuple):
    """What the ablation exchanges; ``identity_removal`` is a name in ``removal.REMOVALS`` or None."""

    skip: bool = False
    encoders: int = 2
    identity_removal: str | None = "var"
    preservation: bool = True
    composite: str | None = "surroundings"
    oracle: bool = False


class Swapper(nn.Module):
    """Who it is comes from the source, everything else from the target. The reader is frozen.

    Codes are (what the reader says of the source's identity, the 64 attributes of the target's face).
    """

    opponents: tuple[str, ...] = ()  # parts that play against it in training

    def __init__(self, image_shape: Sequence[int], reader: Any, design: Design, *, width: int, dilation: int):
        super().__init__()
        self.image_shape = channels, height, _ = check_image_shape(image_shape)
        self.design, self.dilation = design, dilation
        self.reader = reader.requires_grad_(False)
        self.num_latents = len(reader.identity_names) + NUM_ATTRIBUTES
        self.face = FaceEncoder(self.image_shape, reader, NUM_ATTRIBUTES, width)
        self.outside = OutsideEncoder(channels, width, height) if design.encoders == 2 else None
        widths = self.face.widths
        self.compressed = None if self.outside else Carried(widths[FINEST - 1 : FINEST], channels + 1 + 3 * width)
        self.skips = Carried([channels, *widths[:FINEST]], width) if design.skip else None
        num_map = channels + 1 + 3 * width + (len(widths[:FINEST]) + 1) * width * design.skip
        self.generator = Generator(self.num_latents, num_map, width, height, channels)
        self.attribute_head = nn.Linear(NUM_ATTRIBUTES, len(reader.other_names)) if design.preservation else None

    @property
    def codebook(self) -> None:
        """Codes are continuous."""
        return None

    def train(self, mode: bool = True) -> "Swapper":
        """Normalisation by batch statistics stays as the reader learnt it."""
        super().train(mode)
        self.reader.eval()
        self.face.eval()
        return self

    def swap(self, source: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """The source's person in the target's picture: (B, C, H, W) in [0, 1].

        mask is the target's face (B, 1, H, W), 1 where skin is visible; without it the reader's own guess is taken.
        ValueError where shapes differ or a mask shows no face.
        """
        if source.shape != target.shape:
            raise ValueError(
                f"source has shape {tuple(source.shape)}, target {tuple(target.shape)}; give one source for each target, "
                "all of the same size"
            )
        self._check(source)
        return self._swapped(source, target, self._wide(target, mask))

    def codes(self, source: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, num_latents): the source's identity as the reader reads it, then the target's attributes."""
        return torch.cat([self.reader(source).identity, self.attributes(target, mask)], 1)

    def draw(self, codes: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Images of codes (B, num_latents) in the pose of the targets and before what surrounds their faces."""
        wide = self._wide(target, mask)
        _, maps = self._look(target, wide)
        return self._paint(codes, target, wide, self.reader(target), maps)[0]

    def attributes(self, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the face encoder keeps of the target's face: z_fa (B, 64)."""
        return self.face(self._seen(target, self._wide(target, mask)))[0]

    def background(self, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """The only map of the target that reaches the generator: (B, channels, H, W)."""
        return self._look(target, self._wide(target, mask))[1]

    def encode(self, x: Tensor) -> Tensor:
        """The codes of x as its own source and target; ``onto(target)`` draws codes."""
        return self.codes(x, x)

    def onto(self, target: Tensor, mask: Tensor | None = None) -> nn.Module:
        """A model with named latents that draws on one target (C, H, W), for sliders: see ``Onto``."""
        from dlq.models.wsc_swap.onto import Onto

        mask = None if mask is None else mask.reshape(1, 1, *self.image_shape[1:])
        return Onto(self, target.reshape(1, *self.image_shape), mask)

    def start_from(self, other: "Swapper") -> list[str]:
        """Takes over every tensor of ``other``, a trained swap, often a smaller one, that has its name and shape here, but
        for the reader's and the opponents'. Returns the parts that begin anew; ValueError where the generators differ."""
        theirs, own = other.state_dict(), self.state_dict()
        mine = [name for name in own if name.partition(".")[0] not in ("reader", "warm", *self.opponents)]
        found = {name: theirs[name] for name in mine if name in theirs and theirs[name].shape == own[name].shape}
        if "generator.join.weight" not in found or len(found) < len(mine) // 2:
            raise ValueError(
                "the other swap has another design or width, so that its generator cannot go on here; build both with the "
                "same width, skip and encoders"
            )
        self.load_state_dict(found, strict=False)
        return sorted({".".join(name.split(".")[:2]) for name in mine if name not in found})

    def _swapped(self, source: Tensor, target: Tensor, wide: Tensor) -> Tensor:
        """The result for masks that are wide already."""
        attributes, maps = self._look(target, wide)
        codes = torch.cat([self.reader(source).identity, attributes], 1)
        return self._paint(codes, target, wide, self.reader(target), maps)[0]

    def _seen(self, target: Tensor, wide: Tensor) -> Tensor:
        """What the face encoder sees."""
        return target if self.outside is None else target * wide + 0.5 * (1 - wide)

    def _look(self, target: Tensor, wide: Tensor) -> tuple[Tensor, Tensor]:
        """Attributes of the face, and every map of the target that the generator gets."""
        seen = self._seen(target, wide)
        attributes, maps = self.face(seen)
        if self.outside is not None:
            carried = [self.outside(torch.cat([filled(target, 1 - wide), wide], 1))]
        else:
            assert self.compressed is not None
            carried = [self.compressed(maps[FINEST - 1 : FINEST], target.shape[2:])]
        if self.skips is not None:
            carried.append(self.skips([seen, *maps[:FINEST]], target.shape[2:]))
        return attributes, torch.cat(carried, 1)

    def _paint(self, codes: Tensor, target: Tensor, wide: Tensor, read: Any, maps: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            looks = [look(self.reader.pose(read), side, side) for side in self.generator.sides]
        image, mask = self.generator(codes, looks, maps)
        behind = self._behind(target, maps)
        if behind is None:
            return image, mask
        share = torch.sigmoid(mask)
        return share * image + (1 - share) * behind, mask

    def _behind(self, target: Tensor, maps: Tensor) -> Tensor | None:
        """What the painting is laid over: the target, what surrounds its face, or nothing."""
        if self.design.composite == "soft":
            return target
        return None if self.design.composite is None or self.outside is None else maps[:, : target.shape[1]]

    def _wide(self, target: Tensor, mask: Tensor | None) -> Tensor:
        self._check(target)
        return dilated(check_mask(self._guess(target) if mask is None else mask, target), self.dilation)

    def _guess(self, x: Tensor) -> Tensor:
        return (self.reader(x).mask > 0.5).float()

    def _check(self, x: Tensor) -> None:
        if x.ndim != 4 or tuple(x.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images have shape {tuple(x.shape)}, this model swaps (batch, {', '.join(map(str, self.image_shape))}); "
                "resize them, or build one of their size: dlq.wsc_swap(image_shape, reader=...)"
            )
