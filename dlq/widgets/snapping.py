"""What a scalar quantizer does with one soft value, and how often each value is used: pure functions of numpy arrays.

The numbers are those of ``dlq.quantizers``: the losses of a batch of one latent, and the slope of the output that
autograd sees.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

POSITIONS, MARGIN, WIDEST = 121, 0.25, 2.5  # stops of the slider; beyond the outer values; where tanh is nearly flat


class Rule(NamedTuple):
    """How a quantizer chooses: the nearest value, or after tanh the nearest on an even grid; weights None: no such loss."""

    bounded: bool
    quantization_weight: float | None
    commitment_weight: float | None


class Snap(NamedTuple):
    """One entry a soft value. ``at`` is where it stands on the line: itself, or its tanh. ``gradient`` is dz / dsoft."""

    soft: np.ndarray
    at: np.ndarray
    indices: np.ndarray
    value: np.ndarray
    distance: np.ndarray
    quantization: np.ndarray | None
    commitment: np.ndarray | None
    gradient: np.ndarray


def snap(soft: Any, values: Any, rule: Rule) -> Snap:
    """Quantizes soft values (n,) to one latent's ``values`` (num_values,)."""
    soft, values = np.asarray(soft, float), np.asarray(values, float)
    at = np.tanh(soft) if rule.bounded else soft
    if rule.bounded:
        index = np.rint((at + 1) / 2 * (len(values) - 1)).astype(np.int64)  # halves to even, as torch.round
    else:
        index = np.abs(at[:, None] - values).argmin(1)
    square = (values[index] - at) ** 2
    return Snap(
        soft=soft,
        at=at,
        indices=index,
        value=values[index],
        distance=np.sqrt(square),
        quantization=None if rule.quantization_weight is None else rule.quantization_weight * square,
        commitment=None if rule.commitment_weight is None else rule.commitment_weight * square,
        gradient=1 - at**2 if rule.bounded else np.ones_like(at),
    )


def positions(values: np.ndarray, rule: Rule) -> np.ndarray:
    """The stops of the slider of a soft value, float64 (121,): a little beyond the outer values."""
    if rule.bounded:
        return np.linspace(-WIDEST, WIDEST, POSITIONS)
    low, high = float(np.min(values)), float(np.max(values))
    margin = MARGIN * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, POSITIONS)


def usage(latents: np.ndarray, codebook: Sequence[np.ndarray]) -> list[list[int]]:
    """Counts how often each value of each latent occurs in quantized latents (n, num_latents)."""
    counts = []
    for column, values in zip(latents.T, codebook, strict=True):
        nearest = np.abs(column[:, None] - values).argmin(1)
        counts.append(np.bincount(nearest, minlength=len(values)).tolist())
    return counts


def check_scalars(codebook: Sequence | None) -> list[np.ndarray]:
    """Returns the values of each latent as float64 (num_values,), or says why they are no numbers on a line."""
    if codebook is None:
        raise ValueError("the latents of this model are continuous; a codebook needs a quantizer such as dlq.qlae has")
    found = [np.asarray(values, float) for values in codebook]
    for i, values in enumerate(found):
        if values.ndim != 1:
            raise ValueError(
                f"the codebook of latent {i} has shape {values.shape}, vectors; only single numbers fit on a line, "
                "shape (num_values,)"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"the codebook of latent {i} has values that are NaN or infinite; all must be finite")
    return found
