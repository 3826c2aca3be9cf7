"""Still pictures for readers without a kernel: number lines and a table of shades, drawn with Pillow on white."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

INK, QUIET, ACCENT, ROW = "#1b1f24", "#8a919a", "#0b65c2", 34  # colours; pixels a row
LINES = ("#1b1f24", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9")  # Okabe and Ito's, darkened
CIVIDIS = (  # matplotlib's, every ninth part; even steps of lightness, the same for any eye
    "#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838",
)  # fmt: skip


def shade(value: float | int) -> tuple[int, int, int]:
    """The colour of a value from 0 to 1; outside that range, of the nearer end."""
    place = min(max(value, 0.0), 1.0) * (len(CIVIDIS) - 1)
    low = min(int(place), len(CIVIDIS) - 2)
    ends = [np.array([int(c[k : k + 2], 16) for k in (1, 3, 5)]) for c in CIVIDIS[low : low + 2]]
    red, green, blue = (ends[0] + (ends[1] - ends[0]) * (place - low)).round().astype(int).tolist()
    return red, green, blue


def ink_on(colour: tuple[int, int, int]) -> str:
    """Black or white, whichever reads better on a colour (WCAG 2 relative luminance)."""
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return "#000" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 else "#fff"


def png(picture: Any) -> bytes:
    """Writes a Pillow picture as PNG bytes of at most 128 colours."""
    from PIL import Image

    buffer = io.BytesIO()
    picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def number_lines(names: Sequence[str], values: Sequence[Sequence[float]], counts: Sequence[Sequence[int]]) -> Any:
    """One line a latent: a dot at each value, a bar as high as its share of the data, hollow where it never occurs."""
    columns = 1 if len(names) <= 8 else 2
    per_column = math.ceil(len(names) / columns)
    picture, draw, font = _canvas(columns * 380, per_column * ROW + 8)
    for k, (name, line) in enumerate(zip(names, values, strict=True)):
        left, base = 380 * (k // per_column) + 90, ROW * (k % per_column) + ROW
        low, span = min(line), (max(line) - min(line)) or 1.0
        share = [c / max(1, sum(counts[k])) for c in counts[k]] if counts else [0.0] * len(line)
        draw.text((left - 84, base - 8), name[:12], INK, font, anchor="lm")
        draw.line((left, base - 4, left + 270, base - 4), QUIET)
        for value, part in zip(line, share, strict=True):
            x = left + 10 + 250 * (value - low) / span
            draw.rectangle((x - 2, base - 4 - 22 * part, x + 2, base - 4), ACCENT)
            used = part > 0 or not counts
            draw.ellipse((x - 3, base - 7, x + 3, base - 1), ACCENT if used else "#fff", ACCENT if used else QUIET)
    return picture


def shaded_table(rows: Sequence[str], columns: Sequence[str], cells: np.ndarray) -> Any:
    """A table of values from 0 to 1 as shades with their numbers; NaN is left white."""
    label, width = 110, 40
    picture, draw, font = _canvas(label + width * len(columns) + 8, ROW * (len(rows) + 1))
    for j, name in enumerate(columns):
        draw.text((label + width * j + width // 2, ROW // 2), name[-6:], INK, font, anchor="mm")
    for i, name in enumerate(rows):
        top = ROW * (i + 1)
        draw.text((6, top + ROW // 2), name[:16], INK, font, anchor="lm")
        for j, value in enumerate(cells[i]):
            if math.isfinite(value):
                x, colour = label + width * j, shade(float(value))
                draw.rectangle((x, top, x + width - 2, top + ROW - 2), colour)
                draw.text((x + width // 2, top + ROW // 2), f"{value:.2f}", ink_on(colour), font, anchor="mm")
    return picture


def stacked(titles: Sequence[str], sheets: Sequence[bytes]) -> Any:
    """Pictures (PNG bytes) one below the other, each under its title."""
    from PIL import Image

    pictures = [Image.open(io.BytesIO(sheet)) for sheet in sheets]
    whole, draw, font = _canvas(max(p.width for p in pictures), sum(p.height + ROW for p in pictures))
    top = 0
    for title, picture in zip(titles, pictures, strict=True):
        draw.text((6, top + ROW // 2), title[:60], INK, font, anchor="lm")
        whole.paste(picture, (0, top + ROW))
        top += ROW + picture.height
    return whole


def _canvas(width: int, height: int) -> tuple[Any, Any, Any]:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (width, height), "white")
    return picture, ImageDraw.Draw(picture), ImageFont.load_default(size=12)


def line_charts(steps: Sequence[int], charts: Sequence[Mapping[str, Any]]) -> Any:
    """Training curves one below the other: ``charts`` as ``progress.charts`` makes them."""
    height, width, left, right = 180, 640, 60, 150
    picture, draw, font = _canvas(width, max(1, len(charts)) * height + 20)
    if not steps:
        draw.text((width // 2, height // 2), "No training has been watched yet.", QUIET, font, anchor="mm")
    for k, chart in enumerate(charts):
        top, bottom = k * height + 30, (k + 1) * height - 10
        draw.text((left, top - 16), chart["title"], INK, font, anchor="lm")
        for tick in chart["ticks"]:
            y = bottom - (bottom - top) * _place(tick, chart)
            draw.line((left, y, width - right, y), "#e3e6ea")
            draw.text((left - 6, y), f"{tick:g}", QUIET, font, anchor="rm")
        for j, line in enumerate(chart["lines"]):
            colour = LINES[j % len(LINES)]
            points = [
                (left + (width - left - right) * (step / steps[-1]), bottom - (bottom - top) * _place(value, chart))
                for step, value in zip(steps, line["values"], strict=True)
                if value is not None and line["drawn"]
            ]
            if points:
                draw.line(points, colour, 3 if line["name"].endswith("total") else 2)
            draw.text((width - right + 10, top + 15 * j), line["name"][:20], colour, font, anchor="lm")
    return picture


def _place(value: float, chart: Mapping[str, Any]) -> float:
    """Where a value stands on a chart's axis, from 0 to 1."""
    low, high = chart["low"], chart["high"]
    if chart["log"]:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)
