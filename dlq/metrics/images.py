"""How close images are to others: PSNR, structural similarity, and a distance between feature maps.

PSNR is -10 log10 of the mean squared error of each image, averaged over images (not that of the average error), as the
authors of QLAE take it. SSIM: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
structural similarity", IEEE TIP 13(4), 2004, https://doi.org/10.1109/TIP.2003.819861, with its Gaussian window, weights
and constants; only windows inside the image count. Different: channels are scored one by one and
averaged, and images are not shrunk first. The perceptual distance has the form of Zhang et al., "The unreasonable
effectiveness of deep features as a perceptual metric", CVPR 2018, https://arxiv.org/abs/1801.03924. Different: it takes
whatever feature maps are given and has no learned weights, so its numbers are not LPIPS and must not be called so.
"""

from typing import Any, NamedTuple

import numpy as np

from dlq.metrics.checks import check_images, check_named

K1, K2, SIGMA = 0.01, 0.03, 1.5  # of the paper; the window's standard deviation is in pixels


class ImageScores(NamedTuple):
    """A score of each pair of images, (n,), and its mean."""

    mean: float
    per_image: np.ndarray

    def __repr__(self) -> str:
        return f"ImageScores(mean={self.mean:.4g} over {len(self.per_image):,} images)"


class PerceptualDistance(NamedTuple):
    """The distance of each pair of images, (n,), its mean, each layer's share, (num_layers,), and whose features."""

    mean: float
    per_image: np.ndarray
    per_layer: np.ndarray
    features: str

    def __repr__(self) -> str:
        return f"PerceptualDistance({self.mean:.4g} over {len(self.per_image):,} images, features: {self.features})"


def psnr(x: Any, y: Any) -> ImageScores:
    """Peak signal-to-noise ratio in decibels of images (n, C, H, W), uint8 or in [0, 1]; equal images count as 120 dB.

    Raises ValueError where the shapes differ or values leave [0, 1].
    """
    x, y = check_images(x, y)
    errors = np.array([np.mean(np.square(as_float(a) - as_float(b))) for a, b in zip(x, y, strict=True)])
    return _scores(decibels(errors))


def decibels(errors: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratios of mean squared errors of images in [0, 1]; no error counts as 120 dB."""
    return -10 * np.log10(np.maximum(errors, 1e-12))


def ssim(x: Any, y: Any, *, window: int = 11) -> ImageScores:
    """Structural similarity of images (n, C, H, W), uint8 or in [0, 1]: 1 for equal images, at least -1.

    ``window`` is the side of the Gaussian window in pixels, odd; the paper's 11 needs images of 11 pixels or more.
    Raises ValueError where the shapes differ, values leave [0, 1] or the window does not fit.
    """
    x, y = check_images(x, y)
    if window % 2 == 0 or not 1 < window <= min(x.shape[2:]):
        raise ValueError(
            f"window is {window}, it must be odd, above 1 and at most the images' side, {min(x.shape[2:])}; "
            "for smaller images pass window=7"
        )
    offsets = np.arange(window) - window // 2
    weights = np.exp(-np.square(offsets) / (2 * SIGMA**2))
    weights /= weights.sum()
    return _scores(np.array([_ssim(as_float(a), as_float(b), weights) for a, b in zip(x, y, strict=True)]))


def perceptual_distance(features_x: Any, features_y: Any, *, features: str) -> PerceptualDistance:
    """Squared distance of feature maps (n, C, H, W), made unit vectors along C; mean over places, sum over layers.

    One array a layer, of any sizes; ``features`` says whose they are, such as "critic, layers 1-3". Between 0 (same
    directions everywhere) and 4 a layer; 2 a layer is right angles. Raises ValueError where the shapes differ.
    """
    check_named(features)
    maps_x, maps_y = _as_layers(features_x), _as_layers(features_y)
    if len(maps_x) != len(maps_y):
        raise ValueError(f"found {len(maps_x)} and {len(maps_y)} layers; both must be the same layers")
    layers = [_layer(x, y, i) for i, (x, y) in enumerate(zip(maps_x, maps_y, strict=True))]
    if len({len(layer) for layer in layers}) > 1:
        counts = ", ".join(f"{len(layer):,}" for layer in layers)
        raise ValueError(f"the layers hold {counts} images; all must describe the same images")
    per_image = np.sum(layers, axis=0)
    return PerceptualDistance(float(per_image.mean()), per_image, np.mean(layers, axis=1), features)


def as_float(image: np.ndarray) -> np.ndarray:
    """float64 in [0, 1]."""
    return image / 255.0 if image.dtype == np.uint8 else image.astype(np.float64)


def _scores(per_image: np.ndarray) -> ImageScores:
    return ImageScores(float(per_image.mean()), per_image)


def _ssim(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Of one pair (C, H, W): the mean over channels and over places where the window fits."""
    mean_x, mean_y, xx, yy, xy = (_blurred(image, weights) for image in (x, y, x * x, y * y, x * y))
    variance_x, variance_y = xx - mean_x**2, yy - mean_y**2
    covariance = xy - mean_x * mean_y
    c1, c2 = K1**2, K2**2  # the images' range is 1
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)))


def _blurred(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    from scipy.ndimage import correlate1d

    margin = len(weights) // 2
    blurred = correlate1d(correlate1d(image, weights, axis=1), weights, axis=2)
    return blurred[:, margin:-margin, margin:-margin]


def _as_layers(maps: Any) -> list[np.ndarray]:
    """The arrays of all layers; one array is a mistake that would be read as many layers."""
    if getattr(maps, "ndim", None) is not None or len(maps) == 0:
        found = f"an array of shape {np.shape(maps)}" if len(maps) else "none"
        raise ValueError(f"feature maps come as a list with one array a layer, found {found}; wrap one array: [maps]")
    return [np.asarray(each) for each in maps]


def _layer(a: np.ndarray, b: np.ndarray, layer: int) -> np.ndarray:
    """(n,): the mean over places of the squared distance between unit vectors."""
    if a.shape != b.shape or a.ndim != 4 or a.size == 0:
        raise ValueError(
            f"layer {layer} has shapes {a.shape} and {b.shape}; both must be the same (images, channels, height, width)"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(f"layer {layer} holds NaN or infinite values; look at the network or at its images")
    return np.array([np.square(_unit(x) - _unit(y)).sum(0).mean() for x, y in zip(a, b, strict=True)])


def _unit(maps: np.ndarray) -> np.ndarray:
    """Unit vectors along the channels (C, H, W) in float64; a vector of zeros stays."""
    maps = maps.astype(np.float64)
    return maps / (np.sqrt(np.square(maps).sum(0, keepdims=True)) + 1e-10)
