"""Values computed with the authors' own code: where they are, and their weights in networks of ours."""

import os
from pathlib import Path

import numpy as np
import torch

from dlq.nn import ConvEncoder, StyleDecoder
from dlq.quantizers import LatentQuantizer

FOLDER = Path(os.environ.get("DLQ_PARITY", Path(__file__).parent / "data"))


def read(path: Path) -> dict[str, torch.Tensor]:
    with np.load(path, allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def ours(key: str) -> str:
    return key.replace("codebook", "bottleneck.codebook")


def loaded(case: dict[str, torch.Tensor], build):
    """What ``build(encoder, bottleneck, decoder, image_shape)`` makes of networks of the case's sizes, with its weights."""
    weights = {ours(k.removeprefix("weights/")): v for k, v in case.items() if k.startswith("weights/")}
    shape = tuple(case["data/x"].shape[1:])
    widths = [weights[f"encoder.conv.{i}.weight"].shape[0] for i in (0, 3, 6, 9)]
    dense, (num_latents, num_values) = weights["encoder.dense.0.weight"].shape[0], case["weights/codebook"].shape
    encoder = ConvEncoder(shape, num_latents, widths=widths, dense=dense)
    decoder = StyleDecoder(shape, num_latents, widths=widths[::-1], dense=dense)
    model = build(encoder, LatentQuantizer(num_latents, num_values), decoder, shape)
    model.load_state_dict(weights)
    return model
