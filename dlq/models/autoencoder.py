"""Autoencoders with any bottleneck; with a latent quantizer this is QLAE.

K. Hsu et al., "Disentanglement via Latent Quantization", NeurIPS 2023, arXiv 2305.18378. Loss: the mean over pixels of
the binary cross-entropy between decoder logits and x, plus the quantizer's weighted losses (the authors' code, 9a420a3).

``autoencoder_paper`` and ``qlae_paper`` are the authors' networks and schedule. ``autoencoder`` and ``qlae`` are small
networks that learn in seconds on one CPU core; their settings (three values a latent, weight decay 0.3, batches of 32)
are ours. Where this differs from the authors' code: latents are bit-exact codebook values (see ``dlq.quantizers``).
"""

import copy
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlq.models.presets import check_image_shape, preset
from dlq.nn import ConvEncoder, DenseDecoder, DenseEncoder, Shrink, StyleDecoder, UpsamplingDecoder
from dlq.quantizers import FSQ, LatentQuantizer, Quantized, VectorQuantizer, through
from dlq.recipe import Player, Recipe, cosine, weights_and_biases

TEACHING = Recipe(steps=6_500, batch_size=32, threads=1)
PAPER = Recipe(steps=200_000, batch_size=128, bf16=True)
SHARPEN = Recipe(steps=1_500, batch_size=32, schedule=cosine, bf16=True)


