"""Faces in pairs, source and target, as the training of a face swap wants them: rendered once, then kept.

The images are those of ``identity_faces``; a pair shows one person twice (the target itself is then the right answer) or
two persons (then only the renderer knows it: ``exact``).
"""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.errors import DataError
from dlq.datasets.faces.identities import IdentityFaces, identity_faces
from dlq.datasets.faces.render import Portraits
from dlq.datasets.images import CHUNK, scaled


def swap_faces(num_identities=2_000, images_per_identity=6, size=32, *, seed=0) -> "SwapFaces":
    """Random people in several images each, with face masks, landmarks and all parameters, for ``dlq.wsc_swap``.

    About 100 images a second and core at 32 pixels, when they are first asked for; 3.3 kB an image then stay in memory.
    """
    return SwapFaces(identity_faces(num_identities, images_per_identity, size, seed=seed))


class SwapFaces:
    """Everything about the faces in arrays, row by row, rendered when first asked for and kept.

    faces        the IdentityFaces that are drawn
    images       uint8 (N, 3, size, size)
    masks        uint8 (N, size, size), 255 where a pixel is visible skin of head or ears
    landmarks    float32 (N, len(LANDMARKS), 2), pixels to the right and down
    parameters   float32 (N, P), a column a name of ``parameter_names``
    identities   int64 (N,), the number of the person
    """

    def __init__(self, faces: IdentityFaces) -> None:
        self.faces, self.name = faces, "swap_faces"
        self.parameter_names, self.parameters = faces.parameter_names, faces.parameters
        self.identities, self.image_shape = faces.identities, faces.image_shape

    def __len__(self) -> int:
        return len(self.faces)

    def __repr__(self) -> str:
        people = len(np.unique(self.identities))
        return f"swap_faces: {len(self):,} images of {people:,} people, {self.faces.size} x {self.faces.size} pixels"

    @cached_property
    def _rendered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        parts = [self.faces.portraits(rows.numpy()) for rows in torch.arange(len(self)).split(CHUNK)]
        images, landmarks = (torch.cat([getattr(p, name) for p in parts]).numpy() for name in ("images", "landmarks"))
        masks = torch.cat([(p.skin * 255 + 0.5).to(torch.uint8) for p in parts]).numpy()
        return images, masks, landmarks

    @property
    def images(self) -> np.ndarray:
        return self._rendered[0]

    @property
    def masks(self) -> np.ndarray:
        return self._rendered[1]

    @property
    def landmarks(self) -> np.ndarray:
        return self._rendered[2]

    def batch(self, indices, device="cpu") -> Tensor:
        """Images of these rows as x in [0, 1], float32 (B, 3, H, W) on the device."""
        return scaled(self.images, indices, device)

    def mask_batch(self, indices, device="cpu") -> Tensor:
        """Face masks of these rows, float32 (B, 1, H, W) in [0, 1] on the device."""
        return scaled(self.masks[:, None], indices, device)

    def exact(self, source_rows, target_rows, *, device="cpu") -> Portraits:
        """The exact swaps: the person of each source row in the picture of the target row beside it."""
        return self.faces.swap(source_rows, target_rows, device=device)


def draw_sources(identities: np.ndarray, targets, num_same: int, generator: torch.Generator) -> np.ndarray:
    """A source row for each target row, int64: the first ``num_same`` show the same person in another image, the others
    another person.

    DataError for a person with one image where a second is needed, or where there is only one person.
    """
    targets = np.atleast_1d(targets)
    sources = np.empty(len(targets), dtype=np.int64)
    for place, row in enumerate(targets):
        same = identities == identities[row]
        if place < num_same:
            same[row] = False
        candidates = np.flatnonzero(same if place < num_same else ~same)
        if not len(candidates):
            raise DataError(_nobody(identities, int(row), place < num_same))
        sources[place] = candidates[int(torch.randint(len(candidates), (1,), generator=generator))]
    return sources


def _nobody(identities: np.ndarray, row: int, is_same: bool) -> str:
    if is_same:
        return (
            f"identity {identities[row]} has one image (row {row}), and a pair of one person needs two; "
            "give at least two images of every identity, or train with same_person=0"
        )
    return f"all images show identity {identities[row]}; a swap needs images of at least two identities"
