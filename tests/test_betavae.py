"""The beta-VAE score: differences by hand, and why a high score says little."""

from itertools import product

import numpy as np
import pytest

from dlq.metrics import betavae_score, sampler_from_arrays

SQUARE = np.tile(np.array(list(product(range(2), range(2)))), (5, 1))
FEW = {"num_points": (400, 300)}


def test_two_by_two_by_hand():
    # pairs that share a do not differ in z0 = a, and differ by 1 in z1 = b half of the time
    found = betavae_score(SQUARE, SQUARE, **FEW)
    np.testing.assert_array_equal(np.diag(found.differences), [0, 0])
    np.testing.assert_allclose(found.differences[[0, 1], [1, 0]], 0.5, atol=0.01)
    assert found.score == 1
    assert (found.num_train, found.num_test, found.chance) == (400, 300, 0.5)
    assert repr(found) == "BetaVAEScore(score=1.00, chance=0.50)"


def test_pairs_of_a_point_have_values_of_their_own():
    # with one pair a point, differences are 0 or 1, each half of the time
    found = betavae_score(SQUARE, SQUARE, num_pairs=1, num_points=(4000, 100))
    assert found.differences[0, 1] == pytest.approx(0.5, abs=0.03)
    assert found.score == pytest.approx(0.75, abs=0.1)  # (0, 0) is either factor; (0, 1) and (1, 0) are told apart


def test_rotated_latents_get_one_too():
    mixed = SQUARE @ [[0.8, -0.6], [0.9, 0.45]]
    assert betavae_score(SQUARE, mixed, **FEW).score > 0.95


def test_pairs_come_from_the_sampler():
    noise = np.random.default_rng(0).normal(size=(20, 2))
    assert betavae_score(SQUARE, noise, sample=sampler_from_arrays(SQUARE, SQUARE), **FEW).score == 1


def test_settings_are_checked_and_seeds_repeat():
    with pytest.raises(ValueError, match="found num_pairs 0 and num_points"):
        betavae_score(SQUARE, SQUARE, num_pairs=0)
    noise = np.random.default_rng(0).normal(size=(20, 2))
    first, again = (betavae_score(SQUARE, noise, seed=3, **FEW) for _ in range(2))
    assert first.score == again.score
    np.testing.assert_array_equal(first.differences, again.differences)
