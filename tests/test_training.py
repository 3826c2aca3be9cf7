"""One loop for every model: it goes on bit for bit, stops between steps, and never takes a step that spoils weights."""

import copy
import math
import os
import signal
import threading

import numpy as np
import pytest
import torch
from torch import nn

from dlq.datasets import from_arrays
from dlq.models import autoencoder, qlae
from dlq.recipe import Group, Player, Recipe, cosine, weights_and_biases
from dlq.training import History, NonFiniteError, fit, sharpen

IMAGES = np.random.default_rng(0).integers(0, 256, (21, 1, 6, 6), dtype=np.uint8)  # 21: batches of 8 leave some out


def train(model, steps, data=IMAGES, **options) -> History:
    return fit(model, data, **{"batch_size": 8, "progress": False, "device": "cpu", "steps": steps} | options)


def small() -> nn.Module:
    return qlae((1, 6, 6), 3, width=8)


def everything(model) -> dict[str, torch.Tensor]:
    """Weights and every tensor of the optimizers, copied."""
    state = {f"weights/{name}": value.clone() for name, value in model.state_dict().items()}
    for player, optimizer in model.training_state.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            state |= {f"{player}/{index}/{name}": value.clone() for name, value in values.items()}
    return state


def assert_same(a, b):
    a, b = everything(a), everything(b)
    assert a.keys() == b.keys()
    different = [name for name in a if not torch.equal(a[name], b[name])]
    assert not different, different


class Stub(nn.Module):
    """One weight; ``losses`` gives the loss of each step. Its gradient is 1, so Adam lowers the weight by 1e-3 a step."""

    def __init__(self, losses=(), decay=0.0):
        super().__init__()
        self.weight, self.losses, self.decay, self.calls = nn.Parameter(torch.tensor([1.0])), list(losses), decay, 0

    def loss(self, x):
        value = self.losses[self.calls] if self.calls < len(self.losses) else 1.0
        self.calls += 1
        loss = (self.weight - self.weight.detach()).sum() + value
        return loss, {"made_up": loss}


class Noisy(nn.Module):
    """Its loss draws noise, from the generator that it is given."""

    def __init__(self):
        super().__init__()
        self.weight, self.seen = nn.Parameter(torch.zeros(4)), []

    def players(self):
        return [Player("noisy", [Group([self.weight])], self._loss)]

    def _loss(self, x, generator):
        noise = torch.randn(4, generator=generator)
        self.seen.append(noise)
        loss = (self.weight - noise).square().mean() + 0 * x.mean()
        return loss, {"noise": loss}


class Game(nn.Module):
    """Two opponents with one weight each; the second moves at every third tick."""

    def __init__(self, poison: int | None = None):
        super().__init__()
        self.critic, self.generator = nn.Parameter(torch.tensor([1.0])), nn.Parameter(torch.tensor([1.0]))
        self.moves: list[str] = []
        self.poison = poison

    def players(self):
        return [
            Player("critic", [Group([self.critic], betas=(0.0, 0.9))], self._critic),
            Player("generator", [Group([self.generator])], self._generator, every=3),
        ]

    def _critic(self, x, generator):
        self.moves.append("c")
        loss = (self.critic * self.generator).sum()  # leaves a gradient with the opponent too
        return loss, {"score": loss}

    def _generator(self, x, generator):
        self.moves.append("g")
        loss = -(self.critic * self.generator).sum()
        if self.poison is not None and len(self.moves) > self.poison:
            loss = loss * math.nan
        return loss, {"trick": loss}


# --- it is deterministic, and it goes on bit for bit


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    runs = {}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        torch.rand(7)
        runs[name] = model = small()
        history = train(model, 9, seed=seed)
        runs[name + " history"] = history
    assert_same(runs["first"], runs["again"])
    assert runs["first history"].terms == runs["again history"].terms
    assert not torch.equal(runs["first"].decoder.out.weight, runs["other"].decoder.out.weight)


