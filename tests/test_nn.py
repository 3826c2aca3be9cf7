"""Networks: the authors' sizes, the laws their blocks obey, and images they cannot draw."""

import pytest
import torch
from torch import nn

from dlq.nn import (
    ConvBlock,
    ConvEncoder,
    DenseDecoder,
    DenseEncoder,
    Shrink,
    StyleBlock,
    StyleDecoder,
    UpsamplingDecoder,
)


@pytest.fixture(autouse=True)
def same_start_and_no_trace():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def outputs(network: nn.Module, kind: type, *arguments) -> list[tuple[int, ...]]:
    """The shape (channels, height, width) after each module of a kind."""
    shapes: list[tuple[int, ...]] = []
    hooks = [
        module.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
        for module in network.modules()
        if isinstance(module, kind)
    ]
    network(*arguments)
    for hook in hooks:
        hook.remove()
    return shapes


# --- the authors' networks


def test_parameter_counts_are_the_authors():
    """Worked out by hand from the published table of layers, at twelve latents and 3 x 64 x 64 images."""
    widths = [(3, 32), (32, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 128), (128, 128), (128, 128)]
    widths += [(128, 256), (256, 256), (256, 256)]
    conv = sum(a * b * k * k + 2 * b for (a, b), k in zip(widths, [3, 3, 4] * 4, strict=True))
    encoder = conv + (4096 * 256 + 256) + (256 * 256 + 256) + (256 * 12 + 12)
    assert count(ConvEncoder((3, 64, 64), 12)) == encoder
    assert encoder == pytest.approx(3.68e6, abs=5e3)

    widths = [(256, 256)] * 3 + [(256, 128), (128, 128), (128, 128), (128, 64), (64, 64), (64, 64)]
    widths += [(64, 32), (32, 32), (32, 32)]
    style = sum(a * b * k * k + 256 * 2 * b + 2 * b for (a, b), k in zip(widths, [3, 3, 4] * 4, strict=True))
    decoder = 256 * 16 + (12 * 256 + 256) + (256 * 256 + 256) + style + 32 * 3 * 9
    assert count(StyleDecoder((3, 64, 64), 12)) == decoder
    assert decoder == pytest.approx(3.97e6, abs=5e3)
    assert encoder + decoder == pytest.approx(7.65e6, abs=5e3)


def test_the_encoder_halves_the_image_four_times_and_the_decoder_mirrors_it():
    stages = [(32, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4)]
    encoder, decoder = ConvEncoder((3, 64, 64), 12), StyleDecoder((3, 64, 64), 12)
    found = outputs(encoder, ConvBlock, torch.rand(1, 3, 64, 64))
    assert [found[i] for i in (2, 5, 8, 11)] == stages
    assert [found[i][1:] for i in (0, 1, 3)] == [(64, 64), (64, 64), (32, 32)]
    found = outputs(decoder, StyleBlock, torch.rand(1, 12))
    assert [found[i] for i in (2, 5, 8, 11)] == [(256, 8, 8), (128, 16, 16), (64, 32, 32), (32, 64, 64)]


def test_an_encoder_block_ignores_the_scale_of_its_input():
    """Instance normalisation: doubling the contrast of an image changes nothing but rounding (and epsilon)."""
    block = ConvBlock(3, 8, 3, 1)
    x = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(block(50 * x), block(x), atol=1e-4, rtol=0)
    assert not torch.allclose(block(x + torch.rand(2, 3, 16, 16)), block(x), atol=1e-2)


