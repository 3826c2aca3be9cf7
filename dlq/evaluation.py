"""Encode a dataset, score a model: what stands between models and metrics.

The latents that are scored are ``model.encode``'s; quantized ones are bit-exact, so InfoMEC can label-encode them. PSNR
follows the authors of QLAE: -10 log10 of the mean squared error of each image, averaged over images.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dlq.datasets.given import as_dataset
from dlq.metrics import InfoMEC, infomec
from dlq.metrics.images import decibels

CHUNK = 1024  # images encoded at once


class Scores(NamedTuple):
    """What ``evaluate`` returns. ``infomec`` is None for data without factors; ``psnr`` is in decibels, a mean over images.

    ``num_images`` of ``num_available`` images were scored; ``factor_names`` name the rows of ``infomec.nmi``.
    """

    infomec: InfoMEC | None
    psnr: float
    num_images: int
    num_available: int
    factor_names: tuple[str, ...]

    def __repr__(self) -> str:
        score = "no factors, so no InfoMEC" if self.infomec is None else repr(self.infomec)
        return f"Scores({score}, PSNR {self.psnr:.1f} dB, {self.num_images:,} of {self.num_available:,} images)"

    def groups(self) -> dict[str, list[int]]:
        """The active latents of each factor: a latent belongs to the factor it says most about, if to any."""
        if self.infomec is None:
            return {}
        nmi = np.nan_to_num(self.infomec.nmi)  # the rows of constant factors are NaN
        owner = np.where(self.infomec.active & (nmi.max(0) > 0), nmi.argmax(0), -1)
        return {name: np.flatnonzero(owner == i).tolist() for i, name in enumerate(self.factor_names)}


def encode(model: nn.Module, data: Any, *, rows: Any = None) -> np.ndarray:
    """Latents of a dataset or an array of images: float32 (num_images, num_latents); ``rows`` picks some of them.

    ``model`` is a model, or a part of one that maps x to latents: ``model.encoder`` gives them before quantization.
    Raises ValueError where the images do not have the model's shape.
    """
    data = as_dataset(data, getattr(model, "image_shape", None))
    function = getattr(model, "encode", model)
    with for_inference(model):
        return np.concatenate([function(x).float().cpu().numpy() for x in _chunks(model, data, rows)])


def in_prior_units(model: nn.Module, latents: np.ndarray) -> np.ndarray:
    """Latents (n, num_latents) less the mean of the model's prior, over its standard deviation.

    What cuts by a fixed number, as the FactorVAE score does with standard deviations below 0.05, takes unit-scale latents
    for granted, and ARD-VAE learns its prior's variances. Latents of a model without a prior come back as they are.
    """
    variance = getattr(model, "prior_variance", None)
    if variance is None:
        return latents
    if latents.ndim != 2 or latents.shape[1] != len(variance):
        raise ValueError(
            f"latents has shape {latents.shape}; this model's prior is over (n, {len(variance)}): encode first"
        )
    mean, scale = model.prior_mean.cpu().numpy(), variance.sqrt().cpu().numpy()  # type: ignore[operator, union-attr]
    return (latents - mean) / scale


def evaluate(
    model: nn.Module,
    data: Any,
    *,
    num_samples: int = 10_000,
    seed: int = 0,
    latents: Callable[[Tensor], Tensor] | None = None,
    discrete: bool | None = None,
) -> Scores:
    """Scores a model by InfoMEC and PSNR on ``min(num_samples, len(data))`` different images of a dataset.

    ``latents`` maps x to the latents that InfoMEC scores (default ``model.encode``) and ``discrete`` says whether they
    take few values (default: the model has a codebook); ``latents=model.encoder, discrete=False`` puts a quantized model
    under the estimator of a continuous one. Raises ValueError where data and model do not suit.
    """
    data = as_dataset(data, getattr(model, "image_shape", None))
    n = min(num_samples, len(data))
    rows = data.sample(n, torch.Generator().manual_seed(int(seed)))
    discrete = getattr(model, "codebook", None) is not None if discrete is None else discrete
    codes, errors = [], []
    with for_inference(model):
        for x in _chunks(model, data, rows):
            z = model.encode(x)  # type: ignore[operator]
            codes.append((z if latents is None else latents(x)).float().cpu().numpy())
            errors.append((model.decode(z) - x).square().flatten(1).mean(1).cpu().numpy())  # type: ignore[operator]
    score = infomec(data.factors[rows], np.concatenate(codes), discrete=discrete) if data.factor_names else None
    psnr = _psnr(np.concatenate(errors))
    return Scores(score, psnr, n, len(data), tuple(data.factor_names))


class Swaps(NamedTuple):
    """One factor of some images taken over from others: x before, the donors', the model's picture, the true one.

    Each is float32 (num_pairs, C, H, W) in [0, 1]; ``truth`` is the dataset's own image of the new combination.
    """

    before: np.ndarray
    donor: np.ndarray
    decoded: np.ndarray
    truth: np.ndarray

    @property
    def psnr(self) -> float:
        """Decibels between the model's picture and the true one, a mean over pairs."""
        return _psnr(np.square(self.decoded - self.truth).reshape(len(self.truth), -1).mean(1))

    @property
    def share_closer(self) -> float:
        """Of the pairs whose factor differs, the share whose picture is closer to the truth than to before; or NaN."""
        changed = np.abs(self.before - self.truth).max(axis=(1, 2, 3)) > 0
        to_truth, to_before = (np.square(self.decoded - x).mean(axis=(1, 2, 3)) for x in (self.truth, self.before))
        return float((to_truth < to_before)[changed].mean()) if changed.any() else float("nan")