@pytest.mark.parametrize("parts", [(5, 13), (2, 4, 13), (1, 2, 3, 13)], ids=str)
def test_going_on_equals_never_having_stopped(parts):
    """Two steps are an epoch: stops fall within epochs and between them."""
    whole, pieces = small(), small()
    once = train(whole, 13)
    for steps in parts:
        history = train(pieces, steps)
        assert history.stopped == "finished"
    assert_same(whole, pieces)
    assert history.steps == once.steps == list(range(1, 14))
    assert history.terms == once.terms


def test_going_on_into_the_settling_phase_equals_never_having_stopped():
    whole, pieces = small(), small()
    train(whole, 13, settle=4)
    train(pieces, 11, settle=0, watch=interrupt_at(9))  # no settling phase reached yet
    train(pieces, 13, settle=4)
    train(other := small(), 13)
    assert_same(whole, pieces)
    assert not torch.equal(whole.decoder.out.weight, other.decoder.out.weight)


def test_a_finished_model_returns_at_once_and_says_so():
    model = small()
    train(model, 5)
    before, calls = everything(model), []
    history = train(model, 5, watch=lambda *_: calls.append(1))
    assert history.stopped == "already finished"
    assert history.steps == [1, 2, 3, 4, 5]
    assert calls == []
    after = everything(model)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert train(model, 3).stopped == "already finished"


def test_no_steps_change_nothing():
    model = small()
    before = copy.deepcopy(model.state_dict())
    history = train(model, 0)
    assert (history.steps, history.terms) == ([], {})
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert train(model, 2, seed=9).stopped == "finished", "a model without a step is bound to no seed"


def test_another_seed_halfway_is_refused_and_nothing_is_changed():
    model = small()
    train(model, 3, seed=4)
    before = everything(model)
    with pytest.raises(ValueError, match="trained for 3 steps with seed 4, and seed is 5 now; pass seed=4 to go on"):
        train(model, 6, seed=5)
    after = everything(model)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not model.training
    assert train(model, 6, seed=4).steps[-1] == 6


def test_seconds_add_up_over_calls():
    model = small()
    first = train(model, 3).seconds
    assert 0 < first < train(model, 6).seconds


def test_the_returned_history_is_not_changed_by_going_on():
    model = small()
    history = train(model, 3)
    train(model, 6)
    assert history.steps == [1, 2, 3]


# --- batches


class Rows(Stub):
    """Remembers which rows it was given."""

    def __init__(self):
        super().__init__()
        self.batches: list[list[int]] = []

    def make_batch(self, data, rows, generator):
        self.batches.append(rows.tolist())
        self.draw = torch.rand(1, generator=generator).item()
        return data.batch(rows, "cpu")


def test_an_epoch_shows_no_row_twice_and_the_next_is_shuffled_anew():
    model = Rows()
    train(model, 4)
    first, second = ([*model.batches[i], *model.batches[i + 1]] for i in (0, 2))
    assert len(set(first)) == len(set(second)) == 16
    assert first != second
    assert set(first) | set(second) <= set(range(21))


def test_batches_larger_than_the_data_are_all_of_the_data():
    model = Rows()
    train(model, 3, batch_size=500)
    assert [sorted(rows) for rows in model.batches] == [list(range(21))] * 3


def test_what_make_batch_returns_is_what_the_loss_gets():
    class Pairs(Rows):
        def make_batch(self, data, rows, generator):
            return data.batch(rows, "cpu"), data.batch(rows.roll(1), "cpu")

        def loss(self, batch):
            a, b = batch
            assert torch.equal(a.roll(1, 0), b)
            return super().loss(a)

    model = Pairs()
    train(model, 2)
    assert model.calls == 2


def test_make_batch_draws_are_a_function_of_seed_and_step():
    draws = []
    for parts in ((3,), (1, 3)):
        model = Rows()
        for steps in parts:
            train(model, steps, seed=5)
        draws.append((model.draw, model.batches))
    assert draws[0] == draws[1]


