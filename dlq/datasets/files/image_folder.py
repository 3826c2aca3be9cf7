"""Any folder of images, with factors from the names of its sub-folders and from a table of labels where there is one."""

import csv
import functools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.files.checks import looks_like
from dlq.datasets.files.gallery import decoded, image_files, readable, some
from dlq.datasets.files.labelled import labelled
from dlq.datasets.files.pictures import COLOUR, GREY, picture
from dlq.datasets.grid import check_size

REMEDY = "replace them, or leave them out with skip_unreadable=True"


def image_folder(
    path,
    *,
    size=64,
    channels=COLOUR,
    classes=None,
    factors=None,
    names=None,
    skip_unreadable: bool = False,
    progress: bool = True,
) -> FactorDataset:
    """The images in a folder and its sub-folders, their largest centred squares resized, in natural order.

    size              pixels a side, 4 to 1024; how the pixels are made is in dlq/datasets/files/pictures.py
    channels          3 for colour, 1 for grey
    classes           a name: the sub-folder in which an image lies becomes the factor of this name
    factors           path of a csv file with a row for each image: its other columns, numbers or words, become factors
    names             the column of the csv with the images' names (default: the first), as they are under the folder,
                      or without their sub-folders
    skip_unreadable   leave out images that cannot be read, with a warning; each image is then decoded twice at first
    The images are decoded once into the cache folder and mapped into memory from then on.
    Errors: MissingFile, WrongFile; DataError for rows of the csv and images that do not belong to each other.
    """
    folder, size = Path(path).expanduser(), check_size(size, 4, 1024)
    if channels not in (COLOUR, GREY):
        raise DataError(f"channels is {channels!r}; give 3 for colour or 1 for grey")
    files = image_files(folder)
    read = functools.partial(picture, size=size, channels=channels)
    key = folder.absolute().name or "images"
    listed = files
    if skip_unreadable:
        files = readable(key, files, read, progress=progress)
        if not files:
            raise WrongFile(f"no image in {folder} can be read; give a folder of undamaged images")
    columns: dict[str, Any] = {} if classes is None else {str(classes): _class_of(folder, files)}
    if factors is not None:  # the csv may, and need not, have rows for images that are left out
        columns |= _table(Path(factors).expanduser(), folder, files, listed, names, columns)
    images = decoded(key, files, files, (channels, size, size), read, remedy=REMEDY, progress=progress)
    return labelled(key, images, columns)


def has_classes(path) -> bool:
    """Whether the images of a folder lie in two or more sub-folders, and none beside them."""
    folder = Path(path).expanduser()
    places = {file.relative_to(folder).parts[0] for file in image_files(folder)}
    return len(places) > 1 and all((folder / place).is_dir() for place in places)


def _class_of(folder: Path, files: list[Path]) -> list[str]:
    """The first sub-folder of each file."""
    parts = [file.relative_to(folder).parts for file in files]
    loose = [within[0] for within in parts if len(within) == 1]
    if loose:
        raise DataError(
            f"{len(loose):,} images of {folder} lie in no sub-folder ({some(loose)}); move each into the sub-folder of "
            "its class, or leave out classes"
        )
    return [within[0] for within in parts]


def _table(path: Path, folder: Path, files: list[Path], listed: list[Path], names, taken) -> dict[str, np.ndarray]:
    """The columns of labels in a csv file, in the order of the files; only files of ``listed`` may have a row."""
    header, rows = _read_csv(path)
    column = header[0] if names is None else str(names)
    if column not in header:
        raise DataError(f"{path} has no column {column!r}; give names one of {', '.join(header)}")
    clash = [name for name in header if header.count(name) > 1 or name in taken]
    if clash:
        raise DataError(f"{path} has the column {clash[0]!r} twice, or classes has its name; rename one of the two")
    order = _matched(path, folder, files, listed, [row[header.index(column)] for row in rows])
    cells = {name: [rows[i][k] for i in order] for k, name in enumerate(header) if name != column}
    return {name: _values(path, name, column) for name, column in cells.items()}


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    if not path.is_file():
        raise MissingFile(f"{path} is not there, or is a folder; give factors the path of a csv file")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file, strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise WrongFile(f"{path} is no csv file in UTF-8 ({error}); save the table as one, with commas") from None
    if len(rows) < 2 or len(rows[0]) < 2:
        what = looks_like(path).replace("of another kind", "no table")
        raise WrongFile(
            f"{path} is {what} ({len(rows)} rows, {len(rows[0]) if rows else 0} columns in the first); give a csv file "
            "with a row of names, a column of file names and one of labels, separated by commas"
        )
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise WrongFile(
                f"{path}: row {number} has {len(row)} cells, {len(rows[0])} are expected; give each row a cell for "
                "each column, and cells with commas in quotes"
            )
    return rows[0], rows[1:]


def _matched(path: Path, folder: Path, files: list[Path], every: list[Path], listed: list[str]) -> list[int]:
    """For each file the number of its row; DataError where one has none, two, or a row is of no file of ``every``."""
    listed = [name.replace("\\", "/").removeprefix("./") for name in listed]
    bare = not any("/" in name for name in listed)
    within, known = ([_name(file, folder, bare) for file in some_files] for some_files in (files, every))
    for what, each in (("row", listed), ("image", known)):
        twice = [name for name, times in Counter(each).items() if times > 1]
        if twice:
            raise DataError(
                f"{path}: {len(twice):,} names have more than one {what} ({some(twice)}); give each image one row, "
                "with its sub-folder where two images share a name"
            )
    rows = {name: number for number, name in enumerate(listed)}
    missing = [name for name in within if name not in rows]
    if missing:
        raise DataError(f"{path} has no row for {len(missing):,} images ({some(missing)}); add rows for them")
    exists = set(known)
    extra = [name for name in listed if name not in exists]
    if extra:
        raise DataError(f"{path} has {len(extra):,} rows without an image in {folder} ({some(extra)}); remove them")
    return [rows[name] for name in within]


def _name(file: Path, folder: Path, bare: bool) -> str:
    """How a csv names a file: by its path under the folder, or by its name alone."""
    return file.name if bare else file.relative_to(folder).as_posix()


def _values(path: Path, name: str, cells: list[str]) -> np.ndarray:
    """Whole numbers where every cell is one, else numbers, else words."""
    empty = cells.count("")
    if empty:
        raise DataError(f"{path}: the column {name!r} is empty in {empty:,} rows; fill them, or remove the column")
    for kind in (np.int64, np.float64):
        try:
            values = np.array(cells).astype(kind)
        except ValueError:
            continue
        except OverflowError:  # longer than any number kept exactly: a name
            break
        bad = int((~np.isfinite(values)).sum())
        if bad:
            raise DataError(f"{path}: the column {name!r} is not finite in {bad:,} rows; give finite numbers or words")
        return values
    return np.array(cells)
