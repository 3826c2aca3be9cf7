"""The four objects of a room as solids that a ray meets: where, and which way the surface faces there.

Each takes origins (3, 1) or (3, n), unit directions (3, 1) or (3, n) and the scale, and returns distances (n,),
infinite where the ray misses, and outward unit normals (3, n). All stand on the floor z = 0 at the centre of the room.
"""

import numpy as np

Rays = np.ndarray  # (3, n): x to the right, y away from the camera, z up

TALLEST, WIDEST = 0.363, 0.15  # at scale 1, over all solids: height, and half-width along a diagonal


def bounds(origin: Rays, ray: Rays, scale: float) -> np.ndarray:
    """Whether each ray meets the sphere around every solid of this scale, bool (n,)."""
    away = origin - np.array([[0], [0], [TALLEST / 2 * scale]])
    along = (away * ray).sum(0)
    radius = np.hypot(TALLEST / 2, WIDEST) * scale
    return ((away**2).sum(0) - along**2 < radius**2) & (along < 0)


def cube(origin: Rays, ray: Rays, scale: float) -> tuple[np.ndarray, Rays]:
    """Sides of length 0.2, parallel to the walls."""
    half = 0.1 * scale
    origin, ray = np.broadcast_arrays(origin - np.array([[0], [0], [half]]), ray)
    with np.errstate(divide="ignore", invalid="ignore"):
        near = (-np.copysign(half, ray) - origin) / ray
        far = (np.copysign(half, ray) - origin) / ray
    axis, distance = near.argmax(0), near.max(0)
    distance = np.where((distance < far.min(0)) & (distance > 0), distance, np.inf)
    normals, each = np.zeros(ray.shape), np.arange(ray.shape[1])
    normals[axis, each] = -np.sign(ray[axis, each])
    return distance, normals


def cylinder(origin: Rays, ray: Rays, scale: float) -> tuple[np.ndarray, Rays]:
    """Radius 0.11, height 0.2, upright."""
    radius, height = 0.11 * scale, 0.2 * scale
    origin, ray = np.broadcast_arrays(origin, ray)
    side, normals = _tube(origin, ray, radius, 0.0, height)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = (height - origin[2]) / ray[2]
        rim = ((origin[:2] + ray[:2] * top) ** 2).sum(0)
    lid = (rim < radius**2) & (top > 0) & (top < side)
    normals[:, lid] = [[0], [0], [1]]
    return np.where(lid, top, side), normals


def sphere(origin: Rays, ray: Rays, scale: float) -> tuple[np.ndarray, Rays]:
    """Radius 0.12."""
    origin, ray = np.broadcast_arrays(origin, ray)
    return _ball(origin, ray, 0.12 * scale, 0.12 * scale)


def capsule(origin: Rays, ray: Rays, scale: float) -> tuple[np.ndarray, Rays]:
    """Radius 0.0925, height 0.363, upright."""
    radius, top = 0.0925 * scale, (0.363 - 0.0925) * scale
    origin, ray = np.broadcast_arrays(origin, ray)
    distance, normals = _tube(origin, ray, radius, radius, top)
    for height in (radius, top):
        cap, cap_normals = _ball(origin, ray, radius, height)
        normals = np.where(cap < distance, cap_normals, normals)
        distance = np.minimum(distance, cap)
    return distance, normals


def _ball(origin: Rays, ray: Rays, radius: float, height: float) -> tuple[np.ndarray, Rays]:
    away = origin - np.array([[0], [0], [height]])
    along = (away * ray).sum(0)
    inside = along**2 - (away**2).sum(0) + radius**2
    distance = -along - np.sqrt(np.maximum(inside, 0))
    distance = np.where((inside > 0) & (distance > 0), distance, np.inf)
    return distance, _surface(away, ray, distance) / radius


def _tube(origin: Rays, ray: Rays, radius: float, low: float, high: float) -> tuple[np.ndarray, Rays]:
    """The wall of an upright cylinder between two heights, without lids."""
    upright = np.array([[1.0], [1.0], [0.0]])
    away, way = origin * upright, ray * upright
    a, b, c = (way**2).sum(0), (away * way).sum(0), (away**2).sum(0) - radius**2
    inside = b**2 - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (-b - np.sqrt(np.maximum(inside, 0))) / a
        level = origin[2] + ray[2] * distance
    hit = (inside > 0) & (distance > 0) & (level >= low) & (level <= high)
    distance = np.where(hit, distance, np.inf)
    return distance, _surface(away, way, distance) / radius


def _surface(origin: Rays, ray: Rays, distance: np.ndarray) -> Rays:
    return origin + ray * np.where(np.isfinite(distance), distance, 0)


SOLIDS = {"cube": cube, "cylinder": cylinder, "sphere": sphere, "capsule": capsule}
