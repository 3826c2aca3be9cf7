"""Which codes are decoded ahead, and how their pictures are packed: pure functions of numpy arrays.

*Reach* is the number of sliders that may differ from the anchor at once: with reach 1 the codes form a star around it,
with 2 all pairs of moves are there, and with as many as there are sliders the whole product is.
"""

import base64
import io
import math
from collections.abc import Sequence

import numpy as np

MAX_TILES, MAX_PIXELS = 4096, 2**21  # of an exported page, unless told otherwise: below about 1 MB
MAX_SIDE = 4096  # pixels: the largest picture that every phone's browser draws


def count_within(levels: Sequence[int], reach: int) -> int:
    """Counts the codes that differ from an anchor in at most ``reach`` sliders."""
    counts = [1] + [0] * reach  # counts[k]: codes with exactly k sliders moved
    for num_levels in levels:
        for k in range(reach, 0, -1):
            counts[k] += counts[k - 1] * (num_levels - 1)
    return sum(counts)


def largest_reach(levels: Sequence[int], limit: int) -> int:
    """Finds the largest reach whose codes number at most ``limit``; 0 when not even single moves fit."""
    reach = 0
    while reach < num_movable(levels) and count_within(levels, reach + 1) <= limit:
        reach += 1
    return reach


def num_movable(levels: Sequence[int]) -> int:
    """Counts the sliders with more than one level: a reach of as many covers every code."""
    return sum(num_levels > 1 for num_levels in levels)