def test_images_reach_the_loss_as_x_between_0_and_1():
    class Looks(Stub):
        def loss(self, x):
            self.x = x
            return super().loss(x)

    model = Looks()
    train(model, 1, batch_size=21)
    by_value = sorted(model.x.flatten(1).mul(255).round().int().tolist())
    assert by_value == sorted(IMAGES.reshape(21, -1).tolist())


class SetsAside(Rows):
    """Keeps five rows of an epoch, and remembers its weight when one began: as a prior that is updated then."""

    def __init__(self):
        super().__init__()
        self.register_buffer("prior", torch.zeros(1))
        self.epochs: list[list[int]] = []

    def before_epoch(self, data, generator):
        kept = torch.randperm(len(data), generator=generator)[:9]
        self.epochs.append(sorted(kept.tolist()))
        self.prior = self.weight.detach().clone()
        return kept


def test_before_epoch_is_called_once_an_epoch_and_its_rows_are_the_ones_shown():
    model = SetsAside()
    train(model, 6, batch_size=3)  # nine rows: three steps an epoch
    assert len(model.epochs) == 2
    for epoch, kept in enumerate(model.epochs):
        shown = [row for rows in model.batches[3 * epoch : 3 * epoch + 3] for row in rows]
        assert sorted(shown) == kept
    assert model.epochs[0] != model.epochs[1]


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_going_on_within_an_epoch_does_not_begin_it_again(stop):
    whole, pieces = SetsAside(), SetsAside()
    train(whole, 8, batch_size=3)
    train(pieces, stop, batch_size=3)
    train(pieces, 8, batch_size=3)
    assert pieces.epochs == whole.epochs
    assert pieces.batches == whole.batches
    assert torch.equal(pieces.prior, whole.prior)


# --- interrupts


def interrupt_at(step):
    """A ``watch`` that presses Ctrl-C once, after a step."""

    def watch(model, history):
        if history.steps[-1] == step:
            os.kill(os.getpid(), signal.SIGINT)

    return watch


@pytest.fixture
def handler():
    """Fails where the handler of interrupts is not the one from before."""
    before = signal.getsignal(signal.SIGINT)
    yield before
    found = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)
    assert found is before


def test_an_interrupt_ends_between_steps_and_going_on_equals_the_whole_run(handler):
    whole, pieces = small(), small()
    train(whole, 13)
    history = train(pieces, 13, watch=interrupt_at(6))
    assert history.stopped == "interrupted"
    assert history.steps[-1] == pieces.training_state.step == 6
    assert not pieces.training
    assert train(pieces, 13).stopped == "finished"
    assert_same(whole, pieces)


@pytest.mark.parametrize("within", ["forward", "backward"])
def test_an_interrupt_within_a_step_waits_for_its_end(within, handler):
    """Every parameter has then taken equally many optimizer steps."""
    whole, pieces = small(), small()
    train(whole, 9)
    calls, loss = [], pieces.loss

    def interrupted(x, generator):
        total, terms = loss(x, generator)
        calls.append(1)
        if len(calls) == 4 and within == "forward":
            os.kill(os.getpid(), signal.SIGINT)
        if len(calls) == 4 and within == "backward":
            total.register_hook(lambda gradient: os.kill(os.getpid(), signal.SIGINT))
        return total, terms

    pieces.loss = interrupted
    assert train(pieces, 9).stopped == "interrupted"
    optimizer = pieces.training_state.optimizers["autoencoder"]
    assert {int(values["step"]) for values in optimizer.state.values()} == {4}
    assert len(optimizer.state) == len(list(pieces.parameters()))
    assert train(pieces, 9).stopped == "finished"
    assert_same(whole, pieces)


def test_a_second_interrupt_gives_up_at_once(handler):
    model = small()

    def watch(model, history):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(model, 5, watch=watch)
    assert not model.training
    assert model.training_state.history.stopped == "interrupted"


