"""The moving average of weights: closed forms, and that going on, looking in and saving never mix the two sets up."""

import numpy as np
import pytest
import torch
from torch import nn

import dlq
from dlq.recipe import Group, Player, Recipe

IMAGES = np.random.default_rng(0).integers(0, 256, size=(16, 1, 4, 4), dtype=np.uint8)


class Walker(nn.Module):
    """One weight, which falls by its learning rate of 0.1 at each step: its gradient is constant and Adam divides by it."""

    image_shape = (1, 4, 4)

    def __init__(self, ema=0.5):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0]))
        self.frozen = nn.Parameter(torch.tensor([7.0]), requires_grad=False)
        self.register_buffer("count", torch.zeros(()))
        self.recipe = Recipe(steps=8, batch_size=4, ema=ema)

    def players(self):
        return [Player("walker", [Group([self.weight], learning_rate=0.1, betas=(0.0, 0.0))], self._loss)]

    def _loss(self, batch, generator):
        self.count += 1
        loss = self.weight.sum()
        return loss, {"weight": loss}


def train(model, steps, **options):
    return dlq.fit(model, IMAGES, steps=steps, seed=0, device="cpu", progress=False, **options)


def by_hand(steps, decay=0.5):
    """(average, weight) after some steps; the decay rises as (1 + step) / (10 + step) until it is the recipe's."""
    average = weight = 1.0
    for step in range(1, steps + 1):
        weight -= 0.1
        keep = min(decay, (1 + step) / (10 + step))
        average = keep * average + (1 - keep) * weight
    return average, weight


@pytest.mark.parametrize("steps", [1, 2, 12])
def test_the_model_ends_with_the_average_by_hand_and_the_trained_weight_waits(steps):
    model = Walker()
    train(model, steps)
    average, weight = by_hand(steps)
    assert model.weight.item() == pytest.approx(average, abs=1e-5)
    assert model.training_state.twin["weight"].item() == pytest.approx(weight, abs=1e-5)
    assert average != pytest.approx(weight, abs=1e-3)


def test_only_what_is_trained_is_averaged():
    model = Walker()
    train(model, 5)
    assert set(model.training_state.twin) == {"weight"}
    assert model.count == 5
    assert model.frozen == 7


def test_without_a_decay_there_is_no_second_set():
    model = Walker(ema=None)
    train(model, 3)
    assert model.training_state.twin is None
    assert model.weight.item() == pytest.approx(0.7, abs=1e-5)


def test_going_on_equals_never_having_stopped():
    whole, pieces = Walker(), Walker()
    train(whole, 9)
    for steps in (2, 3, 9):
        train(pieces, steps)
    assert pieces.weight.item() == whole.weight.item()
    assert pieces.training_state.twin["weight"].item() == whole.training_state.twin["weight"].item()


def test_a_watch_sees_the_average_and_training_goes_on_from_the_trained_weight():
    seen, model = [], Walker()
    train(model, 4, watch=lambda m, h: seen.append(m.weight.item()))
    assert seen == pytest.approx([by_hand(step)[0] for step in (1, 2, 3, 4)], abs=1e-5)
    assert model.training_state.twin["weight"].item() == pytest.approx(by_hand(4)[1], abs=1e-5)


def test_a_watch_that_fails_leaves_the_average_in_the_model():
    def fail(model, history):
        raise RuntimeError("no screen")

    model = Walker()
    with pytest.raises(RuntimeError, match="no screen"):
        train(model, 8, watch=fail)
    assert model.weight.item() == pytest.approx(by_hand(1)[0], abs=1e-5)
    train(model, 8)
    assert model.weight.item() == pytest.approx(by_hand(8)[0], abs=1e-5)


def test_it_goes_on_from_a_file(tmp_path):
    whole, first = Walker(), Walker()
    train(whole, 9)
    train(first, 4)
    dlq.save(first, tmp_path / "run")
    again = dlq.load(tmp_path / "run", model=Walker())
    assert again.weight.item() == first.weight.item()
    train(again, 9)
    assert again.weight.item() == whole.weight.item()


def test_a_file_without_training_goes_on_from_the_average(tmp_path):
    model = Walker()
    train(model, 4)
    dlq.save(model, tmp_path / "run", training=False)
    again = dlq.load(tmp_path / "run", model=Walker())
    train(again, 1)
    assert again.training_state.twin["weight"].item() == pytest.approx(model.weight.item() - 0.1, abs=1e-5)


def test_keep_best_and_an_average_exclude_each_other():
    with pytest.raises(ValueError, match=r"keep_best .* averages"):
        train(Walker(), 2, keep_best=True)


@pytest.mark.parametrize("ema", [1.0, -0.1])
def test_a_decay_outside_its_range_is_refused(ema):
    with pytest.raises(ValueError, match=r"ema is .* below 1"):
        train(Walker(ema=ema), 2)


def test_freezing_the_averaged_weight_is_refused_in_a_sentence():
    model = Walker()
    train(model, 2)
    model.weight.requires_grad_(False)
    model.frozen.requires_grad_(True)
    with pytest.raises(ValueError, match="other parameters"):
        train(model, 4)
