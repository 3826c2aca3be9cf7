"""The head: a linear morphable model on a grid of longitudes and latitudes.

A vertex is ``mean + sum of shape factor x its basis + sum of expression x its basis``: exactly linear, as in the 3-D
morphable models that are fitted to scans (Blanz & Vetter, "A Morphable Model for the Synthesis of 3D Faces", 1999).
Nothing here comes from scans: the bases are smooth bumps placed by hand. X is right, Y up, Z towards the camera; the
undeformed head is an ellipsoid of half-height 1. Fields that push left and right sides apart are odd in X, so that they
vanish on the mid-line and do not tear it.
"""

from typing import NamedTuple

import numpy as np

HALF = np.array([0.74, 1.0, 0.85])  # half-axes of the undeformed head
EYE_X, EYE_Y, MOUTH_Y = 0.29, 0.12, -0.465
SLIT = 0.010  # half-height of the closed mouth's dark line, which opening stretches
EXPRESSIONS = ("smile", "mouth_open", "brow_raise")  # those that move the surface; blinking is painted
EAR = (12, 14)  # rows and columns of an ear's grid

Array = np.ndarray


class Model(NamedTuple):
    """Mean vertices (V, 3), bases (num, V, 3), and undeformed points (V, 3) that paint and hair refer to."""

    mean: Array
    shapes: Array  # (9, V, 3), in the order of parameters.SHAPE
    expressions: Array  # (3, V, 3), in the order of EXPRESSIONS
    undeformed: Array


def head_points() -> Array:
    """The undeformed head, (rows, columns, 3): rows from the crown to below the chin, columns from back over front."""
    y = _spaced(84, -1, 1, ((MOUTH_Y, 0.03, 3), (EYE_Y, 0.12, 1.5), (-0.2, 0.12, 1.5), (0.33, 0.06, 0.8)), np.arcsin)
    y = np.unique(np.concatenate([y, MOUTH_Y + SLIT * np.linspace(-1, 1, 5)]))[::-1]
    turns = _spaced(65, -np.pi, np.pi, ((0.0, 0.5, 2.0), (0.0, 1.2, 2.0)), lambda x: x)
    flat = np.sqrt(1 - y**2)[:, None]
    return HALF * np.stack([flat * np.sin(turns), np.broadcast_to(y[:, None], (len(y), 65)), flat * np.cos(turns)], 2)


def ear_points(side: int) -> Array:
    """An undeformed ear, (rows, columns, 3): a flat ellipsoid at the side of the head (-1 left, 1 right), leaning back."""
    rows, columns = np.linspace(0, np.pi, EAR[0])[:, None], np.linspace(-np.pi, np.pi, EAR[1])[None]
    x = 0.055 * np.sin(rows) * np.cos(columns)
    z = 0.125 * np.sin(rows) * np.sin(columns)
    y = 0.20 * np.broadcast_to(np.cos(rows), x.shape)
    width = 1 + 0.25 * y / 0.20  # wider at the top than at the lobe
    return np.stack([side * (0.745 + x - 0.55 * z), y + 0.02, width * z - 0.06], 2)


