"""``fit``: one loop for every model. An interrupt ends it between two steps, and calling it again goes on.

Everything needed to go on stays with the model in ``model.training_state``; a checkpoint stores it too.
"""

import contextlib
import copy
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from tqdm.std import tqdm

from dlq.datasets.given import as_dataset
from dlq.history import History, TrainingState
from dlq.recipe import Group, Player, Recipe
from dlq.training.average import averaging, looking_in
from dlq.training.interrupt import interrupt_at_step_boundary
from dlq.training.steps import Run


def device() -> torch.device:
    """The fastest device there is: CUDA, Apple's MPS, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def fit(
    model: nn.Module,
    data: Any,
    *,
    steps: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    settle: int = 0,
    keep_best: bool = False,
    progress: bool = True,
    watch: Callable[[nn.Module, History], None] | None = None,
) -> History:
    """Trains a model on a dataset (or an array of images) and returns its History; interrupt it whenever you like.

    ``steps`` is the total: called again with more, training goes on; a model that has had them all returns at once.
    What is not given comes from the model's recipe. The last ``settle`` steps run at a tenth of the learning rate;
    ``keep_best`` finishes with the weights that had the lowest loss. ``watch(model, history)`` is called about 400 times a
    run. The model stays on ``device`` (default ``dlq.device()``). Raises ValueError on data that do not suit the model,
    NonFiniteError before a step that would spoil the weights.
    """
    data = as_dataset(data, getattr(model, "image_shape", None))
    recipe = getattr(model, "recipe", None) or Recipe(steps=1_000, batch_size=32)
    steps = recipe.steps if steps is None else steps
    batch_size = min(recipe.batch_size if batch_size is None else batch_size, len(data))
    players = _players(model)
    _check(steps, batch_size, settle, keep_best, players, recipe.ema)
    state = _state(model, seed)
    where = torch.device(device) if device is not None else _fastest()
    model.to(where).train()
    run = Run(model, data, state, players, recipe, steps, batch_size, settle, where)
    state.total, state.stop = steps, False
    state.history.stopped = "already finished" if state.step >= steps else "interrupted"
    with (
        _session(model, state),
        _threads(recipe.threads, where),
        interrupt_at_step_boundary() as stop,
        _bar(state, steps, progress) as bar,
        averaging(model, state, recipe.ema),
    ):
        _set_optimizers(state, players, where)
        for entry in run.entries(stop):
            _record(state, model, entry, bar, keep_best)
            if watch is not None:
                with looking_in(model, state):
                    watch(model, state.history)
    if state.step >= steps and state.history.stopped == "interrupted":
        state.history.stopped = "finished"
    if keep_best and state.best is not None and state.history.stopped == "finished":
        model.load_state_dict(state.best[1])
    return copy.deepcopy(state.history)


_fastest = device  # ``fit`` has an argument of that name


def sharpen(
    model: Any,
    data: Any,
    *,
    size: int = 64,
    convolutional: bool = False,
    steps: int | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Any:
    """Trains a fresh decoder for ``size``-pixel pictures on a trained model's frozen codes, and returns the new model.

    The codes, and so every disentanglement score, stay as they are; ``model`` itself is left alone. ``data`` must hold or
    render images of ``size`` pixels, a multiple of the model's own size. The decoder is dense, which is sharpest within
    a minute, or small and ``convolutional``. Raises ValueError where data or size do not suit.
    """
    sharp = model.sharpened(size, convolutional=convolutional, seed=seed)
    fit(sharp, as_dataset(data).resized(size), steps=steps, seed=seed, device=device, progress=progress)
    return sharp


def _check(steps: int, batch_size: int, settle: int, keep_best: bool, players: list[Player], ema: float | None) -> None:
    if steps < 0 or batch_size < 1 or not 0 <= settle <= steps:
        raise ValueError(
            f"steps is {steps}, batch_size {batch_size}, settle {settle}; expected steps of at least 0, "
            "a batch_size of at least 1, and settle between 0 and steps"
        )
    if keep_best and len(players) > 1:
        raise ValueError(f"keep_best needs one loss, this model is a game of {len(players)} players; leave it out")
    if ema is not None and not 0 <= ema < 1:
        raise ValueError(f"the recipe's ema is {ema}; it must be at least 0 and below 1, 0.999 is common")
    if keep_best and ema is not None:
        raise ValueError("keep_best keeps weights that the loss was computed with, and this recipe averages them (ema)")
    for player in players:
        if not any(group.parameters for group in player.groups):
            raise ValueError(f"player {player.name!r} has no parameter that requires a gradient; unfreeze some")


def _state(model: nn.Module, seed: int) -> TrainingState:
    """The model's own training state, begun where there is none."""
    state = getattr(model, "training_state", None)
    if state is None or (state.step == 0 and state.seed != seed):
        state = TrainingState(int(seed))
        model.training_state = state  # type: ignore[assignment]
    if state.seed != seed:
        raise ValueError(
            f"this model was trained for {state.step:,} steps with seed {state.seed}, and seed is {seed} now; "
            f"pass seed={state.seed} to go on, or build a new model"
        )
    return state