def test_an_interrupt_after_the_last_step_is_too_late_to_stop_anything(handler):
    assert train(small(), 5, watch=interrupt_at(5)).stopped == "finished"


def test_fit_works_off_the_main_thread():
    whole, threaded, found = small(), small(), []
    train(whole, 5)
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: found.append(train(threaded, 5)))
    thread.start()
    thread.join()
    assert found[0].stopped == "finished"
    assert_same(whole, threaded)
    assert signal.getsignal(signal.SIGINT) is before


# --- what is not finite


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_step_and_names_the_term(value, handler):
    model = Stub([1.0, 1.0, value])
    saved = []
    with pytest.raises(NonFiniteError, match=rf"'made_up' became {value} at step 2.*lower the learning rate.*rows \d"):
        train(model, 5, watch=lambda m, h: saved.append(everything(m)))
    after = everything(model)
    assert saved[-1].keys() == after.keys()
    assert all(torch.equal(saved[-1][name], after[name]) for name in after)
    assert model.training_state.step == 2
    assert model.training_state.history.stopped == "interrupted"
    assert not model.training
    assert train(model, 5).stopped == "finished", "the next loss is finite, so going on must work"


def test_a_gradient_that_is_not_finite_stops_before_the_step():
    class Steep(Stub):
        def loss(self, x):
            loss, terms = super().loss(x)
            if self.calls == 3:
                loss = loss + (self.weight - self.weight.detach()).sqrt().sum()  # 0, with a slope without bound
            return loss, terms

    model, saved = Steep(), []
    with pytest.raises(NonFiniteError, match="'gradient' became inf at step 2"):
        train(model, 5, watch=lambda m, h: saved.append(everything(m)))
    after = everything(model)
    assert all(torch.equal(saved[-1][name], after[name]) for name in after)


def test_in_a_game_the_error_names_the_player():
    model = Game(poison=3)
    with pytest.raises(NonFiniteError, match="'generator trick' became nan at step 3"):
        train(model, 9)


# --- games


def test_players_move_when_they_should():
    model = Game()
    train(model, 7)
    assert "".join(model.moves) == "cgcccgcccg"


def test_players_move_their_own_weights_only():
    """By hand: at constant gradients Adam moves by its learning rate; the critic's gradient is the other's weight."""
    model = Game()
    seen = []
    train(model, 4, watch=lambda m, h: seen.append((m.critic.item(), m.generator.item())))
    critics, generators = np.transpose(seen)  # after three and after four ticks
    assert generators == pytest.approx([1 + 1e-3, 1 + 2e-3], abs=1e-5)
    assert critics == pytest.approx([1 - 3e-3, 1 - 4e-3], abs=1e-5)
    steps = {name: int(o.state_dict()["state"][0]["step"]) for name, o in model.training_state.optimizers.items()}
    assert steps == {"critic": 4, "generator": 2}


def test_a_game_goes_on_bit_for_bit():
    whole, pieces = Game(), Game()
    train(whole, 11)
    for steps in (4, 5, 11):
        train(pieces, steps)
    assert_same(whole, pieces)
    assert pieces.moves == whole.moves


def test_every_term_of_a_game_is_as_long_as_its_steps():
    """Entries span the slowest player's turn; what has not moved since keeps its last value."""
    history = train(Game(), 8)
    assert history.steps == [3, 6, 8]
    assert {len(values) for values in history.terms.values()} == {3}
    assert set(history.terms) == {
        *("critic total", "critic score", "critic gradient_norm"),
        *("generator total", "generator trick", "generator gradient_norm"),
    }
    assert all(math.isfinite(v) for values in history.terms.values() for v in values)


def test_noise_comes_from_the_generator_and_is_a_function_of_seed_and_step():
    whole, pieces, other = Noisy(), Noisy(), Noisy()
    train(whole, 6)
    train(pieces, 2)
    torch.rand(9)
    train(pieces, 6)
    train(other, 6, seed=1)
    assert torch.equal(torch.stack(whole.seen), torch.stack(pieces.seen))
    assert not torch.equal(torch.stack(whole.seen), torch.stack(other.seen))
    assert len(torch.stack(whole.seen).unique(dim=0)) == 6
    assert_same(whole, pieces)


