"""A model whose pictures can be checked by hand: latent i paints the i-th vertical stripe, value -1 black and 1 white."""

import torch
from torch import nn


class Stripes(nn.Module):
    """Follows the model contract; ``codebook`` is a list of allowed values per latent, or None for a continuous model."""

    def __init__(self, image_shape=(1, 4, 6), num_latents=3, values=(-1.0, 0.0, 1.0), continuous=False):
        super().__init__()
        self.image_shape, self.num_latents = image_shape, num_latents
        self.codebook = None if continuous else [torch.tensor(values) for _ in range(num_latents)]
        self.dropout = nn.Dropout(0.5)  # shows when a widget decodes in training mode
        self.register_buffer("stripe", torch.arange(image_shape[2]) * num_latents // image_shape[2])

    def encode(self, x):
        means = [x[..., self.stripe == i].mean((1, 2, 3)) for i in range(self.num_latents)]
        z = 2 * torch.stack(means, 1) - 1
        if self.codebook is None:
            return z
        columns = [values[(z[:, i, None] - values).abs().argmin(1)] for i, values in enumerate(self.codebook)]
        return torch.stack(columns, 1)

    def decode(self, z):
        channels, height, _ = self.image_shape
        row = self.dropout((z + 1) / 2)[:, self.stripe]
        return row[:, None, None].expand(-1, channels, height, -1)


class Learner(Stripes):
    """Stripes with something to learn: a shift per latent, through a dropout that draws from torch's global stream."""

    def __init__(self, image_shape=(1, 4, 6), num_latents=3, continuous=False):
        super().__init__(image_shape, num_latents, continuous=continuous)
        self.shift = nn.Parameter(torch.full((num_latents,), 0.3))

    def loss(self, x):
        reconstruction = (self.decode(self.encode(x) + self.shift) - x).square().mean()
        size = 0.01 * self.shift.square().mean()
        return reconstruction + size, {"reconstruction": reconstruction, "size": size}
