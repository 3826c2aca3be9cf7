"""The public CelebA, its aligned images: Liu, Luo, Wang & Tang, "Deep Learning Face Attributes in the Wild", 2015,
arxiv.org/abs/1411.7766 (non-commercial research).

The images are 178 wide and 218 high. Most work on VAEs keeps the central 148 x 148 pixels and resizes those, as is the
default here; the code of QLAE's authors squeezes the whole image into a square (crop=None). Numbers from one are not
comparable with numbers from the other.
"""

import functools
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.files.checks import AGAIN, locate, looks_like, official
from dlq.datasets.files.gallery import decoded, some
from dlq.datasets.files.labelled import with_values
from dlq.datasets.files.pictures import COLOUR, picture
from dlq.datasets.files.zips import members
from dlq.datasets.grid import check_size
from dlq.datasets.places import files_of

WIDTH, HEIGHT = 178, 218
PARTS = {"train": 0, "valid": 1, "test": 2, "all": -1}
IMAGES, ATTRIBUTES, SPLIT = "img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"
IDENTITY = "identity_CelebA.txt"
MOST_BYTES = 2**22  # of one compressed image


def celeba(
    path=None,
    *,
    split="train",
    size=64,
    crop=148,
    identity: bool = False,
    progress: bool = True,
    num_images=202_599,
) -> FactorDataset:
    """CelebA from the folder that holds the images (folder or zip, which is not unpacked) and the attributes file.

    split        "train", "valid", "test" (these need list_eval_partition.txt) or "all"
    size         pixels a side, 4 to 178
    crop         pixels a side of the centred square that is kept, 1 to 178; None squeezes the whole image
    identity     add the factor ``identity``, who it is: a number from identity_CelebA.txt
    num_images   of all parts together, for smaller sets of the same layout
    The factors are the 40 attributes, 0 for no and 1 for yes (-1 and 1 in the file). The images are decoded once into
    the cache folder and mapped into memory from then on.
    Errors: MissingFile, WrongFile.
    """
    if split not in PARTS:
        raise DataError(f'split is {split!r}; give "train", "valid", "test" or "all"')
    size = check_size(size, 4, WIDTH)
    box = (WIDTH, HEIGHT) if crop is None else (check_size(crop, 1, WIDTH),) * 2
    with official("celeba"):
        folder = files_of("celeba", path)
        wanted = [ATTRIBUTES, *([SPLIT] if split != "all" else []), *([IDENTITY] if identity else [])]
        texts = [_text_file(folder, name) for name in wanted]
        names, factors, values = _labels(texts, split, num_images)
        source, open_image = _images(folder, names)
        read = functools.partial(_read, open_image=open_image, size=size, crop=box)
        files = [source / name for name in names]
        key, shape = f"celeba {split} {'x'.join(map(str, box))}", (COLOUR, size, size)
        sources = [source, *texts] if source.is_file() else files
        images = decoded(key, files, sources, shape, read, remedy=AGAIN, progress=progress)
    return with_values("celeba", images, factors, values)


def _read(file: Path, open_image: Callable[[str], Path | io.BytesIO], size: int, crop: tuple[int, int]) -> np.ndarray:
    return picture(open_image(file.name), size, crop=crop, expected=(WIDTH, HEIGHT))


def _text_file(folder: Path, name: str) -> Path:
    """The file in the folder, or in the folder in which the authors keep it."""
    if folder.is_file():
        raise MissingFile(f"{folder} is a file; give the folder that holds {IMAGES} or {IMAGES}.zip, and {ATTRIBUTES}")
    held = [place for place in (folder / "Anno", folder / "Eval") if (place / name).is_file()]
    return locate(held[0] if held else folder, (name,))


