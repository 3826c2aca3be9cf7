"""The numbers by which a trained model is compared, the controls among them.

InfoMEC counts the values of quantized latents and uses nearest neighbours for continuous ones, and the two estimators
differ in bias: numbers of one kind of model do not compare with those of the other. So every model is also scored by each
estimator alone (``modularity_counted``, ``modularity_neighbors``), and by one classifier on one number a latent
(``explicitness_scalar``).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from dlq.datasets.given import as_dataset
from dlq.evaluation import encode, evaluate, in_prior_units
from dlq.metrics import binned, infomec

LABELS = {
    "modularity": "InfoM",
    "modularity_neighbors": "InfoM, neighbours",
    "modularity_counted": "InfoM, counted",
    "explicitness": "InfoE",
    "explicitness_scalar": "InfoE, scalar",
    "compactness": "InfoC",
    "psnr": "PSNR",
    "loss": "loss",
}


def compared_scores(
    model: nn.Module,
    data: Any,
    *,
    num_samples: int = 10_000,
    num_bins: int = 10,
    metrics: Mapping[str, Callable] | None = None,
) -> dict[str, float]:
    """The scores of ``evaluate``, the controls, and ``metrics``, by name; NaN where one cannot be computed.

    ``modularity_neighbors`` takes the latents before quantization, ``modularity_counted`` continuous latents in
    ``num_bins`` equally full bins. A metric is a function of factors and latents, both (n, .), that returns a number or a
    named tuple with the score first; it gets the latents ``in_prior_units``. Without factors there is PSNR alone.
    """
    data = as_dataset(data, getattr(model, "image_shape", None))
    scores = evaluate(model, data, num_samples=num_samples)
    if scores.infomec is None:
        return {"psnr": scores.psnr}
    rows = data.sample(scores.num_images, torch.Generator().manual_seed(0))
    factors, latents = data.factors[rows], encode(model, data, rows=rows)
    quantized = getattr(model, "codebook", None) is not None
    own = scores.infomec
    return {
        "modularity": own.modularity,
        "modularity_neighbors": _before_quantization(model, data, rows) if quantized else own.modularity,
        "modularity_counted": own.modularity if quantized else _counted(factors, latents, num_bins),
        "explicitness": own.explicitness,
        "explicitness_scalar": own.explicitness_scalar,
        "compactness": own.compactness,
        "psnr": scores.psnr,
        **{name: _number(metric(factors, in_prior_units(model, latents))) for name, metric in (metrics or {}).items()},
    }


def _before_quantization(model: nn.Module, data: Any, rows: Any) -> float:
    """Modularity of what the quantizer rounds; NaN where that is not one number a latent."""
    if not hasattr(model, "encoder"):
        return math.nan
    soft = encode(model.encoder, data, rows=rows) if isinstance(model.encoder, nn.Module) else np.empty((0, 0))
    if soft.shape != (len(rows), model.num_latents):
        return math.nan
    return infomec(data.factors[rows], soft, discrete=False).modularity


def _counted(factors: np.ndarray, latents: np.ndarray, num_bins: int) -> float:
    return infomec(factors, binned(latents, num_bins).astype(float), discrete=True).modularity


def _number(result: Any) -> float:
    return float(result[0] if isinstance(result, tuple) else result)
