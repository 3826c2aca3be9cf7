"""Rooms: the factors, order and camera of Shapes3D (Burgess & Kim, "3D Shapes Dataset", 2018), ray cast here.

The official renderer is not public. Camera, room and objects were fitted to its published preview (off by at most 0.6
pixel of 64); light and shading are our own and there is no texture. So this is a stand-in with the same factors:
numbers found on it are not Shapes3D numbers.

Once the geometry is known a pixel is linear in the colours. Each (scale, shape, orientation) is cast once, into maps of
how much floor, wall, object, sky and highlight a pixel shows; an image is a small weighted sum of those.
"""

import colorsys
import math

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.base import FactorDataset
from dlq.datasets.grid import check_size, check_sizes, choose, spread
from dlq.datasets.images import Rendered
from dlq.datasets.solids import SOLIDS, Rays, bounds

NAMES = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
OFFICIAL = (10, 10, 10, 8, 4, 15)
SHAPES = tuple(SOLIDS)

HALF_WIDTH, HALF_DEPTH, WALL_HEIGHT = 1.009, 1.0, 0.576  # the room, in units of its half-depth; the object stands at 0
ORBIT, EYE, FOCAL = 0.673, 0.206, 65.85 / 64  # camera: distance from the object, height; focal length in image sides
LIGHT = np.array([[-0.532], [-0.309], [0.788]])  # towards the light: left, front, up
AMBIENT, DIFFUSE, HIGHLIGHT, SHININESS = 0.56, 0.56, 0.35, 24
BRIGHTER = 1.12  # the object against the room, so that it is seen before a wall of its own colour
SKY, WHITE = (153, 226, 249), (256, 256, 256)
LEVELS = 2**10  # maps are multiples of 1/LEVELS, colours whole numbers: sums are exact on any device, in TF32 too
CHUNK = 32  # images at a time on a CPU: what fits in its cache


def rooms(size=64, sizes=OFFICIAL) -> FactorDataset:
    """A room with an object in it, in colour: six factors, each taking evenly spaced values, rendered when asked for.

    size    side in pixels, 16 to 128
    sizes   number of values of floor_hue, wall_hue, object_hue, scale, shape, orientation, at most 10, 10, 10, 8, 4, 15;
            with one value a factor keeps its middle one
    Hues are in turns of the colour wheel, orientations in degrees; scale 1 is the middle one.
    """
    sizes = check_sizes(sizes, OFFICIAL, NAMES)
    hues = [np.arange(n) / n if n > 1 else np.array([0.5]) for n in sizes[:3]]
    shapes = choose(sizes[4], len(SHAPES))
    values = (*hues, spread(sizes[3], 0.75, 1.25), np.array(SHAPES)[shapes], spread(sizes[5], -30.0, 30.0))
    painter = RoomPainter(check_size(size), values)
    return FactorDataset(
        "rooms", Rendered(painter, sizes), factor_names=NAMES, factor_sizes=sizes, factor_values=painter.values
    )


class RoomPainter:
    """Renders rooms at one size from the values of each factor; casts the geometry at the first image."""

    def __init__(self, size: int, values: tuple[np.ndarray, ...]) -> None:
        self.image_shape = (3, size, size)
        self.values = values
        self._maps: dict[torch.device, Tensor] = {}
        self._palettes = [torch.tensor([_rgb(hue) for hue in hues], dtype=torch.float32) for hues in values[:3]]

    def resized(self, size: int) -> "RoomPainter":
        return RoomPainter(check_size(size), self.values)

    def render(self, factors: Tensor, device: torch.device) -> Tensor:
        """Factor indices int64 (B, 6) -> images uint8 (B, 3, size, size)."""
        maps = self._maps_on(device)
        _, scales, shapes, orientations = (len(v) for v in self.values[2:])
        assert maps.shape[0] == scales * shapes * orientations
        geometry = (factors[:, 3] * shapes + factors[:, 4]) * orientations + factors[:, 5]
        surfaces = [palette.to(device)[factors[:, k]] for k, palette in enumerate(self._palettes)]
        fixed = torch.tensor([SKY, WHITE], dtype=torch.float32, device=device).expand(len(factors), 2, 3)
        colours = torch.cat([torch.stack(surfaces, 1), fixed], 1).mT.contiguous()  # (B, 3, 5)
        out = torch.empty(len(factors), 3, maps.shape[2], dtype=torch.uint8, device=device)
        step = CHUNK if device.type == "cpu" else max(len(factors), 1)
        light = torch.empty(min(step, len(factors)), 3, maps.shape[2], device=device)
        for start in range(0, len(factors), step):
            seen = maps.index_select(0, geometry[start : start + step])
            light = light[: len(seen)]
            out[start : start + step] = torch.bmm(colours[start : start + step], seen, out=light)
        return out.view(-1, *self.image_shape)

    def _maps_on(self, device: torch.device) -> Tensor:
        if device not in self._maps:
            cpu = torch.device("cpu")
            if cpu not in self._maps:
                self._maps[cpu] = torch.from_numpy(cast(self.image_shape[1], *self.values[3:]))
            self._maps[device] = self._maps[cpu].to(device)
        return self._maps[device]


