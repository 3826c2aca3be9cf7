"""A decoder as a plain list of layers and weight arrays, which numpy here and decoder.js in a page run alike.

Convolutions are square, of one stride and padding, without groups or dilation. ``dlq.widgets.decoders`` reads such a list
off a torch model; nothing here needs torch.
"""

import base64
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Numbers = dict[str, int | float | list[int]]


class Layer(NamedTuple):
    """One step: linear, conv and rise have a weight and a bias, norm a scale and a shift; rectify, view and sigmoid none.

    ``pick`` reads each latent's number as a row of its table; latents of ``widths`` 0 pass, and one table serves all
    others. ``canvas`` keeps what was computed so far as the style and goes on from a map of its own; ``restyle`` makes each
    channel's mean 0 and variance 1, then scales and shifts it by a rectified linear function of the style.
    """

    kind: str
    numbers: Numbers
    arrays: tuple[np.ndarray, ...] = ()


def forward(layers: Sequence[Layer], z: np.ndarray) -> np.ndarray:
    """Runs the layers on z (n, inputs) in float32."""
    x = style = np.asarray(z, np.float32)
    for layer in layers:
        if layer.kind == "canvas":
            style, x = x, np.repeat(layer.arrays[0][None], len(x), 0)
        elif layer.kind == "restyle":
            x = _restyle(x, style, layer)
        else:
            x = _RUN[layer.kind](x, layer)
    return x


def half(layers: Sequence[Layer]) -> list[Layer]:
    """The same layers with every weight rounded to half precision, kept as float32; a weight too large is an error."""
    rounded = []
    for layer in layers:
        with np.errstate(over="ignore"):
            arrays = tuple(array.astype(np.float16).astype(np.float32) for array in layer.arrays)
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError(
                f"a weight of the decoder's layer '{layer.kind}' is not finite in half precision, whose largest number "
                "is 65504; export tiles instead: grid='star'"
            )
        rounded.append(layer._replace(arrays=arrays))
    return rounded


def num_weights(layers: Sequence[Layer]) -> int:
    """Counts the numbers in all weight arrays."""
    return sum(array.size for layer in layers for array in layer.arrays)


def packed(layers: Sequence[Layer]) -> dict[str, object]:
    """The layers for JSON: kinds and numbers, and all weights in a row as base64 of little-endian half precision."""
    arrays = [array.astype("<f2").ravel() for layer in layers for array in layer.arrays]
    return {
        "layers": [
            {"kind": layer.kind, **layer.numbers, "lengths": [array.size for array in layer.arrays]} for layer in layers
        ],
        "weights": base64.b64encode(np.concatenate([np.empty(0, "<f2"), *arrays]).tobytes()).decode(),
    }


def _linear(x, layer):
    weight, bias = layer.arrays
    return x.reshape(len(x), -1) @ weight.T + bias


def _norm(x, layer):
    scale, shift = layer.arrays
    centred = x - x.mean(-1, keepdims=True)
    return (
        centred / np.sqrt(np.square(centred).mean(-1, keepdims=True) + np.float32(layer.numbers["eps"])) * scale + shift
    )


def _restyle(x, style, layer):
    weight, bias = layer.arrays
    scale, shift = np.split(np.maximum(style @ weight.T + bias, 0)[:, :, None, None], 2, axis=1)
    centred = x - x.mean((2, 3), keepdims=True)
    return centred / np.sqrt(np.square(centred).mean((2, 3), keepdims=True) + layer.numbers["eps"]) * scale + shift


def _pick(x, layer):
    (table,) = layer.arrays  # (rows, width)
    rows = np.clip(np.rint(x), 0, len(table) - 1).astype(np.int64)
    columns = [table[rows[:, i]] if width else x[:, i : i + 1] for i, width in enumerate(layer.numbers["widths"])]
    return np.concatenate(columns, axis=1)


def _rectify(x, layer):
    return np.where(x > 0, x, np.float32(layer.numbers["slope"]) * x)


def _view(x, layer):
    return x.reshape(len(x), *layer.numbers["shape"])


def _conv(x, layer):
    weight, bias = layer.arrays  # (out, in, k, k)
    k, stride, padding = (int(layer.numbers[key]) for key in ("kernel", "stride", "padding"))
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    high, wide = ((size - k) // stride + 1 for size in x.shape[2:])
    y = np.zeros((len(x), len(bias), high, wide), np.float32)
    for a in range(k):
        for b in range(k):
            part = x[:, :, a : a + stride * (high - 1) + 1 : stride, b : b + stride * (wide - 1) + 1 : stride]
            y += np.einsum("nchw,oc->nohw", part, weight[:, :, a, b], optimize=True)
    return y + bias[:, None, None]


def _rise(x, layer):
    weight, bias = layer.arrays  # (in, out, k, k)
    k, stride, padding = (int(layer.numbers[key]) for key in ("kernel", "stride", "padding"))
    high, wide = (stride * (size - 1) + k for size in x.shape[2:])
    y = np.zeros((len(x), len(bias), high, wide), np.float32)
    for a in range(k):
        for b in range(k):
            rows, columns = slice(a, high - k + a + 1, stride), slice(b, wide - k + b + 1, stride)
            y[:, :, rows, columns] += np.einsum("nchw,co->nohw", x, weight[:, :, a, b], optimize=True)
    end = padding + int(layer.numbers["crop"])
    return y[:, :, padding : high - end, padding : wide - end] + bias[:, None, None]


def _sigmoid(x, layer):
    return 0.5 * (1 + np.tanh(0.5 * x))  # does not overflow


_RUN = {
    "linear": _linear,
    "norm": _norm,
    "rectify": _rectify,
    "view": _view,
    "pick": _pick,
    "conv": _conv,
    "rise": _rise,
    "sigmoid": _sigmoid,
}
