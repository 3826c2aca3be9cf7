"""The public files of MNIST (LeCun, Bottou, Bengio & Haffner, "Gradient-Based Learning Applied to Document Recognition",
1998), Fashion-MNIST (Xiao, Rasul & Vollgraf, 2017, arxiv.org/abs/1708.07747) and KMNIST (Clanuwat et al., "Deep Learning
for Classical Japanese Literature", 2018, arxiv.org/abs/1812.01718).

All three have four idx files of the same names. The compressed labels are recognised by their published md5, so that one
set is never taken for another; files that were unpacked cannot be told apart.
"""

import gzip
import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.files.checks import AGAIN, GZIP, IDX, official, sniff
from dlq.datasets.files.labelled import with_values
from dlq.datasets.grid import check_size
from dlq.datasets.images import bicubic
from dlq.datasets.places import files_of

DIGITS = tuple(range(10))
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
OFFICIAL = (60_000, 10_000)
PARTS = {"train": ("train",), "test": ("t10k",), "both": ("train", "t10k")}
LABELS = {
    "d53e105ee54ea40749a09fcbcd1e9432": "mnist",
    "ec29112dd5afa0611ce80d1b7f02629c": "mnist",
    "25c81989df183df01b3e8a0aad5dffbe": "fashion_mnist",
    "bb300cfdad3c16e7a12a480ee83cd310": "fashion_mnist",
    "e144d726b3acfaa3e44228e80efcd344": "kmnist",
    "7320c461ea6c1c855c0b718fb2a4b134": "kmnist",
}  # md5 of train-labels and t10k-labels, compressed


def mnist(path=None, *, split="train", size=28, pad=0, num_images=OFFICIAL) -> FactorDataset:
    """MNIST from the folder with its four files, compressed or not: white digits on black, factor ``label``.

    split        "train" (60,000 images), "test" (10,000) or "both", the training images first
    size         side in pixels, 16 to 64; other than 28 the images are resampled (bicubic), as those of ``digits``
    pad          black pixels then added on each side: 2 makes the 32 x 32 images of ``dlq.models.ard_vae_mnist``
    num_images   (train, test), for smaller files of the same layout
    Errors: MissingFile, WrongFile.
    """
    return _dataset("mnist", path, split, (size, pad), num_images, DIGITS)


def fashion_mnist(path=None, *, split="train", size=28, pad=0, num_images=OFFICIAL) -> FactorDataset:
    """Fashion-MNIST, as ``mnist``; the values of ``label`` are kinds of clothing."""
    return _dataset("fashion_mnist", path, split, (size, pad), num_images, CLOTHES)


def kmnist(path=None, *, split="train", size=28, pad=0, num_images=OFFICIAL) -> FactorDataset:
    """KMNIST, as ``mnist``; the values of ``label`` are hiragana, in Latin letters."""
    return _dataset("kmnist", path, split, (size, pad), num_images, KANA)


def _dataset(name: str, path, split, sides: tuple, num_images, values: tuple) -> FactorDataset:
    if split not in PARTS:
        raise DataError(f'split is {split!r}; give "train", "test" or "both"')
    size, pad = check_size(sides[0], 16, 64), sides[1]
    if pad not in range(33):
        raise DataError(f"pad is {pad!r}; give a whole number of pixels from 0 to 32")
    edge = (int(pad), int(pad))
    counts = dict(zip(("train", "t10k"), map(int, num_images), strict=True))
    with official(name):
        folder = _folder(files_of(name, path))
        images = [_read(_find(folder, part, "images", 3), (counts[part], 28, 28)) for part in PARTS[split]]
        labels = [_labels(name, _find(folder, part, "labels", 1), counts[part]) for part in PARTS[split]]
    pixels = np.pad(bicubic(np.concatenate(images), size), ((0, 0), edge, edge))
    return with_values(name, pixels[:, None], np.concatenate(labels)[:, None], {"label": values})


def _folder(folder: Path) -> Path:
    if folder.is_file():
        raise MissingFile(f"{folder} is a file; give the folder that holds the four files")
    if not folder.is_dir():
        raise MissingFile(f"{folder} does not exist; give the folder that holds the four files")
    return folder


def _find(folder: Path, part: str, what: str, ndim: int) -> Path:
    stems = [f"{part}-{what}{mark}idx{ndim}-ubyte" for mark in "-."]
    places = [folder, folder / "raw"]  # torchvision puts them into raw
    for file in (place / (stem + end) for place in places for stem in stems for end in ("", ".gz")):
        if file.is_file():
            return file
    raise MissingFile(f"the folder {folder} has no {stems[0]}.gz, compressed or not; put the file there")


def _labels(name: str, path: Path, count: int) -> np.ndarray:
    owner = LABELS.get(hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(), name)
    if owner != name:
        raise WrongFile(f"{path} belongs to {owner}, which has files of the same names; give the folder of {name}")
    labels = _read(path, (count,))
    if labels.max() > 9:
        raise WrongFile(f"{path} has labels up to {labels.max()}, 0 to 9 are expected; {AGAIN}")
    return labels.astype(np.int64)


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The uint8 array of an idx file, which must have this shape."""
    compressed, size = sniff(path, (GZIP, IDX)) == GZIP, int(np.prod(shape))
    try:
        with gzip.open(path) if compressed else path.open("rb") as file:
            start = file.read(4)
            dims = struct.unpack(f">{start[3]}I", file.read(4 * start[3])) if start[:3] == IDX and start[3:] else ()
            if dims != shape:
                found = f"is an idx file of shape {dims}" if dims else "holds no idx file of uint8"
                raise WrongFile(f"{path} {found}, uint8 {shape} is expected; give the official file")
            content = file.read(size + 1)
    except (EOFError, OSError, zlib.error, struct.error) as error:
        raise WrongFile(f"{path} is damaged or cut short ({error}); {AGAIN}") from None
    if len(content) != size:
        what = f"{len(content):,} bytes" if len(content) < size else "more bytes"
        raise WrongFile(f"{path} has {what} of pixels or labels where {size:,} are expected; {AGAIN}")
    return np.frombuffer(content, np.uint8).reshape(shape)
