"""One parameter of a face walks from end to end, and the swap follows: an identity factor of the source, or an expression,
pose or light of the target."""

from typing import Any, NamedTuple

import numpy as np

from dlq.datasets.faces import IDENTITY, NAMES, from_array, render, swap
from dlq.datasets.faces.parameters import FREE
from dlq.swaps.pairs import look_at, swap_images

STEPS = 9
ENDS = {"mouth_open": (0.0, 1.0), "blink": (0.0, 1.0), "brow_raise": (-0.4, 1.0), "beard": (-1.0, 1.0)}


class Walk(NamedTuple):
    """The frames of a walk, each uint8 (n, C, H, W): the face that changes, the model's swap, the exact one."""

    name: str
    moves: str  # "source" or "target": whose parameter it is
    values: np.ndarray  # (n,)
    inputs: np.ndarray
    results: np.ndarray
    truth: np.ndarray


def walk(model: Any, faces: Any, source: int, target: int, name: str, *, steps: int = STEPS) -> Walk:
    """Renders the source (an identity factor) or the target (any other parameter) anew for each value, and swaps it.

    ``faces`` are rendered ones and ``source`` and ``target`` their rows. Raises ValueError for a parameter that faces do
    not have, and for faces that cannot be rendered.
    """
    if name not in NAMES:
        raise ValueError(f"a face has no parameter {name!r}; give one of {', '.join(NAMES)}")
    if not hasattr(faces, "parameters"):
        raise ValueError("only rendered faces can walk: nobody knows the parameters of a photograph")
    low, high = ENDS.get(name) or FREE.get(name, (-1.0, 1.0))
    values = np.linspace(low, high, steps, dtype=np.float32)
    tables = [np.repeat(faces.parameters[[row]], steps, axis=0) for row in (source, target)]
    moves = 0 if name in IDENTITY else 1
    tables[moves][:, NAMES.index(name)] = values
    size = look_at(faces, np.array([source]))[0].shape[-1]
    first, second = (render(from_array(table), size) for table in tables)
    x, y = (part.images.numpy().astype(np.float32) / 255 for part in (first, second))
    made = swap_images(model, x, y, second.skin.numpy())
    exact = render(swap(from_array(tables[0]), from_array(tables[1])), size).images.numpy()
    inputs = (first, second)[moves].images.numpy()
    return Walk(name, ("source", "target")[moves], values, inputs, np.rint(255 * made).astype(np.uint8), exact)
