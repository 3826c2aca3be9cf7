import json
import math
import os
import signal
import threading

import numpy as np
import pytest
import torch
from stand_in import Learner

from dlq import History, fit
from dlq.widgets import TrainingView
from dlq.widgets import progress as pr

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 1, 4, 6)).astype(np.uint8)


def train(model, steps=30, **options):
    return fit(model, IMAGES, steps=steps, batch_size=8, device="cpu", progress=False, **options)


def pixels(view, k):
    """Tile k of the strip's atlas, (height, width)."""
    import base64
    import io

    from PIL import Image

    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(view.strip["image"].partition(",")[2]))).convert("L"))
    height, width = view.strip["shape"]
    top, left = k // view.strip["columns"] * height, k % view.strip["columns"] * width
    return sheet[top : top + height, left : left + width]


# Numbers


def test_curves_by_hand():
    found = pr.charts(
        [2, 4, 6], {"total": [4.0, 2.0, 1.0], "off": [0.0] * 3, "critic gradient_norm": [math.nan, 3.0, -1.0]}
    )
    assert found["steps"] == [2, 4, 6]
    loss, norm = found["charts"]
    assert [(line["name"], line["values"], line["drawn"]) for line in loss["lines"]] == [
        ("total", [4, 2, 1], True),
        ("off", [0, 0, 0], False),  # a term that is 0 throughout must not forbid the logarithmic axis
    ]
    assert (loss["low"], loss["high"], loss["log"]) == (1, 4, True)
    assert norm["lines"][0]["values"] == [None, 3, -1]
    assert (norm["title"], norm["low"], norm["log"]) == ("Norm of the gradient", -1, False)
    json.dumps(found, allow_nan=False)


def test_a_long_curve_keeps_its_ends():
    steps = list(range(10, 10_010, 10))
    found = pr.charts(steps, {"total": [float(step) for step in steps]})
    line = found["charts"][0]["lines"][0]["values"]
    assert len(found["steps"]) == len(line) == pr.POINTS
    assert found["steps"] == line
    assert (line[0], line[-1]) == (10, 10_000)


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (0.0007, 0.7, True, [0.001, 0.01, 0.1]),
        (0.4, 2.5, True, [0.5, 1, 2]),
        (3.1, 3.2, True, [3.1, 3.2]),  # no round number between: the ends
        (1e-9, 1e9, True, [1e-9, 1e-5, 1e-1, 1e3, 1e7]),  # at most about six
        (-1, 3, False, [-1, 0, 1, 2, 3]),
        (0, 0.07, False, [0, 0.02, 0.04, 0.06]),
    ],
)
def test_ticks_are_round(low, high, log, expected):
    np.testing.assert_allclose(pr.ticks(low, high, log=log), expected)


def test_a_flat_curve_has_an_axis():
    assert pr.charts([1], {"a": [2.0]})["charts"][0]["low"] == 1
    assert (pr.charts([1], {"a": [0.0]})["charts"][0]["low"], pr.charts([1], {})["charts"]) == (-1, [])


def test_pace_by_hand():
    assert pr.pace([(10.0, 100), (12.0, 150)], 400) == (25, 10)
    assert pr.pace([(10.0, 100), (12.0, 150)], 150) == (25, None)
    assert pr.pace([(10.0, 100)], 400) == (None, None)


def test_the_budget_holds():
    budget = pr.Budget(0.04, 100.0)
    assert budget.allows(100.0, 0)  # the first time, what it takes is not known
    budget.spent = 0.3
    assert not budget.allows(109.9, 0.1)
    assert budget.allows(110.0, 0.1)


def test_picked_levels_have_the_current_one():
    assert pr.picked_levels(3, 1, 7) == [0, 1, 2]
    assert pr.picked_levels(100, 30, 5) == [0, 30, 50, 74, 99]
    assert pr.picked_levels(1, 0, 7) == [0]
    assert pr.shares([[4, 0, 1], [5, 0, 0]]) == [[2, 3], [1, 3]]


# The view of a run


def test_a_watched_run_ends_with_the_weights_of_an_unwatched_one():
    states, streams = [], []
    for watched in (False, True):
        torch.manual_seed(0)
        model = Learner()
        view = TrainingView(IMAGES, every=0)
        view_errors = view.errors
        moving = threading.Event()

        def move(view=view, moving=moving):
            while not moving.wait(0.001):
                view.latent = (view.latent + 1) % 3

        mover = threading.Thread(target=move)
        if watched:
            mover.start()  # as the browser does, from another thread
        train(model, 200, watch=view.watch if watched else None)
        moving.set()
        if watched:
            mover.join()
            assert view.strip
            assert view_errors == []
        states.append(model.state_dict())
        streams.append(torch.get_rng_state())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert torch.equal(*streams)


def test_a_model_that_draws_where_it_encodes_is_not_disturbed():
    class Drawing(Learner):
        def encode(self, x):
            return super().encode(x) + 0 * torch.randn(1)

    streams = []
    for view in (TrainingView(), TrainingView(IMAGES, every=0)):
        torch.manual_seed(0)
        drawn = []
        train(
            Drawing(), watch=lambda m, h, view=view, drawn=drawn: (view.watch(m, h), drawn.append(torch.rand(1).item()))
        )
        assert view.errors == []
        streams.append(drawn)
    assert streams[0] == streams[1]


