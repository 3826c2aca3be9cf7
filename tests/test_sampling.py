"""Laws of rows drawn by their factors: what is fixed stays, what varies varies, what is tied is tied as said."""

import numpy as np
import pytest
import torch

from dlq.datasets import DataError, from_arrays, sprites
from dlq.datasets.sampling import latent_sampler, sample_correlated, sample_fixed, sample_pairs

SIZES = (3, 2, 4, 4, 1)
GRID = sprites(16, SIZES)
NAMES = GRID.factor_names


def shuffled(keep=slice(None)):
    """The same images and factors, not in grid order, and maybe some of them."""
    rows = np.random.default_rng(0).permutation(len(GRID))[keep]
    data = from_arrays(GRID.images[rows], GRID.factors[rows], NAMES)
    assert not data.is_grid
    return data


BOTH = pytest.mark.parametrize("data", [GRID, shuffled(), shuffled(slice(80))], ids=["grid", "shuffled", "some"])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@BOTH
@pytest.mark.parametrize("factor", range(4))
def test_the_fixed_factor_is_constant_and_the_others_take_every_value(data, factor):
    rows = sample_fixed(data, factor, 400, seeded())
    found = [set(column) for column in data.factors[rows].T]
    assert len(found[factor]) == 1
    is_there = data.factors[:, factor] == next(iter(found[factor]))
    for other in set(range(5)) - {factor}:
        assert found[other] == set(data.factors[is_there, other])
    assert set(rows) == set(np.flatnonzero(is_there))
    again = sample_fixed(data, NAMES[factor], 400, seeded())
    np.testing.assert_array_equal(rows, again)


@BOTH
def test_the_value_of_the_fixed_factor_can_be_chosen_and_is_otherwise_drawn(data):
    assert set(data.factors[sample_fixed(data, "orientation", 50, seeded(), value=2), 2]) == {2}
    drawn = {int(data.factors[sample_fixed(data, 2, 1, seeded(seed))[0], 2]) for seed in range(60)}
    assert drawn == {0, 1, 2, 3}


@BOTH
@pytest.mark.parametrize("k", range(5))
def test_pairs_differ_in_exactly_k_factors_and_in_each_that_varies(data, k):
    pairs = sample_pairs(data, k, 600, seeded())
    assert pairs.shape == (600, 2)
    differs = data.factors[pairs[:, 0]] != data.factors[pairs[:, 1]]
    assert set(differs.sum(axis=1)) == {k}
    assert differs.any(axis=0).tolist() == [k > 0] * 4 + [False]
    assert set(pairs[:, 0]) == set(range(len(data))) or len(set(pairs[:, 0])) > 0.9 * len(data)


def test_on_a_grid_any_factors_change_as_often_as_others_and_to_any_other_value():
    pairs = sample_pairs(GRID, 1, 40_000, seeded())
    before, after = (GRID.factors[pairs[:, i]] for i in (0, 1))
    np.testing.assert_allclose((before != after).mean(axis=0), [0.25] * 4 + [0], atol=0.01)
    changes = {(int(a), int(b)) for a, b in zip(before[:, 2], after[:, 2], strict=True) if a != b}
    assert changes == {(a, b) for a in range(4) for b in range(4) if a != b}


def test_the_partner_is_uniform_where_it_is_looked_up():
    data = from_arrays(np.zeros((4, 8, 8), np.uint8), np.array([[0, 0], [0, 1], [1, 0], [2, 0]]))
    pairs = sample_pairs(data, 1, 9_000, seeded())
    partners = np.bincount(pairs[pairs[:, 0] == 0, 1], minlength=4)
    np.testing.assert_allclose(partners / partners.sum(), [0, 1 / 3, 1 / 3, 1 / 3], atol=0.03)


def test_rare_partners_are_found_and_missing_ones_are_a_sentence():
    rare = np.zeros((3_000, 2), int)
    rare[0, 0] = 1
    data = from_arrays(np.zeros((3_000, 1, 1), np.uint8), rare)
    pairs = sample_pairs(data, 1, 20, seeded())
    assert ((pairs == 0).sum(axis=1) == 1).all()
    opposite = from_arrays(np.zeros((2, 8, 8), np.uint8), np.array([[0, 0], [1, 1]]))
    with pytest.raises(DataError, match="no pairs of images that differ in exactly 1 factors"):
        sample_pairs(opposite, 1, 5, seeded())


