"""MIG: two by two by hand, scikit-learn on the common bins as the oracle, and what an outlier does to bins."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from dlq.metrics import equal_width_edges, mig, quantile_edges

SQUARE = np.array(list(product(range(2), range(2))))  # every combination of two binary factors, once


def test_two_by_two_by_hand():
    # z0 = a; z1 names the pair: I(a; .) = [log 2, log 2], I(b; .) = [0, log 2], so the gaps are 0 and 1
    found = mig(SQUARE, np.stack([SQUARE[:, 0], 2 * SQUARE[:, 0] + SQUARE[:, 1]], axis=1), discrete=True)
    np.testing.assert_allclose(found.information, np.log(2) * np.array([[1, 1], [0, 1]]), atol=1e-15)
    np.testing.assert_allclose(found.per_factor, [0, 1], atol=1e-15)
    assert found.score == pytest.approx(0.5)
    assert repr(found) == "MIG(score=0.50)"


def test_gap_is_divided_by_the_entropy_of_the_factor():
    # table [[2, 0], [1, 1]] of 4: I = 3/2 log 2 - 3/4 log 3; the second latent has none; H(factor) = log 2
    found = mig([[0], [0], [1], [1]], [[1, 0], [1, 0], [1, 0], [2, 0]], discrete=True)
    assert found.score == pytest.approx(1.5 - 0.75 * np.log(3) / np.log(2))
    assert found.entropy[0] == pytest.approx(np.log(2))


def test_scikit_learn_on_twenty_equal_bins():
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(4, size=500), rng.integers(7, size=500)], axis=1)
    latents = factors @ rng.normal(size=(2, 3)) + rng.normal(size=(500, 3))
    codes = [np.digitize(z, np.histogram(z, 20)[1][:-1]) for z in latents.T]
    expected = np.array([[mutual_info_score(f, code) for code in codes] for f in factors.T])
    found = mig(factors, latents)
    np.testing.assert_allclose(found.information, expected, atol=1e-12)
    best = np.sort(expected, axis=1)
    entropy = [mutual_info_score(f, f) for f in factors.T]
    assert found.score == pytest.approx(((best[:, -1] - best[:, -2]) / entropy).mean(), abs=1e-12)
    assert (found.num_bins, found.edges, found.discrete) == (20, "equal_width_edges", False)


def test_an_outlier_empties_equal_bins_and_not_quantiles():
    latents = np.tile(SQUARE, (50, 1)) + 0.1 * np.random.default_rng(0).normal(size=(200, 2))
    latents[0] = 1000
    factors = np.tile(SQUARE, (50, 1))
    assert mig(factors, latents, edges=equal_width_edges).score < 0.05
    assert mig(factors, latents, edges=quantile_edges).score > 0.8


def test_one_latent_has_no_gap():
    found = mig(SQUARE, SQUARE[:, :1])
    assert np.isnan(found.score)
    assert found.notes == ("a gap needs two latents, found 1",)


def test_many_values_are_not_counted_and_bins_are_checked():
    latents = np.random.default_rng(0).normal(size=(200, 2))
    with pytest.raises(ValueError, match=r"takes 200 different values .*use discrete=False, which bins"):
        mig(np.tile(SQUARE, (50, 1)), latents, discrete=True)
    with pytest.raises(ValueError, match="num_bins is 1"):
        mig(SQUARE, SQUARE, num_bins=1)
