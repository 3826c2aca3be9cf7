"""Pictures around a code, made ahead for the browser: where they come from, and the atlas they are packed in."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from dlq.widgets import codec
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl
from dlq.widgets.layers import Layer


class Marks(NamedTuple):
    """What the reader is told of each tile: '1' in ``off`` marks it, ``notes`` (empty, or one a tile) say more."""

    off: str
    notes: list[str]


@runtime_checkable
class Source(Protocol):
    """Where a view's pictures come from."""

    sliders: list[sl.Slider]
    texts: list[list[str]]  # the value at each level; an empty list where the level's number says it all
    image_shape: tuple[int, int, int]
    samples: list[list[int]]  # codes that the Random button draws from; empty: any code
    words: dict[str, str]

    def pictures(self, codes: np.ndarray) -> np.ndarray:
        """Codes int64 (n, num_sliders) to uint8 (n, C, H, W)."""

    def marks(self, codes: np.ndarray) -> Marks:
        """What is to be said of these codes' pictures."""

    def draw(self, rng: np.random.Generator) -> Iterable:
        """One code at random."""

    # For a page that draws its pictures itself; a source without a decoder says so in layers.
    @property
    def digest(self) -> str | None:
        """The sha256 of the model, where there is one."""

    @property
    def seen(self) -> np.ndarray | None:
        """Codes that occur in the data, where they are known."""

    def layers(self, codes: np.ndarray) -> list[Layer]:
        """The decoder, checked on these codes; a ValueError where there is none that a page can run."""

    def decoded(self, z: np.ndarray) -> np.ndarray:
        """What the decoder gives for latents, float32 (n, C, H, W) in [0, 1]."""


def make_atlas(
    source: Source, anchor: Sequence[int], reach: int, window: int, *, effort: int = 0, light: bool = False
) -> tuple[dict[str, object], np.ndarray, dict[tuple[int, ...], int]]:
    """Packs the pictures within reach of the anchor: what the browser gets, the tiles, and each code's place there.

    ``light`` allows errors, as ``codec.encode`` does; ``worst`` and ``mean`` say how large they are, of 255.
    """
    codes = tl.codes_within([len(slider.values) for slider in source.sliders], anchor, reach, window=window)
    pictures = source.pictures(codes)
    index = {tuple(code): k for k, code in enumerate(codes.tolist())}
    sheet = codec.encode(pictures, index[tuple(anchor)], effort=effort, light=light)
    off, notes = source.marks(codes)
    atlas = {
        "image": sheet.url,
        "columns": sheet.columns,
        "step": sheet.step,
        "worst": sheet.worst,
        "mean": sheet.mean,
        "anchor": list(anchor),
        "reach": reach,
        "window": window,
        "unseen": off,
        "notes": notes,
    }
    return atlas, pictures, index
