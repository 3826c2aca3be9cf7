"""SAP: squared correlations by hand, the usual dual solver as the oracle of the support vectors."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from dlq.metrics import sap, squared_correlation, svm_accuracy
from dlq.metrics.splits import held_out

FACTOR = np.tile([0, 0, 1, 1], 3)[:, None]


def test_squared_correlation_by_hand():
    # deviations of the factor -1/2 -1/2 1/2 1/2, of z0 = 0 1 1 2 -1 0 0 1: r^2 = 1^2 / (1 * 2); of z1 = 1 0 1 0: r = 0
    latents = np.tile(np.array([[0, 1], [1, 0], [1, 1], [2, 0.0]]), (3, 1))
    found = sap(FACTOR, latents, form=squared_correlation)
    np.testing.assert_allclose(found.predictability, [[0.5, 0]], atol=1e-15)
    assert found.score == pytest.approx(0.5)
    assert repr(found) == "SAP(score=0.50, form=squared_correlation)"


def test_squared_correlation_is_numpys():
    rng = np.random.default_rng(0)
    factors, noise = rng.integers(9, size=(300, 2)), rng.normal(size=(300, 3))
    latents = factors @ rng.normal(size=(2, 3)) + noise
    expected = np.corrcoef(factors.T, latents.T)[:2, 2:] ** 2
    np.testing.assert_allclose(squared_correlation(factors, latents, 0), expected, atol=1e-12)


def test_support_vectors_by_the_usual_solver():
    rng = np.random.default_rng(0)
    factors = rng.integers(4, size=(900, 2))
    latents = factors @ rng.normal(size=(2, 3)) + 0.5 * rng.normal(size=(900, 3))
    train, test = held_out(900, 900, 5)
    assert len(train) == 600
    assert not set(train) & set(test)
    found = svm_accuracy(factors, latents, 5)
    for i, j in np.ndindex(2, 3):
        usual = LinearSVC(C=0.01, class_weight="balanced", dual=True, random_state=0, max_iter=20_000)
        usual.fit(latents[train, j : j + 1], factors[train, i])
        assert found[i, j] == pytest.approx(usual.score(latents[test, j : j + 1], factors[test, i]), abs=0.01)


def test_gap_of_a_binary_factor_by_hand():
    # z0 names the factor: accuracy 1; z1 is constant: the more frequent value, here 0 in five of six rows
    factor = np.tile([0, 0, 0, 1, 0, 0], 50)[:, None]
    found = sap(factor, np.column_stack([10.0 * factor, np.ones(300)]), seed=3)
    test = held_out(300, 300, 3).test
    np.testing.assert_allclose(found.predictability, [[1, (factor[test] == 0).mean()]])
    assert found.score == pytest.approx((factor[test] == 1).mean())
    assert found.form == "svm_accuracy"


def test_at_most_so_many_rows_are_used_and_said():
    found = sap(np.tile(FACTOR, (10, 1)), np.random.default_rng(0).normal(size=(120, 2)), max_samples=30)
    assert found.num_samples == 30
    with pytest.raises(ValueError, match="max_samples is 5, at least 6"):
        sap(FACTOR, np.ones((12, 2)), max_samples=5)


def test_a_user_may_bring_another_form():
    def constant_form(factors, latents, seed):
        return np.array([[0.9, 0.2, 0.5]])

    found = sap(FACTOR, np.random.default_rng(0).normal(size=(12, 3)), form=constant_form)
    assert found.score == pytest.approx(0.4)
    assert found.form == "constant_form"
