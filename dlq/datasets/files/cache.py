"""Images that take long to read, put once into one .npy file that is mapped into memory from then on.

The file has its final name only when it is whole. Rows are appended in order, so an interrupted build goes on where it
stopped; a lock lets one process build while others wait for what it makes.
"""

import errno
import hashlib
import io
import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock
from tqdm.std import tqdm

from dlq.datasets.errors import DataError, MissingFile
from dlq.datasets.places import cache_folder

PIECE = 256  # images read before they are written
THREADS = min(8, os.cpu_count() or 1)  # decoding runs outside Python's lock


def cached_rows(
    key: str,
    sources: Sequence[Path],
    shape: tuple[int, ...],
    pieces: Callable[[int], Iterable[np.ndarray]],
    progress: bool = True,
) -> np.memmap:
    """The rows that pieces(start) gives, some at a time from row start on, as a read-only memory map uint8 made once.

    key       names the file and says what was done to the sources, for everything that changes the rows
    sources   the files that the rows come from: the rows are made anew where a name, length or time of change differs
    shape     of all rows
    Errors: DataError where there is no room or no permission, MissingFile where a source does not exist.
    """
    target = cache_folder() / "images" / f"{_slug(key)}-{shape[-1]}-{_fingerprint(key, sources, shape)}.npy"
    images = _opened(target, shape)
    if images is not None:
        return images
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            images = _opened(target, shape)  # another process may have made it while this one waited
            if images is None:
                _build(target, shape, pieces, tqdm(total=shape[0], desc=key, unit=" images", disable=not progress))
                images = _opened(target, shape)
    except DataError:
        raise
    except OSError as error:
        raise DataError(
            f"cannot write {target} ({_room(shape)}): {error.strerror or error}; "
            "set XDG_CACHE_HOME to a folder with room and permission"
        ) from None
    assert images is not None
    return images


def _slug(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key).strip("-.")[:60]


def _room(shape: tuple[int, ...]) -> str:
    """The bytes of an array of uint8 in words."""
    size = float(np.prod(shape, dtype=np.int64))
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _fingerprint(key: str, paths: Sequence[Path], shape: tuple[int, ...]) -> str:
    """Stands for the key, the shape, and each file's name, length and time of change."""
    digest = hashlib.sha256(repr((key, shape)).encode())
    for path in paths:
        try:
            facts = os.stat(path)
        except OSError:
            raise MissingFile(f"{path} does not exist; give a folder that holds every image") from None
        digest.update(
            f"{os.path.abspath(path)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode(errors="surrogateescape")
        )
    return digest.hexdigest()[:16]


def _opened(target: Path, shape: tuple[int, ...]) -> np.memmap | None:
    """The finished file as a memory map; None where it is missing, cut short or of another shape."""
    try:
        images = np.load(target, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None


def _build(target: Path, shape: tuple[int, ...], pieces: Callable[[int], Iterable[np.ndarray]], bar: tqdm) -> None:
    part = target.with_suffix(".part")
    try:
        with bar, part.open("ab") as file:
            done = _resume(file, shape)
            bar.update(done)
            if (shape[0] - done) * int(np.prod(shape[1:])) > shutil.disk_usage(target.parent).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for piece in pieces(done):
                assert piece.shape[1:] == shape[1:]
                assert piece.dtype == np.uint8
                file.write(np.ascontiguousarray(piece).data)
                bar.update(len(piece))
            file.flush()
            os.fsync(file.fileno())
    except Exception:  # what failed will be another file next time; only an interrupted build is worth keeping
        part.unlink(missing_ok=True)
        raise
    os.replace(part, target)


def _resume(file: BinaryIO, shape: tuple[int, ...]) -> int:
    """Cuts an interrupted file back to its last whole image, or starts it; returns how many images it has."""
    header, row = _header(shape), int(np.prod(shape[1:]))
    done = max(0, file.tell() - len(header)) // row
    file.truncate(len(header) + done * row if done else 0)
    file.seek(0, os.SEEK_END)
    if not done:
        file.write(header)
    return done


def _header(shape: tuple[int, ...]) -> bytes:
    """The first bytes of a .npy file of uint8 of this shape."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()
