"""Where the pixels of a dataset come from: an array, a renderer, some rows of another source, another size of one.

A source has ``shape`` (N, C, H, W), gives uint8 through ``source[i]`` (numpy) and ``source.gather(rows, device)``
(torch), and is made smaller by ``resized``. Pixels stay uint8 until a batch is made of them.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dlq.datasets.errors import DataError

KEEP_BYTES = 32 * 2**20  # computed images up to this many bytes are computed once and kept
CHUNK = 1024  # images at a time wherever a whole source is walked through


@runtime_checkable
class Painter(Protocol):
    """A renderer of factor indices at one size; the same factors give the same bytes on every device."""

    image_shape: tuple[int, int, int]

    def render(self, factors: Tensor, device: torch.device) -> Tensor:
        """Factor indices int64 (B, F) -> images uint8 (B, C, H, W) on the device."""

    def resized(self, size: int) -> "Painter":
        """The same scene at another size."""


class Images:
    """N images, read by row like a numpy array of shape (N, C, H, W)."""

    shape: tuple[int, int, int, int]
    dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key) -> np.ndarray:
        rows = check_rows(np.arange(len(self))[key], len(self))
        images = self.gather(torch.from_numpy(np.atleast_1d(rows).reshape(-1)), torch.device("cpu")).numpy()
        return images.reshape(*rows.shape, *self.shape[1:])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)

    def gather(self, rows: Tensor, device: torch.device) -> Tensor:
        """Row numbers int64 (B,) on any device -> images uint8 (B, C, H, W) on the device asked for."""
        raise NotImplementedError

    def resized(self, size: int) -> "Images":
        """The same images, size pixels on the shorter side."""
        return Resized(self, size)


def check_rows(rows, count: int) -> np.ndarray:
    """Row numbers as int64 numpy; IndexError outside 0..count-1."""
    rows = np.asarray(rows.cpu() if isinstance(rows, Tensor) else rows)
    if rows.size == 0:
        return rows.astype(np.int64)
    if rows.dtype.kind not in "iu":
        raise IndexError(f"row numbers are {rows.dtype}; give whole numbers from 0 to {count - 1}")
    if rows.min() < 0 or rows.max() >= count:
        raise IndexError(f"row numbers go from {rows.min()} to {rows.max()}; this dataset has rows 0 to {count - 1}")
    return rows.astype(np.int64, copy=False)


def scaled(pixels: np.ndarray, rows, device) -> Tensor:
    """Rows of uint8 pixels in memory (N, ...) as float32 in [0, 1] on the device; IndexError for a row that is not there."""
    chosen = pixels[np.atleast_1d(check_rows(rows, len(pixels)))]
    return torch.from_numpy(np.divide(chosen, np.float32(255), dtype=np.float32)).to(device)


class Stored(Images):
    """Images in an array or memory map uint8 (N, C, H, W); on an accelerator the whole array is kept where it fits."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape = tuple(array.shape)
        self._on_device: dict[torch.device, Tensor] = {}

    def gather(self, rows: Tensor, device: torch.device) -> Tensor:
        if device.type == "cpu" or not self._fits(device):
            return torch.from_numpy(np.ascontiguousarray(self.array[rows.cpu().numpy()])).to(device)
        if device not in self._on_device:
            self._on_device[device] = self._upload(device)
        return self._on_device[device].index_select(0, rows.to(device))

    def _fits(self, device: torch.device) -> bool:
        if device in self._on_device or device.type != "cuda":
            return True
        free, _ = torch.cuda.mem_get_info(device)
        return int(np.prod(self.shape)) <= free // 2

    def _upload(self, device: torch.device) -> Tensor:
        images = torch.empty(self.shape, dtype=torch.uint8, device=device)
        for start in range(0, len(self), CHUNK):  # in pieces, so that a memory map is never read whole into memory
            piece = np.array(self.array[start : start + CHUNK], order="C")
            images[start : start + CHUNK] = torch.from_numpy(piece)
        return images


class Computed(Images):
    """Images that are computed where they are wanted; a small set is computed once, on the CPU, and kept."""

    def __init__(self, shape: tuple[int, int, int, int]) -> None:
        self.shape = shape
        self._kept: Stored | None = None

    def compute(self, rows: Tensor, device: torch.device) -> Tensor:
        """What gather returns, computed now."""
        raise NotImplementedError

    def gather(self, rows: Tensor, device: torch.device) -> Tensor:
        if int(np.prod(self.shape)) > KEEP_BYTES:
            return self.compute(rows, device)
        if self._kept is None:
            every = torch.arange(len(self)).split(CHUNK)
            self._kept = Stored(torch.cat([self.compute(rows, torch.device("cpu")) for rows in every]).numpy())
        return self._kept.gather(rows, device)


class Rendered(Computed):
    """A painter's image of every combination of factor indices, in grid order."""

    def __init__(self, painter: Painter, sizes: tuple[int, ...]) -> None:
        super().__init__((int(np.prod(sizes)), *painter.image_shape))
        self.painter, self.sizes = painter, sizes

    def compute(self, rows: Tensor, device: torch.device) -> Tensor:
        rows, columns = rows.to(device), []
        for size in reversed(self.sizes):
            columns.append(rows % size)
            rows = rows // size
        return self.painter.render(torch.stack(columns[::-1], dim=1), device)

    def resized(self, size: int) -> Images:
        return Rendered(self.painter.resized(size), self.sizes)


class Rows(Images):
    """Some rows of another source, which stays one in memory."""

    def __init__(self, source: Images, rows: np.ndarray) -> None:
        self.source, self.rows = source, torch.from_numpy(rows)
        self.shape = (len(rows), *source.shape[1:])

    def gather(self, rows: Tensor, device: torch.device) -> Tensor:
        return self.source.gather(self.rows[rows.cpu()], device)

    def resized(self, size: int) -> Images:
        return Rows(self.source.resized(size), self.rows.numpy())


class Resized(Computed):
    """Another source with every pixel the average of the area that it covers; the shorter side is size pixels."""

    def __init__(self, source: Images, size: int) -> None:
        num, channels, height, width = source.shape
        short = min(height, width)
        if not 1 <= size <= short:
            raise DataError(
                f"size is {size}, these images have {height} x {width} pixels; give a size from 1 to {short}"
            )
        self.source, self.across = source, (height, width)
        super().__init__((num, channels, round(height * size / short), round(width * size / short)))

    def compute(self, rows: Tensor, device: torch.device) -> Tensor:
        x = self.source.gather(rows, device).double()  # whole-number weights in float64: exact, the same everywhere
        down, right = (_overlaps(old, new).to(device) for old, new in zip(self.across, self.shape[2:], strict=True))
        area = self.across[0] * self.across[1]
        return (down @ x @ right.T).div_(area).add_(0.5).floor_().to(torch.uint8)


def bicubic(images: np.ndarray, size: int) -> np.ndarray:
    """Grey images uint8 (N, H, W) resampled to size pixels a side; as they are where they have that side."""
    if size == images.shape[1]:
        return images
    side = (size, size)
    return np.stack([np.asarray(Image.fromarray(x).resize(side, Image.Resampling.BICUBIC)) for x in images])


def _overlaps(old: int, new: int) -> Tensor:
    """Length that old pixel j shares with new pixel i, an old pixel being new units long; float64 (new, old)."""
    left = torch.maximum(torch.arange(new)[:, None] * old, torch.arange(old)[None] * new)
    right = torch.minimum(torch.arange(1, new + 1)[:, None] * old, torch.arange(1, old + 1)[None] * new)
    return (right - left).clamp_(min=0).double()
