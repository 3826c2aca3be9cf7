"""Sources by targets: every swap, the exact one beside it, where they differ, and a slider that walks through one.

All pictures are made when the widget is built, so that an exported page needs no kernel. What a generator drew is tagged
SYNTHETIC on the page, in the enlarged picture and in the still one.
"""

from collections.abc import Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets

from dlq import export
from dlq.fingerprint import digest
from dlq.widgets import drawing, page
from dlq.widgets import tiles as tl

CELL, EDGE = 56, 6  # pixels of a picture, and around it, in the still one
TAG = "SYNTHETIC"
WORDS = {
    "caption": "Who it is comes from the left, everything else from above.",
    "differences": "Show differences",
    "source": "Source",
    "target": "Target",
    "swap": "Swap",
    "exact": "Exact swap",
    "in": "{source} in {target}",
    "difference": "Difference, {gain} times",
    "difference_press": "Difference; press for the swap",
    "swap_press": "Swap; press for the difference",
    "off_exact": "Mean distance from the exact swap: {off} of 255; a copy of the target: {copy}.",
    "off_target": "Mean change of the target: {off} of 255. Nobody knows the exact swap of a photograph.",
    "walk": "Walk",
    "a_walk": "A walk through the swap",
    "walks": "{name} of {whose}",
    "step": "{value}, {number} of {count}",
    "marked": "Pictures marked {tag} were drawn by a generator.",
    "from_exact": "A difference is {gain} times the distance from the exact swap.",
    "from_target": "A difference is {gain} times the distance from the target.",
    "all": "All pictures are in this page.",
}


