"""Many picture files: found in a folder in a fixed order, decoded once into the cache.

The order is natural: by folder, then by name, with numbers in names compared as numbers (2.png before 10.png). Hidden
files and folders are left out.
"""

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.files.cache import PIECE, THREADS, cached_rows
from dlq.datasets.files.pictures import ENDINGS

SHOWN = 3  # how many of the files that are wrong a message names


def natural(name: str) -> list:
    """A key to sort by: numbers as numbers, folder by folder, letters without their case first."""
    words = [(re.split(r"(\d+)", part.lower()), part) for part in re.split(r"[/\\]", name)]
    return [([int(w) if w.isdecimal() else w for w in cut], part) for cut, part in words]


def image_files(folder: Path) -> list[Path]:
    """All image files in a folder and its sub-folders, in natural order; MissingFile where there are none.

    Links to folders are followed, each folder is taken once.
    """
    if folder.is_file():
        raise MissingFile(f"{folder} is a file, a folder of images is expected; unpack it, and give the folder")
    if not folder.is_dir():
        raise MissingFile(f"{folder} does not exist; give the path of a folder of images")
    found, others, seen = [], 0, set()
    for parent, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        if (place := os.path.realpath(parent)) in seen:  # a link to a folder around it would never end
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural)
        pictures = [name for name in names if name.lower().endswith(ENDINGS) and not name.startswith(".")]
        found += [os.path.join(parent, name) for name in pictures]
        others += len(names) - len(pictures)
    if not found:
        raise MissingFile(
            f"the folder {folder} holds no images ({others:,} other files); give one with {', '.join(ENDINGS)} files"
        )
    skip = len(str(folder)) + 1
    return [Path(name) for name in sorted(found, key=lambda name: natural(name[skip:]))]


def _refuse(error: OSError) -> None:
    raise DataError(
        f"the folder {error.filename} cannot be read ({error.strerror}); give yourself permission, or move it"
    )


class Unreadable(WrongFile):
    """Some of many images cannot be read."""


def decoded(
    key: str,
    items: Sequence[Any],
    sources: Sequence[Path],
    shape: tuple[int, int, int],
    read: Callable[[Any], np.ndarray],
    *,
    remedy: str,
    progress: bool = True,
) -> np.ndarray:
    """What read gives for each item, uint8 (H, W, C), as a read-only memory map uint8 (N, *shape) made once.

    key and sources say what the rows are, as for ``cached_rows``; Unreadable counts and names what read failed for.
    """

    def pieces(start: int) -> Iterator[np.ndarray]:
        bad: list[str] = []
        with ThreadPoolExecutor(THREADS) as pool:
            for first in range(start, len(items), PIECE):
                results = list(pool.map(lambda item: _attempt(read, item), items[first : first + PIECE]))
                bad += [result for result in results if isinstance(result, str)]
                if not bad:  # afterwards only what else is wrong is looked for
                    yield np.stack([image for image in results if not isinstance(image, str)]).transpose(0, 3, 1, 2)
        if bad:
            raise Unreadable(f"{len(bad):,} of {len(items):,} images cannot be read: {some(bad)}; {remedy}")

    return cached_rows(key, sources, (len(items), *shape), pieces, progress)


def readable(
    key: str, paths: Sequence[Path], read: Callable[[Any], np.ndarray], *, progress: bool = True
) -> list[Path]:
    """Those of the paths that read does not fail for, with a warning that counts the others; remembered in the cache."""

    def pieces(start: int) -> Iterator[np.ndarray]:
        with ThreadPoolExecutor(THREADS) as pool:
            for first in range(start, len(paths), PIECE):
                results = pool.map(lambda path: _attempt(read, path), paths[first : first + PIECE])
                yield np.array([isinstance(result, np.ndarray) for result in results], np.uint8).reshape(-1, 1)

    good = np.asarray(cached_rows(f"{key} readable", paths, (len(paths), 1), pieces, progress))[:, 0] > 0
    bad = [str(path) for path, fine in zip(paths, good, strict=True) if not fine]
    if bad:
        warnings.warn(
            f"{len(bad):,} of {len(paths):,} images cannot be read and are left out: {some(bad)}", stacklevel=3
        )
    return [path for path, fine in zip(paths, good, strict=True) if fine]


def _attempt(read: Callable[[Any], np.ndarray], item: Any) -> np.ndarray | str:
    try:
        return read(item)
    except Exception as error:  # what a damaged image makes Pillow raise is no closed set; each becomes a line
        return f"{item} ({str(error) or type(error).__name__})"


def some(names: Sequence[str]) -> str:
    """The first few of many names, in words."""
    return ", ".join(map(str, names[:SHOWN])) + (", …" if len(names) > SHOWN else "")
