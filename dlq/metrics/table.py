"""What ``score`` returns: rows of numbers with their meaning, as text, as HTML for a notebook, and as plain JSON."""

import html
import math
from typing import Any, NamedTuple

import numpy as np


class Row(NamedTuple):
    """One number: on all latents, on the active ones, at chance (None: there is no such number), and what 1 means."""

    name: str
    value: float | None
    active: float | None
    chance: float | None
    meaning: str


class ScoreTable(NamedTuple):
    """Every score, the metrics' own results by name, the settings used, and notes on what was skipped and why."""

    rows: tuple[Row, ...]
    results: dict[str, Any]
    active: np.ndarray  # (num_latents,): the latents that the active column counts
    discrete: bool
    kind: str  # why the latents were taken as discrete or continuous
    num_samples: int
    num_available: int
    seed: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: each score (null where it cannot be computed), the settings, and the notes; no matrices."""
        scores = {row.name: {k: _plain(getattr(row, k)) for k in ("value", "active", "chance")} for row in self.rows}
        return {
            "scores": scores,
            "num_samples": self.num_samples,
            "num_available": self.num_available,
            "num_latents": len(self.active),
            "active_latents": np.flatnonzero(self.active).tolist(),
            "discrete": self.discrete,
            "kind": self.kind,
            "seed": self.seed,
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        table = [self._head(), *self._cells()]
        widths = [max(len(line[k]) for line in table) for k in range(4)]
        lines = [
            "  ".join([line[0].ljust(widths[0]), *(line[k].rjust(widths[k]) for k in (1, 2, 3)), line[4]]).rstrip()
            for line in table
        ]
        return "\n".join([*lines, "", self._summary(), *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        head, *body = ([html.escape(cell) for cell in line] for line in [self._head(), *self._cells()])
        rows = "".join(f"<tr>{_cells(line, 'td')}</tr>" for line in body)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<table><thead><tr>{_cells(head, 'th')}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{html.escape(self._summary())}</p>{f'<ul>{notes}</ul>' if notes else ''}"
        )

    def _head(self) -> list[str]:
        return ["metric", "all latents", f"{self.active.sum()} active", "chance", "what 1 means"]

    def _cells(self) -> list[list[str]]:
        return [[row.name, *(_shown(number) for number in row[1:4]), row.meaning] for row in self.rows]

    def _summary(self) -> str:
        return (
            f"{self.num_samples:,} of {self.num_available:,} rows, {self.active.sum()} of {len(self.active)} latents "
            f"active, seed {self.seed}; latents {self.kind}"
        )


def _cells(line: list[str], tag: str) -> str:
    sides = ["left", "right", "right", "right", "left"]
    return "".join(f'<{tag} style="text-align:{s}">{cell}</{tag}>' for s, cell in zip(sides, line, strict=True))


def _plain(number: float | int | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)


def _shown(number: float | int | None) -> str:
    return "-" if number is None or math.isnan(number) else f"{number:.2f}"
