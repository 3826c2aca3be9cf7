"""A run folder: a checkpoint whose card says which data it was trained on, and how; so no other command has to be told.

The card holds ``command``, ``model`` (its preset), ``data`` (a record of ``dlq.cli.sources``), ``batch_size``, ``seed``,
``device``, ``versions``, ``seconds`` and, once training is finished, ``scores``.
"""

import inspect
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

import dlq.models
from dlq.atomic import WriteError
from dlq.checkpoints import CheckpointError, card, load, save
from dlq.cli import machine, sources
from dlq.datasets import FactorDataset
from dlq.history import History

AUTOSAVE = 300.0  # seconds of training that a power cut may cost


@dataclass
class Run:
    """A model on its way: where it is kept, what it learns from, and what its card will say."""

    folder: Path
    model: Any
    data: FactorDataset
    card: dict[str, Any]

    @property
    def step(self) -> int:
        """How many steps the model has had."""
        state = getattr(self.model, "training_state", None)
        return 0 if state is None else state.step

    def save(self, **more: Any) -> None:
        """Saves the model with its card, and ``more`` in the card."""
        save(self.model, self.folder, card=self.card | more)


def presets() -> dict[str, Callable[..., nn.Module]]:
    """The models that can be built for a data set, by name."""
    functions = {name: getattr(dlq.models, name) for name in dlq.models.__all__}
    presets = {name: f for name, f in functions.items() if getattr(f, "is_preset", False)}
    return {name: f for name, f in presets.items() if next(iter(inspect.signature(f).parameters)) == "image_shape"}


def begin(folder: Path, name: str, source: dict, arguments: dict, *, batch_size: int | None, seed: int) -> Run:
    """A new run in ``folder``, or the one that is there; ValueError where that was started otherwise."""
    function = presets().get(name)
    if function is None:
        raise ValueError(f"there is no model {name!r}; there are {', '.join(presets())}")
    unknown = [key for key in arguments if key not in inspect.signature(function).parameters]
    if unknown:
        raise ValueError(f"{name} has no {unknown[0]}; leave out --{unknown[0].replace('_', '-')}")
    data = sources.open_source(source)
    if source["path"] is None:
        source = source | {"sizes": [*data.factor_sizes]}
    model: Any = function(data.image_shape, **arguments, seed=seed)
    batch_size = min(model.recipe.batch_size if batch_size is None else batch_size, len(data))
    asked = {"model": model.preset._asdict(), "data": source, "batch_size": batch_size, "seed": seed}
    run = Run(folder, model, data, json.loads(json.dumps(asked)))
    if (folder / "model.json").exists():
        _check_same(folder, run.card)
        run.model = load(folder)
    else:
        _check_writable(folder)
    return run


def open_run(
    run: str, *, data: str | None = None, sizes: tuple[int, ...] | None = None, device: str | None = None
) -> tuple[Any, FactorDataset, str]:
    """The model of a run folder or of a shipped name, its data (or those asked for), and a title for both."""
    record = card(run)
    model = load(run, device=machine.choose_device(device))
    if data is not None:
        source = sources.describe(data, size=model.image_shape[1], sizes=sizes)
    elif sizes is not None:
        raise ValueError("--sizes belongs to --data; give both, or leave out both")
    elif not isinstance(source := record.get("data"), dict):  # type: ignore[assignment]
        raise CheckpointError(f"{run} does not say which data it was trained on; add --data with {sources.KNOWN}")
    name = model.preset.name if getattr(model, "preset", None) else type(model).__name__
    return model, sources.open_source(source), f"{name} on {source['name']}"


def autosave(run: Run) -> Callable[[nn.Module, History], None]:
    """A watch for ``fit`` that saves from time to time; where that fails it says so, and training goes on."""
    last = time.monotonic()

    def watch(model: nn.Module, history: History) -> None:
        nonlocal last
        if time.monotonic() - last >= AUTOSAVE:
            try:
                run.save()
            except WriteError as error:
                print(f"\ndlq: note: {error}", file=sys.stderr)
            last = time.monotonic()

    return watch


def _flat(record: dict) -> dict[str, Any]:
    """What has to be the same for a run to go on, by the names of the options."""
    model, data = record["model"], record["data"]
    named = {"model": model["name"], "data": data["name"], **{key: data[key] for key in ("path", "size", "sizes")}}
    return named | model["arguments"] | {"batch_size": record["batch_size"], "seed": record["seed"]}


def _check_same(folder: Path, asked: dict) -> None:
    held = card(folder)
    if not {"model", "data", "batch_size", "seed"} <= held.keys():
        raise CheckpointError(f"{folder} holds a model that `dlq train` did not begin; choose another --out")
    before, now = _flat(held), _flat(asked)
    for key in [*now, *before]:
        if before.get(key) != now.get(key):
            raise CheckpointError(
                f"{folder} was begun with {key} {_shown(before.get(key))}, this command asks for "
                f"{_shown(now.get(key))}; repeat the same arguments to go on, or choose another --out"
            )


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _check_writable(folder: Path) -> None:
    """Finds out before the training whether its result can be kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise WriteError(f"cannot make the folder {folder}: {reason}; choose another --out") from None
    if not os.access(folder, os.W_OK):
        raise WriteError(f"{folder} cannot be written to; choose another --out")
