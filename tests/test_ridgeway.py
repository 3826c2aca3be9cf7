"""Modularity and explicitness: columns by hand, and the area under the curve of two normal distributions."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from dlq.metrics import modularity_explicitness
from dlq.metrics.ridgeway import modularity_per_latent

SQUARE = np.tile(np.array(list(product(range(2), range(2)))), (10, 1))


def test_modularity_of_columns_by_hand():
    # (2, 1, 0): 1 - (4 + 1 + 0 - 4) / (4 * 2) = 7/8; (1, 1, 1): 1 - 2/2 = 0; (0, 3, 0): 1; nothing: 0
    information = np.array([[2, 1, 0, 0], [1, 1, 3, 0], [0, 1, 0, 0]])
    np.testing.assert_allclose(modularity_per_latent(information), [7 / 8, 0, 1, 0], atol=1e-15)


def test_two_by_two_by_hand():
    # z0 = a has modularity 1, z1 names the pair and has 0; a dead latent counts as 0
    latents = np.stack([SQUARE[:, 0], 2 * SQUARE[:, 0] + SQUARE[:, 1]], axis=1)
    assert modularity_explicitness(SQUARE, latents, discrete=True).modularity == pytest.approx(1 / 2)
    with_dead = modularity_explicitness(SQUARE, np.column_stack([latents, np.ones(40)]), discrete=True)
    assert with_dead.modularity == pytest.approx(1 / 3)
    assert with_dead.notes == ("latents 2 are constant and have modularity 0",)


@pytest.mark.parametrize("distance", [0.5, 1, 2])
def test_area_of_two_normal_distributions(distance):
    # the area is the chance that a draw of one class lies above a draw of the other: Phi(distance / sqrt 2)
    rng = np.random.default_rng(0)
    factor = rng.integers(2, size=6000)
    latents = np.stack([distance * factor + rng.normal(size=6000), np.full(6000, 0.1)], axis=1)
    found = modularity_explicitness(factor[:, None], latents)
    assert found.explicitness == pytest.approx(norm.cdf(distance / np.sqrt(2)), abs=0.02)
    assert found.explicitness_train == pytest.approx(found.explicitness, abs=0.03)
    assert found.converged
    assert (found.num_train, found.num_test) == (4000, 2000)


def test_explicitness_is_scaled_by_itself_and_chance_is_one_half():
    rng = np.random.default_rng(1)
    factors, latents = rng.integers(3, size=(3000, 2)), rng.normal(size=(3000, 3))
    assert modularity_explicitness(factors, latents).explicitness == pytest.approx(0.5, abs=0.03)
    tiny = np.tile(SQUARE, (10, 1)) * [1e-9, 1e9]
    assert modularity_explicitness(np.tile(SQUARE, (10, 1)), tiny).explicitness == 1


def test_a_value_that_one_row_has_is_left_out():
    factors = SQUARE.copy()
    factors[0, 0] = 9
    assert modularity_explicitness(factors, SQUARE).explicitness > 0.97


def test_one_factor_has_no_modularity():
    found = modularity_explicitness(SQUARE[:, :1], SQUARE)
    assert np.isnan(found.modularity)
    assert found.explicitness == 1
    assert found.notes == ("modularity needs two factors that vary, found 1",)
