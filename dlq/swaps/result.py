"""What ``evaluate_swaps`` returns: the model's row beside those of the exact swaps and of two copies, as text and HTML."""

import html
import math
from typing import Any, NamedTuple

from dlq.metrics import Probe, Transfer

MEANING = {  # in the order of the table: what is shown, decimals
    "l1_inside": ("mean error to the exact swap inside the face", 3),
    "psnr_inside": ("the same in decibels", 1),
    "l1_outside": ("mean change of what is not face", 3),
    "psnr_outside": ("the same in decibels", 1),
    "change": ("distance from the target inside the face, exact is 1", 2),
    "spread": ("how far sources lie apart, exact is 1", 2),
    "correlation": ("of what the source changes, with the exact change", 2),
    "retrieval": ("share recognised as the source", 2),
    "to_source": ("cosine to the source", 2),
    "to_target": ("cosine to the target", 2),
    "consistency": ("the same person in every target", 2),
    "leak": ("how much of its own target's person is left", 3),
    "leak_over_exact": ("leak minus that of the exact swaps", 3),
    "on_source": ("slope of identity factors on the source's", 2),
    "on_target": ("slope of identity factors on the target's", 2),
    "shape": ("error of face shape, against the source", 2),
    "expression": ("error of expression, against the target", 2),
    "gaze": ("error of gaze", 2),
    "pose": ("error of pose", 2),
    "light": ("error of light", 2),
    "skin": ("error of skin tone", 2),
}
WORDS = "what it says"  # the head of the column that is not numbers
TONES = ("light", "medium", "dark")


class SwapScores(NamedTuple):
    """Scores of a model's swaps, S x K of them, by the same judge as the exact swaps and two copies.

    ``rows["model"]["leak"]`` is a number; the rows are "model", "exact", "copy of target" and "copy of source", a score
    that nobody can know is NaN. ``transfer`` has the slopes by factor, ``probes`` what can be read off the model's codes
    on people never seen, "attributes linear" and so on, and ``by_skin`` scores by the target's skin tone. Errors of
    shape, expression, gaze, pose, light and skin are root mean squares of the judge's read-outs against the truth, in
    standard deviations of random faces.
    """

    rows: dict[str, dict[str, float]]
    transfer: Transfer | None
    factor_names: tuple[str, ...]
    probes: dict[str, Probe]
    by_skin: dict[str, dict[str, float]]
    num_sources: int
    num_targets: int
    seed: int
    notes: tuple[str, ...]

    def __getattr__(self, name: str) -> float:
        if name in MEANING:
            return self.rows["model"].get(name, math.nan)
        raise AttributeError(f"these scores have no {name!r}; there are {', '.join(MEANING)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; null where a score cannot be computed."""
        slopes = self.transfer
        return {
            "rows": {name: {key: _plain(value) for key, value in row.items()} for name, row in self.rows.items()},
            "slopes": slopes and {
                factor: [_plain(slopes.on_source[k]), _plain(slopes.on_target[k])]
                for k, factor in enumerate(self.factor_names)
            },
            "probes": {name: _plain(probe.mean) for name, probe in self.probes.items()},
            "by_skin": {tone: {key: _plain(value) for key, value in row.items()} for tone, row in self.by_skin.items()},
            "num_sources": self.num_sources,
            "num_targets": self.num_targets,
            "seed": self.seed,
            "notes": list(self.notes),
        }  # fmt: skip

    def __repr__(self) -> str:
        return "\n\n".join(_text(*part) for part in self._tables()) + "".join(f"\nnote: {note}" for note in self.notes)

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return "".join(_table(*part) for part in self._tables()) + (f"<ul>{notes}</ul>" if notes else "")

    def _tables(self) -> list[tuple[str, list[list[str]]]]:
        """Captions and cells: the scores, the slopes by factor, the probes, the skin tones."""
        shown = [key for key in MEANING if any(key in row for row in self.rows.values())]
        head = ["score", *self.rows, WORDS]
        cells = [
            [key, *(_shown(row.get(key), MEANING[key][1]) for row in self.rows.values()), MEANING[key][0]]
            for key in shown
        ]
        title = f"{self.num_sources} sources x {self.num_targets} targets, people never trained on, seed {self.seed}"
        tables = [(title, [head, *cells])]
        if self.transfer is not None:
            slopes = zip(self.factor_names, self.transfer.on_source, self.transfer.on_target, strict=True)
            tables.append(
                (
                    "slope on source (1 is exact) and target (0 is exact), by factor",
                    [["factor", "on source", "on target"], *([n, _shown(s, 2), _shown(t, 2)] for n, s, t in slopes)],
                )
            )
        if self.probes:
            rows = [[name, _shown(probe.mean, 2), _shown(max(probe.r2), 2)] for name, probe in self.probes.items()]
            tables.append(
                ("identity read off the codes: R2 on people never seen", [["probe", "mean", "best factor"], *rows])
            )
        if self.by_skin:
            keys = [*next(iter(self.by_skin.values()))]
            rows = [
                [tone, *(_shown(row[key], MEANING.get(key, ("", 0 if key == "targets" else 3))[1]) for key in keys)]
                for tone, row in self.by_skin.items()
            ]
            tables.append(("by skin tone of the target", [["skin", *keys], *rows]))
        return tables


def _text(title: str, cells: list[list[str]]) -> str:
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    lines = []
    for line in cells:
        words = {0, len(line) - 1} if cells[0][-1] == WORDS else {0}
        padded = [
            cell.ljust(width) if k in words else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join([title, *lines])


def _table(title: str, cells: list[list[str]]) -> str:
    head, *body = ([html.escape(cell) for cell in line] for line in cells)
    rows = "".join(f"<tr><td style='text-align:left'>{'</td><td>'.join(line)}</td></tr>" for line in body)
    return (
        f"<table><caption style='text-align:left'>{html.escape(title)}</caption>"
        f"<thead><tr><th>{'</th><th>'.join(head)}</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _plain(number: Any) -> float | None:
    return float(number) if math.isfinite(number) else None


def _shown(number: float | None, decimals: int) -> str:
    return "-" if number is None or not math.isfinite(number) else f"{number:.{decimals}f}"