def _rgb(hue: float) -> tuple[int, ...]:
    return tuple(round(255 * c) for c in colorsys.hsv_to_rgb(hue, 1, 1))


def cast(size: int, scales: np.ndarray, shapes: np.ndarray, orientations: np.ndarray) -> np.ndarray:
    """Maps of floor, wall, object, sky, highlight of each (scale, shape, orientation), float32 (n, 5, size * size)."""
    samples = max(2, math.ceil(192 / size))  # rays a pixel along each axis
    maps = np.empty((len(scales), len(shapes), len(orientations), 5, size * size), dtype=np.float32)
    for k, degrees in enumerate(orientations):
        eye, rays = _camera(size * samples, math.radians(degrees))
        room = _room(eye, rays)
        for i, scale in enumerate(scales):
            lit = _near(room, eye, rays, scale)
            for j, shape in enumerate(shapes):
                seen = _place(room[0], lit, SOLIDS[str(shape)], scale)
                maps[i, j, k] = _shrink(seen, size, samples)
    maps[:] = np.rint(maps * LEVELS) / LEVELS
    maps[..., 4, :] += 0.5 / WHITE[0]  # so that cutting the fraction off a colour rounds it
    return maps.reshape(-1, 5, size * size)


def _camera(side: int, angle: float) -> tuple[Rays, Rays]:
    """The eye (3, 1) and one unit ray through each of side x side points of the image, (3, side * side)."""
    sin, cos = math.sin(angle), math.cos(angle)
    eye = np.array([[ORBIT * sin], [-ORBIT * cos], [EYE]])
    across = ((np.arange(side) + 0.5) / side - 0.5) / FOCAL
    up, right = (g.ravel() for g in np.meshgrid(-across, across, indexing="ij"))
    rays = np.stack([right * cos - sin, right * sin + cos, up])
    return eye, rays / np.sqrt((rays**2).sum(0))


def _room(eye: Rays, rays: Rays) -> tuple[np.ndarray, Rays]:
    """What each ray meets in the empty room: maps (5, rays), and the points that it meets."""
    half = np.array([[HALF_WIDTH], [HALF_DEPTH]])
    with np.errstate(divide="ignore"):
        walls = (np.sign(rays[:2]) * half - eye[:2]) / rays[:2]
        floor = np.where(rays[2] < 0, -eye[2] / rays[2], np.inf)
    side, wall = walls.argmin(0), walls.min(0)
    points = eye + rays * np.minimum(floor, wall)
    on_floor = floor < wall
    on_wall = ~on_floor & (points[2] < WALL_HEIGHT)
    facing = -np.sign(np.take_along_axis(rays, side[None], 0)[0]) * LIGHT[side, 0]
    maps = np.zeros((5, len(wall)), dtype=np.float32)
    maps[0] = on_floor * _lambert(LIGHT[2])
    maps[1] = on_wall * _lambert(facing)
    maps[3] = ~on_floor & ~on_wall
    return maps, points


def _lambert(facing):
    return np.minimum(AMBIENT + DIFFUSE * np.maximum(facing, 0), 1)


def _near(room, eye: Rays, rays: Rays, scale: float):
    """Which rays may meet a solid of this scale, or a point in its shadow: (numbers, origins, directions) of both."""
    maps, points = room
    seen = np.flatnonzero(bounds(eye, rays, scale))
    shaded = np.flatnonzero((maps[3] == 0) & bounds(points, LIGHT, scale))
    return (seen, eye, rays[:, seen]), (shaded, points[:, shaded], LIGHT)


def _place(room: np.ndarray, near, solid, scale: float) -> np.ndarray:
    """The room's maps with a solid of this scale in front of them and its shadow on them, (5, rays)."""
    maps, ((seen, eye, rays), (shaded, points, light)) = room.copy(), near
    shaded = shaded[np.isfinite(solid(points, light, scale)[0])]
    maps[:2, shaded] = np.minimum(maps[:2, shaded], AMBIENT)
    distance, normals = solid(eye, rays, scale)
    hit = np.isfinite(distance)
    seen, normals, rays = seen[hit], normals[:, hit], rays[:, hit]
    facing = (normals * LIGHT).sum(0)
    half = LIGHT - rays
    glint = np.maximum((normals * half).sum(0) / np.sqrt((half**2).sum(0)), 0) ** SHININESS
    glint *= HIGHLIGHT * (facing > 0)
    maps[:, seen] = 0
    maps[2, seen] = np.minimum(BRIGHTER * _lambert(facing), 0.99) * (1 - glint)  # 0.99: white stays under 256
    maps[4, seen] = glint
    return maps


def _shrink(maps: np.ndarray, size: int, samples: int) -> np.ndarray:
    rows = maps.reshape(5, size, samples, size * samples).sum(2)
    return rows.reshape(5, size * size, samples).sum(2) / samples**2
