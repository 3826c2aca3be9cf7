"""Face masks (B, 1, H, W): made wider at random, so that their outline does not tell the shape of the face; and the hole
that a face leaves, filled from around it."""

import torch
import torch.nn.functional as F
from torch import Tensor

FACE = 0.02  # share of a pixel that is face, above which the pixel counts


def dilated(mask: Tensor, pixels: int | Tensor) -> Tensor:
    """1 where face is at most ``pixels`` away (squares; a number, or one for each mask), else 0."""
    grown = [(mask > FACE).float()]
    steps = torch.as_tensor(pixels, device=mask.device).expand(len(mask))
    for _ in range(int(steps.max()) if len(mask) else 0):
        grown.append(F.max_pool2d(grown[-1], 3, 1, 1))
    return torch.stack(grown)[steps, torch.arange(len(mask), device=mask.device)]


def filled(x: Tensor, known: Tensor) -> Tensor:
    """Images x (B, C, H, W) of which the pixels with ``known`` (B, 1, H, W) 1 stay; in the others, what lies around them.

    Means over known pixels in ever larger squares, the smallest square that has any (the "pull-push" of S. Gortler, R.
    Grzeszczuk, R. Szeliski and M. Cohen, "The Lumigraph", 1996); grey where nothing is known. H and W are powers of two.
    """
    levels = [(x * known, known)]
    while min(levels[-1][1].shape[2:]) > 1:
        levels.append((F.avg_pool2d(levels[-1][0], 2), F.avg_pool2d(levels[-1][1], 2)))
    found = torch.full_like(levels[-1][0], 0.5)
    for values, share in reversed(levels):
        if found.shape != values.shape:
            found = F.interpolate(found, values.shape[2:], mode="bilinear")
        found = torch.where(share > 0, values / share.clamp(min=1e-9), found)
    return found


def check_mask(mask: Tensor, x: Tensor) -> Tensor:
    """The mask of images x as float (B, 1, H, W); ValueError where it has another size or shows no face."""
    mask = mask[:, None] if mask.ndim == 3 else mask
    if tuple(mask.shape) != (len(x), 1, *x.shape[2:]):
        raise ValueError(
            f"the mask has shape {tuple(mask.shape)}, the target {tuple(x.shape)}; "
            f"give one mask of {x.shape[2]} x {x.shape[3]} for each target: ({len(x)}, 1, {x.shape[2]}, {x.shape[3]})"
        )
    mask = mask.to(x.dtype)
    empty = (mask > FACE).flatten(1).any(1).logical_not().nonzero()
    if len(empty):
        raise ValueError(
            f"target {int(empty[0])} has no face region: its mask is empty; give a mask that covers the face, "
            "or leave this image out"
        )
    return mask