@BOTH
def test_tied_factors_are_one_to_one_and_the_others_still_vary(data):
    if len(data) < len(GRID):
        data = from_arrays(data.images[:], data.factors, NAMES)
    factors = data.factors[sample_correlated(data, "orientation", "x", 1.0, 500, seeded())]
    np.testing.assert_array_equal(factors[:, 2], factors[:, 3])
    assert [len(set(column)) for column in factors.T] == [3, 2, 4, 4, 1]


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("data", [GRID, shuffled()], ids=["grid", "shuffled"])
def test_rho_is_the_correlation_of_factors_with_as_many_values(data, rho):
    factors = data.factors[sample_correlated(data, 2, 3, rho, 40_000, seeded())]
    assert np.corrcoef(factors[:, 2], factors[:, 3])[0, 1] == pytest.approx(rho, abs=0.015)
    for column in (2, 3):
        np.testing.assert_allclose(np.bincount(factors[:, column]) / 40_000, 0.25, atol=0.01)
    same = (factors[:, 2] == factors[:, 3]).mean()
    assert same == pytest.approx(rho + (1 - rho) / 4, abs=0.01)
    assert abs(np.corrcoef(factors[:, 0], factors[:, 2])[0, 1]) < 0.015


def test_factors_with_unlike_numbers_of_values_meet_at_both_ends():
    factors = GRID.factors[sample_correlated(GRID, "orientation", "scale", 1.0, 400, seeded())]
    assert {(int(a), int(b)) for a, b in factors[:, [2, 1]]} == {(0, 0), (1, 0), (2, 1), (3, 1)}


@BOTH
def test_a_latent_sampler_gives_latents_of_rows_with_those_factors(data):
    sample = latent_sampler(data.factors.astype(float) * 10, data)
    rng = np.random.default_rng(0)
    z = sample({0: 1, 3: 2}, 300, rng)
    assert set(z[:, 0]) == {10.0}
    assert set(z[:, 3]) == {20.0}
    assert set(z[:, 2]) == {0.0, 10.0, 20.0, 30.0}
    assert sample({}, 7, rng).shape == (7, 5)
    encode = latent_sampler(lambda rows: data.factors[rows].astype(float) * 10, data)
    np.testing.assert_array_equal(encode({0: 1, 3: 2}, 300, np.random.default_rng(0)), z)


def test_what_does_not_exist_is_a_sentence():
    some = from_arrays(np.zeros((2, 8, 8), np.uint8), np.array([[0, 0], [1, 1]]), ("hue", "size"))
    with pytest.raises(DataError, match=r"no image of images has hue 0, size 1"):
        latent_sampler(np.zeros((2, 3)), some)({0: 0, 1: 1}, 5, np.random.default_rng(0))
    with pytest.raises(DataError, match=r"no image of images has hue"):
        sample_correlated(some, 0, 1, 0.0, 50, seeded())
    for wrong in ("colour", 5, -1, 1.0):
        with pytest.raises(DataError, match="has no factor"):
            sample_fixed(GRID, wrong, 3, seeded())
    with pytest.raises(DataError, match="scale index 2 does not exist; give a number from 0 to 1"):
        sample_fixed(GRID, "scale", 3, seeded(), value=2)
    with pytest.raises(DataError, match="k is 5, sprites has 4 factors that vary"):
        sample_pairs(GRID, 5, 3, seeded())
    with pytest.raises(DataError, match=r"rho is 1\.5"):
        sample_correlated(GRID, 0, 1, 1.5, 3, seeded())
    with pytest.raises(DataError, match="x is given twice"):
        sample_correlated(GRID, "x", 3, 0.5, 3, seeded())
    with pytest.raises(DataError, match=r"latents are of shape \(3, 2\), sprites has 96 rows"):
        latent_sampler(np.zeros((3, 2)), GRID)


def test_a_grid_of_half_a_million_is_never_tabulated():
    data = sprites(16)
    pairs = sample_pairs(data, 2, 100, seeded())
    sample_fixed(data, 0, 100, seeded())
    sample_correlated(data, 3, 4, 0.5, 100, seeded())
    assert "factors" not in vars(data)
    assert pairs.max() > 2**16
