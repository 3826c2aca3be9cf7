"""Named points of a face and where they fall in its image."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.faces import camera, head
from dlq.datasets.faces.head import EYE_X, EYE_Y, MOUTH_Y, SLIT
from dlq.datasets.faces.parameters import Columns
from dlq.datasets.faces.scene import deform
from dlq.datasets.faces.skin import BROW_X, BROW_Y, GAZE_X, GAZE_Y, HALF_BROW, HALF_EYE

_HALF = {  # on the half at the picture's right, mirrored for the other
    "brow_inner": (BROW_X - HALF_BROW, BROW_Y),
    "brow_middle": (BROW_X, BROW_Y + 0.045),
    "brow_outer": (BROW_X + HALF_BROW, BROW_Y - 0.01),
    "eye_inner": (EYE_X - HALF_EYE, EYE_Y),
    "eye_outer": (EYE_X + HALF_EYE, EYE_Y),
    "pupil": (EYE_X, EYE_Y + 0.006),
    "nostril": (0.058, -0.262),
    "mouth_corner": (0.205, MOUTH_Y),
    "jaw": (0.52, -0.60),
}
_MIDDLE = {
    "nose_bridge": (0.0, 0.12),
    "nose_tip": (0.0, -0.18),
    "lip_top": (0.0, MOUTH_Y + SLIT + 0.04),
    "lip_upper": (0.0, MOUTH_Y + SLIT),
    "lip_lower": (0.0, MOUTH_Y - SLIT),
    "lip_bottom": (0.0, MOUTH_Y - SLIT - 0.066),
    "chin": (0.0, -0.90),
}
LANDMARKS = (*(f"{name}_{side}" for name in _HALF for side in ("left", "right")), *_MIDDLE)
PUPILS = [LANDMARKS.index("pupil_left"), LANDMARKS.index("pupil_right")]


@cache
def _model(device: torch.device) -> tuple[Tensor, ...]:
    """Undeformed points, mean and bases of the landmarks, and of both pupils moved by a gaze of 1 right and 1 up."""
    flat = [(side * x, y) for x, y in _HALF.values() for side in (-1, 1)] + list(_MIDDLE.values())
    flat += [(side * EYE_X + dx, EYE_Y + 0.006 + dy) for dx, dy in ((GAZE_X, 0), (0, GAZE_Y)) for side in (-1, 1)]
    x, y = np.array(flat).T
    z = head.HALF[2] * np.sqrt(1 - (x / head.HALF[0]) ** 2 - y**2)
    known = head.model(np.stack([x, y, z], 1))
    tables = (known.undeformed, known.mean, known.shapes, known.expressions)
    return tuple(torch.from_numpy(table.astype(np.float32)).to(device) for table in tables)


def landmarks(face: Columns, size: int) -> Tensor:
    """Pixels to the right and down of every name in LANDMARKS, (B, len(LANDMARKS), 2); every parameter is (B, 1).

    Left and right are the picture's. The pupils follow the gaze. Points on the far side of the head are there too.
    """
    places = deform(face, *_model(face.yaw.device))
    pupils = places[:, PUPILS]
    for gaze, moved in ((face.gaze_x, places[:, -4:-2]), (face.gaze_y, places[:, -2:])):
        places[:, PUPILS] += gaze[..., None] * (moved - pupils)
    turned = camera.turn(face).about(places[:, : len(LANDMARKS)])
    return camera.project(turned, face, size)[..., :2]