# --- the optimizer


class OneGroup(nn.Module):
    """One parameter in one group; ``gradient`` is its constant gradient."""

    def __init__(self, start, gradient, **group):
        super().__init__()
        self.weight, self.gradient, self.group = nn.Parameter(torch.tensor(start)), torch.tensor(gradient), group
        self.recipe = Recipe(steps=1, batch_size=4)

    def players(self):
        return [Player("one", [Group([self.weight], **self.group)], self._loss)]

    def _loss(self, x, generator):
        loss = (self.weight * self.gradient).sum()
        return loss, {"pull": loss}


def learning_rates(model, steps, **options) -> list[float]:
    found: list[float] = []
    name = model.players()[0].name
    train(
        model,
        steps,
        watch=lambda m, h: found.append(m.training_state.optimizers[name].param_groups[0]["lr"]),
        **options,
    )
    return found


def test_weight_decay_is_decoupled_by_closed_form():
    """Without a gradient a weight shrinks by 1 - lr * decay a step; coupled decay would move it by lr."""
    model = OneGroup([2.0, -3.0], [0.0, 0.0], learning_rate=0.01, weight_decay=0.5)
    train(model, 3)
    torch.testing.assert_close(model.weight.detach(), torch.tensor([2.0, -3.0]) * (1 - 0.01 * 0.5) ** 3)


def test_gradients_are_clipped_element_by_element():
    """The first moment after one step is a tenth of the gradient that Adam saw."""
    model = OneGroup([1.0, 1.0, 1.0], [100.0, -0.3, -7.0], clip=1.0)
    history = train(model, 1)
    moment = model.training_state.optimizers["one"].state[model.weight]["exp_avg"]
    torch.testing.assert_close(moment, 0.1 * torch.tensor([1.0, -0.3, -1.0]))
    assert history.terms["gradient_norm"] == [pytest.approx(math.sqrt(100**2 + 0.3**2 + 7**2))]


def test_without_a_clip_the_gradient_is_left_alone():
    model = OneGroup([1.0], [100.0])
    train(model, 1)
    assert model.training_state.optimizers["one"].state[model.weight]["exp_avg"].item() == pytest.approx(10.0)


def test_adam_by_hand():
    """A constant gradient moves a weight by the learning rate a step, whatever its size."""
    model = OneGroup([1.0, 1.0], [50.0, -0.01], learning_rate=0.02)
    train(model, 5)
    torch.testing.assert_close(model.weight.detach(), torch.tensor([0.9, 1.1]), atol=1e-5, rtol=0)


def test_settling_lowers_the_learning_rate_to_a_tenth_for_exactly_those_steps():
    found = learning_rates(OneGroup([1.0], [1.0], learning_rate=0.01), 6, settle=2)
    assert found == pytest.approx([0.01] * 4 + [0.001] * 2)


def test_a_schedule_multiplies_every_learning_rate_by_closed_form():
    model = OneGroup([1.0], [1.0], learning_rate=0.01)
    model.recipe = Recipe(steps=4, batch_size=4, schedule=cosine)
    expected = [0.01, 0.01 * (1 + math.sqrt(0.5)) / 2, 0.005, 0.01 * (1 - math.sqrt(0.5)) / 2]
    assert learning_rates(model, None) == pytest.approx(expected)


def test_a_learning_rate_changed_between_two_calls_counts():
    model = OneGroup([1.0], [1.0], learning_rate=0.01)
    train(model, 2)
    model.group["learning_rate"] = 0.5
    assert learning_rates(model, 3) == [0.5]


def test_freezing_weights_halfway_is_refused_in_a_sentence():
    model = small()
    train(model, 3)
    model.encoder.requires_grad_(False)
    with pytest.raises(ValueError, match=r"'autoencoder' was trained with other parameters.*training_state = None"):
        train(model, 6)
    model.training_state = None
    assert train(model, 6).stopped == "finished"


