"""The numbers of a training view: curves with their axis, the pace of a run, and how much time looking on may take.

All are pure functions of lists and arrays, but for ``Budget``, which adds up what it is told.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

POINTS, RECENT = 240, 10.0  # points of a curve that are drawn; seconds over which the pace is measured
NORM = "gradient_norm"


class Budget:
    """Allows work as long as all of it takes at most ``share`` of the time since ``start``, in seconds."""

    def __init__(self, share: float, start: float):
        self.share, self.start, self.spent = share, start, 0.0

    def allows(self, now: float, cost: float | int) -> bool:
        """Whether work that takes about ``cost`` seconds fits in; what is not known yet costs 0, and may be tried."""
        return cost == 0 or self.spent + cost <= self.share * (now - self.start)


def charts(steps: Sequence[int], terms: Mapping[str, Sequence[float]]) -> dict[str, object]:
    """Prepares the curves of a ``History``: the losses in one chart, the norms of the gradients in another.

    Returns ``steps`` (at most 240 of them) and ``charts``, each with its lines, its axis (``low``, ``high``, ``log``) and
    its ticks. The axis is logarithmic where all values drawn are positive; a term that is 0 throughout is not drawn.
    """
    picks = np.unique(np.linspace(0, max(0, len(steps) - 1), POINTS).round().astype(int))[: len(steps)]
    found: dict[str, list[dict]] = {"Loss": [], "Norm of the gradient": []}
    for name, values in terms.items():
        line = [None if not math.isfinite(values[k]) else float(f"{values[k]:.4g}") for k in picks]
        title = "Norm of the gradient" if NORM in name else "Loss"
        found[title].append({"name": name.replace("_", " "), "values": line, "drawn": any(line)})
    made = [{"title": title, "lines": lines, **_axis(lines)} for title, lines in found.items() if lines]
    return {"steps": [int(steps[k]) for k in picks], "charts": made}


def _axis(lines: Sequence[Mapping]) -> dict[str, object]:
    values = [v for line in lines if line["drawn"] for v in line["values"] if v is not None] or [0.0]
    low, high = min(values), max(values)
    log = low > 0
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - 1, high + 1)
    return {"low": low, "high": high, "log": log, "ticks": ticks(low, high, log=log)}


def ticks(low: float | int, high: float | int, *, log: bool) -> list[float]:
    """Chooses round numbers from low to high: powers of ten with 2 and 5 between them where few, or even steps."""
    if not log:
        raw = (high - low) / 4
        size = 10.0 ** math.floor(math.log10(raw))
        step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.999)
        return [
            float(f"{k * step:.6g}") for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        ]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples in ((1,), (1, 3), (1, 2, 5)):
        found = [float(f"{m * 10.0**p:.6g}") for p in powers for m in multiples if low <= m * 10.0**p <= high]
        if len(found) >= 3:
            return found[:: math.ceil(len(found) / 6)]
    return found or [float(f"{low:.3g}"), float(f"{high:.3g}")]


def pace(marks: Sequence[tuple[float, int]], total: int) -> tuple[float | None, float | None]:
    """Steps a second between the first and the last (time, step), and the seconds left until step ``total``."""
    (start, first), (now, last) = marks[0], marks[-1]
    if last <= first or now <= start:
        return None, None
    rate = (last - first) / (now - start)
    return rate, (total - last) / rate if total > last else None


def shares(counts: Sequence[Sequence[int]]) -> list[list[int]]:
    """How many of its values each latent takes, and how many it has: [used, of how many] a latent."""
    return [[sum(n > 0 for n in row), len(row)] for row in counts]


def picked_levels(num_levels: int, current: int, most: int) -> list[int]:
    """At most so many levels, evenly spaced from first to last, with the current one among them."""
    picks = np.unique(np.linspace(0, num_levels - 1, most).round().astype(int))
    picks[np.abs(picks - current).argmin()] = current
    return np.unique(picks).tolist()
