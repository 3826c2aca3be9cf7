"""Face masks (B, 1, H, W): made wider at random, so that their outline does not tell the shape of the face."""

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
