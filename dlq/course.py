"""What lessons share: setting up, where to train, and self-checks that hint instead of giving the answer away."""

import os
import random
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import numpy as np
import torch

from dlq.training.processes import side_by_side as side_by_side

SCALES = ("auto", "laptop", "gpu")


class Setup(NamedTuple):
    """Where a lesson trains: ``device``, its ``scale`` ("laptop" or "gpu"), and how many ``workers`` train side by side."""

    device: torch.device
    scale: str
    workers: int


def setup(seed: int = 0, scale: str = "auto") -> Setup:
    """Seeds Python, numpy and torch for one lesson, and says where it runs.

    ``scale`` "auto" is the laptop experiment on the best device there is; "laptop" runs it on the CPU; "gpu" asks for the
    paper's own size and raises ValueError where there is no CUDA device.
    """
    from dlq.training import device

    if scale not in SCALES:
        raise ValueError(f"SCALE is {scale!r}; expected one of {', '.join(SCALES)}")
    if scale == "gpu" and not torch.cuda.is_available():
        raise ValueError('SCALE is "gpu" and there is no CUDA device here; set SCALE = "auto"')
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    where = torch.device("cpu") if scale == "laptop" else device()
    workers = min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    return Setup(where, "gpu" if scale == "gpu" else "laptop", workers if where.type == "cpu" else 1)


class Checked(NamedTuple):
    """The outcome of a self-check; it shows itself as one line."""

    passed: bool
    message: str

    def __repr__(self) -> str:
        return f"{'✓' if self.passed else '✗'} {self.message}"

    def _repr_html_(self) -> str:
        colour = "#2e7d32" if self.passed else "#b26a00"
        return (
            f'<span style="color:{colour};font-weight:600">{"✓" if self.passed else "✗"}</span> {escape(self.message)}'
        )


def check(answer: Any, test: Callable[[Any], bool], *, hint: str, praise: str = "Right.") -> Checked:
    """Checks an exercise: ``test(answer)`` says whether it is right; if not, ``hint`` says where to look.

    An answer that is still ``...`` is an exercise not done yet, never an error.
    """
    if answer is ...:
        return Checked(False, f"Not answered yet. Hint: {hint}")
    try:
        passed = bool(test(answer))
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        return Checked(False, f"The check could not read your answer ({error}). Hint: {hint}")
    return Checked(passed, praise if passed else f"Not quite. Hint: {hint}")


def teaching_rooms(size: int = 16) -> Any:
    """The rooms that lessons train on: 2,500 images in which five factors vary and the shape stays a sphere."""
    from dlq.datasets import rooms

    return rooms(size=size, sizes=(5, 5, 5, 4, 1, 5))


def teaching_sprites(size: int = 16) -> Any:
    """A white square of three sizes at eight by eight places: 192 images in which three factors vary."""
    from dlq.datasets import sprites

    return sprites(size=size, sizes=(1, 3, 1, 8, 8))


class Job(NamedTuple):
    """One training of a comparison: a preset of ``dlq`` by name, its arguments, seed and steps.

    ``data`` makes the dataset: a function that can be imported, so that the process that trains can call it; or it is the
    dataset, which is then sent there.
    """

    preset: str
    arguments: dict[str, Any]
    seed: int
    steps: int = 7_000
    settle: int = 1_000
    batch_size: int = 64
    data: Any = teaching_rooms


def train(job: Job) -> Any:
    """Builds and trains the model of one job on its data, and returns it."""
    from dlq import models
    from dlq.training import fit

    data = job.data() if callable(job.data) else job.data
    model = models.build(job.preset, {"image_shape": data.image_shape, **job.arguments, "seed": job.seed})
    fit(
        model,
        data,
        steps=job.steps,
        settle=min(job.settle, job.steps // 4),
        batch_size=job.batch_size,
        seed=job.seed,
        progress=False,
    )
    return model.cpu()
