"""Scores as a table for people and as plain JSON for cards and programs."""

import math
from typing import Any

import numpy as np

from dlq.evaluation import Scores


def as_record(scores: Scores) -> dict[str, Any]:
    """Plain JSON: the three scores (null where they cannot be computed), PSNR in dB, and how many images they rest on."""
    found = scores.infomec
    names = ("modularity", "explicitness", "compactness")
    numbers = {name: None if found is None else _number(getattr(found, name)) for name in names}
    return {
        **numbers,
        "psnr": _number(scores.psnr),
        "num_images": scores.num_images,
        "num_available": scores.num_available,
        "factors": best_latents(scores),
        "notes": [] if found is None else [*found.notes],
    }


def best_latents(scores: Scores) -> dict[str, dict[str, Any]]:
    """For each factor the latent that says most about it, and their NMI; null for a factor that does not vary."""
    if scores.infomec is None:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name, row in zip(scores.factor_names, scores.infomec.nmi, strict=True):
        constant = bool(np.isnan(row).all())
        best = None if constant else int(np.nanargmax(row))
        found[name] = {"latent": best, "nmi": None if best is None else float(row[best])}
    return found


def in_short(scores: Scores) -> str:
    """One clause: InfoMEC where there are factors, and PSNR."""
    score = "no factors, so no InfoMEC" if scores.infomec is None else repr(scores.infomec)
    return f"{score}, PSNR {scores.psnr:.1f} dB"


def table(scores: Scores) -> str:
    """The scores, one a line, then a line for each factor, then what the reader should know about them."""
    record = as_record(scores)
    lines = [f"  {name:14}{_shown(record[name])}" for name in ("modularity", "explicitness", "compactness")]
    lines.append(f"  {'PSNR':14}{scores.psnr:.1f} dB")
    if record["factors"]:
        width = max(14, *(len(name) + 2 for name in record["factors"]))
        lines += ["", f"  {'factor':{width}}{'best latent':13}NMI"]
        for name, best in record["factors"].items():
            latent = "constant" if best["latent"] is None else f"z[{best['latent']}]"
            lines.append(f"  {name:{width}}{latent:13}{_shown(best['nmi'])}")
    notes = [f"  note: {note}" for note in record["notes"]]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