def model(points: Array) -> Model:
    """The morphable model at undeformed points (V, 3)."""
    x, y, z = points.T
    front = _smooth(0.05, 0.35, z / HALF[2])

    def bump(at_x, at_y, wide, high):
        return np.exp(-(((x - at_x) / wide) ** 2 + ((y - at_y) / high) ** 2) / 2) * front

    def both(at_x, at_y, wide, high):
        return bump(at_x, at_y, wide, high) + bump(-at_x, at_y, wide, high)

    def odd(at_x, at_y, wide, high):
        return bump(at_x, at_y, wide, high) - bump(-at_x, at_y, wide, high)

    shapes = np.zeros((9, len(x), 3))
    shapes[0, :, 0] = 0.105 * x
    shapes[1, :, 1] = 0.115 * y
    shapes[2, :, 0] = 0.21 * x * _smooth(0.0, 0.9, -y)
    around = both(EYE_X, EYE_Y, 0.17, 0.13)
    shapes[3, :, 0] = 0.36 * (
        (x - EYE_X) * bump(EYE_X, EYE_Y, 0.13, 0.13) + (x + EYE_X) * bump(-EYE_X, EYE_Y, 0.13, 0.13)
    )
    shapes[3, :, 1] = 0.55 * (y - EYE_Y) * around
    shapes[4, :, 0] = 0.075 * odd(EYE_X, 0.14, 0.17, 0.18)
    shapes[5, :, 0] = 0.70 * x * bump(0, -0.2, 0.14, 0.11)
    shapes[6, :, 1] = -0.105 * bump(0, -0.18, 0.12, 0.13)
    shapes[6, :, 2] = 0.04 * bump(0, -0.18, 0.09, 0.10)
    shapes[7, :, 0] = 0.45 * x * bump(0, MOUTH_Y, 0.26, 0.11)
    shapes[8, :, 1] = 0.75 * (y - MOUTH_Y) * bump(0, MOUTH_Y, 0.22, 0.10)
    shapes[8, :, 2] = 0.03 * bump(0, MOUTH_Y, 0.17, 0.07)
    expressions = np.zeros((3, len(x), 3))
    expressions[0, :, 0] = 0.10 * odd(0.20, -0.45, 0.11, 0.10)
    expressions[0, :, 1] = 0.10 * both(0.22, -0.45, 0.10, 0.10) - 0.02 * bump(0, -0.45, 0.08, 0.06)
    expressions[0, :, 2] = 0.035 * both(0.40, -0.22, 0.14, 0.12)
    expressions[1, :, 1:] = _jaw(x, y, z)[:, None] * np.array([-0.22, -0.06])
    expressions[2, :, 1] = 0.10 * both(0.28, 0.32, 0.20, 0.085)
    return Model(_mean(points, bump, both), shapes, expressions, points)


def _mean(points: Array, bump, both) -> Array:
    """The mean head: tapered towards the jaw, with nose, sockets, brow ridge, lips, chin and cheekbones."""
    x, y, z = points.T
    relief = (
        0.17 * bump(0, -0.18, 0.075, 0.075) + 0.14 * bump(0, 0.04, 0.055, 0.17) + 0.05 * both(0.085, -0.21, 0.05, 0.045)
    )
    relief += 0.035 * both(0.27, 0.27, 0.17, 0.05) - 0.075 * both(0.29, 0.12, 0.13, 0.075)
    relief += 0.05 * bump(0, MOUTH_Y, 0.17, 0.06) - 0.03 * bump(0, -0.62, 0.2, 0.05) + 0.07 * bump(0, -0.82, 0.15, 0.10)
    relief += 0.03 * both(0.42, -0.12, 0.14, 0.12) + 0.035 * bump(0, -0.46, 0.30, 0.22)
    taper = 1 - 0.10 * _smooth(0.0, 1.0, -y) - 0.04 * _smooth(0.2, 1.0, y)
    return np.stack([x * taper, y, z + relief], 1)


def _jaw(x: Array, y: Array, z: Array) -> Array:
    """How much a point moves with the lower jaw: a sharp edge within the mouth, a soft one in the cheeks."""
    edge = SLIT + 0.24 * _smooth(0.16, 0.36, np.abs(x))
    return _smooth(0, 1, (MOUTH_Y + edge - y) / (2 * edge)) * _smooth(-0.1, 0.4, z / HALF[2])


def _smooth(low, high, x: Array) -> Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _spaced(n: int, low, high, denser, even) -> Array:
    """n values from low to high, even steps of even(value), 1 + height times denser around each (value, width, height)."""
    fine = np.linspace(low, high, 20_001)
    middle = (fine[1:] + fine[:-1]) / 2
    step = np.diff(even(fine))
    for at, width, height in denser:
        step = step + np.diff(even(fine)) * height * np.exp(-(((middle - at) / width) ** 2))
    total = np.concatenate([[0], np.cumsum(step)])
    values = np.interp(np.linspace(0, total[-1], n), total, fine)
    return (values - values[::-1]) / 2 if -low == high and not any(at for at, _, _ in denser) else values
