"""What a training run leaves behind: its history, and the state that lets it go on."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class History:
    """What ``fit`` returns: ``terms[name][i]`` is the mean of a weighted term over the steps since ``steps[i - 1]``.

    "total" is the loss, "gradient_norm" the Euclidean norm before clipping; a player that has not moved since keeps its
    last value. ``stopped`` is "finished", "interrupted" or "already finished"; ``seconds`` is the training time of all
    calls together.
    """

    steps: list[int] = field(default_factory=list)
    terms: dict[str, list[float]] = field(default_factory=dict)
    stopped: str = "finished"
    seconds: float = 0.0

    def __repr__(self) -> str:
        last = self.steps[-1] if self.steps else 0
        losses = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.terms.items())
        return f"History({last:,} steps in {self.seconds:.0f} s, {self.stopped}; {losses})"

    def add(self, step: int, terms: dict[str, float]) -> None:
        """Appends one entry; every term stays as long as ``steps``."""
        for name in terms:
            self.terms.setdefault(name, [math.nan] * len(self.steps))
        for name, values in self.terms.items():
            values.append(terms[name] if name in terms else values[-1])
        self.steps.append(step)


@dataclass
class TrainingState:
    """What a model needs to go on; it stays with the model as ``model.training_state``.

    ``optimizers`` has one optimizer a player; ``saved`` the optimizer states that a checkpoint brought, until ``fit``
    makes the optimizers that take them. ``best`` is the lowest loss so far and the weights that had it. ``kept`` are the
    rows of the current epoch where the model's ``before_epoch`` sets some aside: it is not asked again within an epoch.
    ``twin`` are the trained weights where the recipe averages them (the model holds the average, except while it trains).
    ``total`` is how many steps ``fit`` was last asked for; setting ``stop``, from any thread, ends that run after the step
    it is in, as an interrupt does.
    """

    seed: int
    step: int = 0
    optimizers: dict[str, torch.optim.Optimizer] = field(default_factory=dict)
    saved: dict[str, dict] = field(default_factory=dict)
    history: History = field(default_factory=History)
    best: tuple[float, dict[str, Tensor]] | None = None
    kept: Tensor | None = None
    twin: dict[str, Tensor] | None = None
    total: int = 0
    stop: bool = False
