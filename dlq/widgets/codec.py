"""How the pictures of a page become one WebP: lossless where that is light, otherwise within a stated error.

Pictures around one code differ little from that code's own. What is stored, losslessly, is their difference from it in
steps of 5, 9, 13 or 21 of the 255: no value of a pixel is then off by more than half a step. atlas.js adds it up again.
"""

from typing import NamedTuple

import numpy as np

from dlq.widgets import tiles as tl

LIGHT, SMALL = 700, 76_000  # bytes a picture, and of all: 109, a star of 12 latents of 10 values, make a page of 150 kB
STEPS, FEW = (5, 9, 13, 21), 48  # of 255; tiles that are tried
MIDDLE = 128  # stands for no difference


class Sheet(NamedTuple):
    """All pictures in one: its address, columns, the step (0: pictures as they are), and how far a value may be off."""

    url: str
    columns: int
    step: int
    worst: int  # of 255
    mean: float


def encode(tiles: np.ndarray, home: int, *, effort: int = 0, light: bool = False) -> Sheet:
    """Packs uint8 (n, C, H, W) into one picture; ``light`` allows errors where 700 bytes a tile (76 kB) are not enough.

    ``home`` is the tile that the others are compared with, and is always exact.
    """
    step = _step(tiles, home, effort) if light else 0
    if not step:
        return Sheet(*_packed(tiles, effort), 0, 0, 0.0)
    stored, restored = _coarser(tiles, home, step)
    gap = np.abs(restored - tiles.astype(np.int16))
    return Sheet(*_packed(stored, effort), step, int(gap.max()), round(float(gap.mean()), 2))


def _step(tiles: np.ndarray, home: int, effort: int) -> int:
    """The smallest step that is light enough, 0 if none is needed, told from a few of the tiles."""
    few = np.unique(np.r_[home, np.linspace(0, len(tiles) - 1, FEW).astype(int)])
    share, place = tiles[few], int(np.searchsorted(few, home))
    allowed = max(SMALL, LIGHT * len(tiles)) * len(few) / len(tiles)
    for step in (0, *STEPS[:-1]):
        stored = _coarser(share, place, step)[0] if step else share
        if len(_packed(stored, effort)[0]) * 3 / 4 <= allowed:
            return step
    return STEPS[-1]


def _packed(tiles: np.ndarray, effort: int) -> tuple[str, int]:
    sheet, columns = tl.pack(tiles)
    return tl.data_url(sheet, effort), columns


def _coarser(tiles: np.ndarray, home: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """What is stored, and what it is restored to, int16."""
    anchor = tiles[home].astype(np.int16)
    moved = np.rint((tiles.astype(np.int16) - anchor) / step).astype(np.int16)
    stored = (moved + MIDDLE).astype(np.uint8)
    stored[home] = tiles[home]
    return stored, np.clip(anchor + moved * step, 0, 255)
