"""What is painted on a head: eyes, brows, lips, teeth, beard and lines, as a function of the *undeformed* place.

A place on the undeformed head is moved by shape and expression, and carries its paint with it: widening the eye region
widens the eye, opening the jaw stretches the dark line between the lips into a mouth.
"""

import torch
from torch import Tensor

from dlq.datasets.faces.head import EYE_X, EYE_Y, MOUTH_Y, SLIT
from dlq.datasets.faces.parameters import Columns
from dlq.datasets.faces.tones import IRIS, SKIN, dot, mix, plain, ramp, ridge, smooth, total, within

HALF_EYE, LID, LOW = 0.128, 0.068, 0.050  # half-length of an eye, how far its lids reach above and below its middle
IRIS_RADIUS, PUPIL_RADIUS = 0.060, 0.027
GAZE_X, GAZE_Y = 0.050, 0.022  # how far the iris moves for a gaze of 1
BROW_Y, BROW_X, HALF_BROW = 0.300, 0.28, 0.17


def paint(points: Tensor, face: Columns, soft: Tensor) -> Tensor:
    """Colours (3, n) of undeformed points (3, n); soft (n,) is the width of an edge."""
    x, y, z = points
    colour = complexion(face.skin)
    rosy = 0.16 * (dot(x.abs() - 0.40, y + 0.20, 0.13, 0.11) + 0.8 * dot(x, y + 0.22, 0.08, 0.08))
    colour = mix(colour, colour * plain(1.0, 0.62, 0.56, x.device), rosy)
    front = z > 0.1
    for draw, near in (
        (_shade, front),
        (_lines, front & (face.age > -0.95)),
        (_beard, (z > -0.3) & (face.beard > -1) & (y < 0.12)),
        (_brow, front & ((y - BROW_Y).abs() < 0.16)),
        (_eye, front & ((x.abs() - EYE_X).abs() < 0.18) & ((y - EYE_Y).abs() < 0.17)),
        (_mouth, front & (x.abs() < 0.26) & ((y - MOUTH_Y).abs() < 0.14)),
    ):
        here = near.nonzero()[:, 0]
        px, py, width = (values.index_select(0, here) for values in (x, y, soft))
        colour.index_copy_(1, here, draw(colour.index_select(1, here), px, py, face.at(here), width))
    return colour


def complexion(skin: Tensor) -> Tensor:
    """The colour of bare skin, (3, n)."""
    return ramp(SKIN, skin)


def _shade(colour: Tensor, x: Tensor, y: Tensor, face: Columns, soft: Tensor) -> Tensor:
    """What little light reaches hollows: beside the nose, under it, under the lower lip; and the nostrils."""
    hollow = 0.20 * dot(x.abs() - 0.15, y - 0.14, 0.05, 0.07) + 0.16 * dot(x.abs() - EYE_X, y - 0.215, 0.12, 0.03)
    hollow = hollow + 0.24 * dot(x, y + 0.285, 0.10, 0.028) + 0.14 * dot(x, y + 0.595, 0.12, 0.03)
    hollow = hollow + 0.12 * dot(x.abs() - 0.135, y + 0.225, 0.025, 0.045)
    colour = colour * (1 - hollow.clamp(max=0.8))
    nostril = within((((x.abs() - 0.058) / 0.034) ** 2 + ((y + 0.262) / 0.017) ** 2).sqrt() - 1, soft / 0.022)
    return mix(colour, colour * 0.28, 0.85 * nostril)


def _lines(colour: Tensor, x: Tensor, y: Tensor, face: Columns, soft: Tensor) -> Tensor:
    """Lines of age on the forehead, beside nose and eyes, and under the eyes; those beside the nose deepen with a smile."""
    old = (face.age + 1) / 2
    wave = 0.018 * torch.cos(7 * x)
    width = 0.015 + 0.5 * soft
    band = smooth(0.40, 0.22, x.abs())
    forehead = total(ridge((y - at - wave) / width) for at in (0.43, 0.51, 0.59)) * band
    along = ((y + 0.22) / -0.26).clamp(0, 1)  # from the wing of the nose to below the corner of the mouth
    fold = ridge((x.abs() - 0.165 - 0.13 * along) / (width + 0.008)) * smooth(-0.20, -0.26, y) * smooth(-0.60, -0.46, y)
    bag = ridge((y - EYE_Y + 0.115 - 1.2 * (x.abs() - EYE_X) ** 2) / (width + 0.006)) * smooth(
        0.15, 0.09, (x.abs() - EYE_X).abs()
    )
    fan = total(ridge((y - EYE_Y - 0.01 - tilt * (x.abs() - 0.42)) / width) for tilt in (-0.55, 0.05, 0.6))
    crow = fan * smooth(0.41, 0.44, x.abs()) * smooth(0.55, 0.50, x.abs())
    dark = old * (0.26 * forehead + 0.28 * bag + 0.18 * crow) + fold * (0.26 * old + 0.06 * face.smile.clamp(min=0))
    grey = colour.mean(0, keepdim=True)
    return mix(colour, grey * plain(1.03, 1.0, 0.94, x.device), 0.22 * old) * (1 - dark.clamp(max=0.6))


