"""The official small NORB: LeCun, Huang & Bottou, "Learning Methods for Generic Object Recognition with Invariance to Pose
and Lighting", 2004, cs.nyu.edu/~ylclab/data/norb-v1.0-small.

Its ``.mat`` files are matrices in a format of their own, not MATLAB's. Rows are put in grid order here; the official
files are shuffled. Each half has five instances of a category, numbered by rank: 4, 6, 7, 8, 9 to train, 0, 1, 2, 3, 5
to test. Some older code reads the bytes as signed, so that bright pixels become dark; here they stay as they are.
"""

import contextlib
import functools
import gzip
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError, WrongFile
from dlq.datasets.files.checks import (
    AGAIN,
    GZIP,
    KINDS,
    NORB_BYTES,
    NORB_INTS,
    check_array,
    check_grid,
    guard,
    locate,
    official,
    sniff,
)
from dlq.datasets.grid import check_sizes
from dlq.datasets.images import CHUNK, Rows, Stored
from dlq.datasets.places import files_of

TRAIN, TEST = "smallnorb-5x46789x9x18x6x2x96x96-training-", "smallnorb-5x01235x9x18x6x2x96x96-testing-"
NAMES = ("category", "instance", "elevation", "azimuth", "lighting")
OFFICIAL = (5, 5, 9, 18, 6)
CATEGORIES = ("animal", "human", "plane", "truck", "car")
TRAIN_INSTANCES, TEST_INSTANCES = (4, 6, 7, 8, 9), (0, 1, 2, 3, 5)


@official("smallnorb")
def smallnorb(path=None, *, train: bool = True, camera=0, sizes=OFFICIAL) -> FactorDataset:
    """One half of the official small NORB, from the folder that holds its files or from one of them, gzipped or not.

    train    the training half, otherwise the test half; 24,300 images each, of other instances
    camera   0 the left image of each stereo pair, 1 the right one
    sizes    for smaller files of the same layout
    Images are 96 x 96, grey; elevation and azimuth are in degrees in factor_values. Unpacked files are mapped into
    memory, gzipped ones are read (224 MB).
    Errors: MissingFile, WrongFile; DataError for another camera.
    """
    if camera not in (0, 1):
        raise DataError(f"camera is {camera!r}; give 0 for the left image of each pair, or 1 for the right one")
    path, prefix = files_of("smallnorb", path), TRAIN if train else TEST
    if path.is_file():
        sniff(path, (NORB_BYTES, NORB_INTS, GZIP))
    folder = path.parent if path.is_file() else path
    dat, cat, info = (locate(folder, (f"{prefix}{k}.mat", f"{prefix}{k}.mat.gz")) for k in ("dat", "cat", "info"))
    sizes = check_sizes(sizes, OFFICIAL, NAMES)
    count = math.prod(sizes)
    labels = guard(info, _labels, (count, 4)), guard(cat, _labels, (count,))
    factors, instances = _factors(info, *labels, TRAIN_INSTANCES if train else TEST_INSTANCES)
    order = np.lexsort(factors.T[::-1])
    check_grid(info, factors[order], sizes)
    pixels = guard(dat, functools.partial(_pixels, camera=camera), (count, 2, 96, 96))
    known = np.array(CATEGORIES), instances, 30 + 5 * np.arange(9), 20 * np.arange(18), np.arange(6)
    values = tuple(value[:n] for value, n in zip(known, sizes, strict=True))
    images = Rows(Stored(pixels), order)
    return FactorDataset("smallnorb", images, factor_names=NAMES, factor_sizes=sizes, factor_values=values)


def _factors(path: Path, info: np.ndarray, category: np.ndarray, expected: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Factor indices int64 (N, 5) in the file's order, and the instances that they number."""
    instances, rank = np.unique(info[:, 0], return_inverse=True)
    if not np.isin(instances, expected).all():
        raise WrongFile(f"{path}: the instances are {instances}, {expected} are expected; give the official file")
    if (info[:, 2] % 2).any():
        raise WrongFile(f"{path}: azimuth takes odd numbers, even ones are expected; give the official file")
    return np.stack([category, rank, info[:, 1], info[:, 2] // 2, info[:, 3]], axis=1).astype(np.int64), instances


@contextlib.contextmanager
def _matrix(path: Path, kind: bytes, shape: tuple[int, ...]) -> Iterator[Any]:
    """The file, unpacked, at the first number of its matrix; WrongFile unless the matrix is of this kind and shape."""
    packed = sniff(path, (kind, GZIP)) == GZIP
    with gzip.open(path) if packed else path.open("rb") as file:
        if file.read(4) != kind:
            raise WrongFile(f"{path} unpacks to something else than {KINDS[kind]}; {AGAIN}")
        num_dims = int.from_bytes(file.read(4), "little")
        dims = np.frombuffer(file.read(4 * max(3, min(num_dims, 8))), "<i4")[:num_dims]
        dtype, words = (np.dtype(np.uint8), "uint8") if kind == NORB_BYTES else (np.dtype("<i4"), "integer")
        check_array(path, "the matrix", dtype, tuple(int(n) for n in dims), words, shape)
        yield file


def _labels(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    with _matrix(path, NORB_INTS, shape) as file:
        content = file.read()
    if len(content) != 4 * math.prod(shape):
        raise WrongFile(f"{path} has {len(content):,} bytes of labels, {4 * math.prod(shape):,} are expected; {AGAIN}")
    return np.frombuffer(content, "<i4").reshape(shape)


def _pixels(path: Path, shape: tuple[int, ...], camera: int) -> np.ndarray:
    """The images of one camera, uint8 (N, 1, 96, 96): a memory map, or an array where the file is gzipped."""
    with _matrix(path, NORB_BYTES, shape) as file:
        if isinstance(file, gzip.GzipFile):
            return _unpacked(path, file, shape, camera)
        start, size = file.tell(), path.stat().st_size
    if size - start != math.prod(shape):
        raise WrongFile(f"{path} has {size - start:,} bytes of pixels, {math.prod(shape):,} are expected; {AGAIN}")
    return np.memmap(path, np.uint8, "r", start, shape)[:, camera : camera + 1]


def _unpacked(path: Path, file: gzip.GzipFile, shape: tuple[int, ...], camera: int) -> np.ndarray:
    images = np.empty((shape[0], 1, *shape[2:]), dtype=np.uint8)
    for start in range(0, shape[0], CHUNK):
        target = images[start : start + CHUNK]
        content = file.read(len(target) * math.prod(shape[1:]))
        target[:] = np.frombuffer(content, np.uint8).reshape(len(target), *shape[1:])[:, camera : camera + 1]
    if file.read(1):  # also reads to the end, where the checksum is compared
        raise WrongFile(f"{path} goes on after its {shape[0]:,} pairs of images; {AGAIN}")
    return images
