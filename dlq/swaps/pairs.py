"""Sources and targets of swaps, every one with every other, and the exact answer where it can be rendered."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlq.evaluation import device_of, for_inference

CHUNK = 64  # pairs swapped at once


class Pairs(NamedTuple):
    """S sources and K targets: images float32 in [0, 1], masks from 0 to 1 that say which pixels are skin of the face.

    ``exact`` and ``exact_mask`` are those of the exact swaps, (S, K, ...); None where nobody knows them.
    """

    source_rows: np.ndarray  # (S,)
    target_rows: np.ndarray  # (K,)
    sources: np.ndarray  # (S, C, H, W)
    targets: np.ndarray  # (K, C, H, W)
    target_mask: np.ndarray  # (K, H, W)
    exact: np.ndarray | None  # (S, K, C, H, W)
    exact_mask: np.ndarray | None  # (S, K, H, W)

    @property
    def shape(self) -> tuple[int, int]:
        """S and K."""
        return len(self.sources), len(self.targets)

    def union(self) -> np.ndarray:
        """What is face in the target or in the exact swap, bool (S, K, H, W); without one, in the target alone."""
        target = np.broadcast_to(self.target_mask > 0, (len(self.sources), *self.target_mask.shape))
        return target if self.exact_mask is None else target | (self.exact_mask > 0)


def choose(faces: Any, num_sources: int, num_targets: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of sources and of targets, each of another person. Raises ValueError where there are too few people."""
    people = np.unique(faces.identities)
    if min(num_sources, num_targets) < 2 or num_sources + num_targets > len(people):
        raise ValueError(
            f"{num_sources} sources and {num_targets} targets are asked for and there are {len(people)} people; each is "
            "another person, and at least 2 of each are needed"
        )
    rng = np.random.default_rng(seed)
    rows = [rng.choice(np.flatnonzero(faces.identities == person)) for person in rng.permutation(people)]
    return np.array(rows[:num_sources]), np.array(rows[num_sources : num_sources + num_targets])


def pairs_of(faces: Any, source_rows: Sequence[int] | np.ndarray, target_rows: Sequence[int] | np.ndarray) -> Pairs:
    """Images and masks of these rows of rendered faces or of a folder, with the exact swaps where they can be rendered."""
    source_rows, target_rows = np.asarray(source_rows, np.int64), np.asarray(target_rows, np.int64)
    if not len(source_rows) or not len(target_rows):
        raise ValueError("there are no sources or no targets; choose at least one row of each")
    (sources, _), (targets, target_mask) = look_at(faces, source_rows), look_at(faces, target_rows)
    exact = mask = None
    render = getattr(faces, "exact", None) or getattr(faces, "swap", None)
    if render is not None:
        whole = render(np.repeat(source_rows, len(target_rows)), np.tile(target_rows, len(source_rows)))
        shape = (len(source_rows), len(target_rows))
        exact, mask = (each.reshape(*shape, *each.shape[1:]) for each in (_x(whole.images), whole.skin.numpy()))
    return Pairs(source_rows, target_rows, sources, targets, target_mask, exact, mask)


def look_at(faces: Any, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, C, H, W) and face masks (n, H, W) of rows of ``identity_faces``, ``swap_faces`` or a folder of faces."""
    if hasattr(faces, "portraits"):
        found = faces.portraits(rows)
        return _x(found.images), found.skin.numpy()
    if not hasattr(faces, "mask_batch"):
        raise ValueError(
            f"a {type(faces).__name__} has no face masks; give dlq.datasets.identity_faces(...), swap_faces(...), or a "
            "folder read by dlq.datasets.swap_folder"
        )
    return faces.batch(rows, "cpu").numpy(), faces.mask_batch(rows, "cpu").numpy()[:, 0]


def swapped(model: Any, pairs: Pairs) -> np.ndarray:
    """What the model makes of every source in every target, float32 (S, K, C, H, W)."""
    S, K = pairs.shape
    first, second = np.repeat(np.arange(S), K), np.tile(np.arange(K), S)
    made = swap_images(model, pairs.sources[first], pairs.targets[second], pairs.target_mask[second])
    return made.reshape(S, K, *made.shape[1:])


def swap_images(model: Any, sources: np.ndarray, targets: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The model's swap of each source into the target beside it, float32 (n, C, H, W), in evaluation mode."""
    made = []
    with for_inference(model):
        for start in range(0, len(sources), CHUNK):
            part = slice(start, start + CHUNK)
            x, y, mask = (on_device(model, each[part]) for each in (sources, targets, masks))
            made.append(model.swap(x, y, mask=mask[:, None]).clamp(0, 1).float().cpu().numpy())
    return np.concatenate(made)


def on_device(model: Any, values: np.ndarray) -> Tensor:
    """Values as float32 where the model is."""
    return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(device_of(model))


def _x(images: Tensor) -> np.ndarray:
    return images.cpu().numpy().astype(np.float32) / 255
