"""The exponential moving average of a model's weights, which smooths the last steps of a game or a noisy loss.

While ``fit`` runs, the model holds the weights that are trained; at every other time, and whenever something looks in, it
holds their average, and the trained weights wait in ``model.training_state.twin``. Buffers are not averaged.
"""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from dlq.history import TrainingState


@contextlib.contextmanager
def averaging(model: nn.Module, state: TrainingState, decay: float | None) -> Iterator[None]:
    """Lets the model train while its average is kept: inside, the model holds the trained weights, outside the average."""
    if decay is None:
        yield
        return
    weights = _trained(model)
    if state.twin is None:
        state.twin = {name: p.detach().clone() for name, p in weights.items()}
    if weights.keys() != state.twin.keys():
        raise ValueError(
            "this model was trained with other parameters than it has now; freeze and unfreeze as before, "
            "or set model.training_state = None to begin anew"
        )
    state.twin = {name: state.twin[name].to(p.device) for name, p in weights.items()}  # a file has another order
    _exchange(model, state)
    try:
        yield
    finally:
        _exchange(model, state)


@contextlib.contextmanager
def looking_in(model: nn.Module, state: TrainingState) -> Iterator[None]:
    """While a run pauses to be looked at, the model holds the average where there is one."""
    _exchange(model, state)
    try:
        yield
    finally:
        _exchange(model, state)


def update(model: nn.Module, state: TrainingState, decay: float) -> None:
    """Moves the average towards the weights; the first steps count more, so that the start is soon forgotten."""
    assert state.twin is not None
    keep = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        torch._foreach_lerp_(list(state.twin.values()), [p.detach() for p in _trained(model).values()], 1 - keep)


def _trained(model: nn.Module) -> dict[str, Tensor]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def _exchange(model: nn.Module, state: TrainingState) -> None:
    """Swaps the model's weights with the waiting ones, in place, so that optimizers keep their hold on them."""
    if state.twin is None:
        return
    with torch.no_grad():
        for name, p in _trained(model).items():
            held = p.detach().clone()
            p.copy_(state.twin[name])
            state.twin[name] = held
