"""IRS by hand."""

import numpy as np
import pytest

from dlq.metrics import irs

FACTOR = np.array([[0], [0], [1], [1]])


def test_two_latents_by_hand():
    # z0 = 0 1 4 5: deviations in groups 1/2, largest from the mean 5/2, so 1 - 1/5; z1 = 0 4 0 4: 1 - 2/2; weights 5/2, 2
    found = irs(FACTOR, [[0, 0], [1, 4], [4, 0], [5, 4]])
    np.testing.assert_allclose(found.robustness, [[0.8, 0]], atol=1e-15)
    np.testing.assert_allclose(found.weight, [2.5, 2])
    assert found.score == pytest.approx(0.8 * 2.5 / 4.5)
    assert repr(found) == "IRS(score=0.44)"


def test_the_best_factor_of_a_latent_counts():
    factors = np.column_stack([FACTOR, [0, 1, 0, 1]])
    found = irs(factors, [[0, 0], [1, 4], [4, 0], [5, 4]])
    # the second factor groups z0 into (0, 4) and (1, 5): deviations 2 of 5/2; and z1 perfectly
    np.testing.assert_allclose(found.robustness, [[0.8, 0], [0.2, 1]], atol=1e-15)
    np.testing.assert_allclose(found.per_latent, [0.8, 1])


def test_the_quantile_forgives_a_few_rows():
    latents = np.repeat([[-1.0], [1.0]], 200, axis=0)
    latents[0] = 9
    factor = np.repeat([[0], [1]], 200, axis=0)
    assert irs(factor, latents, quantile=1).score < 0.5
    assert irs(factor, latents).score > 0.99


def test_constant_latents_are_dropped():
    found = irs(FACTOR, [[0, 0.1], [1, 0.1], [4, 0.1], [5, 0.1]])
    assert found.score == pytest.approx(0.8)
    assert np.isnan(found.per_latent[1])
    assert found.notes == ("latents 1 are constant and left out",)


def test_factors_of_many_values_keep_them():
    factor = np.repeat(np.arange(40), 5)[:, None]
    assert irs(factor, factor / 40).score == 1


def test_impossible_quantiles_are_refused():
    with pytest.raises(ValueError, match=r"quantile is 1\.5"):
        irs(FACTOR, FACTOR, quantile=1.5)
