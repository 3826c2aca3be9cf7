"""What the page of a traversal or a factor browser holds: an atlas of pictures, or the decoder that draws them there."""

import base64
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
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


class Asked(NamedTuple):
    """What a page is to hold: the codes to start from, the pictures they stand for ("": none), which grid, how exactly."""

    codes: list[list[int]]
    originals: list[str]
    grid: Any = None
    max_tiles: int | None = None
    light: bool = True


def held(source: Source, asked: Asked, words: Mapping[str, str]) -> Held:
    """Makes an atlas of the asked grid around each code, or the decoder with the one picture of each code itself."""
    levels = [len(slider.values) for slider in source.sliders]
    decoding, reach = asked.grid == "decoder", _reach(levels, source.image_shape[1:], asked)
    drawn: dict[str, Any] = _decoder(source, asked.codes[0]) if decoding else {}
    whole = reach >= tl.num_movable(levels) > 0
    makes = [make_atlas(source, code, reach, max(levels), effort=3, light=asked.light)
             for code in (asked.codes[:1] if whole else asked.codes)]  # fmt: skip
    atlases: list[dict[str, Any]] = [atlas for atlas, _, _ in makes]
    count = sum(len(pictures) for _, pictures, _ in makes)
    _check_size([str(atlas["image"]) for atlas in atlases], count, tl.count_within(levels, 1))
    worst, mean = max(a["worst"] for a in atlases), float(np.mean([a["mean"] for a in atlases]))
    state: dict[str, Any] = {"atlas": atlases[0], "levels": levels, "texts": source.texts}
    state |= {"words": {**words, **_said(words, worst, mean, drawn)}}
    state |= {"samples": source.samples if decoding else [], "within": [worst, drawn.get("within", 0)]}
    state |= {"decoder": drawn} if decoding else {}
    state |= {"anchors": _anchors(source, asked, [None, *atlases[1:]])} if len(asked.codes) > 1 else {}
    names = {0: "decoder", 1: "star", 2: "pairs"}
    facts: dict[str, Any] = {"grid": "full" if whole else names.get(reach, f"{reach} sliders")}
    facts |= {"model": source.digest, "anchors": len(asked.codes), "pictures": count, "tile": [*source.image_shape[1:]]}
    facts |= {"encoding": "WebP", "worst": max(state["within"]), "mean": round(mean, 2)}
    return Held(state, facts, reach, ("decoder",) if decoding else ())


def _reach(levels: list[int], shape: Sequence[int], asked: Asked) -> int:
    grid, max_tiles = asked.grid, asked.max_tiles
    if grid is not None and max_tiles is not None:
        raise ValueError(f"grid={grid!r} says which pictures a page holds, and so does max_tiles={max_tiles}; give one")
    if grid is not None:
        return 0 if grid == "decoder" else tl.grid_reach(levels, shape, grid)
    reach = tl.page_reach(levels, shape, max_tiles)
    few = len(asked.codes) == 1 or max_tiles is not None or reach >= tl.num_movable(levels)
    return reach if few else min(reach, 1)  # pairs around several codes would be heavy


def _anchors(source: Source, asked: Asked, atlases: list) -> list[dict[str, Any]]:
    """What the page needs of each code to start from; the first one's atlas is the page's own, and a whole one is all's."""
    pictures = map(tl.picture_url, source.pictures(np.array(asked.codes)))
    given = itertools.zip_longest(asked.codes, asked.originals, pictures, atlases)
    return [
        {"code": code, "original": original or (asked.originals[0] and picture), "picture": picture, "atlas": atlas}
        for code, original, picture, atlas in given
    ]


def _said(words: Mapping[str, str], worst: int, mean: float, drawn: Mapping) -> dict[str, str]:
    """How far the page's pictures can be trusted."""
    if drawn:
        exact = words["exact_decoder"].format(worst=drawn["within"], measured=drawn["measured"])
        return {"exact": exact, "more": words["more_decoder"]}
    if not worst:
        return {}
    return {"exact": words["exact_compressed"].format(exact=words["exact"], worst=worst, mean=f"{mean:.1f}")}


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


def _check_size(urls: list[str], count: int, star: int) -> None:
    size, most = sum(map(len, urls)), export.MAX_BYTES
    if size > most and len(urls) > 1 and len(urls[0]) <= most:
        less = "" if count == star * len(urls) else f", or take grid='star' ({star:,} pictures each)"
        raise ValueError(
            f"the {count:,} pictures around {len(urls)} codes take {size / 1e6:.1f} MB, a page may have {most / 1e6:.0f}; "
            f"give at most {max(0, most * len(urls) // size - 1)} anchors{less}"
        )
    if size > most:
        raise ValueError(
            f"the {count:,} pictures take {size / 1e6:.1f} MB, a page may have {most / 1e6:.0f}; "
            f"take grid='star' ({star:,} pictures), fewer with max_tiles=, or smaller images"
        )