def test_a_model_with_nothing_to_train_is_refused():
    model = small().requires_grad_(False)
    model.players = lambda: [Player("frozen", [], lambda *_: None)]
    with pytest.raises(ValueError, match="player 'frozen' has no parameter that requires a gradient"):
        train(model, 2)


def test_groups_are_told_apart_by_the_last_part_of_the_name():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias_net, self.codebook = nn.Linear(2, 2), nn.Parameter(torch.zeros(2))
            self.frozen = nn.Parameter(torch.zeros(1), requires_grad=False)

    module = Named()
    decayed, free = weights_and_biases(module, learning_rate=0.1, weight_decay=0.2)
    assert [id(p) for p in decayed.parameters] == [id(module.bias_net.weight)]
    assert {id(p) for p in free.parameters} == {id(module.bias_net.bias), id(module.codebook)}
    assert (decayed.weight_decay, decayed.clip, free.weight_decay, free.clip) == (0.2, 1.0, 0.0, None)


# --- keeping the best


def test_keep_best_ends_with_the_weights_of_the_lowest_loss():
    model = Stub([5.0, 3.0, 1.0, 4.0, 6.0])
    train(model, 5, keep_best=True)
    assert model.weight.item() == pytest.approx(1 - 3e-3, abs=1e-6)
    train(last := Stub([5.0, 3.0, 1.0, 4.0, 6.0]), 5)
    assert last.weight.item() == pytest.approx(1 - 5e-3, abs=1e-6)


def test_keep_best_across_an_interrupt_equals_the_whole_run(handler):
    """An interrupted run keeps its last weights, or it could not go on from where it was."""
    losses = [5.0, 1.0, 3.0, 4.0, 2.0]
    model = Stub(losses)
    train(model, 5, keep_best=True, watch=interrupt_at(3))
    assert model.weight.item() == pytest.approx(1 - 3e-3, abs=1e-6)
    train(model, 5, keep_best=True)
    assert model.weight.item() == pytest.approx(1 - 2e-3, abs=1e-6)


def test_keep_best_has_no_meaning_in_a_game():
    with pytest.raises(ValueError, match="keep_best needs one loss, this model is a game of 2 players"):
        train(Game(), 3, keep_best=True)


# --- manners


def test_fit_leaves_the_global_random_states_of_torch_and_numpy_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    train(small(), 5)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()


