"""The official Shapes3D: Burgess & Kim, "3D Shapes Dataset", 2018, github.com/google-deepmind/3d-shapes (Apache-2.0).

The labels in its file are values, not classes, and its README gives wrong ranges for some: the classes are found here
from the values that occur.
"""

import functools
from pathlib import Path

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import WrongFile
from dlq.datasets.files.checks import (
    AGAIN,
    H5,
    check_array,
    check_grid,
    check_keys,
    guard,
    h5py,
    locate,
    official,
    sniff,
)
from dlq.datasets.images import CHUNK, Stored
from dlq.datasets.places import files_of

NAMES = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
OFFICIAL = (10, 10, 10, 8, 4, 15)


@official("shapes3d")
def shapes3d(path=None, *, in_memory: bool = True, sizes=OFFICIAL) -> FactorDataset:
    """The official Shapes3D from its h5 file, or from the folder that holds it.

    in_memory   read all 5.9 GB of pixels now; otherwise each batch is read from the file, which is slow on a CPU (on a
                GPU the images are kept there where they fit in half of its free memory)
    sizes       for smaller files of the same layout
    Errors: MissingFile, WrongFile; ImportError where h5py is missing.
    """
    path = locate(files_of("shapes3d", path), ("3dshapes.h5",))
    sniff(path, (H5,))
    return guard(path, functools.partial(_dataset, in_memory=in_memory), sizes)


def _dataset(path: Path, sizes: tuple[int, ...], in_memory: bool) -> FactorDataset:
    count = int(np.prod(sizes))
    with h5py().File(path, "r") as file:
        check_keys(path, ("images", "labels"), list(file.keys()))
        check_array(path, "images", file["images"].dtype, file["images"].shape, "uint8", (count, 64, 64, 3))
        check_array(path, "labels", file["labels"].dtype, file["labels"].shape, "float", (count, 6))
        labels = file["labels"][:]
    bad = int((~np.isfinite(labels)).sum())
    if bad:
        raise WrongFile(f"{path}: {bad} labels are not finite numbers; {AGAIN}")
    values, classes = zip(*(np.unique(column, return_inverse=True) for column in labels.T), strict=True)
    factors = np.stack(classes, axis=1).astype(np.int64)
    check_grid(path, factors, sizes)
    rows = FileRows(path, (count, 3, 64, 64))
    images = Stored(rows[:] if in_memory else rows)
    return FactorDataset(
        "shapes3d", images, factor_names=NAMES, factor_sizes=sizes, factor_values=values, factors=factors
    )


class FileRows:
    """The images of an h5 file, read by row like an array uint8 (N, C, H, W); WrongFile where a part is damaged."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.path, self.shape = path, shape

    def __getitem__(self, key: slice | np.ndarray) -> np.ndarray:
        return guard(self.path, lambda path, _: self._read(path, key), ())

    def _read(self, path: Path, key: slice | np.ndarray) -> np.ndarray:
        with h5py().File(path, "r") as file:
            if isinstance(key, slice):
                return self._slice(file["images"], range(*key.indices(self.shape[0])))
            rows, inverse = np.unique(key, return_inverse=True)  # h5py takes increasing rows only
            return file["images"][rows][inverse].transpose(0, 3, 1, 2)

    def _slice(self, images, rows: range) -> np.ndarray:
        out = np.empty((len(rows), *images.shape[1:]), dtype=np.uint8)
        for start in range(0, len(rows), CHUNK):
            stop = min(start + CHUNK, len(rows))
            images.read_direct(out, np.s_[rows.start + start : rows.start + stop], np.s_[start:stop])
        return out.transpose(0, 3, 1, 2)
