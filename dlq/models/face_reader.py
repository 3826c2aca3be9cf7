"""A face reader: who is shown, with which expression, pose, gaze and light, and where the face is, read off an image.

On rendered faces it stands where real systems have an identity encoder (ArcFace: Deng et al., 2019, arXiv 1801.07698) and a
regressor of 3-D morphable model coefficients (Deng et al., "Accurate 3D Face Reconstruction with Weakly-Supervised
Learning", 2019, arXiv 1903.08527). Where this differs: one small network does both, and learns by regression on what the
renderer knows instead of from photographs; a mirrored copy of every image counts as an image.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlq.datasets.faces import IDENTITY, LANDMARKS, NAMES, random_faces
from dlq.models.presets import check_image_shape, preset
from dlq.recipe import Player, Recipe, weights_and_biases

OTHERS = NAMES[len(IDENTITY) : NAMES.index("hair_colour")]  # skin, expression, gaze, pose, light
POSE = ("yaw", "pitch", "roll", "zoom", "shift_x", "shift_y")
MIRRORED = ("gaze_x", "yaw", "roll", "shift_x", "light_x")  # change their sign in a mirror
COARSE = 16  # side of the map that the mask is read on
SPREAD = 8.0  # landmarks are learnt in eighths of the image's side


class Reading(NamedTuple):
    """What is read off a batch of faces. Parameters are standardised: mean 0, variance 1 over random faces."""

    identity: Tensor  # (B, num_identity), columns as in ``identity_names``
    others: Tensor  # (B, num_others), columns as in ``other_names``
    landmarks: Tensor | None  # (B, L, 2), pixels to the right and down, in the order of dlq.datasets.faces.LANDMARKS
    mask: Tensor  # (B, 1, H, W) in [0, 1]: visible skin of head and ears


class Truth(NamedTuple):
    """A batch to learn from: images and what the reading should be."""

    x: Tensor
    reading: Reading


class FaceReader(nn.Module):
    """A strided trunk, one dense layer, and a linear head for everything.

    identity_names, other_names   the parameters in the columns of a Reading
    same_person   the mean cosine of two images of one person under ``embed``, measured by ``measure`` on people that were
                  not trained on (0.75 before)
    """

    mean: Tensor
    std: Tensor
    same_person: Tensor
    identity_names, other_names = IDENTITY, OTHERS

    def __init__(self, image_shape: Sequence[int], trunk: nn.ModuleList, recipe: Recipe):
        super().__init__()
        self.image_shape, self.trunk, self.recipe = check_image_shape(image_shape), trunk, recipe
        self.num_latents = len(IDENTITY) + len(OTHERS)
        with torch.no_grad():
            size = self.eval()._trunk(torch.zeros(1, *self.image_shape))[-1].numel()
        self.train()
        self.dense = nn.Sequential(nn.Linear(size, 256), nn.BatchNorm1d(256), nn.LeakyReLU(0.2))
        self.parameter_head = nn.Linear(256, self.num_latents)
        self.landmark_head = nn.Linear(256, 2 * len(LANDMARKS))
        self.mask_head = nn.Linear(256, COARSE * COARSE)
        table = torch.from_numpy(random_faces(8192, torch.Generator().manual_seed(0)))[:, : self.num_latents]
        self.register_buffer("mean", table.mean(0))
        self.register_buffer("std", table.std(0))
        self.register_buffer("same_person", torch.tensor(0.75))

    @property
    def codebook(self) -> None:
        """Readings are continuous."""
        return None

    def forward(self, x: Tensor) -> Reading:
        """Reads x (B, C, H, W) in [0, 1]; ValueError for images of another size."""
        return self.perceive(x)[0]

    def embed(self, x: Tensor) -> Tensor:
        """Who it is as a unit vector (B, num_identity)."""
        return F.normalize(self(x).identity, dim=1)

    def features(self, x: Tensor) -> list[Tensor]:
        """The first three activations, (B, channels, H / 2, W / 2) and so on: what a perceptual loss compares."""
        return self.perceive(x)[1]

    def encode(self, x: Tensor) -> Tensor:
        """All parameters (B, num_identity + num_others), standardised."""
        reading = self(x)
        return torch.cat([reading.identity, reading.others], 1)

    def perceive(self, x: Tensor) -> tuple[Reading, list[Tensor]]:
        """The reading and the features in one pass."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images have shape {tuple(x.shape)}, this face reader was built for (batch, {self.image_shape}); "
                "resize them, or train a reader of their size: dlq.models.face_reader(image_shape)"
            )
        maps = self._trunk(x)
        hidden = self.dense(maps[-1].flatten(1))
        who, rest = self.parameter_head(hidden).split([len(IDENTITY), len(OTHERS)], 1)
        side = torch.tensor(self.image_shape[:0:-1], dtype=x.dtype, device=x.device)
        places = (0.5 + self.landmark_head(hidden).unflatten(1, (-1, 2)) / SPREAD) * side
        mask = F.interpolate(self._mask(hidden), self.image_shape[1:], mode="bilinear", align_corners=False)
        return Reading(who, rest, places, torch.sigmoid(mask)), maps[:3]

    def standardised(self, parameters: Tensor) -> Tensor:
        """Parameters (B, P), columns as in dlq.datasets.faces.NAMES, in the units of a reading: (B, num_latents)."""
        return (parameters[:, : self.num_latents] - self.mean) / self.std

    def pose(self, reading: Reading) -> Tensor:
        """Yaw, pitch, roll in degrees, zoom and shifts as shares of the side, of a reading: (B, 6)."""
        columns = [self.other_names.index(name) for name in POSE]
        start = len(self.identity_names)
        mean, std = (values[start:][columns] for values in (self.mean, self.std))
        return mean + std * reading.others[:, columns]

    def make_batch(self, data: Any, rows: Tensor, generator: torch.Generator) -> Truth:
        """Images of rows, half of them mirrored, with the truth about them; data like dlq.datasets.swap_faces()."""
        if not all(hasattr(data, name) for name in ("parameters", "masks", "landmarks")):
            raise ValueError("a face reader learns from rendered faces, of which all is known; fit it on swap_faces()")
        chosen, where = rows.numpy(), self.mean.device
        x, mask = data.batch(chosen, where), data.mask_batch(chosen, where)
        values = self.standardised(torch.from_numpy(data.parameters[chosen]).to(where))
        places = torch.from_numpy(data.landmarks[chosen]).to(where)
        flip = (torch.rand(len(rows), generator=generator) < 0.5).to(where)
        signs = torch.tensor([-1.0 if name in MIRRORED else 1.0 for name in NAMES[: self.num_latents]], device=where)
        values = torch.where(flip[:, None], signs * (values + self.mean / self.std) - self.mean / self.std, values)
        places = torch.where(flip[:, None, None], mirrored(places, self.image_shape[2]), places)
        x, mask = (torch.where(flip[:, None, None, None], part.flip(3), part) for part in (x, mask))
        who, rest = values.split([len(IDENTITY), len(OTHERS)], 1)
        return Truth(x, Reading(who, rest, places, mask))

    def loss(self, batch: Truth) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared errors of the parameters (standardised) and landmarks (eighths of the side), cross-entropy of the mask."""
        found, true = self(batch.x), batch.reading
        assert found.landmarks is not None
        assert true.landmarks is not None
        side = self.image_shape[2] / SPREAD
        terms = {
            "identity": F.mse_loss(found.identity, true.identity),
            "others": F.mse_loss(found.others, true.others),
            "landmarks": F.mse_loss(found.landmarks / side, true.landmarks / side),
            "mask": 0.5 * F.binary_cross_entropy(found.mask.clamp(1e-4, 1 - 1e-4), true.mask),
        }
        return torch.stack(list(terms.values())).sum(), terms

    def players(self) -> list[Player]:
        """One player, with a little weight decay."""
        groups = weights_and_biases(self, learning_rate=3e-3, weight_decay=0.05)
        return [Player("reader", groups, lambda batch, generator: self.loss(batch))]

    def _trunk(self, x: Tensor) -> list[Tensor]:
        maps = []
        for block in self.trunk:
            maps.append(x := block(x))
        return maps

    def _mask(self, hidden: Tensor) -> Tensor:
        return self.mask_head(hidden).unflatten(1, (1, COARSE, COARSE))


def mirrored(landmarks: Tensor, width: int) -> Tensor:
    """Landmarks (B, L, 2) of the mirrored image: left and right exchanged."""
    other = [LANDMARKS.index(_opposite(name)) for name in LANDMARKS]
    return torch.stack([width - landmarks[:, other, 0], landmarks[:, other, 1]], -1)


def _opposite(name: str) -> str:
    if name.endswith("_left"):
        return name.removesuffix("_left") + "_right"
    return name.removesuffix("_right") + "_left" if name.endswith("_right") else name


@torch.no_grad()
def measure(reader: FaceReader, data: Any, *, num_people: int = 250) -> float:
    """Sets and returns ``reader.same_person``: two images each of people that the reader was not trained on."""
    first, second = [], []
    for person in range(min(num_people, int(data.identities.max()) + 1)):
        rows = (data.identities == person).nonzero()[0]
        first.append(rows[0])
        second.append(rows[1])
    reader.eval()
    one, two = (reader.embed(data.batch(rows, reader.mean.device)) for rows in (first, second))
    reader.same_person.fill_((one * two).sum(1).mean())
    return float(reader.same_person)


def strided(channels: int, stages: int, width: int) -> nn.ModuleList:
    """Convolutions 3 x 3 of stride 2 with batch normalisation and leaky rectifiers; widths 1, 2, 3, 5, 5 ... x width."""
    widths = [channels, *(width * k for k in (1, 2, 3, 5, *[5] * max(stages - 4, 0))[:stages])]
    return nn.ModuleList(
        nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2))
        for a, b in itertools.pairwise(widths)
    )


def wide_kernels(channels: int, stages: int, width: int) -> nn.ModuleList:
    """Kernels of 5 and 4 pixels, smooth rectifiers and other widths: for a judge that errs otherwise than ``strided``."""
    widths = [channels, *(width * k // 4 for k in (3, 7, 13, 18, *[18] * max(stages - 4, 0))[:stages])]
    kernels = (5, 5, *[4] * stages)
    return nn.ModuleList(
        nn.Sequential(nn.Conv2d(a, b, kernel, 2, (kernel - 1) // 2, bias=False), nn.BatchNorm2d(b), nn.SiLU())
        for a, b, kernel in zip(widths[:-1], widths[1:], kernels, strict=False)
    )


VARIANTS = {"strided": strided, "wide_kernels": wide_kernels}


def warm_up(fraction: float) -> float:
    """Raises the learning rate over the first fifth of the run and lowers it to nothing over the rest."""
    return fraction / 0.2 + 0.02 if fraction < 0.2 else max((1 - fraction) / 0.8, 0.0)


@preset
def face_reader(
    image_shape: Sequence[int] = (3, 32, 32), *, width: int = 32, variant: str = "strided", seed: int = 0
) -> FaceReader:
    """A reader of rendered faces; ``variant`` is the trunk: "strided", or "wide_kernels" for an independent judge.

    ``dlq.load("face-reader")`` and ``dlq.load("face-judge")`` are trained ones for 32 pixels, "face-reader-64" and
    "face-judge-64" for 64.
    """
    shape = check_image_shape(image_shape)
    side = shape[1]
    if side != shape[2] or side < 16 or side & (side - 1):
        raise ValueError(f"images are {side} x {shape[2]}; this reader needs squares with a side of 16, 32, 64, 128, …")
    if variant not in VARIANTS:
        raise ValueError(f"variant is {variant!r}; give one of {', '.join(VARIANTS)}")
    trunk = VARIANTS[variant](shape[0], side.bit_length() - 2, width)
    return FaceReader(shape, trunk, Recipe(steps=4_500, batch_size=64, schedule=warm_up, threads=1))
