"""One run of a comparison: build, train, score, and keep it in a folder, or find it there finished."""

import io
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from dlq.atomic import write_atomic
from dlq.checkpoints import CheckpointError, card, save
from dlq.comparison.scores import compared_scores
from dlq.evaluation import encode
from dlq.training import fit

LATENTS = 1_000  # images whose latents are kept for choosing among runs without factors, as UDR's authors do


class Run(NamedTuple):
    """A finished run: its scores by name, the settings it rests on (plain JSON), and where it is kept, if anywhere.

    ``latents`` are float32 (images, num_latents) of the first images drawn with seed 0, the same ones for every run.
    """

    model: str
    seed: int
    scores: dict[str, float]
    settings: dict[str, Any]
    seconds: float
    latents: np.ndarray | None = None
    folder: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON without the latents; null for a score that cannot be computed."""
        scores = {name: value if math.isfinite(value) else None for name, value in self.scores.items()}
        return {**self._asdict(), "scores": scores, "latents": None}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Run":
        """The run that ``to_dict`` wrote."""
        scores = {name: math.nan if value is None else float(value) for name, value in record["scores"].items()}
        return cls(**{**record, "scores": scores})


class Job(NamedTuple):
    """A run still to be made; everything in it travels to another process where there are several."""

    model: str
    build: Callable[..., nn.Module]
    data: Any
    seed: int
    schedule: dict[str, Any]  # arguments of ``fit``
    scoring: dict[str, Any]  # arguments of ``compared_scores``
    folder: Path | None


def run(job: Job) -> Run | None:
    """Trains and scores one model, or reads what an earlier call kept; None where the training was interrupted."""
    model = job.build(job.data.image_shape, seed=job.seed)
    settings = _settings(job, model)
    if job.folder is not None and (job.folder / "model.json").exists():
        return _kept(job.folder, job.model, settings)
    history = fit(model, job.data, seed=job.seed, progress=False, **job.schedule)
    if history.stopped == "interrupted":
        return None
    scores = compared_scores(model, job.data, **job.scoring)
    scores["loss"] = history.terms["total"][-1] if "total" in history.terms else math.nan
    rows = job.data.sample(min(LATENTS, len(job.data)), torch.Generator().manual_seed(0))
    found = Run(job.model, job.seed, scores, settings, history.seconds, encode(model, job.data, rows=rows))
    return found if job.folder is None else _keep(found._replace(folder=str(job.folder)), model, job.folder)


def _settings(job: Job, model: nn.Module) -> dict[str, Any]:
    """What has to be the same for a kept run to count: the model, the data, the schedule, and how it is scored."""
    preset, data = getattr(model, "preset", None), job.data
    metrics: Mapping = job.scoring["metrics"] or {}
    record = {
        "preset": None if preset is None else preset._asdict(),
        "seed": job.seed,
        "data": {"name": data.name, "num_images": len(data), "image_shape": [*data.image_shape]},
        "factor_sizes": [*map(int, data.factor_sizes)],
        **{name: value for name, value in job.schedule.items() if name != "device"},
        **job.scoring,
        "metrics": [*metrics],
    }
    return json.loads(json.dumps(record))


def _keep(found: Run, model: nn.Module, folder: Path) -> Run:
    """The latents first: a folder counts as finished once it holds a model."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(found.latents), allow_pickle=False)
    write_atomic(folder / "latents.npy", buffer.getvalue())
    save(model, folder, training=False, card={"seed": found.seed, "compared": found.to_dict()})
    return found


def _kept(folder: Path, name: str, settings: dict[str, Any]) -> Run:
    record = card(folder).get("compared")
    if record is None:
        raise CheckpointError(f"{folder} holds a model that `dlq.compare` did not train; choose another folder for out")
    for key, value in settings.items():
        if record["settings"].get(key) != value:
            raise CheckpointError(
                f"{folder} was made with {key} {record['settings'].get(key)}, this comparison asks for {value}; "
                "repeat the same arguments to go on, or choose another folder for out"
            )
    path = folder / "latents.npy"
    latents = np.load(path, allow_pickle=False) if path.exists() else None
    return Run.from_dict(record)._replace(model=name, latents=latents, folder=str(folder))
