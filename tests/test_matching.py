"""Codes against classes, on tables small enough to match by eye."""

import itertools

import numpy as np
import pytest

from dlq.metrics import information_bound, match_codes


def test_a_renamed_class_is_matched_in_full():
    classes = np.array([0, 1, 2, 2, 1, 0])
    found = match_codes(classes, np.array([7, 5, 3])[classes])
    assert found.accuracy == found.purity == 1
    assert found.names == {3: 2, 5: 1, 7: 0}


def test_by_hand():
    """Code 0 draws three fours and one nine, code 1 one four and two nines, code 2 a four: 3 + 2 of 8 agree."""
    codes = np.array([0, 0, 0, 0, 1, 1, 1, 2])
    classes = np.array([4, 4, 4, 9, 4, 9, 9, 4])
    found = match_codes(classes, codes)
    assert found.table.tolist() == [[3, 1], [1, 2], [1, 0]]
    assert found.accuracy == 5 / 8
    assert found.purity == 6 / 8
    assert found.names == {0: 4, 1: 9, 2: None}
    assert found.used == 3


def test_the_match_is_the_best_of_all_permutations():
    rng = np.random.default_rng(0)
    classes, codes = rng.integers(4, size=200), rng.integers(4, size=200)
    best = max(np.mean(np.array(order)[codes] == classes) for order in itertools.permutations(range(4)))
    assert match_codes(classes, codes).accuracy == pytest.approx(best)


def test_one_code_for_everything_is_as_good_as_the_largest_class():
    found = match_codes(np.array([0, 0, 0, 1, 2]), np.zeros(5, int))
    assert found.accuracy == found.purity == 3 / 5


@pytest.mark.parametrize(
    ("classes", "codes", "message"),
    [
        (np.zeros((3, 1), int), np.zeros(3, int), r"classes has shape \(3, 1\); give one number an image"),
        (np.zeros(3, int), np.zeros(4, int), "3 rows"),
        (np.zeros(3, int), np.array([0, 0.5, 1]), "codes must be whole numbers, found 0.5"),
    ],
)
def test_bad_input_is_explained(classes, codes, message):
    with pytest.raises(ValueError, match=message):
        match_codes(classes, codes)


def test_the_bound_is_log_k_at_best_and_nothing_for_a_reader_that_guesses():
    assert information_bound(0.0, 10) == pytest.approx(np.log(10))
    assert information_bound(np.log(10), 10) == pytest.approx(0)
    with pytest.raises(ValueError, match="num_values is 1"):
        information_bound(0.0, 1)


def test_the_bound_holds_and_is_tight_for_the_true_posterior():
    """Two codes, an image that is the code flipped with probability 0.1: I = log 2 - H(0.1)."""
    entropy = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
    exact = np.log(2) - entropy
    assert information_bound(entropy, 2) == pytest.approx(exact)
    overconfident = -(0.9 * np.log(0.99) + 0.1 * np.log(0.01))
    assert information_bound(overconfident, 2) < exact
