"""How fast batches come, against a ``torch.utils.data.DataLoader`` over the same images: from memory, and from a folder.

The two are measured in turn, so that what else the machine does meets both; the DataLoader is the faster one of 0 and 2
workers, which stay alive between epochs. The first reading of a folder, which fills dlq's cache, is not counted: the
DataLoader has no such thing, and decodes in every epoch.
"""

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dlq.cli.bench import report
from dlq.datasets import FactorDataset, from_arrays, rooms
from dlq.datasets.files.image_folder import image_folder

BATCH = 128
WORKERS = (0, 2)
GOALS = {"memory": 1.3, "folder": 5.0}


class InMemory(Dataset):
    """Images of an array, as x in [0, 1]."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = torch.from_numpy(images)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> Tensor:
        return self.images[row].float() / 255


class Decoded(Dataset):
    """Images of files, decoded when asked for, as x in [0, 1]."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> Tensor:
        with Image.open(self.paths[row]) as image:
            pixels = np.asarray(image.convert("RGB"))
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float() / 255


def measurements(repeats: int, *, num_images: int) -> Iterator[dict[str, Any]]:
    """Three rows each from memory and from a folder: dlq's rate, the DataLoader's, and their ratio."""
    source = rooms(64, (8, 8, 8, 4, 1, 2))
    images = source.images[np.random.default_rng(0).permutation(len(source))[:num_images]]
    yield from _compared("memory", from_arrays(images), InMemory(images), repeats)
    with tempfile.TemporaryDirectory() as folder, _cache_in(Path(folder) / "cache"):
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        paths = [pictures / f"{number:05d}.png" for number in range(len(images))]
        for path, image in zip(paths, images, strict=True):
            Image.fromarray(image.transpose(1, 2, 0)).save(path)
        yield from _compared("folder", image_folder(pictures, size=64, progress=False), Decoded(paths), repeats)


@contextlib.contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    """Leaves the user's own cache folder alone."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("XDG_CACHE_HOME")
        if before is not None:
            os.environ["XDG_CACHE_HOME"] = before


def _compared(kind: str, data: FactorDataset, dataset: Dataset, repeats: int) -> Iterator[dict[str, Any]]:
    rng, size = np.random.default_rng(0), min(BATCH, len(data))

    def ours() -> None:
        order = rng.permutation(len(data))
        for start in range(0, len(order) - size + 1, size):
            data.batch(order[start : start + size])

    loaders = [
        DataLoader(dataset, size, shuffle=True, drop_last=True, num_workers=n, persistent_workers=n > 0)
        for n in WORKERS
    ]
    epochs: list[Callable[[], None]] = [ours, *(_epoch(loader) for loader in loaders)]
    seconds = _in_turn(epochs, repeats)
    rates = [[len(data) // size * size / each for each in column] for column in seconds]
    best = max(range(len(WORKERS)), key=lambda i: statistics.median(rates[1 + i]))
    yield report.result(f"batches of {size}, 64 px, from {kind}", "images/s", rates[0])
    yield report.result(f"  a DataLoader, {WORKERS[best]} workers", "images/s", rates[1 + best])
    ratios = [a / b for a, b in zip(rates[0], rates[1 + best], strict=True)]
    yield report.result(f"  ratio, goal {GOALS[kind]:g}", "times", ratios) | {
        "all_rates": {f"{n} workers": rates[1 + i] for i, n in enumerate(WORKERS)}
    }


def _epoch(loader: DataLoader) -> Callable[[], None]:
    def run() -> None:
        for _ in loader:
            pass

    return run


def _in_turn(actions: list[Callable[[], None]], repeats: int) -> list[list[float]]:
    """Seconds of each call of each action, one after the other in turn, after one that is not counted."""
    seconds: list[list[float]] = [[] for _ in actions]
    for turn in range(repeats + 1):
        for action, kept in zip(actions, seconds, strict=True):
            start = time.perf_counter()
            action()
            if turn:
                kept.append(time.perf_counter() - start)
    return seconds
