"""Distances from independence, in closed form for two correlated normal latents."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from dlq.metrics import independence
from dlq.metrics.unsupervised import gaussian_total_correlation, gaussian_wasserstein_correlation


@pytest.mark.parametrize("r", [0, 0.3, -0.8])
def test_two_latents_in_closed_form(r):
    covariance = np.array([[1, r], [r, 1]])
    assert gaussian_total_correlation(covariance) == pytest.approx(-np.log(1 - r**2) / 2)
    assert gaussian_wasserstein_correlation(covariance) == pytest.approx(4 - 2 * np.sqrt(1 + r) - 2 * np.sqrt(1 - r))


def test_scale_matters_to_one_of_them():
    covariance = np.array([[1, 0.5], [0.5, 1]])
    scaled = covariance * np.outer([1, 10], [1, 10])
    assert gaussian_total_correlation(scaled) == pytest.approx(gaussian_total_correlation(covariance))
    assert gaussian_wasserstein_correlation(scaled) > 1.2 * gaussian_wasserstein_correlation(covariance)


def test_definition_with_a_matrix_square_root():
    a = np.random.default_rng(0).normal(size=(4, 4))
    s = a @ a.T
    expected = 2 * np.trace(s) - 2 * np.trace(sqrtm(np.diag(np.diag(s)) @ s)).real
    assert gaussian_wasserstein_correlation(s) == pytest.approx(expected)
    expected = (np.log(np.diag(s)).sum() - np.log(np.linalg.det(s))) / 2
    assert gaussian_total_correlation(s) == pytest.approx(expected)


def test_constant_latents_are_left_out():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(5000, 2)) @ [[1, 0.5], [0, 1]]
    found, without = independence(np.column_stack([z, np.full(5000, 0.1)])), independence(z)
    assert found[:4] == pytest.approx(without[:4])
    assert found.notes == ("latents 2 are constant and left out",)
    assert found.total_correlation == pytest.approx(np.log(1.25) / 2, abs=0.02)  # correlation 0.5 / sqrt 1.25
    assert 0.05 < found.mean_information < 0.2


def test_edges():
    assert independence(np.ones((5, 2)))[:4] == (0, 0, 0, 0)
    twice = np.arange(8.0)[:, None] * [1, 2]
    assert independence(twice).total_correlation > 10  # singular but for rounding
    assert gaussian_total_correlation(np.ones((2, 2))) == np.inf
    with pytest.raises(ValueError, match=r"latents has shape \(2, 5\); rows are images"):
        independence(np.ones((2, 5)))
