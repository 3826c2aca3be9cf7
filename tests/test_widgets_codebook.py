import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

import dlq
from dlq.widgets import Codebook, snapping

VALUES = np.array([1.0, -1.0, 0.25])
LEARNED = snapping.Rule(bounded=False, quantization_weight=0.01, commitment_weight=0.02)


def test_a_soft_value_by_hand():
    found = snapping.snap([0.5, -2.0], VALUES, LEARNED)
    assert found.value.tolist() == [0.25, -1.0]
    assert found.indices.tolist() == [2, 1]
    assert found.distance.tolist() == [0.25, 1.0]
    np.testing.assert_allclose(found.quantization, [0.01 / 16, 0.01])
    np.testing.assert_allclose(found.commitment, [0.02 / 16, 0.02])
    assert found.gradient.tolist() == [1, 1]


@pytest.mark.parametrize("num_values", [2, 3, 4, 10])
@pytest.mark.parametrize("make", [dlq.LatentQuantizer, dlq.FSQ])
def test_the_numbers_are_those_of_the_quantizer(make, num_values):
    quantizer = make(1, num_values)
    view = Codebook(quantizer)
    values = quantizer.values()[0].numpy()
    for stop, number in enumerate(snapping.positions(values, view._rule)):
        view.position = stop
        soft = torch.tensor([[number]], dtype=torch.float32, requires_grad=True)
        z, indices, losses = quantizer(soft)
        z.sum().backward()
        found = view.snap
        if abs(soft.item()) < 1e-6 and num_values % 2 == 0:
            continue  # as far from the value below as from that above: which one, rounding decides
        assert found.indices.tolist() == indices[0].tolist()
        np.testing.assert_allclose(found.value, z[0].detach(), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(found.gradient, soft.grad[0], rtol=1e-4, atol=1e-6)
        for name in ("quantization", "commitment"):
            mine = getattr(found, name)
            assert (mine is None) == (name not in losses)
            if mine is not None:
                np.testing.assert_allclose(mine, losses[name].detach(), rtol=1e-4, atol=1e-9)


def test_fixed_values_have_no_quantization_loss():
    assert Codebook(dlq.LatentQuantizer(2, 3, learned=False)).weights == [None, 0.01]
    assert Codebook(dlq.FSQ(2, 3)).weights == [None, None]


def test_usage_counts_what_occurs():
    latents = np.array([[-0.5, 0.0], [0.5, 0.0], [0.5, 0.5], [0.5, 0.0]], np.float32)
    view = Codebook(dlq.LatentQuantizer(2, 3), latents)
    assert view.values == [[-0.5, 0.0, 0.5]] * 2
    assert view.counts == [[1, 0, 3], [0, 3, 1]]
    assert Codebook(dlq.LatentQuantizer(2, 3)).counts == []


def test_a_model_is_read_like_its_quantizer():
    model = dlq.qlae((1, 16, 16), num_latents=4, num_values=3)
    view = Codebook(model, names="abcd")
    assert view.names == ["a", "b", "c", "d"]
    assert view.values == [values.tolist() for values in model.bottleneck.values()]
    assert view.weights == [0.01, 0.01]


def test_latents_with_the_same_values_share_a_table():
    view = Codebook(dlq.FSQ(200, 5))
    assert (len(view.tables), set(view.kinds)) == (1, {0})
    assert len(Codebook(dlq.FSQ(3, [3, 5, 3])).tables) == 2


def test_the_slider_reaches_beyond_the_outer_values():
    stops = snapping.positions(VALUES, LEARNED)
    assert (stops[0], stops[-1], len(stops)) == (-1.5, 1.5, 121)
    assert snapping.positions(np.array([2.0]), LEARNED)[[0, -1]].tolist() == [1.5, 2.5]


class Vectors(torch.nn.Module):
    def values(self):
        return [torch.zeros(5, 4)]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (dlq.quantizers.VectorQuantizer(2, 5, dimension=4), {}, "values of this quantizer are vectors of 4 numbers"),
        (Vectors(), {}, r"the codebook of latent 0 has shape \(5, 4\), vectors"),
        (dlq.autoencoder((1, 16, 16)), {}, "the latents of this model are continuous"),
        (torch.nn.Linear(2, 2), {}, "a Linear has neither values"),
        (dlq.FSQ(2, 3), {"latents": np.zeros((3, 5))}, r"latents has shape \(3, 5\); expected \(n, 2\)"),
        (dlq.FSQ(2, 3), {"latents": np.full((3, 2), 0.3)}, "latents holds 0.3, the codebook's nearest is 0"),
        (dlq.FSQ(2, 3), {"names": ["a"]}, "found 1 names for 2 latents"),
    ],
)
def test_what_has_no_number_line_is_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        Codebook(model, **options)


def test_a_choice_outside_is_refused():
    view = Codebook(dlq.FSQ(2, 3))
    with pytest.raises(ValueError, match="latent is 2; give a number from 0 to 1"):
        view.latent = 2


def test_the_still_picture_draws_unused_values_hollow():
    latents = np.full((4, 1), -0.5, np.float32)
    used, unknown = Codebook(dlq.LatentQuantizer(1, 2), latents), Codebook(dlq.LatentQuantizer(1, 2))
    base, right = 30, 90 + 10 + 250  # the middle of the second value's dot
    assert used.image()[:, base, right].tolist() == [255, 255, 255]
    assert unknown.image()[:, base, right].tolist() == [0x0B, 0x65, 0xC2]
    bundle, _ = used._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).format == "PNG"
