"""The Frechet and the kernel distance: closed forms, laws, and torchmetrics as the oracle."""

import numpy as np
import pytest
import torch
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import poly_mmd

from dlq.metrics import frechet_distance, kernel_distance


def two_sets(seed, n=400, dimensions=12):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(2, dimensions, dimensions))
    return rng.normal(size=(n, dimensions)) @ mixing[0], rng.normal(size=(n + 50, dimensions)) @ mixing[1] + 0.5


class Pixels(torch.nn.Module):
    """Features of images of one row: its pixels."""

    num_features = 12

    def forward(self, images):
        return images.flatten(1)


def test_frechet_distance_of_four_points_by_hand():
    # one dimension: means 0 and 3, variances 2 and 8 (n - 1): 9 + 2 + 8 - 2 * sqrt(16) = 11
    found = frechet_distance(np.array([[-1.0], [1.0]]), np.array([[1.0], [5.0]]), features="by hand")
    assert found.distance == pytest.approx(11)
    assert (found.features, found.num_real, found.num_generated, found.dimensions) == ("by hand", 2, 2, 1)


def test_frechet_distance_of_independent_axes_is_the_sum_over_axes():
    signs = np.array([[a, b] for a in (-1, 1) for b in (-1, 1)])  # covariance 4/3 times the identity
    found = frechet_distance(signs * [1, 2], signs * [3, 5] + [0, 7], features="by hand")
    assert found.distance == pytest.approx(49 + 4 / 3 * ((3 - 1) ** 2 + (5 - 2) ** 2))


@pytest.mark.parametrize("seed", range(3))
def test_frechet_distance_is_that_of_torchmetrics(seed):
    real, generated = two_sets(seed)
    oracle = FrechetInceptionDistance(Pixels(), normalize=True, input_img_size=(1, 1, 12)).set_dtype(torch.float64)
    oracle.update(torch.from_numpy(real).reshape(-1, 1, 1, 12), real=True)
    oracle.update(torch.from_numpy(generated).reshape(-1, 1, 1, 12), real=False)
    assert frechet_distance(real, generated, features="f").distance == pytest.approx(oracle.compute().item(), rel=1e-9)


def test_frechet_distance_laws():
    real, generated = two_sets(0)
    distance = frechet_distance(real, generated, features="f").distance
    assert frechet_distance(generated, real, features="f").distance == pytest.approx(distance, rel=1e-12)
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0]
    moved = frechet_distance(real @ turned + 3, generated @ turned + 3, features="f").distance
    assert moved == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(real, real[::-1], features="f").distance == pytest.approx(0, abs=1e-10)
    shifted = frechet_distance(real, real + 2, features="f").distance
    assert shifted == pytest.approx(12 * 4, rel=1e-9)


def test_features_without_variance_cost_no_digits():
    real, generated = two_sets(0)
    flat = np.pad(real, ((0, 0), (0, 30))), np.pad(generated, ((0, 0), (0, 30)))
    expected = frechet_distance(real, generated, features="f").distance
    assert frechet_distance(*flat, features="f").distance == pytest.approx(expected, rel=1e-11)
    assert frechet_distance(flat[0], flat[0], features="f").distance == pytest.approx(0, abs=1e-10)


def test_too_few_images_are_called_out_at_the_callers_line():
    real, generated = two_sets(0, n=12)
    with pytest.warns(UserWarning, match="12 images for 12 dimensions: a covariance has no full rank") as caught:
        found = frechet_distance(real, generated, features="f")
    assert caught[0].filename == __file__
    assert len(found.notes) == 1
    assert frechet_distance(*two_sets(0, n=13), features="f").notes == ()


def test_kernel_distance_by_hand():
    # one dimension, kernel (x y + 1)^3. real 0, 1: k(0, 1) = 1. generated 1, 2: k(1, 2) = 27.
    # across: k(0, .) = 1, 1; k(1, 1) = 8; k(1, 2) = 27: mean 37 / 4. 1 + 27 - 2 * 37 / 4 = 9.5
    real, generated = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    found = kernel_distance(real, generated, features="by hand", subset_size=2, num_subsets=3)
    np.testing.assert_allclose(found.per_subset, 9.5)
    assert (found.distance, found.spread) == (pytest.approx(9.5), pytest.approx(0))


def test_kernel_distance_of_whole_sets_is_that_of_torchmetrics():
    real, generated = two_sets(1)
    generated = generated[: len(real)]
    found = kernel_distance(real, generated, features="f", subset_size=len(real), num_subsets=1)
    expected = poly_mmd(torch.from_numpy(real), torch.from_numpy(generated))
    assert found.distance == pytest.approx(expected.item(), rel=1e-10)


def test_kernel_distance_has_no_bias_and_is_repeatable():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 2000, 4))
    found = kernel_distance(first, second, features="f", subset_size=50, num_subsets=200, seed=3)
    assert abs(found.distance) < 0.05 < found.spread
    assert (found.per_subset < 0).any()
    again = kernel_distance(first, second, features="f", subset_size=50, num_subsets=200, seed=3)
    np.testing.assert_array_equal(found.per_subset, again.per_subset)
    other = kernel_distance(first, second, features="f", subset_size=50, num_subsets=200, seed=4)
    assert (found.per_subset != other.per_subset).all()
    assert kernel_distance(first, second + 1, features="f", subset_size=50).distance > 10 * found.spread


def test_results_say_whose_features_they_rest_on():
    real, generated = two_sets(0)
    assert "400 real and 450 generated, features: pixels)" in repr(frechet_distance(real, generated, features="pixels"))
    found = kernel_distance(real, generated, features="pixels", subset_size=100, num_subsets=5)
    assert "over 5 subsets of 100, features: pixels)" in repr(found)


REAL, GENERATED = two_sets(0, n=30, dimensions=3)
BAD = {
    "dimensions": (REAL, GENERATED[:, :2], {}, "has 3 dimensions, generated_features has 2; both must come from the"),
    "nan": (REAL, np.where(GENERATED > 1, np.nan, GENERATED), {}, "generated_features must be finite"),
    "maps": (REAL.reshape(-1, 3, 1, 1), GENERATED, {}, r"found shape \(30, 3, 1, 1\); pass features.reshape"),
    "one image": (REAL[:1], GENERATED, {}, "found 1 real and 80 generated images, at least 2"),
    "unnamed": (REAL, GENERATED, {"features": " "}, "features is ' '; name the network and layer"),
}


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("real", "generated", "options", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(distance, real, generated, options, message):
    with pytest.raises(ValueError, match=message):
        distance(real, generated, **{"features": "f"} | options)


def test_subsets_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"subset_size is 1,000, .*the smaller set, 30; subset_size=15 lets"):
        kernel_distance(REAL, GENERATED, features="f")
    with pytest.raises(ValueError, match="num_subsets is 0"):
        kernel_distance(REAL, GENERATED, features="f", subset_size=10, num_subsets=0)
    with pytest.raises(TypeError, match="features"):
        frechet_distance(REAL, GENERATED)
