"""What ``compare`` returns: every run, means with intervals over seeds, paired differences, and choosing without factors.

Intervals are those of Student's t over seeds: they say how far the mean of such runs is known, nothing about other data.
A difference is paired by seed, so that what a seed does to both models alike (the order of the data) drops out.
"""

import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from dlq import plots
from dlq.atomic import write_atomic
from dlq.comparison.runs import Run
from dlq.comparison.scores import LABELS
from dlq.comparison.table import Table
from dlq.metrics.intervals import Interval, mean_interval

FORMAT = 1
FIRST = ("modularity", "modularity_neighbors", "modularity_counted", "explicitness", "psnr")  # what a figure shows


class Selection(NamedTuple):
    """The chosen run, and every run's value: the larger, the better."""

    run: Run
    values: dict[tuple[str, int], float]  # by (model, seed)

    def __repr__(self) -> str:
        value = self.values[self.run.model, self.run.seed]
        return f"Selection({self.run.model}, seed {self.run.seed}: {value:.3g}, best of {len(self.values)} runs)"


def by_loss(runs: Sequence[Run]) -> list[float]:
    """Minus the last training loss: compares runs of one model, since another model has another loss."""
    return [-run.scores.get("loss", math.nan) for run in runs]


def by_psnr(runs: Sequence[Run]) -> list[float]:
    """How well images are reconstructed, in decibels."""
    return [run.scores["psnr"] for run in runs]


def by_udr(runs: Sequence[Run]) -> list[float]:
    """UDR: how well the other seeds of the same model find a run's latents again (``dlq.metrics.udr``)."""
    from dlq.metrics import udr

    values: dict[int, float] = {}
    for name in dict.fromkeys(run.model for run in runs):
        rows = [i for i, run in enumerate(runs) if run.model == name]
        latents = [runs[i].latents for i in rows]
        if len(rows) < 2 or any(z is None for z in latents):
            raise ValueError(
                f"UDR compares the latents of several seeds, and {name} has {sum(z is not None for z in latents)} runs "
                "with latents; compare with at least two seeds (a Comparison read from JSON has no latents)"
            )
        values |= dict(zip(rows, map(float, udr(latents).scores), strict=True))
    return [values[i] for i in range(len(runs))]


@dataclass(frozen=True)
class Comparison:
    """Finished runs of several models; ``missing`` counts those that an interrupt left out."""

    runs: tuple[Run, ...]
    missing: int = 0

    @property
    def models(self) -> list[str]:
        """Names in the order they were given."""
        return [*dict.fromkeys(run.model for run in self.runs)]

    @property
    def metrics(self) -> list[str]:
        """Names of all scores: those of every comparison in their order, then the caller's own."""
        found = dict.fromkeys(name for run in self.runs for name in run.scores)
        return [*(name for name in LABELS if name in found), *(name for name in found if name not in LABELS)]

    def values(self, model: str, metric: str) -> dict[int, float]:
        """One score of one model by seed. Raises ValueError for a name that is not there."""
        for name, known in ((model, self.models), (metric, self.metrics)):
            if name not in known:
                raise ValueError(f"there is no {name!r}; there are {', '.join(known)}")
        return {run.seed: run.scores.get(metric, math.nan) for run in self.runs if run.model == model}

    def interval(self, model: str, metric: str, *, level: float = 0.95) -> Interval:
        """Mean and t interval of one score of one model over its seeds."""
        return mean_interval(self.values(model, metric).values(), level=level)

    def difference(self, a: str, b: str, *, level: float = 0.95) -> dict[str, Interval]:
        """a minus b, paired by seed: mean and t interval by score. Raises ValueError where they share no seed."""
        found = {}
        for metric in self.metrics:
            first, second = self.values(a, metric), self.values(b, metric)
            if not first.keys() & second.keys():
                raise ValueError(f"{a} and {b} have no seed in common; compare them with the same seeds")
            found[metric] = mean_interval([v - second[s] for s, v in first.items() if s in second], level=level)
        return found

    def table(self, *, level: float = 0.95) -> Table:
        """A row for each model: mean ± half of the interval over its seeds."""
        header = ("model", *(LABELS.get(name, name) for name in self.metrics), "seeds")
        rows = tuple(self._row(model, level) for model in self.models)
        return Table(header, rows, tuple(self._notes(level)))

    def _row(self, model: str, level: float) -> tuple[str, ...]:
        cells = (_cell(self.interval(model, metric, level=level), metric) for metric in self.metrics)
        return (model, *cells, str(sum(run.model == model for run in self.runs)))

    def _notes(self, level: float) -> Iterable[str]:
        yield f"Mean ± half of the {level:.0%} t interval over seeds; one seed has no interval."
        if "modularity" in self.metrics:
            yield (
                "InfoM counts the values of quantized latents and uses nearest neighbours for continuous ones, so it does "
                "not compare one kind with the other; the next two columns do: nearest neighbours for all (before "
                "quantization), and counts for all (continuous latents in equally full bins). InfoE, scalar: one number "
                "a latent for all."
            )
        if self.missing:
            yield f"{self.missing} runs are missing: the comparison was interrupted."

    def figure(self, metrics: Sequence[str] = FIRST, *, level: float = 0.95) -> go.Figure:
        """A panel for each score: a point a seed, the mean and its interval."""
        shown = [name for name in metrics if name in self.metrics]
        if not shown:
            raise ValueError(f"there is no {', '.join(metrics)}; there are {', '.join(self.metrics)}")
        panels = {
            LABELS.get(name, name): {
                model: ([*self.values(model, name).values()], self.interval(model, name, level=level))
                for model in self.models
            }
            for name in shown
        }
        return plots.seed_panels(panels, subtitle=f"a point a seed, the mean, its {level:.0%} interval")

    def select(self, criterion: Callable[[Sequence[Run]], list[float]] = by_loss, *, model: str | None = None) -> Any:
        """The run that is best by a criterion that needs no factors: ``by_loss``, ``by_psnr``, ``by_udr`` or your own.

        ``model`` looks among the runs of one model only. Returns a Selection; ValueError where nothing can be chosen.
        """
        if model is not None and model not in self.models:
            raise ValueError(f"there is no {model!r}; there are {', '.join(self.models)}")
        runs = [run for run in self.runs if model in (None, run.model)]
        values = np.asarray(criterion(runs), float)
        if np.isnan(values).all():
            raise ValueError("the criterion is NaN for every run; choose another one")
        by_run = {(run.model, run.seed): float(value) for run, value in zip(runs, values, strict=True)}
        return Selection(runs[int(np.nanargmax(values))], by_run)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def to_json(self, path: str | os.PathLike) -> Path:
        """Writes all runs, without their latents, and returns the path."""
        record = {"format": FORMAT, "missing": self.missing, "runs": [run.to_dict() for run in self.runs]}
        return write_atomic(path, (json.dumps(record, indent=1) + "\n").encode())

    @classmethod
    def from_json(cls, path: str | os.PathLike) -> "Comparison":
        """Reads what ``to_json`` wrote; ValueError where the file is something else."""
        try:
            record = json.loads(Path(path).read_text())
            if record["format"] != FORMAT:
                raise ValueError(f"format {record['format']}")
            return cls(tuple(map(Run.from_dict, record["runs"])), record["missing"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no comparison of format {FORMAT} ({error}); give another file") from None


def _cell(found: Interval, metric: str) -> str:
    digits = 1 if metric == "psnr" else 3 if metric == "loss" else 2
    if math.isnan(found.mean):
        return "-"
    half = "" if found.num < 2 else f" ± {found.high - found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f}{half}"
