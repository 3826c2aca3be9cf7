"""Which latents count: rules from latents (n, num_latents) to a mask (num_latents,), passed as ``active=``.

InfoMEC's modularity and compactness are sensitive to the rule, and the authors' code holds several: range > 0 for
discrete and range > largest / 20 for continuous latents (the stand-alone metric), range > largest / 8 (while training).
"""

from collections.abc import Callable

import numpy as np

ActiveRule = Callable[[np.ndarray], np.ndarray]


def range_positive(latents: np.ndarray) -> np.ndarray:
    """A latent is active if it takes more than one value."""
    return np.ptp(latents, axis=0) > 0


def range_above(fraction: float) -> ActiveRule:
    """Makes the rule "the latent's range exceeds this fraction of the largest range"."""
    return _above(lambda latents: np.ptp(latents, axis=0), "range", fraction)


def iqr_above(fraction: float) -> ActiveRule:
    """Makes the rule "the latent's interquartile range exceeds this fraction of the largest one"."""
    return _above(lambda latents: np.subtract(*np.quantile(latents, [0.75, 0.25], axis=0)), "iqr", fraction)


def std_at_least(smallest: float | int) -> ActiveRule:
    """Makes the rule "the latent's standard deviation is at least this, and not 0", in the latent's own unit."""
    if not 0 <= smallest < np.inf:
        raise ValueError(f"the smallest standard deviation is {smallest}; it must be at least 0 and finite")

    def rule(latents: np.ndarray) -> np.ndarray:
        return (latents.std(axis=0, ddof=1) >= smallest) & (np.ptp(latents, axis=0) > 0)

    rule.__name__ = f"std_at_least({smallest:g})"
    return rule


def _above(spread: Callable[[np.ndarray], np.ndarray], name: str, fraction: float) -> ActiveRule:
    if not 0 <= fraction < 1:
        raise ValueError(f"the fraction of the largest {name} is {fraction}; it must be at least 0 and below 1")

    def rule(latents: np.ndarray) -> np.ndarray:
        spreads = spread(latents)
        return spreads > fraction * spreads.max()

    rule.__name__ = f"{name}_above({fraction:g})"
    return rule