def test_threads_are_the_recipes_while_it_runs_and_then_as_before():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = []
        train(small(), 2, watch=lambda *_: found.append(torch.get_num_threads()))
        assert (found, torch.get_num_threads()) == ([1, 1], 2)
        with pytest.raises(NonFiniteError):
            train(Stub([math.nan]), 1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_the_model_trains_in_training_mode_and_is_left_ready_for_use():
    model, modes = Stub(), []
    model.eval()
    train(model, 2, watch=lambda m, h: modes.append(m.training))
    assert modes == [True, True]
    assert not model.training


def test_a_watch_that_fails_is_the_callers_error_and_the_model_goes_on():
    whole, pieces = small(), small()
    train(whole, 6)

    def broken(model, history):
        if history.steps[-1] == 3:
            raise RuntimeError("picture")

    with pytest.raises(RuntimeError, match="picture"):
        train(pieces, 6, watch=broken)
    assert not pieces.training
    train(pieces, 6)
    assert_same(whole, pieces)


def test_watch_sees_the_model_and_about_400_entries_of_a_long_run():
    model, seen = Stub(), []
    history = train(model, 1_000, watch=lambda m, h: seen.append((m is model, h.steps[-1])))
    assert all(same for same, _ in seen)
    assert [step for _, step in seen] == history.steps == list(range(2, 1_001, 2))


def test_entries_are_means_over_the_steps_between_them():
    losses = [float(i % 7) for i in range(801)]
    history = train(Stub(losses), 801)
    assert history.steps[:2] == [2, 4]
    assert history.terms["total"][:3] == pytest.approx([0.5, 2.5, 4.5])
    assert (history.steps[-1], history.terms["total"][-1]) == (801, pytest.approx(losses[800]))


def test_nothing_is_printed_without_a_progress_bar_and_it_goes_to_stderr(capsys):
    train(small(), 2)
    assert capsys.readouterr() == ("", "")
    train(small(), 2, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err


def test_a_term_that_is_missing_keeps_its_last_value_and_a_new_one_begins_as_unknown():
    history = History()
    for step, terms in ((2, {"a": 1.0}), (4, {"a": 2.0, "b": 5.0}), (5, {"b": 6.0})):
        history.add(step, terms)
    assert history.steps == [2, 4, 5]
    assert history.terms["a"] == [1.0, 2.0, 2.0]
    assert math.isnan(history.terms["b"][0])
    assert history.terms["b"][1:] == [5.0, 6.0]


def test_a_history_says_what_happened():
    text = repr(train(Stub([2.0, 0.5]), 2))
    assert text.startswith("History(2 steps in 0 s, finished; total 0.5, made_up 0.5")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"steps": -1}, "steps is -1"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"batch_size": -3}, "batch_size -3"),
        ({"settle": 6}, "settle 6"),
        ({"settle": -1}, "settle -1"),
    ],
)
def test_impossible_settings_are_explained(options, found):
    with pytest.raises(ValueError, match=f"{found}.*expected steps of at least 0"):
        train(small(), **{"steps": 5} | options)


def test_images_of_another_shape_are_refused_before_anything_happens():
    model = qlae((3, 6, 6), 3, width=8)
    with pytest.raises(ValueError, match=r"images of shape \(1, 6, 6\), the model was built for \(3, 6, 6\)"):
        train(model, 5)
    assert getattr(model, "training_state", None) is None


def test_the_recipe_of_the_model_is_used_unless_told_otherwise():
    model = Rows()
    model.recipe = Recipe(steps=3, batch_size=5)
    assert train(model, None, batch_size=None).steps == [1, 2, 3]
    assert [len(rows) for rows in model.batches] == [5, 5, 5]


# --- it learns


def blocks(size: int) -> np.ndarray:
    """Sixteen images: a bright block at one of 4 x 4 places."""
    side = size // 4
    images = np.full((16, 1, size, size), 30, np.uint8)
    for i in range(16):
        row, column = divmod(i, 4)
        images[i, 0, row * side : (row + 1) * side, column * side : (column + 1) * side] = 220
    return images


def test_three_hundred_steps_on_an_array_of_images_lower_the_loss():
    """Towards the entropy of the grey values, which no loss can go below."""
    model = autoencoder((1, 8, 8), 4, width=32)
    history = train(model, 300, blocks(8), batch_size=16)
    entropy = np.mean([-(p * math.log(p) + (1 - p) * math.log(1 - p)) for p in blocks(8).reshape(-1) / 255])
    first, last = history.terms["total"][0] - entropy, history.terms["total"][-1] - entropy
    assert 0 < last < 0.1 * first


def test_sharpening_learns_larger_pictures_of_the_same_codes():
    small_data, large_data = from_arrays(blocks(8)), from_arrays(blocks(16))
    model = autoencoder((1, 8, 8), 4, width=32)
    train(model, 300, small_data, batch_size=16)
    before = everything(model)
    sharp = sharpen(model, large_data, size=16, steps=200, progress=False, device="cpu")
    assert all(torch.equal(before[name], value) for name, value in everything(model).items())
    x = large_data.batch(np.arange(16))
    with torch.no_grad():
        torch.testing.assert_close(sharp.encode(x), model.encode(small_data.batch(np.arange(16))))
        assert (sharp.decode(sharp.encode(x)) - x).abs().mean() < 0.05
    assert sharp.training_state.step == 200