class AutoEncoder(nn.Module):
    """An encoder (x to latents), an optional quantizer between, and a decoder (z to image logits).

    Any ``nn.Module`` that returns ``Quantized`` serves as ``bottleneck``; None leaves the latents continuous.
    ``penalty(decoder, soft, z, generator)`` returns more weighted terms of the loss by name; ``soft`` are the latents before
    the bottleneck, z those after it. Latents that are vectors (``VectorQuantizer``) are encoded as their number.
    """

    def __init__(
        self,
        encoder: nn.Module,
        bottleneck: LatentQuantizer | FSQ | VectorQuantizer | nn.Module | None,
        decoder: nn.Module,
        *,
        image_shape: Sequence[int],
        num_latents: int,
        recipe: Recipe = TEACHING,
        optimizer: tuple[float, float] = (1e-3, 0.0),
        penalty: Callable[..., dict[str, Tensor]] | None = None,
    ):
        super().__init__()
        self.encoder, self.bottleneck, self.decoder = encoder, bottleneck, decoder
        self.image_shape, self.num_latents, self.recipe = check_image_shape(image_shape), num_latents, recipe
        (self.learning_rate, self.weight_decay), self.penalty = optimizer, penalty

    @property
    def codebook(self) -> list[Tensor] | None:
        """The values each latent may take, one tensor a latent; None where latents are continuous."""
        return None if self.bottleneck is None else self.bottleneck.values()  # type: ignore[operator]

    def quantize(self, x: Tensor) -> Quantized:
        """Encodes x (batch, C, H, W) and passes the bottleneck. Without one, ``indices`` is empty."""
        return through(self.bottleneck, self.encoder(x))

    def encode(self, x: Tensor) -> Tensor:
        """The latents z (batch, num_latents) of x (batch, C, H, W) in [0, 1]; quantized where there is a quantizer."""
        quantized = self.quantize(x)
        return quantized.indices.float() if isinstance(self.bottleneck, VectorQuantizer) else quantized.z

    def decode(self, z: Tensor) -> Tensor:
        """Images (batch, C, H, W) in [0, 1] of latents z (batch, num_latents)."""
        z = self.bottleneck.look_up(z) if isinstance(self.bottleneck, VectorQuantizer) else z
        return torch.sigmoid(self.decoder(z).float())

    def loss(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of x (batch, C, H, W) and its weighted terms; reconstruction is in nats, a mean over pixels.

        A penalty that draws takes its draws from ``generator`` (default: a fresh one of seed 0).
        """
        soft = self.encoder(x)
        quantized = through(self.bottleneck, soft)
        logits = self.decoder(quantized.z).float()
        terms = {"reconstruction": F.binary_cross_entropy_with_logits(logits, x), **quantized.losses}
        if self.penalty is not None:
            generator = torch.Generator(x.device).manual_seed(0) if generator is None else generator
            terms |= self.penalty(self.decoder, soft, quantized.z, generator)
        return torch.stack(list(terms.values())).sum(), terms

    def players(self) -> list[Player]:
        """One player; weights are decayed and clipped, biases and codebooks are not."""
        groups = weights_and_biases(self, learning_rate=self.learning_rate, weight_decay=self.weight_decay)
        return [Player("autoencoder", groups, self.loss)]

    def sharpened(self, size: int, *, convolutional: bool = False, seed: int = 0) -> "AutoEncoder":
        """A copy with frozen encoder and codes and a fresh, untrained decoder for ``size``-pixel pictures."""
        return sharpened(self, size, convolutional=convolutional, seed=seed)


def published_networks(image_shape: Sequence[int], num_latents: int, width: int) -> tuple[ConvEncoder, StyleDecoder]:
    """The image encoder and the style decoder of Hsu et al. 2023; ``width`` is that of the first stage, theirs is 32."""
    widths = (width, 2 * width, 4 * width, 8 * width)
    encoder = ConvEncoder(image_shape, num_latents, widths=widths, dense=8 * width)
    return encoder, StyleDecoder(image_shape, num_latents, widths=widths[::-1], dense=8 * width)


def small(
    image_shape: Sequence[int],
    num_latents: int,
    width: int,
    bottleneck: nn.Module | None = None,
    *,
    optimizer: tuple[float, float],
    penalty: Callable[..., dict[str, Tensor]] | None = None,
) -> AutoEncoder:
    """The teaching networks around any bottleneck: what compares fairly differs in nothing else."""
    image_shape, inputs = check_image_shape(image_shape), getattr(bottleneck, "width", num_latents)
    return AutoEncoder(
        DenseEncoder(image_shape, inputs, width=width),
        bottleneck,
        DenseDecoder(image_shape, inputs, width=width),
        image_shape=image_shape,
        num_latents=num_latents,
        optimizer=optimizer,
        penalty=penalty,
    )


def published(
    image_shape: Sequence[int],
    num_latents: int,
    width: int,
    bottleneck: nn.Module | None = None,
    *,
    weight_decay: float,
    penalty: Callable[..., dict[str, Tensor]] | None = None,
) -> AutoEncoder:
    """The networks and the schedule of Hsu et al. 2023, which their baselines share, around any bottleneck."""
    image_shape, inputs = check_image_shape(image_shape), getattr(bottleneck, "width", num_latents)
    encoder, decoder = published_networks(image_shape, inputs, width)
    return AutoEncoder(
        encoder,
        bottleneck,
        decoder,
        image_shape=image_shape,
        num_latents=num_latents,
        recipe=PAPER,
        optimizer=(1e-3, weight_decay),
        penalty=penalty,
    )


@preset
def autoencoder(
    image_shape: Sequence[int],
    num_latents: int = 15,
    *,
    width: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    seed: int = 0,
) -> AutoEncoder:
    """The small teaching autoencoder with continuous latents: the control of ``qlae``, with the same networks."""
    return small(image_shape, num_latents, width, optimizer=(learning_rate, weight_decay))


@preset
def qlae(
    image_shape: Sequence[int],
    num_latents: int = 15,
    num_values: int | Sequence[int] = 3,
    *,
    width: int = 128,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.3,
    shared_codebook: bool = False,
    seed: int = 0,
) -> AutoEncoder:
    """The small teaching QLAE: dense networks, ``num_values`` learned values for each of ``num_latents`` latents.

    About three latents for each factor that varies, of three values each, learn fastest. ``image_shape`` is
    (channels, height, width), best at 16 to 32 pixels; ``weight_decay`` is decoupled and spares biases and codebooks.
    ``shared_codebook`` lets all latents choose from the same values (the paper's ablation), ``weight_decay=0`` is another.
    """
    quantizer = LatentQuantizer(num_latents, num_values, shared=shared_codebook)
    return small(image_shape, num_latents, width, quantizer, optimizer=(learning_rate, weight_decay))


@preset
def autoencoder_paper(
    image_shape: Sequence[int], num_latents: int = 12, *, width: int = 32, weight_decay: float = 0.0, seed: int = 0
) -> AutoEncoder:
    """The authors' autoencoder baseline: their networks, 200,000 steps of batch 128. ``width`` is that of the first stage.

    ``num_latents`` is twice the number of factors in the paper; its Shapes3D and MPI3D files use a weight decay of 1e-3.
    """
    return published(image_shape, num_latents, width, weight_decay=weight_decay)


@preset
def qlae_paper(
    image_shape: Sequence[int],
    num_latents: int = 12,
    num_values: int | Sequence[int] = 10,
    *,
    width: int = 32,
    weight_decay: float = 0.1,
    shared_codebook: bool = False,
    seed: int = 0,
) -> AutoEncoder:
    """The authors' QLAE for 64-pixel images: 7.65 million parameters, 200,000 steps of batch 128, meant for a GPU.

    ``num_latents`` is twice the number of factors in the paper; weight decay is 0.1 (MPI3D: 0.001).
    """
    quantizer = LatentQuantizer(num_latents, num_values, shared=shared_codebook)
    return published(image_shape, num_latents, width, quantizer, weight_decay=weight_decay)


@preset
def sharpened(model: AutoEncoder, size: int = 64, *, convolutional: bool = False, seed: int = 0) -> AutoEncoder:
    """``model`` with its encoder and codes frozen and a fresh decoder for ``size`` pixels; trained by ``dlq.sharpen``.

    The decoder is dense (sharpest within a minute of training) or, if ``convolutional``, a small one of 0.4 million
    parameters that is sharper per byte after ten minutes.
    """
    channels, side, width = model.image_shape
    if side != width:
        raise ValueError(f"the model's images are {side} x {width}; only square ones can be drawn larger")
    if size < side or size % side:
        raise ValueError(f"size is {size}; it must be a multiple of the model's own size, {side}")
    frozen = copy.deepcopy(model).requires_grad_(False)
    shape, inputs = (channels, size, size), getattr(frozen.bottleneck, "width", model.num_latents)
    decoder: nn.Module = UpsamplingDecoder(shape, inputs) if convolutional else DenseDecoder(shape, inputs, width=256)
    return AutoEncoder(
        nn.Sequential(Shrink(side), frozen.encoder),
        frozen.bottleneck,
        decoder,
        image_shape=shape,
        num_latents=model.num_latents,
        recipe=SHARPEN,
        optimizer=(2e-3, 0.0),
    )
