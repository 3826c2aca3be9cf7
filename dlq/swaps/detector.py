"""The other side: a classifier that learns to tell swapped faces from pictures that nobody changed.

What it finds is what gives a generator away (soft edges, a lost reflection), at this size and of this generator alone: it
says nothing of another method, and is no detector for use.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from dlq.models import judge as classifier
from dlq.swaps.pairs import look_at, swap_images


class Detector(NamedTuple):
    """A trained classifier (class 1 is swapped) and its accuracy on people that it never saw; chance is 0.5."""

    network: Any
    accuracy: float
    num_train: int
    num_test: int

    def calls(self, images: Any) -> np.ndarray:
        """Which of the images (n, C, H, W) in [0, 1] it calls swapped, bool (n,)."""
        with torch.no_grad():
            x = torch.from_numpy(np.ascontiguousarray(images, np.float32))
            return self.network.eval().classify(x).argmax(1).numpy() == 1

    def __repr__(self) -> str:
        return f"Detector({self.accuracy:.0%} right on {self.num_test:,} images of people never seen; chance 50%)"


def detect_swaps(model: Any, faces: Any, *, num_images: int = 1_200, steps: int = 300, seed: int = 0) -> Detector:
    """Trains a small classifier on images of ``faces`` against the model's swaps, and tests it on other people.

    Half of the images are real. Of the people a third is kept for the test: neither as source nor as target do they appear
    in training. Raises ValueError where there are fewer than 12 people.
    """
    people = np.random.default_rng(seed).permutation(np.unique(faces.identities))
    if len(people) < 12:
        raise ValueError(f"found {len(people)} people, a detector needs at least 12; a third of them is for the test")
    cut = len(people) // 3
    x_test, y_test = _labelled(model, faces, people[:cut], num_images // 3, seed)
    x, y = _labelled(model, faces, people[cut:], num_images, seed + 1)
    network = classifier(x.shape[1:], 2, seed=seed)
    _learn(network, torch.from_numpy(x), torch.from_numpy(y), steps, seed)
    found = Detector(network, float("nan"), len(y), len(y_test))
    return found._replace(accuracy=float((found.calls(x_test) == y_test).mean()))


def _labelled(model: Any, faces: Any, people: np.ndarray, num_images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """As many real images as swaps of these people, and labels."""
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(np.isin(faces.identities, people))
    half = max(1, num_images // 2)
    real, target = rng.choice(rows, half), rng.choice(rows, half)
    source = rng.choice(rows, half)
    x, _ = look_at(faces, real)
    (sources, _), (targets, masks) = look_at(faces, source), look_at(faces, target)
    made = np.rint(swap_images(model, sources, targets, masks) * 255) / 255  # as if it had been stored
    labels = np.repeat([0, 1], half)
    return np.concatenate([x, made.astype(np.float32)]), labels


def _learn(network: Any, x: torch.Tensor, y: torch.Tensor, steps: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.01)
    network.train()
    for _ in range(steps):
        rows = torch.randint(len(x), (64,), generator=generator)
        optimizer.zero_grad()
        F.cross_entropy(network.classify(x[rows]), y[rows]).backward()
        optimizer.step()
