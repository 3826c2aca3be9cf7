"""DCI: importances by hand, the published boosting beside the default forest, and what each forest makes of noise."""

from itertools import product

import numpy as np
import pytest

from dlq.metrics import dci, gradient_boosting, random_forest, tripod_forest
from dlq.metrics.dci import completeness_per_factor, disentanglement_per_latent, weighted

SQUARE = np.tile(np.array(list(product(range(2), range(2)))), (10, 1))


class Told:
    """A predictor whose importances are told; it always answers 0."""

    def __init__(self, importances):
        self.feature_importances_ = np.array(importances, float)

    def predict(self, latents):
        return np.zeros(len(latents), int)


def told(*rows):
    """Importances for one factor after another."""
    rows = iter(rows)
    return lambda latents, factor, seed: Told(next(rows))


def test_two_by_two_by_hand():
    # importances [[1, 0], [1, 1]]: latents (1, 1) -> 0 and (0, 1) -> 1 with weights 2/3 and 1/3: D = 1/3;
    # factors (1, 0) -> 1 and (1, 1) -> 0 with weights 1/3 and 2/3: C = 1/3
    found = dci(SQUARE, SQUARE, predictor=told([1, 0], [1, 1]))
    np.testing.assert_array_equal(found.importance, [[1, 0], [1, 1]])
    np.testing.assert_allclose(found.disentanglement_per_latent, [0, 1], atol=1e-15)
    np.testing.assert_allclose(found.completeness_per_factor, [1, 0], atol=1e-15)
    assert found.disentanglement == pytest.approx(1 / 3)
    assert found.completeness == pytest.approx(1 / 3)


def test_entropies_have_base_factors_and_base_latents():
    importance = np.array([[3, 1, 0, 0], [1, 1, 0, 2.0]])
    p = np.array([3 / 4, 1 / 4])
    assert disentanglement_per_latent(importance)[0] == pytest.approx(1 + (p * np.log2(p)).sum())
    np.testing.assert_allclose(disentanglement_per_latent(importance)[2:], [0, 1], atol=1e-15)  # none, and one factor
    assert completeness_per_factor(importance)[1] == pytest.approx(1 - 1.5 / 2)  # (1/4, 1/4, 1/2) has 1.5 of 2 bits


def test_weights_by_hand():
    assert weighted(np.array([1, 0.5, np.nan]), np.array([1, 3, 5])) == pytest.approx(2.5 / 4)
    assert weighted(np.array([1, 0.5]), np.zeros(2)) == 0
    assert np.isnan(weighted(np.array([np.nan]), np.ones(1)))


def test_signs_of_importances_do_not_count():
    assert dci(SQUARE, SQUARE, predictor=told([-1, 0], [0, -2])).disentanglement == pytest.approx(1)


def test_accuracy_is_held_out_and_stands_beside_guessing():
    factor = np.tile([0, 0, 0, 1], 30)[:, None]
    noise = np.random.default_rng(0).normal(size=(120, 2))
    found = dci(factor, noise)
    assert (found.num_train, found.num_test) == (80, 40)
    assert found.informativeness_train > 0.95  # the forest knows the rows that it was fitted on by heart
    assert found.informativeness < 0.85
    assert found.guessing == pytest.approx(0.75, abs=0.1)
    silent = dci(factor, noise, predictor=told([0, 0]))
    assert silent.informativeness == silent.guessing


def noisy(n=240):
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(size, size=n) for size in (4, 3, 5)], axis=1)
    return factors, factors / [4, 3, 5] + 0.02 * rng.normal(size=(n, 3))


def test_forests_and_the_published_boosting():
    factors, latents = noisy()
    default, boosting, tripod = (
        dci(factors, latents, predictor=p) for p in (random_forest, gradient_boosting, tripod_forest)
    )
    assert min(default.disentanglement, boosting.disentanglement) > 0.97
    assert default.disentanglement == pytest.approx(boosting.disentanglement, abs=0.02)
    assert tripod.disentanglement < 0.9  # its splits must often take a latent that does not matter
    assert (default.predictor, boosting.predictor) == ("random_forest", "gradient_boosting")


def test_progress_names_each_factor_and_rows_are_limited():
    factors, latents = noisy(300)
    said = []
    found = dci(factors, latents, predictor=told(*np.eye(3)), max_samples=90, progress=said.append)
    assert said == ["DCI: factor 1 of 3", "DCI: factor 2 of 3", "DCI: factor 3 of 3"]
    assert (found.num_train, found.num_test) == (60, 30)


def test_one_factor_has_no_disentanglement_and_one_latent_no_completeness():
    found = dci(SQUARE[:, :1], SQUARE)
    assert np.isnan(found.disentanglement)
    assert found.completeness == pytest.approx(1)
    assert found.notes == ("disentanglement needs two factors that vary, found 1",)
    found = dci(SQUARE, SQUARE[:, :1])
    assert np.isnan(found.completeness)
    assert found.notes == ("completeness needs two latents, found 1",)


def test_same_seed_same_numbers():
    factors, latents = noisy(300)
    np.testing.assert_array_equal(dci(factors, latents, seed=4).importance, dci(factors, latents, seed=4).importance)
