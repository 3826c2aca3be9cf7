"""A decoder as a list of layers: numpy runs it as torch does, and what a page cannot run is named."""

import base64
import inspect
import types

import numpy as np
import pytest
import torch
from torch import nn

import dlq
from dlq.models.infogan_networks import Generator
from dlq.models.pruned import Filled
from dlq.models.strided import StridedDecoder
from dlq.nn import DenseDecoder, StyleDecoder, UpsamplingDecoder
from dlq.widgets import layers as ly
from dlq.widgets.decoders import describe
from dlq.widgets.snapshot import Snapshot

SHAPE = (3, 16, 16)


def normalised(module):
    """Batch normalisation with averages and gains of its own, as after training."""
    generator = torch.Generator().manual_seed(1)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            for value in (layer.running_mean, layer.running_var, layer.weight.data, layer.bias.data):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
    return module


def convolutional():
    return nn.Sequential(
        *(nn.Linear(4, 72), nn.LeakyReLU(0.2), nn.Unflatten(1, (2, 6, 6))),
        *(nn.Conv2d(2, 5, 3, 1, 1, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(0.5)),
        *(nn.Conv2d(5, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 3, 5, 3, 2), nn.Flatten(), nn.Linear(147, 27)),
        *(nn.Unflatten(1, (3, 3, 3)), nn.Sigmoid()),
    )


DECODERS = {
    "dense": lambda: DenseDecoder(SHAPE, 4, width=12),
    "upsampling": lambda: UpsamplingDecoder(SHAPE, 4, width=8),
    "strided, ends cropped": lambda: StridedDecoder(SHAPE, 4, widths=(8, 6, 4), side=4, dense=10),
    "strided, batch norm": lambda: StridedDecoder(SHAPE, 4, widths=(8, 4), side=4, batch_norm=True),
    "generator": lambda: Generator(SHAPE, 4, 2),
    "some axes at rest": lambda: Filled(DenseDecoder(SHAPE, 6, width=12), [0, 2, 3, 5], torch.randn(6)),
    "style": lambda: StyleDecoder((3, 32, 32), 4, widths=(8, 6, 4, 2), dense=12),
    "any sequence": convolutional,
}


def drawing(decoder, sigmoid):
    decoder = normalised(decoder).eval()
    decode = (lambda z: torch.sigmoid(decoder(z))) if sigmoid else decoder
    return types.SimpleNamespace(decoder=decoder), lambda z: decode(torch.from_numpy(z)).detach().numpy()


@pytest.mark.parametrize("name", DECODERS)
def test_numpy_runs_the_description_as_torch_runs_the_decoder(name):
    model, draw = drawing(DECODERS[name](), sigmoid=name != "any sequence")
    z = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    layers = describe(model, draw, z)
    assert np.abs(ly.forward(layers, z) - draw(z)).max() < 1e-5
    assert np.ptp(draw(z), axis=0).max() > 1e-3  # the codes do differ


def presets():
    """The functions of ``dlq.models`` that build a model from an image shape."""
    found = {name: getattr(dlq.models, name) for name in dir(dlq.models)}
    found = {name: make for name, make in found.items() if getattr(make, "is_preset", False)}
    return {name: make for name, make in found.items() if "image_shape" in inspect.signature(make).parameters}


@pytest.mark.parametrize("name", presets())
def test_a_page_can_run_every_decoder_of_the_library(name):
    make = presets()[name]
    given = inspect.signature(make).parameters
    shape = (3, 32, 32) if given["image_shape"].default is inspect.Parameter.empty else given["image_shape"].default
    model = make(shape, **({"width": 4} if "width" in given else {}))
    if not hasattr(model, "decode"):
        return
    held = Snapshot(normalised(model))
    levels = held.codebook or held.levels or [np.float32([-1, 0, 1])] * held.num_latents
    rng = np.random.default_rng(0)
    z = np.stack([rng.choice(values, 5) for values in levels], 1).astype(np.float32)
    found = ly.forward(held.layers(z), z)
    assert np.abs(found - held.draw(z)).max() < 1e-5
    assert np.ptp(found, axis=0).max() > 1e-6  # untrained, but the codes do differ


def test_batch_normalisation_leaves_no_layer_behind():
    model, draw = drawing(DECODERS["strided, batch norm"](), sigmoid=True)
    kinds = [layer.kind for layer in describe(model, draw, np.zeros((2, 4), np.float32))]
    assert kinds == ["linear", "view", "rise", "rectify", "rise", "sigmoid"]


def test_a_transposed_convolution_by_hand():
    weight = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    layer = ly.Layer("rise", {"kernel": 2, "stride": 2, "padding": 0, "crop": 0}, (weight, np.float32([10])))
    x = np.float32([[[[1, 2]]]])
    assert ly.forward([layer], x).tolist() == [[[[10, 11, 10, 12], [12, 13, 14, 16]]]]


def test_half_rounds_to_the_nearest_of_1024_steps_an_octave():
    layer = ly.Layer("linear", {}, (np.float32([[1 + 0.4 / 1024, 1 + 0.6 / 1024]]), np.float32([0.1])))
    weight, bias = ly.half([layer])[0].arrays
    assert weight.tolist() == [[1, 1 + 1 / 1024]]
    assert bias == np.float32(np.float16(0.1))
    with pytest.raises(ValueError, match="65504"):
        ly.half([layer._replace(arrays=(np.float32([[7e4]]), np.float32([0])))])


def test_the_packed_weights_read_back():
    layers = [ly.Layer("linear", {}, (np.float32([[1, -2]]), np.float32([0.5]))), ly.Layer("rectify", {"slope": 0.0})]
    found = ly.packed(layers)
    assert np.frombuffer(base64.b64decode(found["weights"]), "<f2").tolist() == [1, -2, 0.5]
    assert found["layers"] == [
        {"kind": "linear", "lengths": [2, 1]},
        {"kind": "rectify", "slope": 0.0, "lengths": []},
    ]
    assert ly.num_weights(layers) == 3


UNKNOWN = {
    "Tanh": lambda: nn.Sequential(nn.Linear(4, 768), nn.Tanh(), nn.Unflatten(1, SHAPE)),
    "groups=2": lambda: nn.Sequential(nn.Linear(4, 8), nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 2, 1, groups=2)),
    "takes 3 numbers, the model has 4 latents": lambda: DenseDecoder(SHAPE, 3),
}


