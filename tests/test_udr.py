"""UDR: pairs by hand, and the lasso of orthogonal latents in closed form."""

from itertools import product

import numpy as np
import pytest

from dlq.metrics import lasso_weights, rank_correlation, udr
from dlq.metrics.udr import one_to_one

CUBE = np.array(list(product([-1.0, 1.0], repeat=3)))  # orthogonal columns of mean 0 and variance 1
PRODUCTS = np.stack(
    [CUBE[:, 0] * CUBE[:, 1], CUBE[:, 1] * CUBE[:, 2], CUBE.prod(axis=1)], axis=1
)  # orthogonal to those


def test_one_to_one_by_hand():
    # [[2, 0], [1, 1]]: rows 4/2 and 1/2, mean 5/4; columns 4/3 and 1/1, mean 7/6
    assert one_to_one(np.array([[2.0, 0], [1, 1]])) == pytest.approx((5 / 4 + 7 / 6) / 2)
    assert one_to_one(np.eye(3)) == 1
    assert one_to_one(np.zeros((2, 3))) == 0
    assert one_to_one(np.ones((2, 2))) == pytest.approx(0.5)


def test_the_same_latents_in_another_order_sign_and_scale():
    # orthogonal latents shrink by alpha: each weight is 1 - 0.1, and 0.9^2 / 0.9 = 0.9
    other = CUBE[:, [2, 0, 1]] * [-3, 0.5, 1] + 7
    found = udr([CUBE, other])
    np.testing.assert_allclose(found.scores, [0.9, 0.9], atol=1e-12)
    np.testing.assert_allclose(udr([CUBE, other], relation=rank_correlation).scores, [1, 1], atol=1e-12)
    assert (found.relation, found.num_samples) == ("lasso_weights", 8)


def test_the_odd_model_out_is_ranked_last():
    found = udr([CUBE, PRODUCTS, CUBE[:, ::-1], -CUBE])
    np.testing.assert_allclose(found.scores, [0.9, 0, 0.9, 0.9], atol=1e-12)
    assert np.isnan(np.diag(found.pairs)).all()


def test_rotated_latents_are_not_found_again():
    turned = CUBE @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert udr([CUBE, turned], relation=rank_correlation).scores.max() < 0.8


def test_lasso_goes_from_the_first_to_the_second():
    a = CUBE
    b = np.stack([CUBE[:, 0], CUBE[:, 0], CUBE[:, 0]], axis=1)
    np.testing.assert_allclose(lasso_weights(a, b), [[0.9] * 3, [0] * 3, [0] * 3], atol=1e-12)


def test_active_latents_are_those_of_the_mask_that_vary():
    dead = CUBE.copy()
    dead[:, 2] = 0.3
    found = udr([dead, CUBE], active=[[True] * 3, [True, True, False]])
    np.testing.assert_array_equal(found.active, [[True, True, False]] * 2)
    np.testing.assert_allclose(found.scores, [0.9, 0.9], atol=1e-12)


def test_a_model_without_a_live_latent_scores_zero():
    found = udr([np.ones_like(CUBE), CUBE, CUBE, CUBE])
    np.testing.assert_allclose(found.scores, [0, 0.9, 0.9, 0.9], atol=1e-12)
    assert found.notes == ("model 0 has no active latent and scores 0",)


BAD = {
    "one model": ([CUBE], None, r"found latents of 1 model\(s\), at least 2"),
    "none": ([], None, r"found latents of 0 model\(s\)"),
    "other widths": ([CUBE, CUBE[:, :2]], None, r"latents have shapes \[\(8, 2\), \(8, 3\)\]"),
    "other lengths": ([CUBE, CUBE[:4]], None, r"latents have shapes \[\(4, 3\), \(8, 3\)\]"),
    "transposed": ([CUBE.T, CUBE.T], None, "found 3 rows and 8 latents"),
    "not finite": ([CUBE, CUBE * np.nan], None, "latents must be finite"),
    "mask": ([CUBE, CUBE], [[True] * 3], r"active is bool of shape \(1, 3\)"),
    "not a mask": ([CUBE, CUBE], np.ones((2, 3)), "active is float64"),
}


@pytest.mark.parametrize(("latents", "active", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_one_sentence(latents, active, message):
    with pytest.raises(ValueError, match=message):
        udr(latents, active=active)


def test_one_table_is_refused():
    with pytest.raises(ValueError, match=r"one table, of shape \(20, 3\); udr compares models"):
        udr(np.zeros((20, 3)))
