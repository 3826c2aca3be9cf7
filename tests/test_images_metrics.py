"""PSNR, SSIM and the distance of feature maps: by hand, by law, and torchmetrics as the oracle."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from dlq.metrics import perceptual_distance, psnr, ssim


def pictures(seed, n=3, channels=3, height=24, width=31):
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(n, channels, height, width)), axis=2), axis=3)
    low, high = (f(smooth, axis=(2, 3), keepdims=True) for f in (np.min, np.max))
    x = (smooth - low) / (high - low)
    return x, np.clip(x + 0.1 * rng.normal(size=x.shape), 0, 1)


def test_psnr_by_hand():
    # differences of 0.1 and 0.01 everywhere: 20 and 40 dB; the mean is that of decibels, not of errors
    x = np.full((2, 1, 4, 4), 0.5)
    found = psnr(x, x + np.array([0.1, 0.01])[:, None, None, None])
    np.testing.assert_allclose(found.per_image, [20, 40], atol=1e-9)
    assert found.mean == pytest.approx(30)


def test_psnr_of_bytes_is_that_of_the_same_floats():
    x, y = (np.round(255 * each).astype(np.uint8) for each in pictures(0))
    assert psnr(x, y).mean == pytest.approx(psnr(x / 255, y / 255).mean, abs=1e-12)
    assert psnr(np.zeros_like(x), np.full_like(x, 51)).mean == pytest.approx(-20 * np.log10(0.2))  # 51 / 255
    assert psnr(x, x).mean == pytest.approx(120)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_that_of_torchmetrics(channels):
    x, y = pictures(channels, channels=channels)
    images = map(torch.from_numpy, (x, y))
    _, everywhere = structural_similarity_index_measure(*images, sigma=1.5, data_range=1.0, return_full_image=True)
    expected = everywhere[..., 5:-5, 5:-5].mean((1, 2, 3)).numpy()  # without its windows over a reflected border
    np.testing.assert_allclose(ssim(x, y).per_image, expected, atol=1e-6)
    assert (expected < 0.95).all()


def test_ssim_of_flat_images_by_hand():
    # no variance: (2 a b + c1) / (a^2 + b^2 + c1) with c1 = 1e-4
    a, b = 0.2, 0.6
    found = ssim(np.full((1, 1, 11, 11), a), np.full((1, 1, 11, 11), b))
    assert found.mean == pytest.approx((2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4), abs=1e-9)


def test_ssim_of_one_window_by_its_definition():
    x, y = pictures(5, n=1, channels=1, height=11, width=11)
    gauss = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(gauss, gauss) / gauss.sum() ** 2
    a, b = x[0, 0], y[0, 0]
    mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
    var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
    both = (weights * (a - mean_a) * (b - mean_b)).sum()
    expected = (2 * mean_a * mean_b + 1e-4) * (2 * both + 9e-4)
    expected /= (mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)
    assert ssim(x, y).mean == pytest.approx(expected, abs=1e-12)


def test_ssim_laws():
    x, y = pictures(7)
    np.testing.assert_allclose(ssim(x, x).per_image, 1, atol=1e-12)
    np.testing.assert_allclose(ssim(x, y).per_image, ssim(y, x).per_image, atol=1e-12)
    assert ssim(x, 1 - x).mean < 0  # contrast turned around


def test_perceptual_distance_by_hand():
    # one place: (3, 4) and (4, 3) are unit vectors (.6, .8), (.8, .6): 2 * 0.04; second layer: right angles, 2
    first = np.array([3.0, 4.0]).reshape(1, 2, 1, 1), np.array([4.0, 3.0]).reshape(1, 2, 1, 1)
    second = np.array([1.0, 0.0]).reshape(1, 2, 1, 1), np.array([0.0, 5.0]).reshape(1, 2, 1, 1)
    found = perceptual_distance([first[0], second[0]], [first[1], second[1]], features="by hand")
    np.testing.assert_allclose(found.per_layer, [0.08, 2], atol=1e-8)
    assert found.mean == pytest.approx(2.08, abs=1e-8)
    assert "features: by hand" in repr(found)


def test_perceptual_distance_ignores_the_length_of_vectors_and_averages_places():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    assert perceptual_distance([maps], [7 * maps], features="random").mean == pytest.approx(0, abs=1e-12)
    turned = maps.copy()
    turned[:, :, :, 0] *= -1  # one column of five turned around: 4 / 5
    np.testing.assert_allclose(perceptual_distance([maps], [turned], features="random").per_image, 0.8, atol=1e-6)


X, MAPS = np.full((2, 1, 12, 12), 0.5), np.ones((2, 3, 4, 4))
BAD = {
    "shape": (lambda: psnr(X, X[:1]), r"shapes \(2, 1, 12, 12\) and \(1, 1, 12, 12\)"),
    "one image": (lambda: psnr(X[0], X[0]), r"one image is image\[None\]"),
    "range": (lambda: psnr(X, X + 1), "between 1.5 and 1.5; they must be uint8, or floats in"),
    "nan": (lambda: psnr(X, np.where(X > 0, np.nan, X)), "between nan and nan"),
    "integers": (lambda: psnr(X.astype(int), X.astype(int)), "they must be uint8"),
    "small": (lambda: ssim(X[..., :9], X[..., :9]), "window is 11, .* at most the images' side, 9"),
    "even": (lambda: ssim(X, X, window=6), "window is 6, it must be odd"),
    "unnamed": (lambda: perceptual_distance([MAPS], [MAPS], features=""), "name the network and layer"),
    "no list": (lambda: perceptual_distance(MAPS, MAPS, features="f"), r"found an array of shape \(2, 3, 4, 4\)"),
    "none": (lambda: perceptual_distance([], [], features="f"), "one array a layer, found none"),
    "layers": (lambda: perceptual_distance([MAPS], [MAPS[:1]], features="f"), "layer 0 has shapes"),
    "lengths": (lambda: perceptual_distance([MAPS, MAPS[:1]], [MAPS, MAPS[:1]], features="f"), "hold 2, 1 images"),
    "counts": (lambda: perceptual_distance([MAPS], [MAPS, MAPS], features="f"), "found 1 and 2 layers"),
    "infinite": (lambda: perceptual_distance([MAPS], [MAPS * np.inf], features="f"), "layer 0 holds NaN or infinite"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
