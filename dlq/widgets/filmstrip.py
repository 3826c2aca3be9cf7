"""What a model in training makes of a few images: reconstructions, the moves of one latent, the values it uses."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlq.widgets import progress as pr
from dlq.widgets import sliders as sl
from dlq.widgets import snapping
from dlq.widgets import tiles as tl
from dlq.widgets.snapshot import Snapshot

SHOWN, SAMPLE, LEVELS = 5, 128, 7  # images reconstructed; images encoded for ranges and use; pictures of one latent


class Filmstrip:
    """Keeps the last snapshot of a model, and draws from that copy alone.

    Its images are evenly spaced rows of the data; the latents move from the code of the first.
    """

    def __init__(self, data: Any, names: Iterable | None):
        self._data, self._given = data, None if names is None else list(names)
        self._x: np.ndarray | None = None
        self.names: list[str] = []

    def take(self, model: Any) -> None:
        """Copies the model and encodes the sample with the copy."""
        if self._x is None:
            self._x = _sample(self._data, model.image_shape)
        snapshot = Snapshot(model)
        z = snapshot.encode_all(self._x)
        self.names = sl.check_names(self._given, snapshot.num_latents)
        self._sliders = sl.make_sliders(
            snapshot.codebook, self.names, groups=None, latents=z, start=z[0], levels=snapshot.levels
        )
        self._code = sl.code_of(z[:1], self._sliders)[0]
        self._z, self._snapshot = z, snapshot
        self._decoded = snapshot.decode(z[:SHOWN])

    def strip(self, latent: int | None) -> dict[str, object]:
        """The pictures as one atlas: originals, reconstructions, then the moves of one latent, or of all (None)."""
        assert self._x is not None
        moved = range(len(self._sliders)) if latent is None else [latent]
        codes: list[list[int]] = []
        moves: dict[str, dict] = {}
        start = 2 * len(self._decoded)
        for i in moved:
            slider, at = self._sliders[i], int(self._code[i])
            levels = pr.picked_levels(len(slider.values), at, LEVELS)
            values = [f"{slider.values[level, 0] + 0.0:.2f}" for level in levels]
            moves[str(i)] = {"first": start + len(codes), "current": levels.index(at), "values": values}
            codes += [[*self._code[:i], level, *self._code[i + 1 :]] for level in levels]
        moving = self._snapshot.decode(sl.latents_of(np.array(codes), self._sliders))
        tiles = np.concatenate([tl.to_pixels(self._x[: len(self._decoded)]), self._decoded, moving])
        sheet, columns = tl.pack(tiles)
        return {
            "image": tl.data_url(sheet),
            "columns": columns,
            "shape": list(tiles.shape[2:]),
            "shown": len(self._decoded),
            "moves": moves,
            "names": self.names,
            "used": self.used(),
            "sample": len(self._x),
        }

    def digest(self) -> str:
        """Says which weights the pictures are of."""
        return self._snapshot.digest()

    def used(self) -> list[list[int]]:
        """[values taken in the sample, values there are] of each latent; empty for continuous latents."""
        codebook: Sequence[np.ndarray] | None = self._snapshot.codebook
        return [] if codebook is None else pr.shares(snapping.usage(self._z, codebook))


def _sample(data: Any, image_shape: Sequence[int]) -> np.ndarray:
    from dlq.datasets.given import as_dataset

    data = as_dataset(data, image_shape)
    rows = np.unique(np.linspace(0, len(data) - 1, SAMPLE).round().astype(np.int64))
    shown = rows[np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).round().astype(int)]
    rows = np.concatenate([shown, np.setdiff1d(rows, shown)])
    return np.stack([data.images[int(row)] for row in rows]).astype(np.float32) / 255
