"""The public CIFAR-10: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
cs.toronto.edu/~kriz/cifar.html.

Read from its binary version. The files of the Python version are pickles, which can run code: they are refused.
"""

import tarfile
import zlib
from pathlib import Path

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.files.checks import AGAIN, looks_like, official
from dlq.datasets.files.labelled import with_values
from dlq.datasets.places import files_of

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAIN, TEST = tuple(f"data_batch_{k}.bin" for k in range(1, 6)), ("test_batch.bin",)
PARTS = {"train": TRAIN, "test": TEST, "both": TRAIN + TEST}
ARCHIVE, FOLDER = "cifar-10-binary.tar.gz", "cifar-10-batches-bin"
ROW = 1 + 3 * 32 * 32  # a label, then the red, the green and the blue plane


@official("cifar10")
def cifar10(path=None, *, split="train", per_file=10_000) -> FactorDataset:
    """CIFAR-10 from its binary archive, which is not unpacked, or from the folder that holds it or its .bin files.

    split      "train" (50,000 images), "test" (10,000) or "both", the training images first; factor ``label``
    per_file   images in each file, for smaller files of the same layout
    Errors: MissingFile, WrongFile.
    """
    if split not in PARTS:
        raise DataError(f'split is {split!r}; give "train", "test" or "both"')
    held = _place(files_of("cifar10", path))
    contents = _from_folder(held, PARTS[split]) if held.is_dir() else _from_tar(held, PARTS[split], per_file)
    rows = np.concatenate([_rows(*each, per_file) for each in contents])
    images = np.ascontiguousarray(rows[:, 1:]).reshape(-1, 3, 32, 32)
    return with_values("cifar10", images, rows[:, :1].astype(np.int64), {"label": CLASSES})


def _place(path: Path) -> Path:
    """The archive, or the folder of .bin files."""
    if not path.exists():
        raise MissingFile(f"{path} does not exist; give the path of {ARCHIVE}, or the folder {FOLDER}")
    if path.is_file():
        return path
    for folder in (path, path / FOLDER):
        if any((folder / name).is_file() for name in TRAIN + TEST):
            return folder
    if (path / ARCHIVE).is_file():
        return path / ARCHIVE
    if any(file.name.startswith(("cifar-10-python", "cifar-10-batches-py", "data_batch_")) for file in path.iterdir()):
        raise _pickled(path)
    raise MissingFile(f"the folder {path} has neither {ARCHIVE} nor {TRAIN[0]}; put the archive there")


def _pickled(path: Path) -> WrongFile:
    return WrongFile(f"{path} is the Python version, whose pickles are never read; give the binary version, {ARCHIVE}")


def _from_folder(folder: Path, names: tuple[str, ...]) -> list[tuple[str, bytes]]:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise MissingFile(f"the folder {folder} has no {', '.join(missing)}; unpack {ARCHIVE} again")
    return [(str(folder / name), (folder / name).read_bytes()) for name in names]


def _from_tar(path: Path, names: tuple[str, ...], per_file: int) -> list[tuple[str, bytes]]:
    """Members read in the order of names, without writing any to disk."""
    found: dict[str, bytes] = {}
    with path.open("rb") as file:
        start = file.read(2)
    if start[:1] == b"\x80":
        raise _pickled(path)
    if start != b"\x1f\x8b" and looks_like(path) != "a tar archive":
        raise WrongFile(
            f"{path} is {looks_like(path)}; a gzip file is expected: give {ARCHIVE}, or the folder {FOLDER}"
        )
    try:
        with tarfile.open(path, "r|*") as archive:  # a stream: each byte is unpacked once
            for member in archive:
                name = Path(member.name).name
                if name in ("data_batch_1", "test_batch"):
                    raise _pickled(path)
                content = archive.extractfile(member) if name in names and member.isreg() else None
                if content is not None:
                    found[name] = content.read(per_file * ROW + 1)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise WrongFile(f"{path} is damaged or cut short ({error}); {AGAIN}") from None
    missing = [name for name in names if name not in found]
    if missing:
        raise WrongFile(f"{path} holds no {', '.join(missing)}; give {ARCHIVE}")
    return [(f"{path}/{name}", found[name]) for name in names]


def _rows(name: str, content: bytes, count: int) -> np.ndarray:
    """Labels and pixels, uint8 (count, 3073)."""
    if len(content) != count * ROW:
        many = "more" if len(content) > count * ROW else f"{len(content):,}"
        raise WrongFile(f"{name} has {many} bytes, {count * ROW:,} are expected ({count:,} images); {AGAIN}")
    rows = np.frombuffer(content, np.uint8).reshape(count, ROW)
    if rows[:, 0].max() > 9:
        raise WrongFile(f"{name} has labels up to {rows[:, 0].max()}, 0 to 9 are expected; {AGAIN}")
    return rows
