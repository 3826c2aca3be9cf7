"""ARD-VAE: a VAE whose prior learns from the data how much room each latent needs.

S. Saha, S. Joshi & R. Whitaker, "ARD-VAE: A Statistical Formulation to Find the Relevant Latent Dimensions of Variational
Autoencoders", WACV 2025, arXiv 2501.10901. At the start of an epoch some images are set aside; their latents give the
variance of the prior (``dlq.models.ard_prior``), which stays fixed until the next update while the others train the
networks. Loss: reconstruction + beta KL, sums over pixels and latents, a mean over the batch; ``beta`` is twice the
decoder's variance for the squared error. Which latents are relevant is told by ``dlq.relevance``, never by the prior's
variance alone: scaling a latent changes it and nothing else.

Where this differs from the authors' code (Surojit-Utah/ARD-VAE), and why:
- The KL contains log s; theirs adds s instead. s is a constant of a step, so gradients agree; the logged loss, their
  learning-rate schedule and a selection by validation loss do not.
- The learning rate is constant; theirs halves when the validation loss stalls.
- ``min(10,000, a fifth)`` of the images are set aside, redrawn at every update, and updates are at least 100 steps apart:
  their 10,000 an epoch would be all of a small set. The last rows count; theirs drop what does not fill a batch.
- Every seed gives other weights; there all convolutions start from seed 0 in all runs.
- ``sample`` draws from the prior that was trained; theirs is centred on the mean encoding with the second moment about 0,
  which is wider by the square of that mean. ``centred=True`` trains and samples N(mean, variance) instead.
- Relevance squares the Jacobian before it is averaged over images, as in the paper; their code averages first.
- Whoever scores it: their reconstruction scores on MNIST use images 40,000 to 50,000, which are training images.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dlq.models.ard_prior import Precision, posterior_precision
from dlq.models.penalties import Terms, weighted_kl
from dlq.models.presets import check_image_shape, preset
from dlq.models.vae import VAE, Networks, bernoulli, check_num_latents, dense, squared_error
from dlq.recipe import Player, Recipe

TEACHING = Recipe(steps=4_000, batch_size=100, threads=1)
MOST, SHARE = 10_000, 5  # images that estimate the prior: at most so many, and at most one in so many
APART = 100  # steps between two updates of the prior, at least
CHUNK = 1_000  # images encoded at once
REMEMBERED = 256  # updates in ``prior_history``; when it is full every other one is dropped


class ARDVAE(VAE):
    """A VAE whose ``prior_variance`` is estimated from images that are set aside at the start of an epoch.

    ``num_prior_images`` of them (None: the smaller of 10,000 and a fifth of the data). ``centred`` estimates the variance
    around the mean encoding and makes that the prior's mean; otherwise, as in the paper, it is the second moment around 0.
    ``prior_history`` holds (steps taken, variance of each latent) of the updates of this session.
    """

    mean_encoding: Tensor
    ticks: Tensor
    updated: Tensor
    draw_seed: Tensor

    def __init__(
        self,
        networks: Networks,
        *,
        beta: float,
        image_shape: Sequence[int],
        num_latents: int,
        likelihood: Callable[[Tensor, Tensor], Tensor] = bernoulli,
        recipe: Recipe = TEACHING,
        learning_rate: float = 1e-3,
    ):
        super().__init__(
            networks,
            partial(weighted_kl, beta=beta),
            image_shape=image_shape,
            num_latents=num_latents,
            likelihood=likelihood,
            recipe=recipe,
            learning_rate=learning_rate,
        )
        self.beta, self.centred, self.num_prior_images = beta, False, None
        self.register_buffer("mean_encoding", torch.zeros(num_latents))
        for name, value in (("ticks", 0), ("updated", -1), ("draw_seed", 0)):
            self.register_buffer(name, torch.tensor(value))  # buffers, so that going on from a checkpoint is exact
        self.prior_history: list[tuple[int, Tensor]] = []

    def set_prior(self, *, centred: bool, num_prior_images: int | None) -> "ARDVAE":
        """Chooses how the prior is estimated, before training; returns the model."""
        if num_prior_images is not None and num_prior_images < 2:
            raise ValueError(
                f"num_prior_images is {num_prior_images}; a variance needs at least 2 images, 1,000 is good"
            )
        self.centred, self.num_prior_images = centred, num_prior_images  # type: ignore[assignment]
        return self

    def players(self) -> list[Player]:
        """One player, whose steps are counted, so that updates of the prior are at least 100 steps apart."""
        (player,) = super().players()

        def loss(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Terms]:
            self.ticks += 1
            return self.loss(x, generator)

        return [player._replace(loss=loss)]

    def before_epoch(self, data: Any, generator: torch.Generator) -> Tensor:
        """Updates the prior where the last update is 100 steps or more ago; returns the rows that may be trained on.

        Between updates the same rows stay aside. Raises ValueError where more are to be set aside than the data have.
        """
        due = int(self.updated) < 0 or int(self.ticks - self.updated) >= APART
        if due:
            self.draw_seed.fill_(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
        aside, kept = self.set_aside(data)
        if due:
            self.update_prior(data, aside, generator)
        return kept

    def set_aside(self, data: Any) -> tuple[Tensor, Tensor]:
        """Row numbers that estimate the prior since its last update, and all others."""
        wanted = self.num_prior_images
        n = max(1, min(MOST, len(data) // SHARE)) if wanted is None else wanted
        if n >= len(data):
            raise ValueError(
                f"{n:,} images are to be set aside for the prior and the data have {len(data):,}; "
                "ask for fewer (num_prior_images), a fifth is usual"
            )
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(int(self.draw_seed)))
        return order[:n], order[n:].sort().values

    @torch.no_grad()
    def update_prior(self, data: Any, rows: Tensor, generator: torch.Generator) -> Precision:
        """Encodes these rows, draws one sample of each q(z|x), and takes the prior from them.

        Batch normalisation runs in inference mode. No gradient flows; returns the posterior of the precisions.
        """
        training = self.training
        self.eval()
        drawn = [self.draw(x, generator) for x in self._images(data, rows)]
        self.train(training)
        z = torch.cat([q.z for q in drawn])
        self.mean_encoding.copy_(torch.cat([q.mean for q in drawn]).mean(0))
        if self.centred:
            self.prior_mean.copy_(self.mean_encoding)
        precision = posterior_precision(z, center=self.prior_mean)
        self.prior_variance.copy_(precision.variance)
        self.updated.copy_(self.ticks)
        self.prior_history.append((int(self.ticks), precision.variance.cpu()))
        if len(self.prior_history) > REMEMBERED:
            del self.prior_history[1::2]
        return precision

    def _images(self, data: Any, rows: Tensor) -> Iterator[Tensor]:
        for start in range(0, len(rows), CHUNK):
            yield data.batch(rows[start : start + CHUNK], self.prior_mean.device)


def check_beta(beta: float) -> None:
    """The weight of the KL is positive."""
    if not beta > 0:
        raise ValueError(f"beta is {beta}; it must be above 0, 1 is the ELBO of the cross-entropy")


@preset
def ard_vae(
    image_shape: Sequence[int],
    num_latents: int = 16,
    *,
    beta: float = 1.0,
    gaussian: bool = False,
    centred: bool = False,
    num_prior_images: int | None = None,
    width: int = 256,
    seed: int = 0,
) -> ARDVAE:
    """The small teaching ARD-VAE: dense networks, 4,000 steps of batch 100; ``num_latents`` may be generous.

    With the cross-entropy and ``beta`` 1 the loss is the negative ELBO; with the squared error (``gaussian``) beta is
    twice the variance of a pixel around its reconstruction.
    """
    shape = check_image_shape(image_shape)
    check_num_latents(num_latents)
    check_beta(beta)
    model = ARDVAE(
        dense(shape, num_latents, width),
        beta=beta,
        image_shape=shape,
        num_latents=num_latents,
        likelihood=squared_error if gaussian else bernoulli,
    )
    return model.set_prior(centred=centred, num_prior_images=num_prior_images)