def swap(model: nn.Module, data: Any, factor: str, latents: list[int], *, num_pairs: int = 200, seed: int = 0) -> Swaps:
    """Replaces the given latents of random images by those of other images, and compares with the true image.

    ``latents`` are those that hold ``factor``, as in ``scores.groups()``. ``data`` must hold every combination of its
    factors. Raises ValueError for a factor that the data do not have.
    """
    data = as_dataset(data, getattr(model, "image_shape", None))
    if factor not in data.factor_names:
        raise ValueError(f"the data have no factor {factor!r}; they have {', '.join(data.factor_names) or 'none'}")
    column = data.factor_names.index(factor)
    first, second = np.random.default_rng(seed).integers(len(data), size=(2, num_pairs))
    wanted = data.factors[first].copy()
    wanted[:, column] = data.factors[second, column]
    z = encode(model, data, rows=first)
    z[:, latents] = encode(model, data, rows=second)[:, latents]
    decoded = infer(model, model.decode, z).cpu().numpy()
    before, donor, truth = (data.batch(rows, "cpu").numpy() for rows in (first, second, data.index(wanted)))
    return Swaps(before, donor, decoded, truth)


def features(network: nn.Module, images: Any, *, at_once: int = 128) -> np.ndarray:
    """What a network returns for a dataset or an array of images: float32 (num_images, ...), in evaluation mode.

    For ``dlq.metrics.frechet_distance`` and its like. The network gets x in [0, 1], (n, C, H, W), of at most ``at_once``
    images; resizing and normalising are its own first layers. Images given as floats are rounded to 1/255 first, as if
    they had been stored, so that real and generated ones are treated alike.
    """
    with for_inference(network):
        parts = _chunks(network, as_dataset(images), None, at_once)
        return np.concatenate([network(x).float().cpu().numpy() for x in parts])


def draw(model: Any, n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Codes that a generator's prior gives, and the images that it draws of them, each with its own noise where it has any.

    Returns z (n, num_latents) and images (n, C, H, W) in [0, 1], float32. Raises ValueError for a model without a prior.
    """
    if not hasattr(model, "sample_codes"):
        raise ValueError(
            f"a {type(model).__name__} has no prior to draw codes from; give a generator, as dlq.infogan(...)"
        )
    if n < 1:
        raise ValueError(f"n is {n}; draw at least 1 image")
    generator = torch.Generator(device_of(model)).manual_seed(int(seed))
    codes = model.sample_codes(n, generator).detach().cpu().numpy()
    function = (lambda z: model.draw(z, generator)) if hasattr(model, "draw") else model.decode
    pieces = [infer(model, function, codes[i : i + CHUNK]).cpu().numpy() for i in range(0, n, CHUNK)]
    return codes, np.concatenate(pieces)


def infer(model: Any, function: Any, values: np.ndarray) -> Tensor:
    """Applies ``function`` to float32 values on the model's device, in evaluation mode without gradients."""
    with for_inference(model):
        return function(torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(device_of(model)))


def device_of(model: Any) -> torch.device:
    """Where a model's parameters are; the CPU for one without any."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def _psnr(errors: np.ndarray) -> float:
    """Decibels of mean squared errors, one an image, averaged over images."""
    return float(np.mean(decibels(errors)))


@contextlib.contextmanager
def for_inference(model: Any) -> Iterator[None]:
    """Evaluation mode without gradients; the mode is put back afterwards."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _chunks(model: nn.Module, data: Any, rows: Any, at_once: int = CHUNK) -> Iterator[Tensor]:
    """x of the chosen rows, some images at a time, on the model's device."""
    where = device_of(model)
    rows = np.arange(len(data)) if rows is None else np.atleast_1d(rows)
    if not len(rows):
        raise ValueError("no images are chosen: num_samples is 0 or rows is empty; choose at least one")
    for start in range(0, len(rows), at_once):
        yield data.batch(rows[start : start + at_once], where)
