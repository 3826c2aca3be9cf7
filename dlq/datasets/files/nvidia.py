"""Isaac3D and Falcor3D: Nie et al., "Semi-Supervised StyleGAN for Disentanglement Learning", 2020, arxiv.org/abs/2003.03461,
github.com/NVlabs/High-res-disentanglement-datasets (CC BY 4.0).

Archives of png files, ``images/000000.png`` and on, with labels k / (n - 1) in a file beside that folder. The README of
Isaac3D names factors 2 to 5 in another order than its own weights and the authors' demo script; the script's order is
right. Images are made smaller bicubically with antialiasing, as QLAE's authors do.
"""

import functools
import os
import zipfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.files import npy
from dlq.datasets.files.checks import AGAIN, NPY, PNG, check_array, check_grid, guard, official, sniff
from dlq.datasets.files.gallery import decoded
from dlq.datasets.files.zips import members
from dlq.datasets.grid import check_size, check_sizes
from dlq.datasets.images import Stored
from dlq.datasets.places import files_of

ISAAC = {"object_shape": 3, "robot_x": 8, "robot_y": 5, "camera_height": 4, "object_scale": 4, "lighting_intensity": 4}
ISAAC |= {"lighting_y_dir": 6, "object_color": 4, "wall_color": 4}
FALCOR = {"lighting_intensity": 5, "lighting_x_dir": 6, "lighting_y_dir": 6, "lighting_z_dir": 6}
FALCOR |= {"camera_x": 6, "camera_y": 6, "camera_z": 6}
ISAAC_SIZES, FALCOR_SIZES = tuple(ISAAC.values()), tuple(FALCOR.values())
NEAR = 1e-3  # of a step: labels may be written with a few digits only, and the next value is 1 away
MOST_BYTES = 2**27  # of one file in the archive, unpacked


class Place(NamedTuple):
    """A folder or zip of images with their labels: paths of both, names of the images, and what opens such a path."""

    labels: Path
    images: Path
    held: Collection[str]
    open: Callable[[Path], Any]


@official("isaac3d")
def isaac3d(path=None, *, size=64, sizes=ISAAC_SIZES, progress: bool = True) -> FactorDataset:
    """The official Isaac3D from its zip, or from its folder, which holds ``labels.npy`` and ``images``, or one around it.

    The 737,280 png files are read once, with a progress bar, into the cache folder (``XDG_CACHE_HOME``), and mapped into
    memory from there: 9.06 GB at size 64.
    size       side of the images in pixels, 16 to that of the files (128 or 512)
    sizes      for smaller sets of the same layout
    Errors: MissingFile, WrongFile; DataError for another size, or where the cache folder has no room.
    """
    place = _find(files_of("isaac3d", path), "Isaac3D_down128.zip", "labels.npy")
    return _read(place, "isaac3d", tuple(ISAAC), check_sizes(sizes, ISAAC_SIZES, tuple(ISAAC)), size, progress)


@official("falcor3d")
def falcor3d(path=None, *, size=64, sizes=FALCOR_SIZES, progress: bool = True) -> FactorDataset:
    """The official Falcor3D from its zip, or from its folder, with ``train-rec.labels`` and ``images``, or one around it.

    As isaac3d, with 233,280 png files of 128 or 1024 pixels: 2.87 GB at size 64.
    """
    place = _find(files_of("falcor3d", path), "Falcor3D_down128.zip", "train-rec.labels")
    return _read(place, "falcor3d", tuple(FALCOR), check_sizes(sizes, FALCOR_SIZES, tuple(FALCOR)), size, progress)


def _find(path: Path, archive: str, labels: str) -> Place:
    """Where labels and images are: the zip or folder given, or one in it."""
    roots = [path] if (path / labels).is_file() else [file.parent for file in path.glob(f"*/{labels}")]
    if path.is_file() or (not roots and (path / archive).is_file()):
        return _in_zip(path if path.is_file() else path / archive, labels)
    if len(roots) != 1:
        held = f"has {labels} in {len(roots)} of its folders" if path.is_dir() else "does not exist"
        raise MissingFile(f"{path} {held}; give the folder that holds {labels} and images, or {archive}")
    sniff(roots[0] / labels, (NPY,))
    images = roots[0] / "images"
    if not images.is_dir():
        raise MissingFile(f"{images} does not exist; give the folder that holds both {labels} and images")
    with os.scandir(images) as entries:
        return Place(roots[0] / labels, images, {entry.name for entry in entries}, lambda file: file.open("rb"))


