"""Samplers made of arrays keep what is fixed, and say what they cannot draw."""

from itertools import product

import numpy as np
import pytest

from dlq.metrics import betavae_score, factorvae_score, sampler_from_arrays

FACTORS = np.array([pair for pair in product(range(3), range(2)) if pair != (2, 1)])
LATENTS = FACTORS @ [[10.0], [1.0]]  # the tens are the first factor, the ones the second


def drawn(fixed, n=200):
    return set(sampler_from_arrays(FACTORS, LATENTS)(fixed, n, np.random.default_rng(0))[:, 0])


def test_rows_are_drawn_among_those_that_fit():
    assert drawn({}) == {0, 1, 10, 11, 20}
    assert drawn({0: 1}) == {10, 11}
    assert drawn({1: 1}) == {1, 11}
    assert drawn({0: 1, 1: 0}) == {10}


def test_what_no_row_shows_is_said():
    with pytest.raises(ValueError, match=r"no row has the factors \{0: 2, 1: 1\}; give sample= that encodes"):
        drawn({0: 2, 1: 1})
    with pytest.raises(ValueError, match="there is no factor 2, they are numbered 0 to 1"):
        drawn({2: 0})


def test_the_generator_decides_what_is_drawn():
    sample = sampler_from_arrays(FACTORS, LATENTS)
    first, again, other = (sample({}, 50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("metric", [factorvae_score, betavae_score])
def test_answers_of_a_sampler_are_checked(metric):
    with pytest.raises(ValueError, match=r"sample returned shape \(\d+, 2\), expected \(\d+, 1\)"):
        metric(FACTORS, LATENTS, sample=lambda fixed, n, rng: np.zeros((n, 2)))
    with pytest.raises(ValueError, match=r"sample returned NaN or infinite latents with .* fixed"):
        metric(FACTORS, LATENTS, sample=lambda fixed, n, rng: np.full((n, 1), np.nan))


@pytest.mark.parametrize("metric", [factorvae_score, betavae_score])
def test_a_sampler_is_asked_for_one_fixed_factor_at_a_time_and_named(metric):
    asked = []

    def encoder(fixed, n, rng):
        asked.append(tuple(fixed.items()))
        return rng.normal(size=(n, 1))

    found = metric(FACTORS, LATENTS, sample=encoder)
    assert set(asked) == {((0, 0),), ((0, 1),), ((0, 2),), ((1, 0),), ((1, 1),)}
    assert found.sampler == "encoder"


@pytest.mark.parametrize("metric", [factorvae_score, betavae_score])
def test_values_of_one_row_are_not_fixed_unless_a_sampler_is_given(metric):
    found = metric(FACTORS, LATENTS)  # value 2 of factor 0 has one row
    assert found.sampler == "resampled from the given rows"
    assert found.notes == ("values that only one row has are not fixed (1 of factor 0); give sample= or more rows",)
