"""The official MPI3D: Gondal et al., "On the Transfer of Inductive Bias from Simulation to the Real World: a New
Disentanglement Dataset", 2019, arxiv.org/abs/1906.03292 (CC BY 4.0).

The set called MPI3D in the code of QLAE's authors is the complex one. The older code that takes four colours and four
shapes for the toy and realistic sets read a part of them; the public files have six of each.
"""

import functools
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.catalogue import ENTRIES
from dlq.datasets.errors import MissingFile, WrongFile
from dlq.datasets.files import npy
from dlq.datasets.files.cache import cached_rows
from dlq.datasets.files.checks import AGAIN, NPY, ZIP, check_array, check_keys, guard, locate, official, sniff
from dlq.datasets.grid import check_sizes
from dlq.datasets.images import Stored
from dlq.datasets.places import find, on_disk

NAMES = (
    "object_color",
    "object_shape",
    "object_size",
    "camera_height",
    "background_color",
    "horizontal_axis",
    "vertical_axis",
)
COLORS = ("white", "green", "red", "blue", "brown", "olive")
SHAPES = ("cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere")
COMPLEX_COLORS = ("yellow", "green", "olive", "red")
COMPLEX_SHAPES = ("coffee-cup", "tennis-ball", "croissant", "beer-cup")
SHARED = ("small", "large"), ("top", "center", "bottom"), ("purple", "sea green", "salmon"), range(40), range(40)
ROWS, COMPLEX_ROWS = 1_036_800, 460_800
VALUES = {ROWS: (COLORS, SHAPES, *SHARED), COMPLEX_ROWS: (COMPLEX_COLORS, COMPLEX_SHAPES, *SHARED)}
MEMBER = "images.npy"
SETS = ("mpi3d_toy", "mpi3d_realistic", "mpi3d_real", "mpi3d_complex")
COMPLEX = ("mpi3d_complex", "mpi3d_real_complex", "real3d_complicated_shapes_ordered")
FILES = tuple(
    name + end for end in (".npz", ".npy") for name in ("mpi3d_toy", "mpi3d_realistic", "mpi3d_real", *COMPLEX)
)


def mpi3d(path=None, *, sizes=None) -> FactorDataset:
    """The official MPI3D, any of its four sets, from an npz or npy file, or from the folder that holds one of them.

    The number of images tells the complex set (460,800) from the others (1,036,800); the file's name tells those apart.
    Pixels stay in the file and are mapped into memory; those of a compressed npz are unpacked once into the cache
    folder. The file has no labels: rows are in grid order, as published. sizes is for smaller files of the same layout.
    Errors: MissingFile, WrongFile; DataError where a compressed npz finds no room in the cache folder.
    """
    path = _on_disk() if path is None else Path(path).expanduser()
    entry = _name(path, 0)
    with official(entry if entry in ENTRIES else "mpi3d_toy"):
        file = _one_of(path)
        read = _from_npz if sniff(file, (ZIP, NPY)) == ZIP else _from_npy
        return guard(file, read, () if sizes is None else check_sizes(sizes, (6, 6, 2, 3, 3, 40, 40), NAMES))


def _on_disk() -> Path:
    """The folder of the one set that is where datasets are looked for."""
    held = {name: found for name in SETS if (found := on_disk(name)) is not None}
    if len(held) > 1:
        such = next(iter(held.values()))
        raise MissingFile(f"{', '.join(held)} are on disk; give the path of one of them, such as {such}")
    return next(iter(held.values())) if held else find(SETS[0])


def _one_of(path: Path) -> Path:
    held = [name for name in FILES if (path / name).is_file()]
    if len(held) > 1:
        raise MissingFile(f"the folder {path} holds {', '.join(held)}; give the path of one of them")
    return locate(path, FILES)


def _name(path: Path, count: int) -> str:
    """Which of the four sets it is, or "mpi3d" where neither the number of images nor the file's name tells."""
    stem = path.stem.lower()
    if count == COMPLEX_ROWS or (count != ROWS and ("complex" in stem or "complicated" in stem)):
        return "mpi3d_complex"
    return next((f"mpi3d_{word}" for word in ("toy", "realistic", "real") if word in stem), "mpi3d")


def _from_npy(path: Path, sizes: tuple[int, ...]) -> FactorDataset:
    with path.open("rb") as file:
        dtype, shape = npy.header(path, file)
    sizes = _check(path, dtype, shape, sizes)
    return _dataset(path, npy.mapped(path, dtype, shape, 0).transpose(0, 3, 1, 2), sizes)


def _from_npz(path: Path, sizes: tuple[int, ...]) -> FactorDataset:
    with zipfile.ZipFile(path) as archive:
        check_keys(path, ("images",), [name.removesuffix(".npy") for name in archive.namelist()])
        with archive.open(MEMBER) as file:
            dtype, shape = npy.header(path, file)
    sizes = _check(path, dtype, shape, sizes)
    start = npy.start_of(path, MEMBER)
    if start is not None:
        return _dataset(path, npy.mapped(path, dtype, shape, start).transpose(0, 3, 1, 2), sizes)
    rows = cached_rows(_name(path, shape[0]), [path], (shape[0], 3, 64, 64), functools.partial(_unpacked, path))
    return _dataset(path, rows, sizes)


def _unpacked(path: Path, first: int) -> Iterator[np.ndarray]:
    """The images of a compressed npz from row ``first`` on, uint8 (n, 3, 64, 64)."""
    with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as file:
        for piece in npy.pieces(path, file)[2]:
            if first < len(piece):
                yield piece[first:].transpose(0, 3, 1, 2)
            first = max(0, first - len(piece))


def _check(path: Path, dtype: np.dtype, shape: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
    """How many values each factor takes; WrongFile unless the images are as many, and of the published shape."""
    rows = shape[0] if shape else 0
    if not sizes and rows not in VALUES:
        raise WrongFile(
            f"{path}: images has {rows:,} rows, {ROWS:,} (toy, realistic, real) or {COMPLEX_ROWS:,} (complex)"
            " are expected; give the official file"
        )
    sizes = sizes or tuple(len(values) for values in VALUES[rows])
    check_array(path, "images", dtype, shape, "uint8", (int(np.prod(sizes)), 64, 64, 3))
    return sizes


def _dataset(path: Path, rows: np.ndarray, sizes: tuple[int, ...]) -> FactorDataset:
    if not rows[np.linspace(0, len(rows) - 1, 64).astype(int)].any():
        raise WrongFile(f"{path}: every image that was looked at is black; {AGAIN}")
    values = tuple(np.array(v) for v in VALUES[len(rows)]) if len(rows) in VALUES else None
    return FactorDataset(
        _name(path, len(rows)), Stored(rows), factor_names=NAMES, factor_sizes=sizes, factor_values=values
    )