def _in_zip(path: Path, labels: str) -> Place:
    expected = f"a zip file, or a folder with {labels}, is expected; {AGAIN}"
    archive = members(path, expected=expected, most_bytes=MOST_BYTES)
    if labels not in archive.names:
        raise WrongFile(f"{path} holds no {labels}; {AGAIN}")
    return Place(path / labels, path, archive.names, lambda file: archive.open(file.name))


def _read(place: Place, name: str, names: tuple[str, ...], sizes: tuple[int, ...], size, progress) -> FactorDataset:
    size = check_size(size, 16, 1024)
    check_grid(place.labels, guard(place.labels, functools.partial(_indices, place=place, names=names), sizes), sizes)
    files = _images(place, int(np.prod(sizes)))
    side = _side(place, files[0])
    if size > side:
        raise DataError(f"size is {size}, these images have {side} pixels a side; give a size from 16 to {side}")
    sources = [place.images] if place.images.is_file() else files
    read = functools.partial(_decode, place=place, side=side, size=size)
    images = decoded(
        f"{name} bicubic",
        files,
        sources,
        (3, size, size),
        read,
        remedy="download or unpack them again",
        progress=progress,
    )
    values = tuple(np.arange(n) / max(1, n - 1) for n in sizes)
    return FactorDataset(name, Stored(images), factor_names=names, factor_sizes=sizes, factor_values=values)


def _indices(path: Path, sizes: tuple[int, ...], place: Place, names: tuple[str, ...]) -> np.ndarray:
    """The labels k / (n - 1) as k, int64 (N, F); WrongFile where one is not near a whole k."""
    with place.open(path) as file:
        dtype, shape = npy.header(path, file)
        check_array(path, "the array", dtype, shape, "float", (int(np.prod(sizes)), len(sizes)))
        labels = np.frombuffer(file.read(), dtype).reshape(shape)
    steps = labels * (np.array(sizes) - 1)
    indices = np.rint(steps)
    off = ~((np.abs(steps - indices) < NEAR) & (indices >= 0) & (indices < sizes))  # true of NaN too
    if off.any():
        row, column = np.argwhere(off)[0]
        raise WrongFile(
            f"{path}: {names[column]} of image {row} is {labels[row, column]:g}, a whole number of "
            f"{sizes[column] - 1} parts of 1 is expected; give the official file"
        )
    return indices.astype(np.int64)


def _images(place: Place, count: int) -> list[Path]:
    """The files of the images in order; MissingFile where one lacks."""
    names = [f"{row:06d}.png" for row in range(count)]
    missing = [name for name in names if name not in place.held]
    if missing:
        raise MissingFile(
            f"{place.images} lacks {len(missing):,} of {count:,} images, such as {missing[0]}; download or unpack it again"
        )
    return [place.images / name for name in names]


def _side(place: Place, path: Path) -> int:
    """Pixels along a side of a square png file."""
    if not place.images.is_file():
        sniff(path, (PNG,))
    try:
        with place.open(path) as file, Image.open(file) as image:
            width, height = image.size
    except (OSError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        raise WrongFile(f"{path} cannot be read as an image ({error}); replace it by an undamaged copy") from None
    if width != height:
        raise WrongFile(f"{path} has {width} x {height} pixels, a square is expected; give the official files")
    return width


def _decode(path: Path, place: Place, side: int, size: int) -> np.ndarray:
    """A png file of ``side`` pixels as uint8 (size, size, 3); WrongFile where it has another side."""
    with place.open(path) as file, Image.open(file) as image:
        if image.size != (side, side):  # before it is decoded
            width, height = image.size
            raise WrongFile(f"{width} x {height} pixels, the first image has {side} x {side}")
        return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))