def test_every_channel_of_an_encoder_block_is_normalised_by_itself():
    block = ConvBlock(1, 4, 3, 1)
    before = []
    block.norm.register_forward_hook(lambda _, __, out: before.append(out))
    block(torch.rand(3, 1, 16, 16))
    torch.testing.assert_close(before[0].mean((2, 3)), torch.zeros(3, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(before[0].std((2, 3), correction=0), torch.ones(3, 4), atol=1e-3, rtol=0)


def test_latents_reach_the_pixels_only_as_a_style():
    """With every style layer shut, all latents draw the same image; with one open, they do not."""
    decoder = StyleDecoder((1, 32, 32), 3, widths=(16, 8, 8, 4), dense=16)
    z = torch.randn(2, 3)
    assert not torch.allclose(*decoder(z), atol=1e-6)
    with torch.no_grad():
        for block in decoder.block:
            block.style.weight.zero_()
            block.style.bias.fill_(1.0)
    assert torch.equal(*decoder(z))
    with torch.no_grad():
        decoder.block[5].style.weight.copy_(torch.randn(16, 16))
    assert not torch.allclose(*decoder(z), atol=1e-6)


def test_a_style_block_normalises_then_scales_and_shifts_by_the_rectified_style():
    block = StyleBlock(3, 2, 3, 1, style=1)
    with torch.no_grad():
        block.style.weight.zero_()
        block.style.bias.copy_(torch.tensor([2.0, -5.0, -1.0, 0.25]))  # scales 2 and -5, shifts -1 and 0.25
    out = block(torch.rand(4, 3, 8, 8), torch.zeros(4, 1))
    torch.testing.assert_close(out[:, 0].mean((1, 2)), torch.zeros(4), atol=1e-5, rtol=0)  # a negative shift is none
    torch.testing.assert_close(out[:, 0].std((1, 2), correction=0), torch.full((4,), 2.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(out[:, 1], torch.full((4, 8, 8), 0.25))  # a negative scale is zero


def test_transposed_convolutions_start_within_the_bound_of_their_inputs():
    """torch counts output channels, which would let these go sqrt(2) further."""
    weight = StyleBlock(64, 32, 4, 2, style=8).weight
    bound = (64 * 16) ** -0.5
    assert 0.99 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)


def test_the_input_map_starts_at_one_tenth():
    assert (StyleDecoder((3, 64, 64), 12).input_map == 0.1).all()


def test_features_are_what_the_head_reads():
    encoder = ConvEncoder((1, 32, 32), 3, widths=(4, 4, 4, 4), dense=8)
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(encoder(x), encoder.features(x) @ encoder.head.weight.T + encoder.head.bias)
    assert (encoder.features(x) >= 0).all()


@pytest.mark.parametrize("make", [ConvEncoder, StyleDecoder])
@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 40, 40), (3, 64, 32)])
def test_images_that_cannot_be_halved_four_times_are_refused(make, shape):
    message = f"images are {shape[1]} x {shape[2]}; .* squares with a side that is a multiple of 16, 32 or more"
    with pytest.raises(ValueError, match=message):
        make(shape, 4)


# --- every network on other channels and sizes: an image in, an image of that shape out, and all of it matters

PAIRS = {
    "dense": (DenseEncoder, DenseDecoder, {}, {}),
    "conv, three stages": (
        ConvEncoder,
        StyleDecoder,
        {"widths": (4, 8, 8), "dense": 16},
        {"widths": (8, 8, 4), "dense": 16},
    ),
    "upsampling": (DenseEncoder, UpsamplingDecoder, {}, {"width": 16}),
}


@pytest.mark.parametrize("size", [16, 32, 64])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("pair", PAIRS)
def test_every_pixel_and_every_latent_matters(pair, channels, size):
    encoder, decoder, encoder_options, decoder_options = PAIRS[pair]
    shape = (channels, size, size)
    x = torch.rand(2, *shape, requires_grad=True)
    z = encoder(shape, 3, **encoder_options)(x)
    z.square().sum().backward()
    assert (x.grad.flatten(2).abs().sum(2) > 0).all(), "a channel does not reach the latents"
    assert (x.grad.abs().sum((0, 1)) > 0).float().mean() > 0.95, "pixels do not reach the latents"

    z = torch.randn(2, 3, requires_grad=True)
    drawn = decoder(shape, 3, **decoder_options)(z)
    assert drawn.shape == (2, *shape)
    drawn[0].square().sum().backward()
    assert (z.grad[0] != 0).all()
    assert (z.grad[1] == 0).all(), "one image depends on another image's latents"


# --- the small networks


def test_a_dense_decoder_fills_the_image_row_by_row():
    decoder = DenseDecoder((2, 3, 4), 1)
    with torch.no_grad():
        decoder.out.weight.zero_()
        decoder.out.bias.copy_(torch.arange(24.0))
    assert torch.equal(decoder(torch.zeros(1, 1))[0], torch.arange(24.0).reshape(2, 3, 4))


def test_the_upsampling_decoder_is_small_at_64_pixels():
    by_hand = (15 * 256 + 256) + (256 * 1024 + 1024)  # dense
    by_hand += 16 * (64 * 64 + 64 * 32 + 32 * 32 + 32 * 3) + 64 + 32 + 32 + 3  # kernels of 4 x 4, biases
    assert count(UpsamplingDecoder((3, 64, 64), 15)) == by_hand
    assert by_hand < 0.4e6


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 24, 24), (3, 48, 48), (1, 32, 16), (1, 16, 32)])
def test_the_upsampling_decoder_refuses_what_it_cannot_draw(shape):
    with pytest.raises(ValueError, match=f"images are {shape[1]} x {shape[2]}; this decoder draws squares"):
        UpsamplingDecoder(shape, 4)


def test_shrink_is_the_mean_of_blocks_by_hand():
    x = torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [0, 0, 4, 0], [0, 0, 0, 0]])[None, None]
    assert Shrink(2)(x).tolist() == [[[[3.5, 5.5], [0.0, 1.0]]]]
    assert torch.equal(Shrink(4)(x), x)
