"""From the parameters of faces to their images, masks and landmarks."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dlq.datasets.faces import bust, camera, hair, skin
from dlq.datasets.faces.landmarks import landmarks
from dlq.datasets.faces.parameters import Columns, Face, as_columns
from dlq.datasets.faces.raster import Hits, rasterise
from dlq.datasets.faces.scene import BUST, CURTAIN, EARS, build, scene
from dlq.datasets.faces.tones import mix, total
from dlq.datasets.grid import check_size

LARGEST = 256
PIXELS = 2**17  # samples of the image plane at a time on a CPU: what fits in its cache


class Portraits(NamedTuple):
    """What a camera would give of B faces, and what only a renderer knows."""

    images: Tensor  # uint8 (B, 3, size, size)
    skin: Tensor  # float32 (B, size, size): the share of each pixel that is visible skin of head or ears
    head: Tensor  # float32 (B, size, size): the share of each pixel that is head, ears or hair
    figure: Tensor  # float32 (B, size, size): the share of each pixel that is not background
    landmarks: Tensor  # float32 (B, len(LANDMARKS), 2): pixels to the right and down


def render(face: Face, size=64, *, device="cpu") -> Portraits:
    """Faces of the given parameters, numbers or tensors (B,), as images of 16 to 256 pixels a side.

    Every pixel averages at least 2 x 2 samples. On one device the same parameters give the same bytes in every batch;
    between devices rounding may differ by a grey level. DataError where a parameter or the size is not what is asked for.
    """
    size, device = check_size(size, high=LARGEST), torch.device(device)
    known = device.type in ("cpu", "cuda")  # elsewhere minima of int64 may be missing: drawn on the CPU, then moved
    table = as_columns(face, device if known else torch.device("cpu"))
    samples = samples_a_side(size)
    step = max(1, PIXELS // (size * samples) ** 2) if table.device.type == "cpu" else 64
    parts = [_render(rows, size, samples) for rows in table.split(step)]
    return Portraits(*(torch.cat(each).to(device) for each in zip(*parts, strict=True)))


def samples_a_side(size: int) -> int:
    """Samples along each axis of a pixel: 2, more in small images."""
    return max(2, math.ceil(64 / size))


def _render(table: Tensor, size: int, samples: int) -> Portraits:
    side = size * samples
    device = table.device
    on = scene(device)
    face = Columns(table.T.contiguous())
    places, normals = build(face, on)
    hits = rasterise(camera.project(places, face, side), on.triangles, on.two_sided, side)
    colours, bare = _colours(hits, face.columns, normals, side)
    part = on.part[hits.triangle]
    canvas = torch.zeros(6, len(table) * side * side, device=device)
    canvas[:3, hits.pixel] = torch.minimum(colours, 0.4 + 0.5 * colours)  # bright skin keeps its shape
    canvas[3, hits.pixel] = bare.float()
    canvas[4, hits.pixel] = (part != BUST).float()
    canvas[5, hits.pixel] = 1.0
    canvas = _shrink(canvas.view(6, len(table), side, side), samples)
    behind = bust.background(face, size)
    images = canvas[:3].transpose(0, 1) + (1 - canvas[5])[:, None] * behind
    images = (images * 255 + 0.5).clamp_(0, 255).to(torch.uint8)
    return Portraits(images, canvas[3], canvas[4], canvas[5], landmarks(face, size))


def _colours(hits: Hits, columns: Tensor, normals: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Lit colours (3, n) of what the pixels show, and whether each is bare skin of head or ears (n,)."""
    on = scene(columns.device)
    part = on.part[hits.triangle]
    colours = torch.empty(3, len(part), device=columns.device)
    bare = torch.zeros(len(part), dtype=torch.bool, device=columns.device)
    flat = normals.reshape(-1, 3)
    for draw, kind in ((_head, part <= EARS), (_curtain, part == CURTAIN), (_bust, part == BUST)):
        here = kind.nonzero()[:, 0]
        image = hits.image[here]
        triangle = hits.triangle[here]
        corners = [vertices.index_select(0, triangle) for vertices in on.corners]
        weights = [weight.index_select(0, here)[:, None] for weight in hits.weights]
        point = total(
            w * on.undeformed.index_select(0, c) for w, c in zip(weights, corners, strict=True)
        ).T.contiguous()
        corners = [c + image * normals.shape[1] for c in corners]
        normal = total(w * flat.index_select(0, c) for w, c in zip(weights, corners, strict=True)).T.contiguous()
        normal = normal / _length(normal)
        face = Columns(columns, image)
        colours[:, here], bare[here] = draw(point, normal, face, 0.55 / (camera.SCALE * side * face.zoom))
    return colours, bare


def _length(vectors: Tensor) -> Tensor:
    x, y, z = vectors
    return (x * x + y * y + z * z).sqrt_().clamp_(min=1e-6)


def _head(point: Tensor, normal: Tensor, face: Columns, soft: Tensor) -> tuple[Tensor, Tensor]:
    """Skin with its paint, and hair above the hairline."""
    height = hair.edge(point, face)
    covered = ((height + 0.02) / (0.02 + 2 * soft)).clamp_(0, 1)
    colour = torch.zeros_like(point)
    for kind, lit in ((covered < 1, _skin), (covered > 0, _lock)):
        here = kind.nonzero()[:, 0]
        place, facing = point.index_select(1, here), normal.index_select(1, here)
        share = covered.index_select(0, here)
        under = colour.index_select(1, here)
        lit_here = lit(place, facing, face.at(here), soft.index_select(0, here))
        colour.index_copy_(1, here, mix(under, lit_here, share) if lit is _lock else lit_here)
    return colour, covered < 0.95


def _skin(point: Tensor, normal: Tensor, face: Columns, soft: Tensor) -> Tensor:
    return camera.shade(skin.paint(point, face, soft), normal, face, 0.10)


def _lock(point: Tensor, normal: Tensor, face: Columns, soft: Tensor) -> Tensor:
    return camera.shade(hair.paint(point, face, soft), normal, face, 0.0) + hair.gloss(point, normal, face)


def _curtain(point: Tensor, normal: Tensor, face: Columns, soft: Tensor) -> tuple[Tensor, Tensor]:
    inside = normal[2] < 0
    return torch.where(inside, 0.4 * hair.paint(point, face, soft), _lock(point, normal, face, soft)), torch.zeros_like(
        inside
    )


def _bust(point: Tensor, normal: Tensor, face: Columns, soft: Tensor) -> tuple[Tensor, Tensor]:
    return camera.shade(bust.paint(point, face, soft), normal, face, 0.03), torch.zeros_like(soft, dtype=torch.bool)


def _shrink(canvas: Tensor, samples: int) -> Tensor:
    """Means over samples x samples blocks, added up one sample after the other: the same in every batch."""
    rows = total(canvas[..., k::samples, :] for k in range(samples))
    return total(rows[..., k::samples] for k in range(samples)) / samples**2
