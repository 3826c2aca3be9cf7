"""What a face is made of: every number that the renderer takes, by name, in groups that a swap can exchange."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.errors import DataError


class Face(NamedTuple):
    """The parameters of one face (numbers), or of a batch (tensors of shape (B,), numbers standing for all).

    Identity factors go from -1 to 1; tones and lengths from 0 to 1; angles are in degrees. ``zoom`` is a factor and
    ``shift_*`` are shares of the image's side. ``light_x`` and ``light_y`` say how far to the right and up the light
    stands for one unit towards the camera.
    """

    face_width: float | Tensor = 0.0
    face_length: float | Tensor = 0.0
    jaw_width: float | Tensor = 0.0
    eye_size: float | Tensor = 0.0
    eye_distance: float | Tensor = 0.0
    nose_width: float | Tensor = 0.0
    nose_length: float | Tensor = 0.0
    mouth_width: float | Tensor = 0.0
    lip_fullness: float | Tensor = 0.0
    brow_thickness: float | Tensor = 0.0
    eye_colour: float | Tensor = -0.6  # dark brown, hazel, green, blue
    beard: float | Tensor = -1.0  # -1 is clean shaven
    age: float | Tensor = -0.7
    skin: float | Tensor = 0.3  # light to dark
    smile: float | Tensor = 0.15  # -0.4 frowns
    mouth_open: float | Tensor = 0.0
    blink: float | Tensor = 0.0  # 1 is closed
    brow_raise: float | Tensor = 0.0
    gaze_x: float | Tensor = 0.0  # -1 to 1, to the picture's right
    gaze_y: float | Tensor = 0.0  # -1 to 1, up
    yaw: float | Tensor = 0.0  # positive: the face turns to the picture's right
    pitch: float | Tensor = 0.0  # positive: up
    roll: float | Tensor = 0.0  # positive: the top of the head tips to the picture's left
    zoom: float | Tensor = 1.0
    shift_x: float | Tensor = 0.0
    shift_y: float | Tensor = 0.0
    light_x: float | Tensor = -0.35
    light_y: float | Tensor = 0.45
    ambient: float | Tensor = 0.5
    direct: float | Tensor = 0.6
    warmth: float | Tensor = 0.0  # -1 bluish to 1 yellowish
    hair_colour: float | Tensor = 0.25  # black, dark brown, chestnut, copper, blond, grey
    hair_length: float | Tensor = 0.0  # 0 short, 0.5 to the jaw, 1 past the shoulders
    hair_volume: float | Tensor = 0.5
    hairline: float | Tensor = 0.35  # 0 a fringe, 1 nearly bald in front
    parting: float | Tensor = 0.0  # -1 to 1, the side where the hairline is higher
    background_hue: float | Tensor = 0.6  # in turns of the colour wheel
    background_tone: float | Tensor = 0.7
    clothes_hue: float | Tensor = 0.6
    clothes_tone: float | Tensor = 0.35


NAMES = Face._fields
COLUMN = {name: k for k, name in enumerate(NAMES)}
IDENTITY = NAMES[: NAMES.index("skin")]  # who it is: what a swap takes from its source
SHAPE = IDENTITY[: IDENTITY.index("brow_thickness")]  # those of them that move the surface, the others paint it
EXPRESSION = ("smile", "mouth_open", "blink", "brow_raise")
HAIR = ("hair_colour", "hair_length", "hair_volume", "hairline", "parting")

FREE = {  # what random faces draw evenly, from and to; all identity factors from -1 to 1 besides
    "skin": (0.0, 1.0),
    "smile": (-0.25, 1.0),
    "gaze_x": (-1.0, 1.0),
    "gaze_y": (-0.6, 0.6),
    "yaw": (-30.0, 30.0),
    "pitch": (-14.0, 14.0),
    "roll": (-9.0, 9.0),
    "zoom": (0.97, 1.05),
    "shift_x": (-0.03, 0.03),
    "shift_y": (-0.02, 0.02),
    "light_x": (-1.0, 1.0),
    "light_y": (-0.1, 0.8),
    "ambient": (0.45, 0.62),
    "direct": (0.45, 0.75),
    "warmth": (-1.0, 1.0),
    "hair_colour": (0.0, 1.0),
    "hair_volume": (0.1, 1.0),
    "parting": (-1.0, 1.0),
    "background_hue": (0.0, 1.0),
    "background_tone": (0.15, 0.95),
    "clothes_hue": (0.0, 1.0),
    "clothes_tone": (0.1, 0.9),
}


def as_array(face: Face) -> np.ndarray:
    """One row a face, one column a name of NAMES, float32 (B, len(NAMES)); numbers are repeated for the whole batch."""
    return as_columns(face, torch.device("cpu")).numpy()


def as_columns(face: Face, device: torch.device) -> Tensor:
    """The same as a tensor on a device; DataError where a parameter is no finite number or batches differ."""
    columns = [torch.as_tensor(value, dtype=torch.float32, device=device).detach() for value in face]
    try:
        table = torch.stack(torch.broadcast_tensors(*columns), dim=-1)
    except RuntimeError:
        found = {name: tuple(column.shape) for name, column in zip(NAMES, columns, strict=True) if column.ndim}
        raise DataError(f"the parameters of a batch have the shapes {found}; give one number or B of them") from None
    if table.ndim > 2:
        raise DataError(f"the parameters have the shape {tuple(table.shape[:-1])}; give numbers or one axis of them")
    table = table.reshape(-1, len(NAMES))
    bad = (~torch.isfinite(table)).any(0).nonzero()
    if len(bad):
        raise DataError(f"{NAMES[int(bad[0])]} is not finite in some face; give finite numbers")
    return table


def from_array(table) -> Face:
    """The faces of rows like those of ``as_array``; DataError where there are not len(NAMES) columns."""
    table = torch.as_tensor(table, dtype=torch.float32)
    if table.ndim != 2 or table.shape[1] != len(NAMES):
        raise DataError(f"parameters have the shape {tuple(table.shape)}; give (faces, {len(NAMES)}), a column a name")
    return Face(*table.unbind(1))


class Columns:
    """The parameters of many points by name: for each, its face's entry in the table; taken when asked for.

    columns   float32 (len(NAMES), B), a row a name
    row       the face of each point, int64 (n,); without it: all faces, (B, 1) a name
    """

    def __init__(self, columns: Tensor, row: Tensor | None = None) -> None:
        self.columns, self.row = columns, row

    def __getattr__(self, name: str) -> Tensor:
        if name not in COLUMN:
            raise AttributeError(name)
        column = self.columns[COLUMN[name]]
        return column[:, None] if self.row is None else column.index_select(0, self.row)

    def at(self, points: Tensor) -> "Columns":
        """Of some of the points."""
        assert self.row is not None
        return Columns(self.columns, self.row.index_select(0, points))


def random_faces(n: int, generator: torch.Generator) -> np.ndarray:
    """n faces with every factor drawn by itself, float32 (n, len(NAMES)); half of them without a beard."""
    uniform = torch.rand(n, len(NAMES), generator=generator, device="cpu")
    table = torch.empty(n, len(NAMES))
    for k, name in enumerate(NAMES):
        low, high = FREE.get(name, (-1.0, 1.0))
        table[:, k] = low + (high - low) * uniform[:, k]
    column = {name: table[:, k] for k, name in enumerate(NAMES)}
    share = {name: uniform[:, k] for k, name in enumerate(NAMES)}
    column["beard"].copy_((4 * share["beard"] - 3).clamp(min=-1))
    column["mouth_open"].copy_(share["mouth_open"] ** 2)
    column["blink"].copy_(share["blink"] ** 5)
    column["brow_raise"].copy_(1.4 * share["brow_raise"] - 0.4)
    column["hair_length"].copy_((1.6 * share["hair_length"] - 0.6).clamp(min=0))
    column["hairline"].copy_(0.2 + 0.55 * share["hairline"] + 0.35 * share["hairline"] ** 8)
    return table.numpy()
