"""A slice of the paper's training: it ends at a given time, and its weights travel in small files to go on from.

Weights are kept in half precision and Adam begins anew after each stop: what goes on is close to one long run, not equal
to it, and the record lists every stop.
"""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from dlq.atomic import write_atomic
from dlq.checkpoints import CheckpointError
from dlq.cli.bench.shards import read_shards, write_shards
from dlq.datasets import FactorDataset, rooms
from dlq.history import History, TrainingState
from dlq.models import AutoEncoder, qlae_paper
from dlq.training import NonFiniteError, fit

SEED = 0
RECORD = "slice.json"
SAVE_EVERY = 120.0  # seconds


class Plan(NamedTuple):
    """How large everything is."""

    sizes: tuple[int, ...]
    size: int
    width: int
    batch_size: int
    timed_steps: int
    chunk: int  # steps between two looks at the clock
    max_steps: int  # of the whole schedule
    at_once: int  # of one command
    num_samples: int
    reserve: float  # seconds kept for scoring and saving


PAPER = Plan(
    sizes=(10, 10, 10, 8, 4, 15), size=64, width=32, batch_size=128, timed_steps=300, chunk=500,
    max_steps=200_000, at_once=200_000, num_samples=10_000, reserve=75.0,
)  # fmt: skip
TINY = Plan(  # the same code in a second, where there is no CUDA device
    sizes=(3, 3, 3, 2, 2, 2), size=32, width=2, batch_size=4, timed_steps=2, chunk=2,
    max_steps=200_000, at_once=4, num_samples=64, reserve=0.0,
)  # fmt: skip


def build(plan: Plan, *, bf16: bool = True) -> tuple[AutoEncoder, FactorDataset]:
    """The paper's QLAE and the rooms it learns from."""
    data = rooms(plan.size, plan.sizes)
    model = qlae_paper(data.image_shape, width=plan.width, seed=SEED)
    model.recipe = dataclasses.replace(model.recipe, batch_size=plan.batch_size, bf16=bf16)
    return model, data


def train_until(
    model: AutoEncoder,
    data: FactorDataset,
    plan: Plan,
    folder: Path,
    *,
    device: torch.device,
    deadline: float,
    stops: list[int],
) -> str:
    """Trains until ``deadline`` (of time.monotonic) or the last step there is, saves, and says why it ended.

    ``stops`` are the steps at which earlier commands ended. At least one chunk is trained.
    """
    saved, begin, reason = time.monotonic(), training_state(model).step, "time"
    step, last = begin, min(plan.max_steps, begin + plan.at_once)
    while step < last and (step == begin or time.monotonic() < deadline):
        try:
            history = fit(model, data, steps=min(step + plan.chunk, last), seed=SEED, device=device, progress=False)
        except NonFiniteError as error:
            reason = str(error)
            break
        step = training_state(model).step
        print(f"  step {step:,}: total {history.terms['total'][-1]:.4f}, {history.seconds:.0f} s", flush=True)
        if history.stopped == "interrupted":
            reason = "interrupted"
            break
        if time.monotonic() - saved > SAVE_EVERY:
            save_slice(model, folder, stops)
            saved = time.monotonic()
    save_slice(model, folder, stops)
    return "finished" if step >= last and reason == "time" else reason


def save_slice(model: AutoEncoder, folder: Path, stops: list[int]) -> None:
    """Writes the weights in half precision and the record; files of an earlier step go once the record is in place."""
    folder.mkdir(parents=True, exist_ok=True)
    state = training_state(model)
    halves = {name: v.half() if v.is_floating_point() else v for name, v in model.state_dict().items()}
    record = {
        "preset": model.preset._asdict(),  # type: ignore[union-attr, operator]
        "seed": state.seed,
        "step": state.step,
        "stops": [*stops, state.step],
        "history": dataclasses.asdict(state.history),
        "files": write_shards(folder, f"weights-{state.step}", halves),
    }
    write_atomic(folder / RECORD, json.dumps(record).encode())
    kept = {entry["file"] for entry in record["files"]}
    for path in folder.glob("weights-*.safetensors"):
        if path.name not in kept:
            path.unlink()


def load_slice(model: AutoEncoder, folder: Path) -> list[int]:
    """Puts the saved weights and step into ``model``, built as before, and returns the steps at which it was stopped."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder / RECORD} cannot be read ({error}); give a folder that --gpu wrote") from None
    if record["preset"] != model.preset._asdict():  # type: ignore[union-attr, operator]
        raise CheckpointError(f"{folder} holds another model than the one trained here; choose another folder")
    model.load_state_dict(read_shards(folder, record["files"]))
    model.training_state = TrainingState(  # type: ignore[assignment]
        record["seed"], record["step"], history=History(**record["history"])
    )
    return record["stops"]


def training_state(model: AutoEncoder) -> TrainingState:
    """Where the model stands; at the beginning, if it has not been trained."""
    state = getattr(model, "training_state", None)
    return TrainingState(SEED) if state is None else state
