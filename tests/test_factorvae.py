"""The FactorVAE score: votes by hand, and the faults of common code that must not come back."""

from itertools import product

import numpy as np
import pytest

from dlq.metrics import factorvae_score, range_positive, sampler_from_arrays, std_at_least

SQUARE = np.tile(np.array(list(product(range(2), range(2)))), (5, 1))
FEW = {"num_votes": (300, 200)}


def test_two_by_two_by_hand():
    found = factorvae_score(SQUARE, SQUARE, **FEW)
    assert found.score == found.train_score == 1
    assert found.votes.sum() == 300
    assert found.votes[0, 1] == found.votes[1, 0] == 0
    np.testing.assert_array_equal(found.factor_of, [0, 1])
    assert found.chance == 0.5
    assert repr(found) == "FactorVAEScore(score=1.00, chance=0.50)"


def test_votes_name_latents_and_not_places_among_those_kept():
    latents = np.column_stack([np.full(20, 3.0), SQUARE[:, 1], 0.001 * SQUARE[:, 0], SQUARE[:, 0]])
    found = factorvae_score(SQUARE, latents, **FEW)
    np.testing.assert_array_equal(found.factor_of, [-1, 1, -1, 0])
    np.testing.assert_array_equal(found.active, [False, True, False, True])
    assert found.score == 1
    assert found.notes == ("latents 0 are constant and never named", "latents 2 are inactive and never named")


def test_a_constant_latent_is_never_chosen_even_without_pruning():
    latents = np.column_stack([np.full(20, 0.1), SQUARE])
    for rule in (std_at_least(0), lambda latents: np.ones(3, bool)):
        found = factorvae_score(SQUARE, latents, active=rule, **FEW)
        assert found.score == 1
        assert found.votes[:, 0].sum() == 0


def test_two_copies_of_one_factor_are_at_chance():
    # whatever is fixed, the first of two equally calm latents is named, so it votes for the factor that is fixed more often
    found = factorvae_score(SQUARE, SQUARE[:, [0, 0]], num_votes=(2000, 2000))
    assert found.votes[:, 1].sum() == 0
    assert found.score == pytest.approx(0.5, abs=0.04)


def test_pruning_is_in_the_latents_unit():
    small = 0.01 * SQUARE
    found = factorvae_score(SQUARE, small, **FEW)
    assert found.score == 0
    assert found.notes[-1] == "no latent is active by std_at_least(0.05); scale the latents or relax it"
    assert factorvae_score(SQUARE, small, active=range_positive, **FEW).score == 1


def test_std_at_least_by_hand():
    latents = np.array([[0, 0, 1], [2, 0.02, 1]])  # standard deviations sqrt 2, 0.014 and 0
    np.testing.assert_array_equal(std_at_least(0.05)(latents), [True, False, False])
    np.testing.assert_array_equal(std_at_least(0)(latents), [True, True, False])
    with pytest.raises(ValueError, match="smallest standard deviation is -1"):
        std_at_least(-1)


def test_batches_come_from_the_sampler():
    noise = np.random.default_rng(0).normal(size=(20, 2))
    found = factorvae_score(SQUARE, noise, sample=sampler_from_arrays(SQUARE, SQUARE), **FEW)
    assert found.score == 1


def test_variances_are_relative_to_those_of_all_images():
    # z1 moves a thousandth of z0 and has more to do with b than z0 with a
    latents = np.column_stack([1000.0 * SQUARE[:, 0], SQUARE[:, 1]])
    np.testing.assert_array_equal(factorvae_score(SQUARE, latents, **FEW).factor_of, [0, 1])


def test_one_factor_cannot_be_told_from_others():
    found = factorvae_score(SQUARE[:, :1], SQUARE)
    assert np.isnan(found.score)
    assert found.notes == ("the score needs two factors that can be fixed, found 1",)


def test_settings_are_checked_and_seeds_repeat():
    with pytest.raises(ValueError, match="found batch_size 1 and num_votes"):
        factorvae_score(SQUARE, SQUARE, batch_size=1)
    noise = np.random.default_rng(0).normal(size=(20, 2))
    first, again = (factorvae_score(SQUARE, noise, seed=3, **FEW) for _ in range(2))
    np.testing.assert_array_equal(first.votes, again.votes)
