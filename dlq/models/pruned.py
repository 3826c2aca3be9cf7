"""A model with fewer latents that draws the same pictures: the axes that are left out stay where they were on average."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dlq.models.autoencoder import AutoEncoder
from dlq.models.penalties import weighted_kl
from dlq.models.presets import preset
from dlq.models.vae import VAE


class Kept(nn.Module):
    """An encoder of which only some outputs are kept."""

    outputs: Tensor

    def __init__(self, encoder: nn.Module, outputs: Sequence[int]):
        super().__init__()
        self.encoder = encoder
        self.register_buffer("outputs", torch.tensor(outputs), persistent=False)  # the preset's record has them

    def forward(self, x: Tensor) -> Tensor:
        """The kept outputs of x, (batch, number kept)."""
        return self.encoder(x)[:, self.outputs]


class Filled(nn.Module):
    """A decoder that is given some axes and takes the others from ``rest``, (num_latents of the decoder)."""

    axes: Tensor
    rest: Tensor

    def __init__(self, decoder: nn.Module, axes: Sequence[int], rest: Tensor):
        super().__init__()
        self.decoder = decoder
        self.register_buffer("axes", torch.tensor(axes), persistent=False)
        self.register_buffer("rest", rest.clone())

    def forward(self, z: Tensor) -> Tensor:
        """Decodes z (batch, number kept) to logits."""
        return self.decoder(self.rest.to(z.dtype).expand(len(z), -1).index_copy(1, self.axes, z))


def check_axes(axes: Sequence[int], num_latents: int) -> list[int]:
    """Different axes of a model, in ascending order, or a ValueError."""
    found = sorted(int(axis) for axis in axes)
    if not found:
        raise ValueError("no axis is to be kept, so nothing could be drawn; keep at least one, such as relevance.axes")
    if len(set(found)) < len(found) or found[0] < 0 or found[-1] >= num_latents:
        raise ValueError(f"axes are {found}; give different numbers from 0 to {num_latents - 1}")
    return found


@preset
def pruned(model: VAE | AutoEncoder, axes: Sequence[int], *, seed: int = 0) -> VAE | AutoEncoder:
    """A copy of ``model`` that keeps these latents, in ascending order; the others rest at their mean encoding.

    Without one (only ``ard_vae`` keeps it) they rest at the prior's mean, 0; ``dlq.prune`` sets the rest. Its prior is that
    of the kept axes, and stays as it is when it is trained further. Training goes on without a discriminator.
    """
    num_latents = model.num_latents
    found = check_axes(axes, num_latents)
    if model.codebook is not None:
        raise ValueError("this model's latents are quantized; only models with continuous latents can be pruned")
    encoder, decoder = copy.deepcopy(model.encoder), copy.deepcopy(model.decoder)
    rest = getattr(model, "mean_encoding", torch.zeros(num_latents))
    drawing = Filled(decoder, found, rest)
    if isinstance(model, AutoEncoder):
        kept = Kept(encoder, found)
        optimizer = (model.learning_rate, model.weight_decay)
        shape, recipe = model.image_shape, model.recipe
        return AutoEncoder(
            kept, None, drawing, image_shape=shape, num_latents=len(found), recipe=recipe, optimizer=optimizer
        )
    return _pruned_vae(model, Kept(encoder, [*found, *(num_latents + axis for axis in found)]), drawing, found)


def _pruned_vae(model: VAE, encoder: nn.Module, decoder: nn.Module, axes: list[int]) -> VAE:
    small = VAE(
        (encoder, decoder),
        weighted_kl if isinstance(model.penalty, nn.Module) else model.penalty,
        image_shape=model.image_shape,
        num_latents=len(axes),
        likelihood=model.likelihood,
        recipe=model.recipe,
        learning_rate=model.learning_rate,
    )
    small.prior_mean.copy_(model.prior_mean[axes])
    small.prior_variance.copy_(model.prior_variance[axes])
    return small