def _labels(texts: list[Path], split: str, count: int) -> tuple[list[str], np.ndarray, dict[str, Any]]:
    """Of one part: names of the images, factors int64 (N, F), and the values of each factor by its name."""
    attributes, names, factors = _attributes(texts[0], count)
    values: dict[str, Any] = dict.fromkeys(attributes, (-1, 1))
    part = np.full(count, True)
    for path in texts[1:]:
        column = _column(path, names)
        if path.name == SPLIT:
            if column.max() > 2:
                raise WrongFile(f"{path} has the number {column.max()}, 0, 1 and 2 are expected; {AGAIN}")
            part = column == PARTS[split]
        else:
            values["identity"], people = np.unique(column, return_inverse=True)
            factors = np.column_stack([factors, people])
    return [name for name, kept in zip(names, part, strict=True) if kept], factors[part], values


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise WrongFile(f"{path} is {looks_like(path)}; a text file is expected: {AGAIN}") from None


def _attributes(path: Path, count: int) -> tuple[list[str], list[str], np.ndarray]:
    """Names of the attributes, names of the images, and 0 or 1 for each, int64 (count, 40)."""
    lines = _lines(path)
    attributes = lines[1].split() if len(lines) > 2 else []
    if len(attributes) != 40 or len(set(attributes)) != 40 or lines[0].strip() != str(len(lines) - 2):
        what = looks_like(path).replace("of another kind", f"a text of {len(lines):,} lines")
        raise WrongFile(f"{path} is {what}; a count, 40 names and a line for each image are expected: {AGAIN}")
    if len(lines) - 2 != count:
        raise WrongFile(f"{path} lists {len(lines) - 2:,} images, {count:,} are expected; {AGAIN}")
    names, factors = [], np.empty((count, 40), dtype=np.int64)
    for k, line in enumerate(lines[2:]):  # a line at a time: as words, the whole file would take a gigabyte
        name, *signs = line.split()
        if len(signs) != 40 or not {*signs} <= {"-1", "1"}:
            raise WrongFile(f"{path}: line {k + 3} is not a file name and 40 times -1 or 1; {AGAIN}")
        names.append(name)
        factors[k] = [sign == "1" for sign in signs]
    if len(set(names)) != count:
        raise WrongFile(f"{path} lists an image twice; {AGAIN}")
    return attributes, names, factors


def _column(path: Path, names: list[str]) -> np.ndarray:
    """The number that a file of lines "000001.jpg 2880" has for each image, int64 (N,)."""
    rows = [line.split() for line in _lines(path)]
    if any(len(row) != 2 or not (row[1].isascii() and row[1].isdecimal()) for row in rows):
        raise WrongFile(f"{path} is not made of lines with a file name and a number; {AGAIN}")
    numbers = {name: int(number) for name, number in rows}
    missing = [name for name in names if name not in numbers]
    if missing or len(rows) != len(names):
        raise WrongFile(
            f"{path} lists {len(rows):,} images, {ATTRIBUTES} {len(names):,}, of which {len(missing):,} are not in the "
            f"first; {AGAIN}"
        )
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _images(folder: Path, names: Sequence[str]) -> tuple[Path, Callable[[str], Path | io.BytesIO]]:
    """The folder or zip of images, and what opens one of them by name; MissingFile where one of the names is missing."""
    inside = [folder / IMAGES / IMAGES, folder / IMAGES, folder / "Img" / IMAGES, folder]
    for place in inside:
        if (place / names[0]).is_file():
            _check_all(place, names, {file.name for file in place.iterdir()})
            return place, place.joinpath
    zips = [folder / f"{IMAGES}.zip", folder / "Img" / f"{IMAGES}.zip"]
    path = next((path for path in zips if path.is_file()), None)
    if path is None:
        raise MissingFile(f"the folder {folder} has neither {IMAGES}/{names[0]} nor {IMAGES}.zip; put the images there")
    archive = members(path, expected=f"a zip file is expected: {AGAIN}", most_bytes=MOST_BYTES)
    _check_all(path, names, archive.names)
    return path, archive.open


def _check_all(place: Path, names: Sequence[str], held) -> None:
    missing = [name for name in names if name not in held]
    if missing:
        raise MissingFile(f"{place} lacks {len(missing):,} of {len(names):,} images ({some(missing)}); unpack it again")
