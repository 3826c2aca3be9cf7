"""Reads the decoder of a torch model as a plain list of layers (``dlq.widgets.layers``), for a page that decodes itself."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlq.models.infogan import InfoGAN
from dlq.models.infogan_networks import Generator
from dlq.models.pruned import Filled
from dlq.models.strided import Cropped, StridedDecoder
from dlq.nn import EPS, SLOPE, DenseDecoder, StyleBlock, StyleDecoder, UpsamplingDecoder
from dlq.quantizers import VectorQuantizer
from dlq.widgets.layers import Layer, forward

TILES = "export tiles instead: grid='star'"
KNOWN = "Linear, LayerNorm, BatchNorm, ReLU, LeakyReLU, Conv2d, ConvTranspose2d, (Un)Flatten, Sigmoid and style blocks"
SAME = 1e-3  # of a pixel's range: what two orders of adding float32 numbers stay well below


def describe(model, draw, z: np.ndarray) -> list[Layer]:
    """The layers of ``model.decode``, from ``model.decoder`` (or ``.generator``) and the sigmoid after it.

    ``draw`` is decode on numpy arrays; on the codes z (n, num_latents) it must give what the layers give. A ValueError
    names the layer that a page cannot run, or says that decode does more than its layers, and offers tiles.
    """
    network = getattr(model, "decoder", None) or getattr(model, "generator", None)
    if not isinstance(network, nn.Module):
        raise ValueError(f"{type(model).__name__} has no decoder that a page could run; {TILES}")
    layers = _numbers_first(model, _folded(_parts(network)))
    if layers and layers[0].kind == "linear" and (inputs := layers[0].arrays[0].shape[1]) != z.shape[1]:
        raise ValueError(
            f"the decoder takes {inputs} numbers, the model has {z.shape[1]} latents, so its decode does more than a page "
            f"can; {TILES}"
        )
    wanted = draw(z)
    for found in (layers, [*layers, Layer("sigmoid", {})]):
        x = forward(found, z)
        if x.shape == wanted.shape and np.abs(x - wanted).max() < SAME:
            return found
    raise ValueError(f"the decode of {type(model).__name__} does more than the layers of its decoder; {TILES}")


def _numbers_first(model: Any, layers: list[Layer]) -> list[Layer]:
    """Puts before the layers what a model does to latents that are numbers of something: vectors, or a category."""
    quantizer = getattr(model, "bottleneck", None)
    if isinstance(quantizer, VectorQuantizer):
        widths = [quantizer.dimension] * quantizer.num_latents
        return [Layer("pick", {"widths": widths}, (_array(quantizer.codebook),)), *layers]
    if isinstance(model, InfoGAN):  # its noise stays the same, so that it is a part of the first layer's bias
        codes, (weight, bias) = model.codes, layers[0].arrays
        bias = bias + weight[:, : codes.num_noise] @ _array(model.noise)
        picked = Layer("pick", {"widths": [codes.num_categories, *[0] * codes.num_continuous]},
                       (np.eye(codes.num_categories, dtype=np.float32),))  # fmt: skip
        return [picked, layers[0]._replace(arrays=(weight[:, codes.num_noise :], bias)), *layers[1:]]
    return layers


class _Canvas(nn.Module):
    """Stands for the learned map that a style decoder begins from."""

    def __init__(self, start: Tensor):
        super().__init__()
        self.start = start


class _Restyle(nn.Module):
    """Stands for what a style block does after its convolution and its rectifier."""

    def __init__(self, style: nn.Linear):
        super().__init__()
        self.style = style


def _style_parts(module: StyleDecoder) -> list[nn.Module]:
    dense = [part for layer in module.dense for part in (layer, nn.ReLU())]
    return [*dense, _Canvas(module.input_map), *module.block, module.out]


def _parts(module: nn.Module) -> list[nn.Module]:
    """The single layers of a network in the order in which they run."""
    if isinstance(module, nn.Sequential):
        inside: list[nn.Module] = list(module)
    elif isinstance(module, DenseDecoder):
        inside = [module.hidden, module.out, nn.Unflatten(1, module.image_shape)]
    elif isinstance(module, UpsamplingDecoder):
        inside = [module.start, nn.Unflatten(1, (-1, 4, 4)), module.rise]
    elif isinstance(module, StridedDecoder):
        inside = [module.layers]
    elif isinstance(module, StyleDecoder):
        inside = _style_parts(module)
    elif type(module) is StyleBlock:
        return [module, nn.LeakyReLU(SLOPE), _Restyle(module.style)]
    elif isinstance(module, Generator):
        inside = [module.dense, module.rise]
    elif isinstance(module, Filled):
        inside = [_filling(module), module.decoder]
    else:
        return [] if isinstance(module, nn.Identity | nn.Dropout) else [module]
    return [part for each in inside for part in _parts(each)]


def _filling(module: Filled) -> nn.Linear:
    """What puts some axes among resting others is a linear layer of zeros and ones."""
    layer = nn.Linear(len(module.axes), len(module.rest))
    layer.weight.data.zero_()
    layer.weight.data[module.axes, torch.arange(len(module.axes))] = 1
    layer.bias.data.copy_(module.rest).index_fill_(0, module.axes, 0.0)
    return layer


def _folded(modules: list[nn.Module]) -> list[Layer]:
    """The layers of the modules; batch normalisation (in evaluation mode) goes into the weights before it."""
    layers: list[Layer] = []
    for module in modules:
        if (
            isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
            and layers
            and layers[-1].kind in ("linear", "conv", "rise")
        ):
            layers[-1] = _normalised(layers[-1], module)
        else:
            layers.append(_layer(module))
    return layers


def _normalised(layer: Layer, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> Layer:
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError(f"the decoder's batch normalisation keeps no running averages; {TILES}")
    weight, bias = layer.arrays
    scale = 1 / np.sqrt(_array(norm.running_var) + norm.eps) * (1 if norm.weight is None else _array(norm.weight))
    shift = 0 if norm.bias is None else _array(norm.bias)
    shape = [1] * weight.ndim
    shape[1 if layer.kind == "rise" else 0] = -1  # the axis of the outputs
    bias = (bias - _array(norm.running_mean)) * scale + shift
    return layer._replace(arrays=((weight * scale.reshape(shape)).astype(np.float32), bias.astype(np.float32)))


def _layer(module: Any) -> Layer:
    kind = type(module)  # exactly: a subclass may do anything
    if kind is nn.Linear:
        return Layer("linear", {}, _weights(module, module.out_features))
    if kind is nn.LayerNorm and len(module.normalized_shape) == 1 and module.elementwise_affine:
        return Layer("norm", {"eps": module.eps}, _weights(module, module.normalized_shape[0]))
    if kind in (nn.ReLU, nn.LeakyReLU):
        return Layer("rectify", {"slope": float(getattr(module, "negative_slope", 0.0))})
    if kind is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1):
        return Layer("view", {"shape": [-1]})
    if kind is nn.Unflatten and module.dim == 1:
        return Layer("view", {"shape": [int(size) for size in module.unflattened_size]})
    if kind is _Canvas:
        return Layer("canvas", {"shape": list(module.start.shape)}, (_array(module.start),))
    if kind is _Restyle:
        return Layer("restyle", {"eps": EPS}, _weights(module.style, module.style.out_features))
    if kind is nn.Sigmoid:
        return Layer("sigmoid", {})
    if kind is nn.Conv2d and _plain(module):
        return Layer("conv", _sizes(module), _weights(module, module.out_channels))
    if kind in (nn.ConvTranspose2d, Cropped, StyleBlock) and _plain(module) and module.output_padding == (0, 0):
        return Layer("rise", {**_sizes(module), "crop": int(kind is Cropped)}, _weights(module, module.out_channels))
    raise ValueError(f"a page cannot run the decoder's layer {module}; it knows {KNOWN}; {TILES}")


def _plain(module) -> bool:
    """Whether a convolution is square, zero-padded, and without groups or dilation."""
    (k, across), (s, t), padding = module.kernel_size, module.stride, module.padding
    square = k == across and s == t and not isinstance(padding, str) and padding[0] == padding[1] < k
    return square and module.dilation == (1, 1) and module.groups == 1 and module.padding_mode == "zeros"


def _sizes(module) -> dict[str, int | float | list[int]]:
    return {"kernel": module.kernel_size[0], "stride": module.stride[0], "padding": module.padding[0]}


def _weights(module, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    bias = np.zeros(outputs, np.float32) if module.bias is None else _array(module.bias)
    return _array(module.weight), bias


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