def window_of(num_levels: int, level: int, window: int) -> tuple[int, int]:
    """Places a window of so many levels around one level: the first in it, and the first after it."""
    low = max(0, min(level - window // 2, num_levels - window))
    return low, min(num_levels, low + window)


def largest_window(levels: Sequence[int], limit: int) -> int:
    """Finds how many levels of each slider single moves can cover with at most ``limit`` tiles; at least 1."""
    window = max(levels)
    while window > 1 and count_within([min(n, window) for n in levels], 1) > limit:
        window -= max(1, window // 50)
    return window


def codes_within(levels: Sequence[int], anchor: Sequence[int], reach: int, *, window: int | None = None) -> np.ndarray:
    """Lists the codes within reach of the anchor in lexicographic order, int64 (n, num_sliders).

    Only ``window`` levels of each slider around the anchor's are listed, by default all. The order is the order of the
    tiles in the atlas; ``codesWithin`` in atlas.js makes the same list.
    """
    window = max(levels) if window is None else window
    codes: list[tuple[tuple[int, ...], int]] = [((), reach)]
    for num_levels, home in zip(levels, anchor, strict=True):
        codes = [
            ((*code, level), left - (level != home))
            for code, left in codes
            for level in range(*window_of(num_levels, home, window))
            if level == home or left > 0
        ]
    return np.array([code for code, _ in codes], np.int64)


def sheet_limit(height: int, width: int) -> int:
    """Counts the tiles that one sheet of at most 4096 pixels a side can hold."""
    return (MAX_SIDE // height) * (MAX_SIDE // width)


def page_reach(levels: Sequence[int], shape: Sequence[int], max_tiles: int | None = None) -> int:
    """Chooses the reach of an exported page whose tiles are shape (height, width).

    Without ``max_tiles`` that is everything where it fits, otherwise pairs, otherwise single moves, which are always
    there; a page of triples would be several times as large and is made only when ``max_tiles`` asks for it.
    """
    limit = sheet_limit(*shape)
    if max_tiles is not None:
        return max(1, largest_reach(levels, min(limit, max_tiles)))
    reach = largest_reach(levels, min(limit, MAX_TILES, MAX_PIXELS // math.prod(shape)))
    return reach if reach == num_movable(levels) else max(1, min(2, reach))


def grid_reach(levels: Sequence[int], shape: Sequence[int], grid: str) -> int:
    """The reach of a page's named grid; one that no sheet holds is an error that names those it does hold."""
    reaches = {"star": 1, "pairs": 2, "full": num_movable(levels)}
    if grid not in reaches:
        raise ValueError(f"grid is {grid!r}; it can be 'star', 'pairs', 'full' or 'decoder'")
    counts = {name: count_within(levels, reach) for name, reach in reaches.items()}
    limit = sheet_limit(*shape)
    if counts[grid] > limit:
        fits = [f"grid='{name}' ({count:,} pictures)" for name, count in counts.items() if count <= limit]
        others = " or ".join([*fits, "grid='decoder'"])
        raise ValueError(
            f"grid='{grid}' holds {counts[grid]:,} pictures of {shape[0]} x {shape[1]} pixels, one sheet holds "
            f"{limit:,}; take {others}"
        )
    return reaches[grid]


def to_pixels(x: np.ndarray) -> np.ndarray:
    """Rounds images in [0, 1] to uint8."""
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


def pack(tiles: np.ndarray) -> tuple[np.ndarray, int]:
    """Lays uint8 (n, C, H, W) tiles out row by row, and returns the sheet (rows*H, columns*W, C) and its columns."""
    n, channels, height, width = tiles.shape
    columns = min(n, max(1, min(math.ceil(math.sqrt(n * height / width)), MAX_SIDE // width)))
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * columns, channels, height, width), np.uint8)
    sheet[:n] = tiles
    sheet = sheet.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    return sheet.reshape(rows * height, columns * width, channels), columns


def data_url(sheet: np.ndarray, effort: int = 0) -> str:
    """Writes uint8 (H, W, C) pixels as a lossless picture in a ``data:`` address; effort 0 is fast, 6 small."""
    buffer = io.BytesIO()
    _picture(sheet).save(buffer, "webp", lossless=True, method=effort)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def picture_url(pixels: np.ndarray) -> str:
    """One uint8 (C, H, W) picture in a ``data:`` address, lossless."""
    return data_url(pixels.transpose(1, 2, 0), effort=3)


def contact_sheet(rows: Sequence[tuple[str, np.ndarray, int]]) -> bytes:
    """Draws a still picture for readers without a kernel, as PNG bytes: one row a slider, one column a level.

    Each row is (name, uint8 (num_levels, C, H, W), the current level, which gets a frame).
    """
    from PIL import Image, ImageDraw, ImageFont

    height, gap, label, most = 36, 4, 96, 12  # pixels, and the most columns drawn
    width = max(1, round(height * rows[0][1].shape[3] / rows[0][1].shape[2]))
    picks = [np.unique(np.linspace(0, len(tiles) - 1, most).round().astype(int)) for _, tiles, _ in rows]
    block = label + max(len(pick) for pick in picks) * (width + gap) + 3 * gap
    num_blocks = max(1, min(760 // block, len(rows)))
    per_block = math.ceil(len(rows) / num_blocks)
    sheet = Image.new("RGB", (num_blocks * block, per_block * (height + gap) + gap), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    for k, ((name, tiles, current), pick) in enumerate(zip(rows, picks, strict=True)):
        left, top = (k // per_block) * block + gap, (k % per_block) * (height + gap) + gap
        draw.text((left, top + height // 2), _shorten(name, draw, font, label - gap), "#333", font, anchor="lm")
        for column, level in enumerate(pick):
            x = left + label + column * (width + gap)
            sheet.paste(_resized(tiles[level], (width, height)), (x, top))
            if level == current:
                draw.rectangle((x - 2, top - 2, x + width + 1, top + height + 1), outline="#d55e00", width=2)
    buffer = io.BytesIO()
    sheet.quantize(128, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _picture(pixels):
    from PIL import Image

    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _resized(tile, size):
    from PIL import Image

    picture = _picture(np.ascontiguousarray(tile.transpose(1, 2, 0)))
    return picture.resize(size, Image.Resampling.BOX if picture.height > size[1] else Image.Resampling.NEAREST)


def _shorten(text, draw, font, width):
    text = " ".join(text.split())  # one line
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "...", font) > width:
        text = text[:-1]
    return text + "..."
