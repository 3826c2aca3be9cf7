"""The official dSprites: Matthey, Higgins, Hassabis & Lerchner, 2017, github.com/google-deepmind/dsprites-dataset.

One file, npz or hdf5 (Apache-2.0). The member ``metadata`` of the npz is a pickle; it is not needed and not read.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import WrongFile
from dlq.datasets.files import npy
from dlq.datasets.files.checks import (
    AGAIN,
    H5,
    ZIP,
    check_array,
    check_grid,
    check_keys,
    guard,
    h5py,
    locate,
    official,
    sniff,
)
from dlq.datasets.images import CHUNK, Images
from dlq.datasets.places import files_of

FILES = tuple("dsprites_ndarray_co1sh3sc6or40x32y32_64x64" + end for end in (".npz", ".hdf5"))
NAMES = ("shape", "scale", "orientation", "x", "y")
OFFICIAL = (3, 6, 40, 32, 32)


@official("dsprites")
def dsprites(path=None, *, sizes=OFFICIAL) -> FactorDataset:
    """The official dSprites from its npz or hdf5 file, or from the folder that holds it; keeps 377 MB in memory.

    Pixels are 0 or 255. The factor ``color`` has one value and is left out: shape, scale, orientation, x, y remain. The
    first and last orientation are the same image, as published. sizes is for smaller files of the same layout.
    Errors: MissingFile, WrongFile; ImportError where the file is hdf5 and h5py is missing.
    """
    path = locate(files_of("dsprites", path), FILES)
    return guard(path, _from_h5 if sniff(path, (ZIP, H5)) == H5 else _from_npz, sizes)


def _from_npz(path: Path, sizes: tuple[int, ...]) -> FactorDataset:
    with zipfile.ZipFile(path) as archive:
        found = [name.removesuffix(".npy") for name in archive.namelist()]
        check_keys(path, ("imgs", "latents_classes", "latents_values"), found)
        with np.load(path, allow_pickle=False) as arrays:
            labels, values = arrays["latents_classes"], arrays["latents_values"]
        with archive.open("imgs.npy") as member:
            return _dataset(path, labels, values, sizes, *npy.pieces(path, member))


def _from_h5(path: Path, sizes: tuple[int, ...]) -> FactorDataset:
    with h5py().File(path, "r") as file:
        found = [*(file.keys() - {"latents"}), *(f"latents/{key}" for key in file.get("latents", ()))]
        check_keys(path, ("imgs", "latents/classes", "latents/values"), found)
        imgs = file["imgs"]
        step = (imgs.chunks or (CHUNK,))[0]  # an image touches hundreds of chunks: read whole slabs of them
        pieces = (imgs[start : start + step] for start in range(0, len(imgs), step))
        return _dataset(
            path, file["latents/classes"][:], file["latents/values"][:], sizes, imgs.dtype, imgs.shape, pieces
        )


def _dataset(path, labels, values, sizes, dtype, shape, pieces) -> FactorDataset:
    count = int(np.prod(sizes))
    check_array(path, "latents_classes", labels.dtype, labels.shape, "integer", (count, 6))
    check_array(path, "latents_values", values.dtype, values.shape, "float", (count, 6))
    check_array(path, "imgs", dtype, shape, "uint8", (count, 64, 64))
    if labels[:, 0].any():
        raise WrongFile(f"{path}: color takes several values, one is expected; give the official file")
    factors = labels[:, 1:].astype(np.int64)
    check_grid(path, factors, sizes)
    known = tuple(np.unique(column) for column in values[:, 1:].T)
    if tuple(len(v) for v in known) != sizes:
        raise WrongFile(f"{path}: latents_values and latents_classes disagree on how many values there are; {AGAIN}")
    images = Packed(_pack(path, pieces, count), (1, 64, 64))
    return FactorDataset(
        "dsprites", images, factor_names=NAMES, factor_sizes=sizes, factor_values=known, factors=factors
    )


def _pack(path: Path, pieces: Iterator[np.ndarray], count: int) -> np.ndarray:
    """Images of 0 and 1 -> one bit a pixel, uint8 (count, 512)."""
    bits, start = np.empty((count, 512), dtype=np.uint8), 0
    for piece in pieces:
        if piece.max() > 1:
            raise WrongFile(
                f"{path}: imgs has pixels up to {piece.max()}, 0 and 1 are expected; give the official file"
            )
        bits[start : start + len(piece)] = np.packbits(piece.reshape(len(piece), -1), axis=1)
        start += len(piece)
    if not bits.any():
        raise WrongFile(f"{path}: every image is black; {AGAIN}")
    return bits


class Packed(Images):
    """Images of 0 and 255 kept as one bit a pixel, unpacked on the device where they are wanted."""

    def __init__(self, bits: np.ndarray, image_shape: tuple[int, int, int]) -> None:
        self.shape = (len(bits), *image_shape)
        self._on_device = {torch.device("cpu"): torch.from_numpy(bits)}

    def gather(self, rows: Tensor, device: torch.device) -> Tensor:
        if device not in self._on_device:
            self._on_device[device] = self._on_device[torch.device("cpu")].to(device)
        packed = self._on_device[device].index_select(0, rows.to(device))
        shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=device)
        return (packed[..., None] >> shifts).bitwise_and_(1).mul_(255).view(-1, *self.shape[1:])
