"""Two latents turned against each other, and what every metric says at each angle: pure functions of numpy arrays.

A rotation loses nothing: the factors can be read from the latents as well as before. Which latent holds which factor
is what changes, and what a metric of disentanglement is to notice.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dlq.metrics import infomec, mig, nmi
from dlq.metrics.checks import check_codes
from dlq.metrics.infomec import modularity_compactness, usual_rule

Metric = Callable[[np.ndarray, np.ndarray], float]


class RotationTable(NamedTuple):
    """What was computed at each angle: ``nmi`` is (num_angles, num_factors, num_latents), each score (num_angles,)."""

    degrees: np.ndarray
    nmi: np.ndarray
    scores: dict[str, np.ndarray]


def rotation_table(
    factors: Any,
    latents: Any,
    *,
    discrete: bool,
    rotate: tuple[int, int] | None = None,
    metrics: Mapping[str, Any] | None = None,
    num_angles: int = 19,
) -> RotationTable:
    """Scores latents (n, num_latents) against factors (n, num_factors), with two latents turned by 0 to 90 degrees.

    ``metrics`` maps a label to ``function(factors, latents) -> float``; by default InfoM, InfoC, InfoE and MIG. InfoE is
    then computed once: its linear classifier has no penalty, so that no rotation of its input changes it. Without
    ``rotate`` there is one angle, 0; with it, the two latents are turned as they are, at their own scale.
    Raises ValueError on latents that cannot be turned.
    """
    factors, latents = check_codes(factors, latents, min_samples=2)
    degrees = np.zeros(1)
    if rotate is not None:
        rotate = check_rotate(rotate, latents, discrete, num_angles)
        degrees = np.linspace(0, 90, num_angles)
    scored = _default(factors, latents, discrete) if metrics is None else metrics
    maps: list[np.ndarray] = []
    rows = []
    for angle in degrees:
        turned = latents if rotate is None else rotated(latents, rotate, angle)
        maps.append(_map(factors, turned, discrete, maps[-1] if maps else None, rotate))
        rows.append([float(metric(factors, turned)) for metric in scored.values()])
    return RotationTable(degrees, np.stack(maps), dict(zip(scored, np.array(rows).T, strict=True)))


def rotated(latents: np.ndarray, pair: tuple[int, int], degrees: float | int) -> np.ndarray:
    """Turns latents i and j about the origin: at 90 degrees i has taken j's place, and j is minus what i was."""
    i, j = pair
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turned = np.array(latents, float)
    turned[:, i] = cosine * latents[:, i] + sine * latents[:, j]
    turned[:, j] = cosine * latents[:, j] - sine * latents[:, i]
    return turned


def check_rotate(rotate, latents: np.ndarray, discrete: bool, num_angles: int) -> tuple[int, int]:
    """Returns the two latents to turn, or says why they cannot be."""
    if discrete:
        raise ValueError(
            "rotate= mixes two latents, which then take many values; give continuous latents and discrete=False"
        )
    if num_angles < 2:
        raise ValueError(f"num_angles is {num_angles}; give at least 2, for 0 and 90 degrees")
    i, j = (int(k) for k in rotate)
    if i == j or not (0 <= i < latents.shape[1] and 0 <= j < latents.shape[1]):
        raise ValueError(f"rotate is {(i, j)}; give two different latents from 0 to {latents.shape[1] - 1}")
    still = [k for k in (i, j) if latents[:, k].std() == 0]
    if still:
        raise ValueError(f"latent {still[0]} never changes, so a rotation with it shows nothing; choose another")
    return i, j


def _map(factors, latents, discrete, before, rotate):
    if before is None:
        return nmi(factors, latents, discrete=discrete)
    after = before.copy()  # the latents that stand still keep their columns
    after[:, list(rotate)] = nmi(factors, latents[:, list(rotate)], discrete=discrete)
    return after


def _default(factors, latents, discrete) -> dict[str, Metric]:
    start = infomec(factors, latents, discrete=discrete)
    remembered: dict[bytes, tuple[float, float]] = {}

    def scores(factors, latents):
        key = latents.tobytes()
        if key not in remembered:
            remembered.clear()
            active = usual_rule(discrete)(latents)
            remembered[key] = modularity_compactness(nmi(factors, latents, discrete=discrete), active)[:2]
        return remembered[key]

    return {
        "InfoM": lambda factors, latents: scores(factors, latents)[0],
        "InfoC": lambda factors, latents: scores(factors, latents)[1],
        "InfoE": lambda factors, latents: start.explicitness,
        "MIG": lambda factors, latents: mig(factors, latents, discrete=discrete).score,
    }