@pytest.mark.parametrize("said", UNKNOWN)
def test_what_a_page_cannot_run_is_named_and_tiles_are_offered(said):
    model = types.SimpleNamespace(decoder=UNKNOWN[said]().eval())
    with pytest.raises(ValueError, match=said) as error:
        describe(model, lambda z: z, np.zeros((2, 4), np.float32))
    assert "grid='star'" in str(error.value)


def test_a_decode_that_does_more_than_its_decoder_is_refused():
    model, draw = drawing(DenseDecoder(SHAPE, 4), sigmoid=True)
    with pytest.raises(ValueError, match="does more than the layers"):
        describe(model, lambda z: draw(z) ** 2, np.ones((2, 4), np.float32))
    with pytest.raises(ValueError, match="no decoder"):
        describe(types.SimpleNamespace(), draw, np.ones((2, 4), np.float32))


def test_the_shipped_models_decoder_is_known_and_stored_in_half():
    model = dlq.load("qlae-rooms").eval()
    z = np.stack([values.numpy() for values in model.codebook], 1).astype(np.float32)
    draw = lambda z: model.decode(torch.from_numpy(z)).detach().numpy()  # noqa: E731
    layers = describe(model, draw, z)
    assert ly.num_weights(layers) == sum(p.numel() for p in model.decoder.parameters()) == 383_619
    assert np.abs(ly.forward(ly.half(layers), z) - draw(z)).max() < 1e-5  # the file holds half precision already
