"""A swapped face leaves the notebook with three marks: a tag that one sees, a note in the file, and a record beside it.

None of them stops whoever wants to remove them; they keep an honest picture honest when it is passed on.
"""

import datetime
import hashlib
import importlib.metadata
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from dlq.atomic import write_atomic
from dlq.fingerprint import digest

TAG = "SYNTHETIC"
SMALLEST = 128  # pixels of the shorter side; smaller pictures are enlarged, or nobody could read the tag


def save_swap(
    image: Any,
    path,
    *,
    model: Any,
    source: str,
    target: str,
    tag: bool = True,
    date: str | None = None,
) -> Path:
    """Writes one swap, (C, H, W) uint8 or floats in [0, 1], as PNG with a record of the same name ending in .json.

    source, target   what they are called in your data, such as a row number or a file's name
    tag              draws SYNTHETIC into the corner; a picture with less than 128 pixels a side is enlarged by a whole
                     factor first, without smoothing. False leaves the pixels alone; note and record stay
    date             default: today
    Raises ValueError for anything but one image, WriteError where a file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path.name} does not end in .png; give a PNG file, which keeps the note")
    pixels = _pixels(image)
    record = {
        "synthetic": True,
        "what": "a face swapped by a generator; not a photograph",
        "made_by": f"dlq {_version()}",
        "model": digest(model),
        "source": str(source),
        "target": str(target),
        "date": date or datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tagged": bool(tag),
    }
    content = _png(tagged(pixels) if tag else pixels, record)
    record["sha256"] = hashlib.sha256(content).hexdigest()
    write_atomic(path, content)
    write_atomic(path.with_suffix(".json"), json.dumps(record, indent=1).encode() + b"\n")
    return path


def tagged(image: Any) -> np.ndarray:
    """The image, uint8 (C, H, W), with SYNTHETIC in its lower right corner; enlarged where it is too small to read."""
    from PIL import Image, ImageDraw, ImageFont

    pixels = _pixels(image)
    factor = max(1, math.ceil(SMALLEST / min(pixels.shape[1:])))
    pixels = pixels.repeat(factor, 1).repeat(factor, 2)
    picture = Image.fromarray(pixels.transpose(1, 2, 0).repeat(3 // len(pixels), 2))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=max(11, min(picture.size) // 12))
    left, top, right, bottom = draw.textbbox((0, 0), TAG, font)
    width, height, gap = right - left + 6, bottom - top + 6, 3
    x, y = picture.width - width - gap, picture.height - height - gap
    draw.rectangle((x, y, x + width, y + height), "black")
    draw.text((x + 3 - left, y + 3 - top), TAG, "white", font)
    return np.asarray(picture).transpose(2, 0, 1)


def _pixels(image: Any) -> np.ndarray:
    image = image.detach().cpu().numpy() if hasattr(image, "detach") else np.asarray(image)
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(f"found an array of shape {image.shape}; give one image, (1 or 3, height, width)")
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind != "f" or not (image.min() >= 0 and image.max() <= 1):
        raise ValueError(
            f"the image is {image.dtype} from {image.min()} to {image.max()}; give uint8, or floats in [0, 1]"
        )
    return np.rint(image * 255).astype(np.uint8)


def _png(pixels: np.ndarray, record: dict[str, Any]) -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    note, buffer = PngInfo(), io.BytesIO()
    note.add_text("Software", str(record["made_by"]))
    note.add_text("Comment", f"{TAG}: {record['what']}")
    note.add_text("dlq-swap", json.dumps(record))
    grey = len(pixels) == 1
    Image.fromarray(pixels[0] if grey else pixels.transpose(1, 2, 0)).save(buffer, "png", pnginfo=note)
    return buffer.getvalue()


def _version() -> str:
    try:
        return importlib.metadata.version("dlq")
    except importlib.metadata.PackageNotFoundError:
        return "source"
