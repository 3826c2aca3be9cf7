"""What the page of a traversal or a factor browser holds: an atlas of pictures, or the decoder that draws them there."""

import base64
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dlq import export
from dlq.widgets import layers as ly
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl
from dlq.widgets.atlas import Source, make_atlas

MEASURED, MOST_SEEN = 256, 20_000  # codes: decoded both ways to measure, and listed in a page as seen in the data


class Held(NamedTuple):
    """The traits of a page, facts for its manifest, the largest number of sliders it can move, and scripts it needs."""

    state: dict[str, object]
    facts: dict[str, object]
    reach: int
    scripts: tuple[str, ...]


def held(source: Source, code: list[int], *, grid, max_tiles: int | None, light: bool) -> Held:
    """Makes the atlas of the asked grid around the code, or the decoder with the one picture of the code itself."""
    levels = [len(slider.values) for slider in source.sliders]
    if grid is not None and max_tiles is not None:
        raise ValueError(f"grid={grid!r} says which pictures a page holds, and so does max_tiles={max_tiles}; give one")
    decoding, shape = grid == "decoder", source.image_shape[1:]
    drawn: dict[str, Any] = _decoder(source, code) if decoding else {}
    if grid is None:
        reach = tl.page_reach(levels, shape, max_tiles)
    else:
        reach = 0 if decoding else tl.grid_reach(levels, shape, grid)
    atlas, pictures, _ = make_atlas(source, code, reach, max(levels), effort=3, light=light)
    _check_size(str(atlas["image"]), len(pictures), tl.count_within(levels, 1))
    words = {**source.words, **_said(source.words, atlas, drawn)}
    state: dict[str, Any] = {"atlas": atlas, "levels": levels, "texts": source.texts, "words": words}
    state |= {"samples": source.samples if decoding else [], "within": [atlas["worst"], drawn.get("within", 0)]}
    state |= {"decoder": drawn} if decoding else {}
    names = {0: "decoder", 1: "star", 2: "pairs"}
    facts: dict[str, Any] = {
        "grid": "full" if reach >= tl.num_movable(levels) > 0 else names.get(reach, f"{reach} sliders")
    }
    facts |= {"model": source.digest, "pictures": len(pictures), "tile": list(shape), "encoding": "WebP"}
    facts |= {"worst": max(state["within"]), "mean": atlas["mean"]}
    return Held(state, facts, reach, ("decoder",) if decoding else ())


def _said(words: Mapping[str, str], atlas: Mapping, drawn: Mapping) -> dict[str, str]:
    """How far the page's pictures can be trusted."""
    if drawn:
        return {
            "exact": "The picture of the starting code is the model's own output. All others are drawn in this page by "
            "the model's decoder, its weights in half precision: a value of a pixel is at most "
            f"{drawn['within']}/255 off (measured on {drawn['measured']} codes).",
            "more": "Every code can be drawn.",
        }
    if not atlas["worst"]:
        return {}
    off = f"at most {atlas['worst']}/255, {atlas['mean']:.1f}/255 on average"
    return {"exact": f"{words['exact']} Compression moves a value of a pixel by {off}."}


def _decoder(source: Source, code: list[int]) -> dict[str, object]:
    """The decoder's layers and weights, each slider's latents and values, the codes that are seen, and how far it is off."""
    codes = _some_codes(source, code)
    exact = source.layers(codes)
    size = 8 / 3 * ly.num_weights(exact)  # two bytes a weight, in base64
    if size > export.MAX_BYTES:
        raise ValueError(
            f"the decoder has {ly.num_weights(exact):,} weights, {size / 1e6:.1f} MB of a page that may have "
            f"{export.MAX_BYTES / 1e6:.0f}; export tiles (grid='star'), or a smaller decoder: "
            "dlq.sharpen(model, data, convolutional=True)"
        )
    rounded = ly.half(exact)
    z = sl.latents_of(codes, source.sliders)
    gaps = [np.abs(ly.forward(rounded, part) - source.decoded(part)).max() for part in np.array_split(z, 8)]
    sliders = [{"latents": list(s.latents), "values": s.values.tolist()} for s in source.sliders]
    # Both pictures are rounded to whole 255ths, which can move them apart by one more.
    measured = {"within": math.floor(255 * float(max(gaps))) + 1, "measured": len(codes)}
    return {**ly.packed(rounded), "sliders": sliders, "seen": _seen(source.seen, len(source.sliders)), **measured}


def _some_codes(source: Source, code: list[int]) -> np.ndarray:
    levels = [len(slider.values) for slider in source.sliders]
    star = tl.codes_within(levels, code, 1)[:MEASURED]
    rng = np.random.default_rng(0)
    return np.concatenate([star, rng.integers(levels, size=(max(16, MEASURED - len(star)), len(levels)))])


def _seen(codes: Iterable | None, num_sliders: int) -> str | None:
    """The codes that occur in the data, one byte a slider, as base64; None where they are not known or too many."""
    seen = None if codes is None else np.asarray(codes).reshape(-1, num_sliders)
    if seen is None or len(seen) > MOST_SEEN or seen.max(initial=0) > 255:
        return None
    return base64.b64encode(seen.astype(np.uint8).tobytes()).decode()


def _check_size(url: str, count: int, star: int) -> None:
    if len(url) > export.MAX_BYTES:
        raise ValueError(
            f"the {count:,} pictures take {len(url) / 1e6:.1f} MB, a page may have {export.MAX_BYTES / 1e6:.0f}; "
            f"take grid='star' ({star:,} pictures), fewer with max_tiles=, or smaller images"
        )
