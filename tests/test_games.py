"""The recipes of the generators that come with dlq: each leaves a small model with a card that tells the truth."""

import numpy as np
import pytest

import dlq
from dlq.checkpoints import card, load
from dlq.cli import games, main


@pytest.fixture
def quick(monkeypatch, tmp_path):
    for name in ("JUDGE_STEPS", "INFOGAN_STEPS", "WGAN_STEPS"):
        monkeypatch.setattr(games, name, 3)
    monkeypatch.setattr(games, "NUM_DRAWN", 60)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reproduced(name, folder):
    assert main(["reproduce", name, "--no-progress"]) == 0
    assert sum(path.stat().st_size for path in (folder / name).iterdir()) < 2_000_000
    assert card(folder / name)["command"] == f"dlq reproduce {name}"
    return load(folder / name), card(folder / name)["scores"]


def test_the_judge_is_scored_on_digits_that_it_was_not_trained_on(quick, capsys):
    model, scores = reproduced("digits-judge", quick)
    _, test = dlq.datasets.digits().split(0.8, 0.2, seed=games.SEED)
    assert scores["num_held_out"] == len(test) == 1_000
    assert scores["accuracy_held_out"] == (games.classes(model, test.images[:]) == test.factors[:, 0]).mean()
    assert "accuracy held out" in capsys.readouterr().out


def test_infogan_is_scored_by_the_judge_and_by_its_own_reader(quick):
    model, scores = reproduced("infogan-digits", quick)
    codes = dlq.encode(model, dlq.datasets.digits())[:, 0].astype(np.int64)
    labels = dlq.datasets.digits().factors[:, 0]
    assert scores["match_real"] == dlq.metrics.match_codes(labels, codes).accuracy
    assert 0.1 <= scores["match_generated"] <= 1


@pytest.mark.parametrize("name", ["info-wgan-rooms", "ql-info-wgan-rooms"])
def test_the_two_codes_are_trained_alike(quick, name):
    model, scores = reproduced(name, quick)
    assert (model.codebook is None) == (name == "info-wgan-rooms")
    data = dlq.datasets.rooms(16, tuple(games.ROOMS["sizes"]))
    assert scores["modularity"] == pytest.approx(dlq.evaluate(model, data).infomec.modularity, abs=1e-6)


def test_the_shipped_judge_knows_digits_that_it_has_not_seen():
    judge = dlq.load("digits-judge")
    _, test = dlq.datasets.digits().split(0.8, 0.2, seed=games.SEED)
    right = (games.classes(judge, test.images[:]) == test.factors[:, 0]).mean()
    assert right == pytest.approx(card("digits-judge")["scores"]["accuracy_held_out"], abs=0.002)
    assert right > 0.96


def test_the_shipped_generator_draws_the_digit_that_its_category_names():
    scores = games.category_scores(dlq.load("infogan-digits"), dlq.datasets.digits())
    assert scores["match_generated"] == pytest.approx(card("infogan-digits")["scores"]["match_generated"], abs=0.005)
    assert scores["match_generated"] > 0.95
    assert scores["digits_drawn"] == 10


@pytest.mark.parametrize("name", ["info-wgan-rooms", "ql-info-wgan-rooms"])
def test_the_shipped_generators_of_rooms_score_what_their_cards_say(name):
    found = dlq.evaluate(dlq.load(name), dlq.datasets.rooms(16, tuple(games.ROOMS["sizes"])))
    assert found.infomec.modularity == pytest.approx(card(name)["scores"]["modularity"], abs=0.02)
    assert found.infomec.explicitness > 0.97
