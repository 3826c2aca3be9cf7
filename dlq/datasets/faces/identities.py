"""Random people, many images of each, and the exact swap of one into the picture of another.

The ground for face swapping without skip connections (Ren et al., "Reinforced Disentanglement for Face Swapping without
Skip Connection", 2023, https://arxiv.org/abs/2307.07928): on rendered faces the right answer is known to the pixel. Who
it is comes from the source, everything else (pose, expression, gaze, light, skin, hair, background) from the target.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError
from dlq.datasets.faces.parameters import COLUMN, IDENTITY, NAMES, Face, from_array, random_faces
from dlq.datasets.faces.render import LARGEST, Portraits, render
from dlq.datasets.grid import check_size
from dlq.datasets.images import Computed, Images, check_rows


def swap(source: Face, target: Face, names: Sequence[str] = IDENTITY) -> Face:
    """The target's faces with the parameters of these names from the source: rendered, the exact swap.

    names = (*IDENTITY, "skin") takes the source's skin along.
    """
    _check_names(names)
    return target._replace(**{name: getattr(source, name) for name in names})


def identity_faces(num_identities=100, images_per_identity=8, size=64, *, seed=0, names=IDENTITY) -> "IdentityFaces":
    """Random people who do not exist, each in several images whose other parameters are all drawn anew.

    num_identities, images_per_identity   at least 1 each; row i shows person i // images_per_identity
    size     side in pixels, 16 to 256
    seed     of all that is drawn, a whole number
    names    the parameters that belong to a person; skin, hair, pose, expression, light and background are free, so
             that none of them tells who it is
    """
    counts = {"num_identities": num_identities, "images_per_identity": images_per_identity}
    for name, count in counts.items():
        if not isinstance(count, int | np.integer) or count < 1:
            raise DataError(f"{name} is {count!r}; give a whole number of at least 1")
    if not isinstance(seed, int | np.integer):
        raise DataError(f"seed is {seed!r}; give a whole number")
    _check_names(names)
    generator = torch.Generator().manual_seed(int(seed))
    people = random_faces(int(num_identities), generator)
    parameters = random_faces(int(num_identities) * int(images_per_identity), generator)
    columns = [COLUMN[name] for name in names]
    parameters[:, columns] = np.repeat(people[:, columns], images_per_identity, axis=0)
    return IdentityFaces(parameters, int(images_per_identity), check_size(size, high=LARGEST), tuple(names))


class IdentityFaces:
    """Images of random people with all that is true about them.

    data         FactorDataset of the images, with the one factor ``identity``
    parameters   float32 (N, P), every parameter of each image; a column a name of ``parameter_names``
    names        the parameters that belong to a person, which a swap takes from its source
    """

    parameter_names = NAMES

    def __init__(self, parameters: np.ndarray, images_per_identity: int, size: int, names: tuple[str, ...]) -> None:
        self.parameters, self.names, self.size = parameters, names, size
        self.image_shape = (3, size, size)
        people = len(parameters) // images_per_identity
        self.data = FactorDataset(
            "identity_faces",
            Drawn(torch.from_numpy(parameters), size),
            factor_names=("identity",),
            factor_sizes=(people,),
            factor_values=(np.arange(people),),
            factors=np.repeat(np.arange(people), images_per_identity)[:, None],
        )

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def identities(self) -> np.ndarray:
        """The number of the person in each row, int64 (N,)."""
        return self.data.factors[:, 0]

    def faces(self, rows) -> Face:
        """The parameters of rows, by name, (B,) each."""
        return from_array(self.parameters[np.atleast_1d(check_rows(rows, len(self)))])

    def portraits(self, rows, *, device="cpu") -> Portraits:
        """Images, masks and landmarks of rows."""
        return render(self.faces(rows), self.size, device=device)

    def swap(self, source_rows, target_rows, *, device="cpu") -> Portraits:
        """The exact swaps: the person of each source row in the picture of the target row beside it.

        What changes against the target lies within ``skin > 0`` of the target or of the swap; less than 1 % of the change
        lies outside, where skin is shaded under the edge of the hair.
        """
        counts = np.size(source_rows), np.size(target_rows)
        if counts[0] != counts[1]:
            raise DataError(f"{counts[0]} source rows for {counts[1]} target rows; give as many of one as of the other")
        swapped = swap(self.faces(source_rows), self.faces(target_rows), self.names)
        return render(swapped, self.size, device=device)


class Drawn(Computed):
    """The face of each row of a table of parameters."""

    def __init__(self, table: Tensor, size: int) -> None:
        super().__init__((len(table), 3, size, size))
        self.table = table

    def compute(self, rows: Tensor, device: torch.device) -> Tensor:
        return render(from_array(self.table[rows.cpu()]), self.shape[2], device=device).images

    def resized(self, size: int) -> Images:
        return Drawn(self.table, check_size(size, high=LARGEST))


def _check_names(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise DataError(f"a face has no parameter {unknown[0]!r}; give some of {', '.join(NAMES)}")