def _beard(colour: Tensor, x: Tensor, y: Tensor, face: Columns, soft: Tensor) -> Tensor:
    """A beard along jaw and chin and above the mouth, thicker as ``beard`` grows."""
    full = (face.beard + 1) / 2
    edge = -0.45 + 0.48 * smooth(0.24, 0.66, x.abs())
    cheeks = smooth(0.22, -0.14, y - edge)
    lip = smooth(-0.31, -0.37, y) * smooth(0.30, 0.18, x.abs())
    area = torch.maximum(cheeks, lip) * (1 - 0.8 * dot(x, y + 0.585, 0.08, 0.030))
    grey = smooth(0.1, 1.0, face.age)
    tone = mix(plain(0.13, 0.09, 0.07, x.device), plain(0.58, 0.56, 0.54, x.device), 0.75 * grey * full)
    return mix(colour, tone, 0.88 * area * smooth(0.0, 1.1, full.sqrt()))


def _brow(colour: Tensor, x: Tensor, y: Tensor, face: Columns, soft: Tensor) -> Tensor:
    along = (x.abs() - BROW_X) / HALF_BROW
    middle = BROW_Y + 0.045 * (1 - along**2) - 0.012 * along
    half = (
        (0.030 + 0.019 * face.brow_thickness) * (1 - 0.55 * smooth(0.1, 1.0, along)) * smooth(1.08, 0.75, along.abs())
    )
    hair = within((y - middle).abs() - half, soft + 0.006) * (along.abs() < 1.08)
    dark = mix(colour * 0.35, plain(0.10, 0.07, 0.06, x.device), torch.full_like(x, 0.6))
    old = mix(dark, plain(0.55, 0.53, 0.51, x.device), 0.6 * smooth(0.2, 1.0, face.age))
    return mix(colour, old, 0.92 * hair)


def _eye(colour: Tensor, x: Tensor, y: Tensor, face: Columns, soft: Tensor) -> Tensor:
    """White, iris, pupil and a reflection between two lids; ``blink`` lowers the upper one."""
    side, ex, ey = torch.sign(x), x.abs() - EYE_X, y - EYE_Y - 0.06 * (x.abs() - EYE_X)
    arch = 1 - (ex / HALF_EYE) ** 2
    upper = (LID + (-LOW * 0.8 - LID) * face.blink.clamp(0, 1)) * arch
    lower = -LOW * arch
    opening = torch.maximum(ey - upper, lower - ey)
    colour = colour * (1 - 0.30 * ridge((ey - LID * arch - 0.042) / 0.013) * smooth(1.15, 0.8, (ex / HALF_EYE).abs()))
    white = plain(0.93, 0.91, 0.89, x.device) * (1 - 0.30 * smooth(0.05, -0.01, upper - ey))
    dx, dy = ex - side * GAZE_X * face.gaze_x, ey - GAZE_Y * face.gaze_y - 0.006
    radius = (dx**2 + dy**2).sqrt()
    iris = ramp(IRIS, (face.eye_colour + 1) / 2)
    iris = iris * (1.1 - 0.55 * smooth(0.6 * IRIS_RADIUS, IRIS_RADIUS, radius) - 0.2 * smooth(0.0, 0.05, dy))
    ball = mix(white, iris, within(radius - IRIS_RADIUS, soft))
    ball = mix(ball, plain(0.02, 0.02, 0.02, x.device), within(radius - PUPIL_RADIUS, soft))
    glint = within(((dx + side * 0.018) ** 2 + (dy - 0.022) ** 2).sqrt() - 0.011, soft)
    ball = mix(ball, plain(1.0, 1.0, 1.0, x.device), 0.9 * glint)
    open_ = within(opening, soft)
    lash = within((ey - upper).abs() - 0.009, soft + 0.004) * smooth(1.12, 1.0, (ex / HALF_EYE).abs())
    under = within((ey - lower).abs() - 0.003, soft + 0.006) * smooth(1.0, 0.8, (ex / HALF_EYE).abs())
    colour = mix(mix(colour, ball, open_), colour * 0.45, 0.6 * under)
    return mix(colour, plain(0.09, 0.06, 0.05, x.device), 0.85 * lash)


def _mouth(colour: Tensor, x: Tensor, y: Tensor, face: Columns, soft: Tensor) -> Tensor:
    """Lips, and between them a dark line that opens upon teeth and tongue."""
    dy, across = y - MOUTH_Y, (x / 0.205).abs()
    arch = (1 - across**2).clamp(min=0)
    top = SLIT + 0.050 * arch.sqrt() * (1 - 0.22 * ridge(x / 0.045)) * smooth(1.0, 0.7, across)
    bottom = -SLIT - 0.066 * arch**0.75
    lips = within(torch.maximum(dy - top, bottom - dy), soft + 0.004) * within((across - 1) * 0.205, soft)
    red = colour * plain(0.86, 0.52, 0.50, x.device) * (0.92 + 0.16 * smooth(-0.01, -0.05, dy))
    colour = mix(colour, red, 0.85 * lips)
    inside = within(dy.abs() - SLIT * (1 - across**6), soft * 0.25) * (across < 0.98)
    wide = 1 - across**2
    gap = smooth(0.06, 0.25, face.mouth_open)
    deep = mix(colour * 0.30, plain(0.16, 0.04, 0.05, x.device), gap)
    teeth = gap * smooth(-0.0030, -0.0010, dy - 0.35 * SLIT) * smooth(0.15, 0.35, wide)
    deep = mix(deep, plain(0.92, 0.89, 0.84, x.device), teeth)
    tongue = gap * smooth(-0.002, -0.006, dy) * smooth(0.3, 0.8, wide)
    deep = mix(deep, plain(0.62, 0.26, 0.26, x.device), 0.8 * tongue)
    return mix(colour, deep, inside)
