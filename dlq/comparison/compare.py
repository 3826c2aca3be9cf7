"""``compare``: train several models with several seeds, score them alike, and say what the differences are worth."""

import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tqdm.std import tqdm

from dlq.comparison.result import Comparison
from dlq.comparison.runs import Job, Run, run
from dlq.datasets.given import as_dataset
from dlq.training.processes import side_by_side


def compare(
    models: Any,
    data: Any,
    *,
    seeds: Any = (0, 1, 2),
    steps: int | None = None,
    batch_size: int | None = None,
    settle: int = 0,
    metrics: Mapping[str, Callable] | None = None,
    num_samples: int = 10_000,
    num_bins: int = 10,
    workers: int = 1,
    device: Any = None,
    progress: bool = True,
    out: Any = None,
) -> Comparison:
    """Trains every model with every seed on ``data``, scores all alike, and returns the Comparison.

    ``models`` are presets (``[dlq.autoencoder, dlq.qlae]``), ``functools.partial`` of presets, or a dict of functions
    called as ``function(image_shape, seed=seed)`` by the name they get. What ``steps`` and ``batch_size`` leave open
    comes from each model's recipe; ``settle`` is that of ``fit``. ``metrics``, ``num_samples`` and ``num_bins`` are those
    of ``compared_scores``.

    With a folder ``out`` every finished run is kept there and the same call goes on where it was: an interrupt costs at
    most the run under way (with ``workers`` processes, those under way). An interrupted comparison is returned with what
    it has. Raises ValueError on names that repeat, and CheckpointError where ``out`` holds runs of other settings.
    """
    named, data, seeds = _named(models), as_dataset(data), _seeds(seeds)
    if workers > 1:
        _check_importable(named)
    schedule = {"steps": steps, "batch_size": batch_size, "settle": settle, "device": device}
    scoring = {"num_samples": num_samples, "num_bins": num_bins, "metrics": None if metrics is None else dict(metrics)}
    jobs = [
        Job(name, build, data, seed, schedule, scoring, _folder(out, name, seed))
        for seed in seeds
        for name, build in named.items()
    ]
    found: list[Run | None] = []
    with _bar(len(jobs), progress) as bar:
        try:
            side_by_side(run, jobs, workers=workers, done=partial(_take, found, bar))
        except KeyboardInterrupt:
            found.append(None)
    finished = [each for each in found if each is not None]
    if not finished:
        raise KeyboardInterrupt("interrupted before the first run was finished")
    order = {(job.model, job.seed): i for i, job in enumerate(jobs)}
    finished.sort(key=lambda each: order[each.model, each.seed])
    return Comparison(tuple(finished), missing=len(jobs) - len(finished))


def _take(found: list[Run | None], bar: tqdm, result: Run | None) -> None:
    found.append(result)
    if result is None:
        raise KeyboardInterrupt
    bar.set_postfix_str(f"{result.model}, seed {result.seed}", refresh=False)
    bar.update()


def _named(models: Any) -> dict[str, Callable]:
    """The functions by name; ValueError for something else, for none, and for a name that stands for two."""
    if callable(models):
        models = [models]
    named = dict(models) if isinstance(models, Mapping) else {}
    for function in () if isinstance(models, Mapping) else models:
        if not callable(function):
            raise ValueError(f"{type(function).__name__} is no function that builds a model; give presets, as dlq.qlae")
        if (name := _name(function)) in named:
            raise ValueError(f"two models are called {name}; give a dict with a name for each")
        named[name] = function
    if not named:
        raise ValueError("there are no models to compare; give presets, such as [dlq.autoencoder, dlq.qlae]")
    if len({_slug(name) for name in named}) < len(named):
        raise ValueError(f"the names {', '.join(named)} make the same folder; let them differ in a letter or digit")
    return named


def _name(function: Any) -> str:
    """``qlae``, or ``qlae(weight_decay=0)`` for a partial."""
    if not isinstance(function, partial):
        return getattr(function, "__name__", type(function).__name__)
    settings = ", ".join([*map(str, function.args), *(f"{k}={v}" for k, v in function.keywords.items())])
    return f"{_name(function.func)}({settings})"


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")


def _folder(out: Any, name: str, seed: int) -> Path | None:
    return None if out is None else Path(out) / f"{_slug(name)}-seed{seed}"


def _seeds(seeds: Any) -> list[int]:
    seeds = [int(seed) for seed in ([seeds] if isinstance(seeds, int) else seeds)]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds are {seeds}; give at least one, each once")
    return seeds


def _check_importable(named: Mapping[str, Any]) -> None:
    """Other processes find a function by its name in a module."""
    for name, function in named.items():
        inner = function.func if isinstance(function, partial) else function
        where, path = getattr(inner, "__module__", ""), getattr(inner, "__qualname__", "<")
        if where == "__main__" or "<" in path:
            raise ValueError(
                f"{name} is defined in this notebook or inside a function, where other processes cannot find it; "
                "write it into a file and import it, use functools.partial of a preset, or set workers=1"
            )


def _bar(total: int, progress: bool) -> tqdm:
    where = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    return tqdm(total=total, desc="comparing", unit=" runs", disable=not progress, dynamic_ncols=True, file=where)
