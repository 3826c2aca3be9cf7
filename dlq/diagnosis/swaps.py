"""What is wrong with a face swap, in words: it copies the target, ignores the source, overdoes identity, leaks.

"It trains but does not swap" is what users of such models report most. Whether a result is nearer to the target than to the
source does not show it early enough: a model that leaks is nearer to its source all the same. The thresholds come from runs
on rendered faces: leaking rows are 0.2 above the exact swaps, sound ones below 0.02; an identity loss without a margin gives
slopes of 1.27, with one 0.8 to 1.03.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from dlq.swaps import SwapScores, evaluate_swaps

LITTLE_CHANGE = 0.1  # of what the exact swaps change in the face
LITTLE_SPREAD = 0.1  # over sources, of that of the exact swaps
HALFWAY = 0.5  # from what the judge says of the exact swap to what it says of a copy
LITTLE_CORRELATION = 0.1  # of what the source changes with the exact change
OVERDONE = 1.15  # slope of identity on the source's
LEAKS = 0.1  # leak above the exact swaps'
READABLE = 0.2  # R2 of identity in the attributes
LEARNS = 0.97  # of its first value, an adversary's loss
STILL = 0.002  # relative spread of a loss that does not move
EASY = 0.02  # of its starting value, the discriminator's loss


class SwapDiagnosis(NamedTuple):
    """The scores of a few swaps and what they mean; ``problems`` is empty where nothing is found."""

    scores: SwapScores
    problems: tuple[str, ...]

    def __repr__(self) -> str:
        s = self.scores
        numbers = (
            f"changes {s.change:.0%} of what an exact swap does, cosine {s.to_source:.2f} to the source and "
            f"{s.to_target:.2f} to the target, leak {s.leak_over_exact:+.2f}, slope on the source {s.on_source:.2f}"
        )
        return "\n".join([f"SwapDiagnosis({numbers})", *(self.problems or ("The swap goes well.",))])


def diagnose_swaps(
    model: Any, faces: Any, *, judge: Any = None, history: Any = None, num_probe: int = 300, seed: int = 0
) -> SwapDiagnosis:
    """Looks at 16 x 6 swaps of rendered ``faces``; ``history`` (default: the model's own) tells of its opponents.

    Raises ValueError as ``evaluate_swaps`` does, and for faces that cannot be rendered: without exact swaps nothing here
    has a measure.
    """
    if not (hasattr(faces, "exact") or hasattr(faces, "swap")):
        raise ValueError(
            "these faces have no exact swaps to compare with; diagnose on rendered ones, such as dlq.datasets.swap_faces()"
        )
    scores = evaluate_swaps(model, faces, judge=judge, num_sources=16, num_targets=6, num_probe=num_probe, seed=seed)
    state = getattr(model, "training_state", None)
    history = history if history is not None or state is None else state.history
    terms = {} if history is None else history.terms
    return SwapDiagnosis(scores, tuple(_of_pictures(scores) + _of_opponents(scores, model, terms)))


def watch_swaps(faces: Any, *, judge: Any = None, after: int = 300, seed: int = 0) -> Callable[[nn.Module, Any], None]:
    """Makes a ``watch`` for ``fit`` that warns, once a kind, when a swap goes wrong; it looks after ``after`` steps, then at
    every doubling and at the end. ``faces`` are rendered people that are not trained on, a hundred or so."""
    said: set[str] = set()
    due = [max(after, 1)]

    def watch(model: nn.Module, history: Any) -> None:
        step, total = history.steps[-1], getattr(getattr(model, "training_state", None), "total", 0)
        if step < due[0] and not (step == total > after):
            return
        due[0] = 2 * step
        for problem in diagnose_swaps(model, faces, judge=judge, history=history, seed=seed).problems:
            kind = problem.partition(":")[0]
            if kind not in said:
                said.add(kind)
                warnings.warn(f"step {step:,}: {problem}", stacklevel=2)

    return watch


def _of_pictures(s: SwapScores) -> list[str]:
    found = []
    exact, copy = s.rows["exact"]["to_target"], s.rows["copy of target"]["to_target"]
    if s.change < LITTLE_CHANGE or s.to_target - exact > HALFWAY * (copy - exact):
        found.append(
            f"copies the target: faces change {s.change:.0%} as much as in exact swaps, cosine {s.to_target:.2f} to the "
            f"target and {s.to_source:.2f} to the source; look for a path of its pixels (skip connections, a composite, "
            "masks that are not made wider), or raise the weight of identity slowly"
        )
    elif s.spread < LITTLE_SPREAD:
        found.append(
            f"ignores the source: results differ over sources by {s.spread:.0%} of what exact swaps do, one person for all; "
            "raise the weight of identity, or train with more people"
        )
    elif s.correlation < LITTLE_CORRELATION:
        found.append(
            f"no swap yet: what the source changes has a correlation of {s.correlation:.2f} with what it should; train "
            "longer, or raise the weight of identity"
        )
    if s.on_source > OVERDONE:
        found.append(
            f"identity overdone: factors of identity move {s.on_source:.2f} times as far as in exact swaps, a caricature; "
            "lower the weight of identity, or let its loss end at the cosine of two true images of one person"
        )
    if s.leak_over_exact > LEAKS:
        found.append(
            f"the target's identity leaks: results are {s.leak_over_exact:.2f} nearer to their own target than exact swaps "
            "are; take skip connections out, make masks wider, or raise the weight of identity removal"
        )
    return found


def _of_opponents(s: SwapScores, model: Any, terms: Mapping[str, Sequence[float]]) -> list[str]:
    found = []
    adversary = getattr(model, "adversary", None)
    readable = s.probes["attributes linear"].mean if "attributes linear" in s.probes else math.nan
    guesses = _known(terms, "identity adversary total")
    if adversary is not None and readable > READABLE:
        what, remedy = "identity left in the attributes: ", "raise the weight of identity removal, or train longer"
        if len(guesses) > 4 and guesses.min() > LEARNS * guesses[0]:
            began = f"{guesses.min():.2f}, where it began at {guesses[0]:.2f}"
            what, remedy = f"dead adversary: its loss never fell below {began}, and yet ", "raise its learning rate"
        found.append(f"{what}a linear probe reads identity off them with R2 {readable:.2f}; {remedy}")
    losses = _known(terms, "discriminator total")
    losses = losses[losses > 0]  # 0 while it is not in the game yet
    late = losses[-max(5, len(losses) // 4) :]
    if len(late) >= 5 and late.std() < STILL * late.mean() and late.mean() > 0.5:
        found.append(
            f"dead discriminator: its loss stands at {late.mean():.3f}, so it says the same of every picture; leave its "
            "gradient penalty out, or begin it again at a lower learning rate"
        )
    if len(late) >= 5 and late.mean() < EASY * losses[0]:
        found.append(
            f"discriminator too strong: its loss fell to {late.mean():.3f}, so the generator learns nothing from it; lower "
            "its learning rate"
        )
    return found


def _known(terms: Mapping[str, Sequence[float]], name: str) -> np.ndarray:
    values = np.asarray(terms.get(name, ()), float)
    return values[np.isfinite(values)]
