"""The steps of a run: which rows a step sees, one move of one player, and the checks before each move.

The order of the data is a pure function of (seed, epoch), a step's noise of (seed, step): to go on bit-identically after
an interrupt or from a checkpoint, only the rows that ``before_epoch`` kept have to be stored.
"""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dlq.history import TrainingState
from dlq.recipe import Player, Recipe
from dlq.training.average import update

POINTS = 400  # entries of a History over a whole run


class NonFiniteError(ValueError):
    """A loss term or a gradient became NaN or infinite; the player's weights are those before the step."""


def seeded(seed: int, stream: int, number: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator that depends on its three numbers only; streams keep data order and noise apart."""
    mixed = (int(seed) * 0x9E3779B97F4A7C15 + stream * 0xBF58476D1CE4E5B9 + number * 0x94D049BB133111EB) % 2**63
    return torch.Generator(device).manual_seed(mixed)


@dataclass
class Run:
    """One call of ``fit``: everything that stays the same from step to step."""

    model: nn.Module
    data: Any  # a dataset: FactorDataset, or whatever has batch, len and image_shape
    state: TrainingState
    players: list[Player]
    recipe: Recipe
    steps: int
    batch_size: int
    settle: int
    device: torch.device
    rows: Tensor | None = None  # of the current epoch, in their order

    def entries(self, stop: threading.Event) -> Iterator[dict[str, float]]:
        """Takes the remaining steps; yields the mean of every term about ``POINTS`` times a run."""
        every, window = max(self.steps // POINTS, *(player.every for player in self.players), 1), []
        while self.state.step < self.steps and not (stop.is_set() or self.state.stop):
            window.append(self._step(self.state.step))
            self.state.step += 1
            if self.recipe.ema is not None:
                update(self.model, self.state, self.recipe.ema)
            if self.state.step % every == 0:
                yield _means(window)
                window = []
        if window:
            yield _means(window)

    def _step(self, step: int) -> dict[str, float]:
        rows = self._batch_rows(step)
        batch = self._batch(rows, step)
        factor = self.recipe.schedule(step / self.steps) * (0.1 if step >= self.steps - self.settle else 1.0)
        values: dict[str, float] = {}
        for player in self.players:
            if step % player.every == 0:
                values |= self._move(player, batch, rows, step, factor)
        return values

    def _batch_rows(self, step: int) -> Tensor:
        """Row numbers of a step; reshuffles, and calls the model's ``before_epoch``, when an epoch begins."""
        if self.rows is None or step % self._per_epoch() == 0:
            epoch = step // self._per_epoch()
            before_epoch = getattr(self.model, "before_epoch", None)
            if before_epoch is not None and step % self._per_epoch() == 0:
                kept = before_epoch(self.data, seeded(self.state.seed, 3, epoch))
                self.state.kept = None if kept is None else torch.as_tensor(kept)
            kept = torch.arange(len(self.data)) if self.state.kept is None else self.state.kept
            self.rows = kept[torch.randperm(len(kept), generator=seeded(self.state.seed, 0, epoch))]
        start = step % self._per_epoch() * self.batch_size
        return self.rows[start : start + self.batch_size]

    def _per_epoch(self) -> int:
        return max(1, len(self.data if self.state.kept is None else self.state.kept) // self.batch_size)

    def _batch(self, rows: Tensor, step: int) -> object:
        if (make_batch := getattr(self.model, "make_batch", None)) is not None:
            return make_batch(self.data, rows, seeded(self.state.seed, 1, step))
        return self.data.batch(rows, self.device)

    def _move(self, player: Player, batch: object, rows: Tensor, step: int, factor: float) -> dict[str, float]:
        """One optimizer step of one player, unless something is not finite."""
        optimizer = self.state.optimizers[player.name]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.bf16 and has_fast_bf16(self.device)):
            loss, terms = player.loss(batch, seeded(self.state.seed, 2, step, self.device))
        named = {"total": loss, **terms}
        values = dict(zip(named, torch.stack([v.detach().float() for v in named.values()]).tolist(), strict=True))
        name = "" if len(self.players) == 1 else f"{player.name} "
        _check_finite({name + term: value for term, value in values.items()}, step, rows)
        loss.backward()
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        values["gradient_norm"] = torch.nn.utils.get_total_norm(gradients).item()
        _check_finite({name + "gradient": values["gradient_norm"]}, step, rows)
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
            if group["clip"] is not None:
                torch.nn.utils.clip_grad_value_(group["params"], group["clip"])
        optimizer.step()
        return {name + term: value for term, value in values.items()}


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 there: on CUDA, and on CPUs with instructions for it."""
    if device.type != "cpu":
        return device.type == "cuda"
    capabilities: dict = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _check_finite(values: dict[str, float], step: int, rows: Tensor) -> None:
    bad = {name: value for name, value in values.items() if not math.isfinite(value)}
    if bad:
        name = next((n for n in bad if not n.endswith("total")), next(iter(bad)))
        shown = ", ".join(str(int(row)) for row in rows[:4])
        raise NonFiniteError(
            f"'{name}' became {bad[name]} at step {step}, before this step was taken; "
            f"lower the learning rate, or look at the images of this batch (rows {shown}, …)"
        )


def _means(window: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for values in window for name in values)
    columns = {name: [values[name] for values in window if name in values] for name in names}
    return {name: sum(column) / len(column) for name, column in columns.items()}
