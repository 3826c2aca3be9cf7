"""Is this the file that it should be? Every doubt becomes one sentence: what was found, what is expected, what to do."""

import contextlib
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dlq.datasets.catalogue import ENTRIES
from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.grid import is_grid

T = TypeVar("T")
H5, ZIP, NPY, GZIP, MATLAB = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x93NUMPY", b"\x1f\x8b", b"MATLAB 5.0"
PNG = b"\x89PNG\r\n\x1a\n"
IDX = b"\0\0\x08"
NORB_BYTES, NORB_INTS = b"\x55\x4c\x3d\x1e", b"\x54\x4c\x3d\x1e"
KINDS = {
    H5: "an HDF5 file",
    ZIP: "an npz file",
    NPY: "an npy file",
    GZIP: "a gzip file",
    MATLAB: "a MATLAB file",
    NORB_BYTES: "a NORB matrix of uint8",
    NORB_INTS: "a NORB matrix of int32",
    PNG: "a PNG image",
    IDX: "an idx file of uint8",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF",
    b"Rar!": "a rar archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"version https://git-lfs": "a Git LFS pointer, which git lfs pull turns into the file",
}
AGAIN = "download it again"
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, KeyError, IndexError, TypeError),
    *(RuntimeError, OverflowError, MemoryError, SyntaxError, tokenize.TokenError),
)  # what numpy, h5py, zipfile and Pillow raise for bytes that make no sense


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


def looks_like(path: Path) -> str:
    """What the first bytes of a file say that it is, in words."""
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "empty"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "a web page"
    if start[257:262] == b"ustar":
        return "a tar archive"
    return next((words for magic, words in KINDS.items() if start.startswith(magic)), "of another kind")


def sniff(path: Path, expected: tuple[bytes, ...]) -> bytes:
    """Which of the expected first bytes the file has; WrongFile, in plain words, where it has none."""
    with path.open("rb") as file:
        start = file.read(64)
    for magic in expected:
        if start.startswith(magic):
            return magic
    words = " or ".join(KINDS[magic] for magic in expected)
    raise WrongFile(f"{path} is {looks_like(path)}; {words} is expected: {AGAIN}")


@contextlib.contextmanager
def official(name: str) -> Iterator[None]:
    """Ends what goes wrong inside, or in the function below it, with where the official file is and how big it is."""
    try:
        yield
    except (MissingFile, WrongFile) as error:
        entry = ENTRIES[name]
        if entry.address is not None and entry.address in str(error):
            raise  # it has been said
        file = entry.downloads[0].name if entry.downloads else next(iter(entry.files), None)
        facts = [fact for fact in (file, entry.size, entry.address) if fact not in (None, "-")]
        where = f" (official: {', '.join(facts)})" if facts else ""
        raise type(error)(f"{error}{where}") from None


def guard(path: Path, read: Callable[..., T], sizes) -> T:
    """What read(path, sizes) returns; whatever a damaged file makes the readers raise becomes one WrongFile."""
    try:
        return read(path, tuple(int(n) for n in sizes))
    except DataError:
        raise
    except DAMAGED as error:
        raise WrongFile(f"{path} is damaged or cut short ({in_short(error)}); {AGAIN}") from None


def in_short(error: BaseException) -> str:
    """The message of another package on one line, or the name of the error where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


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