def _players(model: nn.Module) -> list[Player]:
    """The model's players; one player with plain Adam for a model that has only ``loss``."""
    if hasattr(model, "players"):
        return model.players()  # type: ignore[operator]
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [Player("model", [Group(parameters)], lambda batch, generator: model.loss(batch))]  # type: ignore[operator]


def _set_optimizers(state: TrainingState, players: list[Player], where: torch.device) -> None:
    """Makes the optimizers that are missing, and moves or loads the states of those that exist."""
    for player in players:
        known = state.optimizers.get(player.name)
        stored = known.state_dict() if known is not None else state.saved.get(player.name)
        optimizer = torch.optim.AdamW(
            [_adam_group(group) for group in player.groups], fused=where.type in ("cpu", "cuda")
        )
        if stored is not None:
            _load_moments(player, optimizer, stored)
        state.optimizers[player.name] = optimizer
        state.saved.pop(player.name, None)


def _load_moments(player: Player, optimizer: torch.optim.Optimizer, stored: dict) -> None:
    """Adam's state goes on; the settings are the model's own. Torch itself would take moments of other shapes."""
    groups = optimizer.state_dict()["param_groups"]
    shapes = [p.shape for group in optimizer.param_groups for p in group["params"]]
    same = [len(g["params"]) for g in groups] == [len(g["params"]) for g in stored["param_groups"]]
    if not same or any(values["exp_avg"].shape != shapes[i] for i, values in stored["state"].items()):
        raise ValueError(
            f"player {player.name!r} was trained with other parameters than it has now; freeze and unfreeze as before, "
            "or set model.training_state = None to begin anew"
        )
    optimizer.load_state_dict({"state": stored["state"], "param_groups": groups})


def _adam_group(group: Group) -> dict:
    return {
        "params": group.parameters,
        "lr": group.learning_rate,
        "base_lr": group.learning_rate,
        "betas": group.betas,
        "weight_decay": group.weight_decay,
        "clip": group.clip,
    }


def _record(state: TrainingState, model: nn.Module, entry: dict[str, float], bar: tqdm, keep_best: bool) -> None:
    state.history.add(state.step, entry)
    if keep_best and "total" in entry and (state.best is None or entry["total"] < state.best[0]):
        state.best = entry["total"], {name: value.clone() for name, value in model.state_dict().items()}
    bar.set_postfix_str("  ".join(f"{k} {v:.3g}" for k, v in entry.items() if "gradient" not in k), refresh=False)
    bar.update(state.step - bar.n)


@contextlib.contextmanager
def _session(model: nn.Module, state: TrainingState) -> Iterator[None]:
    """However training ends, its time is counted and the model is left ready for use."""
    start = time.perf_counter()
    try:
        yield
    finally:
        model.eval()
        state.history.seconds += time.perf_counter() - start


@contextlib.contextmanager
def _threads(number: int | None, where: torch.device) -> Iterator[None]:
    """Runs on ``number`` CPU threads, which small networks run fastest with, and restores the setting."""
    before = torch.get_num_threads()
    if number is not None and where.type == "cpu":
        torch.set_num_threads(min(number, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _bar(state: TrainingState, steps: int, progress: bool) -> tqdm:
    """A text progress bar: on standard output in a notebook, where it stays readable when saved; else on stderr."""
    return tqdm(
        initial=min(state.step, steps),
        total=steps,
        desc=f"already trained for {state.step:,} steps" if state.step >= steps else "training",
        unit=" steps",
        mininterval=0.5,
        dynamic_ncols=True,
        disable=not progress,
        file=sys.stdout if "ipykernel" in sys.modules else sys.stderr,
    )
