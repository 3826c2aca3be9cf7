"""Is this the file that it should be? Every doubt becomes one sentence: what was found, what is expected, what to do."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.grid import is_grid

H5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
KINDS = {H5: "an HDF5 file", ZIP: "an npz file"}
AGAIN = "download it again"


def locate(path, names: tuple[str, ...]) -> Path:
    """The file at path, or the one of these names in the folder at path; MissingFile where there is none."""
    path = Path(path).expanduser()
    if path.is_dir():
        found = [path / name for name in names if (path / name).is_file()]
        if not found:
            raise MissingFile(f"the folder {path} has no {' or '.join(names)}; put the file there, or give its path")
        return found[0]
    if not path.is_file():
        raise MissingFile(f"{path} does not exist; give the path of {' or '.join(names)}, or of its folder")
    return path


def sniff(path: Path, expected: tuple[bytes, ...]) -> bytes:
    """Which of the expected first bytes the file has; WrongFile, in plain words, where it has none."""
    with path.open("rb") as file:
        start = file.read(64)
    for magic in expected:
        if start.startswith(magic):
            return magic
    found = next((words for magic, words in KINDS.items() if start.startswith(magic)), "of another kind")
    if not start:
        found = "empty"
    elif start.lstrip().startswith(b"<"):
        found = "a web page"
    elif start.startswith(b"version https://git-lfs"):
        found = "a Git LFS pointer, which git lfs pull turns into the file"
    raise WrongFile(f"{path} is {found}; {' or '.join(KINDS[m] for m in expected)} is expected: {AGAIN}")


def guard(path: Path, read: Callable[..., FactorDataset], sizes) -> FactorDataset:
    """What read(path, sizes) returns; whatever a damaged file makes the readers raise becomes one WrongFile."""
    try:
        return read(path, tuple(int(n) for n in sizes))
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError) as error:
        raise WrongFile(f"{path} is damaged or cut short ({error}); {AGAIN}") from None


def check_keys(path: Path, expected: tuple[str, ...], found: list[str]) -> None:
    """WrongFile where an expected key is missing."""
    missing = [key for key in expected if key not in found]
    if missing:
        held = ", ".join(sorted(found)) or "nothing"
        raise WrongFile(f"{path} lacks {', '.join(missing)}, it holds {held}; give the official file")


def check_array(path: Path, key: str, dtype: np.dtype, shape: tuple, kind: str, expected: tuple) -> None:
    """WrongFile unless the array is "uint8", "integer" or "float", as kind says, and has the expected shape."""
    kinds = {"uint8": dtype == np.uint8, "integer": dtype.kind in "iu", "float": dtype.kind == "f"}
    if not kinds[kind] or tuple(shape) != expected:
        raise WrongFile(f"{path}: {key} is {dtype} {tuple(shape)}, {kind} {expected} is expected; {AGAIN}")


def check_grid(path: Path, factors: np.ndarray, sizes: tuple[int, ...]) -> None:
    """WrongFile unless the factors are every combination once, in grid order."""
    found = tuple(len(np.unique(column)) for column in factors.T)
    if found != sizes or factors.min() < 0 or (factors.max(0) >= sizes).any():
        raise WrongFile(f"{path}: the factors take {found} values, {sizes} are expected; give the official file")
    if not is_grid(factors, sizes):
        raise WrongFile(f"{path}: the labels are not every combination once, last factor fastest; {AGAIN}")


def h5py() -> Any:
    """The package h5py; ImportError names the extra."""
    try:
        import h5py as package
    except ImportError:
        raise ImportError('reading an HDF5 file needs h5py; install it with: pip install "dlq[data]"') from None
    return package
