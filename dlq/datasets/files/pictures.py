"""One picture file of any usual kind -> a square of uint8 pixels.

Rotated upright as its EXIF data say, and of several frames the first. Transparency lies on white. 16-bit values 0 to
65,535 become 0 to 255 (divided by 257, rounded): they are scaled by what the format can hold, not by what occurs. CMYK
and palettes become colours without a colour profile; grey is ITU-R 601 luma. Made smaller, a pixel is the average of the
area that it covers (a JPEG at least four times too large is decoded at a half, a quarter or an eighth first); made
larger, it is bicubic. Both are Pillow's, which rounds to whole values after each of the two directions.
"""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from dlq.datasets.errors import WrongFile
from dlq.datasets.files.checks import looks_like

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".pnm", ".jp2", ".avif")
COLOUR, GREY = 3, 1


def picture(
    source: Path | io.BytesIO,
    size: int,
    *,
    channels: int = COLOUR,
    crop: tuple[int, int] | None = None,
    expected: tuple[int, int] | None = None,
) -> np.ndarray:
    """The picture as uint8 (size, size, channels): its centre, resized.

    crop       width and height of the centre that is kept (default: the largest square); what is not square is squeezed
    expected   the width and height that the picture must have (default: any)
    Errors: WrongFile, which says what is wrong and not with which file; anything that Pillow raises for damaged ones.
    """
    try:
        opened = Image.open(source)
    except UnidentifiedImageError:
        raise WrongFile(_what(source)) from None
    except Image.DecompressionBombError:
        raise WrongFile(f"more than {2 * _limit():,} pixels") from None
    with opened as image:
        width, height = image.size
        if width * height > _limit():
            raise WrongFile(f"{width} x {height} pixels, more than the {_limit():,} that are decoded")
        if expected is not None and image.size != expected:
            raise WrongFile(f"{width} x {height} pixels (width x height) in place of {expected[0]} x {expected[1]}")
        if crop is None and min(image.size) >= 4 * size:
            image.draft(None, (2 * size, 2 * size))
        return _square(_eight_bits(_upright(image), channels), size, crop)


def _what(source: Path | io.BytesIO) -> str:
    """Of a file that Pillow does not recognise, in words."""
    what = looks_like(source) if isinstance(source, Path) else "of another kind"
    if what == "of another kind":
        return "not an image that Pillow knows"
    return what.replace("a ", "a damaged ", 1) if what.endswith(" image") else what


def _limit() -> int:
    """Pixels of the largest image that is decoded: Pillow's own guard against files that unfold to fill the memory."""
    return Image.MAX_IMAGE_PIXELS or 2**62


def _upright(image: Image.Image) -> Image.Image:
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    except (SyntaxError, struct.error, TypeError, ValueError, KeyError, IndexError):
        return image  # unreadable EXIF data say nothing, and the pixels are whole
    return ImageOps.exif_transpose(image) if turned else image


def _eight_bits(image: Image.Image, channels: int) -> Image.Image:
    """The image as 8-bit colour or grey."""
    if image.mode == "F":
        raise WrongFile("of floating-point values; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65_535:
            raise WrongFile(f"of values from {values.min()} to {values.max()}; save it with 8 or 16 bits")
        image = Image.fromarray(np.rint(values / 257.0).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB" if channels == COLOUR else "L")


def _square(image: Image.Image, size: int, crop: tuple[int, int] | None) -> np.ndarray:
    width, height = crop or (min(image.size),) * 2
    left, top = (image.width - width) // 2, (image.height - height) // 2
    box: Any = (left, top, left + width, top + height)
    how = Image.Resampling.BOX if min(width, height) >= size else Image.Resampling.BICUBIC
    pixels = np.asarray(image.resize((size, size), how, box=box))
    return pixels.reshape(size, size, -1)