def test_looking_leaves_the_mode_and_shows_the_snapshot():
    view, modes = TrainingView(IMAGES, names=["red", "green", "blue"]), []
    model = Learner()
    train(model, watch=lambda m, h: (view.watch(m, h), modes.append(m.training)))
    assert all(modes)
    view.to_iframe()  # looks once more, now that the run is over
    strip = view.strip
    z = model.encode(torch.from_numpy(IMAGES).float() / 255)
    assert (pixels(view, 0) == IMAGES[0, 0]).all()
    assert (pixels(view, strip["shown"])[0] == np.repeat(np.rint((z[0].numpy() + 1) / 2 * 255), 2)).all()
    assert strip["used"] == [[len(z[:, i].unique()), 3] for i in range(3)]
    assert (strip["names"], strip["sample"]) == (["red", "green", "blue"], 40)
    view.latent = 2
    move = view.strip["moves"]["2"]
    assert move["values"] == ["-1.00", "0.00", "1.00"]
    assert [pixels(view, move["first"] + k)[0, 4:].tolist() for k in range(3)] == [[0, 0], [128, 128], [255, 255]]
    with pytest.raises(ValueError, match="latent is 3; give a number from 0 to 2"):
        view.latent = 3


def test_the_record_is_that_of_the_history():
    view = TrainingView()
    history = train(Learner(), watch=view.watch)
    view.image()
    progress = view.record["progress"]
    assert (progress["phase"], progress["step"], progress["total"], progress["run"]) == ("finished", 30, 30, 1)
    assert view.record["steps"] == history.steps
    lines = {line["name"]: line["values"] for chart in view.record["charts"] for line in chart["lines"]}
    assert list(lines) == ["total", "reconstruction", "size", "gradient norm"]
    np.testing.assert_allclose(lines["total"], history.terms["total"], rtol=1e-3)


def test_stop_ends_between_two_steps_and_fit_goes_on():
    whole = Learner()
    torch.manual_seed(1)
    train(whole)
    view, model = TrainingView(), Learner()

    def watch(m, h):
        view.watch(m, h)
        if h.steps[-1] == 11:
            view.stop()
            assert view.record["progress"]["phase"] == "stopping"

    torch.manual_seed(1)
    history = train(model, watch=watch)
    assert (history.stopped, history.steps[-1]) == ("interrupted", 11)
    view.image()
    assert view.record["progress"]["phase"] == "interrupted"
    view.stop()  # too late: it must not end the next run
    history = train(model, watch=view.watch)
    assert (history.stopped, history.steps[-1]) == ("finished", 30)
    assert torch.equal(model.shift, whole.shift)


def test_the_button_is_heard_on_any_thread_and_only_by_its_own_run():
    view, model, begun, histories = TrainingView(), Learner(), threading.Event(), []

    def watch(m, h):
        view.watch(m, h)
        begun.set()

    trainer = threading.Thread(target=lambda: histories.append(train(model, 20_000, watch=watch)))
    trainer.start()
    assert begun.wait(100)
    view._handle_custom_msg({"stop": 2}, [])  # of another run
    view._handle_custom_msg({"anything": "else"}, [])
    assert not model.training_state.stop
    view._handle_custom_msg({"stop": 1}, [])
    trainer.join(100)
    assert histories[0].stopped == "interrupted"


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="needs signals")
def test_an_interrupt_shows_as_one():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    view = TrainingView()
    train(Learner(), watch=lambda m, h: (view.watch(m, h), h.steps[-1] == 7 and os.kill(os.getpid(), signal.SIGINT)))
    view.image()
    assert (view.record["progress"]["phase"], view.record["progress"]["step"]) == ("interrupted", 7)


def test_a_picture_that_fails_is_told_and_training_goes_on():
    view = TrainingView(np.zeros((3, 1, 8, 8), np.uint8))  # not the model's shape
    history = train(Learner(), watch=view.watch)
    assert history.stopped == "finished"
    assert "the data have images of shape (1, 8, 8)" in view.problem
    assert len(view.errors) == 1  # said once, not at every look
    assert view.record["progress"]["step"] > 0


def test_a_loop_without_fit_can_be_watched():
    view, model = TrainingView(), Learner().train()
    history = History()
    for step in (1, 2):
        history.add(step, {"total": 1.0 / step})
        view.watch(model, history)
    assert view.record["progress"]["stoppable"] is False
    view.stop()
    model.eval()
    view.image()
    assert view.record["charts"][0]["lines"][0]["values"] == [1, 0.5]


def test_continuous_models_move_within_the_range_of_the_sample():
    view, model = TrainingView(IMAGES), Learner(continuous=True)
    train(model, watch=view.watch)
    view.to_iframe()
    z = model.encode(torch.from_numpy(IMAGES).float() / 255).numpy()
    values = [float(text) for text in view.strip["moves"]["0"]["values"]]
    low, high = np.percentile(z[:, 0], (2, 98))
    assert len(values) == 7
    np.testing.assert_allclose([values[0], values[-1]], [low, high], atol=0.03)
    assert view.strip["used"] == []


def test_the_average_is_what_is_seen(monkeypatch):
    from dlq.recipe import Recipe

    model, seen = Learner(continuous=True), []
    model.recipe = Recipe(steps=30, batch_size=8, ema=0.9)
    view = TrainingView(IMAGES, every=0)
    monkeypatch.setattr(view._film, "take", lambda m: seen.append(m.shift.detach().clone()))
    monkeypatch.setattr(view._film, "strip", lambda latent: {})
    view._film.names = ["a", "b", "c"]
    shifts = []
    train(model, watch=lambda m, h: (view.watch(m, h), shifts.append(m.shift.detach().clone())))
    assert any(torch.equal(seen[0], shift) for shift in shifts)


def test_a_still_picture_says_that_nothing_was_watched_and_then_draws():
    view = TrainingView()
    empty = view.image()
    train(Learner(), watch=view.watch)
    assert view.image().shape[1] > empty.shape[1] - 1
    assert (view.image() != 255).sum() > (empty != 255).sum()