class SwapGrid(page.Portable, anywidget.AnyWidget):
    """A table of swaps to choose from, the chosen one enlarged, and walks.

    ``chosen`` is (source, target), ``difference`` whether differences are shown instead of pictures; ``walk`` and ``step``
    say where the slider stands.
    """

    _title = "Face swaps"
    _esm = page.module("pixels", "swap_grid")
    _css = page.style("swap_grid")
    chosen = traitlets.List(traitlets.Int(), [0, 0]).tag(sync=True)
    difference = traitlets.Bool().tag(sync=True)
    walk = traitlets.Int().tag(sync=True)
    step = traitlets.Int().tag(sync=True)
    atlas: traitlets.Dict = traitlets.Dict().tag(sync=True)  # sources, targets, swaps, exact, walks
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    sources = traitlets.List(traitlets.Unicode()).tag(sync=True)
    targets = traitlets.List(traitlets.Unicode()).tag(sync=True)
    exact = traitlets.Bool().tag(sync=True)  # whether the exact swaps are there
    walks: traitlets.List = traitlets.List().tag(sync=True)  # name, moves, values, and the first of its tiles
    tag = traitlets.Unicode(TAG).tag(sync=True)
    words: traitlets.Dict = traitlets.Dict(WORDS).tag(sync=True)

    def __init__(
        self,
        model: Any,
        faces: Any,
        sources: Any = None,
        targets: Any = None,
        *,
        walks: Sequence[str] = (),
        names: tuple[Sequence[str], Sequence[str]] | None = None,
        tag: bool = True,
    ):
        """Swaps the rows ``sources`` of ``faces`` into its rows ``targets``; by default five and six other people.

        ``faces`` are rendered ones (``dlq.datasets.identity_faces``, ``swap_faces``) or a folder, for which there are no
        exact swaps and no walks. ``walks`` names parameters of a face: each walks from end to end in the first source
        (identity) or the first target (all others). ``names`` are those of sources and of targets; ``tag=False`` leaves
        the tag out, which is for pictures that carry one already.
        """
        from dlq.swaps import pairs_of, swapped, walk
        from dlq.swaps.pairs import choose

        some = choose(faces, 5, 6, 0) if sources is None or targets is None else (sources, targets)
        sources, targets = some[0] if sources is None else sources, some[1] if targets is None else targets
        pairs = pairs_of(faces, sources, targets)
        self.results = tl.to_pixels(swapped(model, pairs))
        self._pairs = pairs
        self._walks = [walk(model, faces, int(sources[0]), int(targets[0]), name) for name in walks]
        self._digest = digest(model)
        given = names or (None, None)
        super().__init__(
            shape=list(self.results.shape[3:]),
            sources=page.check_labels(given[0], len(sources), "source", "the grid"),
            targets=page.check_labels(given[1], len(targets), "target", "the grid"),
            exact=pairs.exact is not None,
            walks=self._walk_traits(),
            tag=TAG if tag else "",
        )
        self.atlas = self._atlas()

    def image(self) -> np.ndarray:
        """The chosen swap, uint8 (C, H, W), as the model drew it."""
        i, j = self.chosen
        return self.results[i, j].copy()

    def difference_image(self) -> np.ndarray:
        """Four times the distance of the chosen swap from the exact one (without one: from the target), uint8 (C, H, W)."""
        i, j = self.chosen
        other = self._pairs.targets[j] if self._pairs.exact is None else self._pairs.exact[i, j]
        gap = np.abs(self.results[i, j].astype(np.int16) - tl.to_pixels(other).astype(np.int16))
        return np.minimum(4 * gap, 255).astype(np.uint8)

    def _atlas(self, effort: int = 0) -> dict[str, object]:
        pairs, flat = self._pairs, (-1, *self.results.shape[2:])
        parts = [tl.to_pixels(pairs.sources), tl.to_pixels(pairs.targets), self.results.reshape(flat)]
        parts += [] if pairs.exact is None else [tl.to_pixels(pairs.exact).reshape(flat)]
        parts += [frames for walk in self._walks for frames in (walk.inputs, walk.results, walk.truth)]
        tiles = np.concatenate(parts)
        limit = tl.sheet_limit(*tiles.shape[2:])
        if len(tiles) > limit:
            raise ValueError(
                f"{len(tiles):,} pictures of {tiles.shape[2]} x {tiles.shape[3]} pixels are asked for and one sheet holds "
                f"{limit:,}; give fewer sources, targets or walks"
            )
        sheet, columns = tl.pack(tiles)
        return {"image": tl.data_url(sheet, effort), "columns": columns}

    def _walk_traits(self) -> list[dict[str, object]]:
        S, K = self._pairs.shape
        first, found = S + K + S * K * (1 if self._pairs.exact is None else 2), []
        for walk in self._walks:
            values = [f"{value + 0.0:.2f}" for value in walk.values]
            found.append({"name": walk.name.replace("_", " "), "moves": walk.moves, "values": values, "first": first})
            first += 3 * len(values)
        return found

    def _page(self, title: str | None) -> export.Page:
        facts = {"model": self._digest, "swaps": len(self.sources) * len(self.targets), "synthetic": True}
        return export.page_of(self, title=title or self._title, state={"atlas": self._atlas(effort=3)}, facts=facts)

    def _drawn(self):
        """The grid as one Pillow picture: swaps, and beside them the exact ones."""
        from PIL import Image, ImageDraw, ImageFont

        S, K = self._pairs.shape
        blocks = [self.results] if self._pairs.exact is None else [self.results, tl.to_pixels(self._pairs.exact)]
        across, down = EDGE + (K + 1) * CELL, 24 + (S + 1) * CELL
        sheet = Image.new("RGB", (len(blocks) * (across + EDGE), down + EDGE), "white")
        draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
        for b, (block, title) in enumerate(zip(blocks, ("swapped by the model", "exact swaps"), strict=False)):
            left = b * (across + EDGE) + EDGE
            draw.text((left, 12), title, drawing.INK, font, anchor="lm")
            for j, target in enumerate(tl.to_pixels(self._pairs.targets)):
                sheet.paste(_cell(target), (left + (j + 1) * CELL, 24))
            for i, source in enumerate(tl.to_pixels(self._pairs.sources)):
                sheet.paste(_cell(source), (left, 24 + (i + 1) * CELL))
                for j in range(K):
                    sheet.paste(_cell(block[i, j]), (left + (j + 1) * CELL, 24 + (i + 1) * CELL))
        if self.tag:
            draw.rectangle((across - 74, 3, across - 2, 21), "black")
            draw.text((across - 38, 12), self.tag, "white", ImageFont.load_default(size=11), anchor="mm")
        return sheet

    def _repr_mimebundle_(self, **kwargs):
        return page.with_picture(super()._repr_mimebundle_(**kwargs), drawing.png(self._drawn()))

    @traitlets.validate("chosen")
    def _validate_chosen(self, proposal):
        i, j = proposal["value"]
        return [
            page.check_index(i, len(self.sources), "the source"),
            page.check_index(j, len(self.targets), "the target"),
        ]

    @traitlets.validate("walk")
    def _validate_walk(self, proposal):
        return page.check_index(proposal["value"], max(1, len(self.walks)), "walk")

    @traitlets.validate("step")
    def _validate_step(self, proposal):
        values = self.walks[self.walk]["values"] if self.walks else [0]
        return page.check_index(proposal["value"], len(values), "step")


def _cell(pixels: np.ndarray):
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0).repeat(3 // len(pixels), 2)))
    return picture.resize((CELL - 2, CELL - 2), Image.Resampling.BICUBIC)
