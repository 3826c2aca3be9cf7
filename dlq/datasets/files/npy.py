"""Arrays in .npy files and in the members of an npz: mapped in place, or read some rows at a time; never unpickled."""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlq.datasets.errors import WrongFile
from dlq.datasets.files.checks import AGAIN
from dlq.datasets.images import CHUNK


def header(path: Path, file: Any) -> tuple[np.dtype, tuple[int, ...]]:
    """Dtype and shape of the array that begins where the stream stands; WrongFile for Fortran order."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if fortran:
        raise WrongFile(f"{path} is in Fortran order, C order is expected; {AGAIN}")
    return dtype, shape


def pieces(path: Path, file: Any) -> tuple[np.dtype, tuple[int, ...], Iterator[np.ndarray]]:
    """Dtype and shape of a .npy stream of uint8, and its rows some at a time: it is never whole in memory."""
    dtype, shape = header(path, file)
    size = int(np.prod(shape[1:]))

    def rows() -> Iterator[np.ndarray]:
        for start in range(0, shape[0], CHUNK):
            count = min(CHUNK, shape[0] - start)
            yield np.frombuffer(file.read(count * size), np.uint8).reshape(count, *shape[1:])

    return dtype, shape, rows()


def start_of(path: Path, member: str) -> int | None:
    """Where in a zip the bytes of a member begin; None where it is compressed."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
    if info.compress_type != zipfile.ZIP_STORED:
        return None
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))  # of the local header: the central one may differ
    return info.header_offset + 30 + name + extra


def mapped(path: Path, dtype: np.dtype, shape: tuple[int, ...], start: int) -> np.memmap:
    """The array whose header begins at byte ``start`` of a file, as a read-only memory map."""
    with path.open("rb") as file:
        file.seek(start)
        header(path, file)
        return np.memmap(path, dtype, "r", file.tell(), shape)
