"""Relevance: which latents a decoder listens to, and a smaller model that keeps only those.

S. Saha, S. Joshi & R. Whitaker, "ARD-VAE", WACV 2025, arXiv 2501.10901, eq. 19 and 20: an axis scores the mean over images
of the squared norm of its column of the decoder's Jacobian, times its variance. The relevant axes are the fewest whose
scores make up 99 % of the sum. Scaling an axis multiplies one factor and divides the other, so it changes nothing.

Where this differs from the authors' code, and why: columns are squared before they are averaged over images, as in the
paper (theirs averages absolute values first, which is never larger and misses effects that differ from image to image);
the variance is that of q(z) on the images that are looked at, around its mean, so that any model can be scored, also one
whose prior is fixed; the Jacobian is taken at the mean of q(z|x) unless asked (theirs at a sample); a cut is reached at
the share, not strictly above it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dlq.datasets.given import as_dataset
from dlq.models.pruned import pruned

CHUNK = 1_000  # images looked at at once
ELEMENTS = 2**24  # numbers of the Jacobian held at once
SILENT = 0.01  # nats: an axis that says less about an image than this says nothing


class Collapsed(ValueError):
    """No latent says anything about the images."""


class Relevance(NamedTuple):
    """What ``relevance`` returns; arrays have one value a latent, ``axes`` are the relevant ones, the most relevant first.

    ``scores`` are in squared pixel units and ``shares`` are their shares of the sum. ``snr`` is the variance of the means
    over the mean variance of q(z|x), ``kl`` the mean KL in nats against the model's own prior; both are NaN for a model
    without q(z|x). ``mean`` and ``variance`` are those of z over ``num_images`` images.
    """

    scores: np.ndarray
    shares: np.ndarray
    axes: tuple[int, ...]
    share: float
    snr: np.ndarray
    kl: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    num_images: int

    @property
    def order(self) -> np.ndarray:
        """All axes, the most relevant first."""
        return np.argsort(-self.scores, kind="stable")

    def __repr__(self) -> str:
        head = f"{len(self.axes)} of {len(self.scores)} latents are relevant ({self.share:.0%} of the total, "
        lines = [f"{head}{self.num_images:,} images)", "latent   share  so far       snr        kl  variance"]
        so_far = np.cumsum(self.shares[self.order])
        for rank, (axis, total) in enumerate(zip(self.order, so_far, strict=True)):
            values = f"{self.shares[axis]:7.2%} {total:7.2%} {self.snr[axis]:9.3g} {self.kl[axis]:9.3g}"
            lines.append(f"{f'z{axis}':6} {values} {self.variance[axis]:9.3g}{'' if rank < len(self.axes) else '  -'}")
        return "\n".join(lines)


def relevance(
    model: Any, data: Any, *, share: float = 0.99, num_images: int = 1_000, at_samples: bool = False, seed: int = 0
) -> Relevance:
    """Scores every latent of a model with continuous latents by what it does to the decoded pictures.

    Looks at ``num_images`` different images (or all, where there are fewer). The Jacobian is exact, and taken at the mean
    of q(z|x), or at a sample of it if ``at_samples``. Raises ValueError for a share outside (0, 1], quantized latents or a
    decoder without derivatives; Collapsed, a ValueError, where no latent says anything.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must be above 0 and at most 1, 0.99 is the paper's")
    if num_images < 1:
        raise ValueError(f"num_images is {num_images}; at least 1 image is looked at, 1,000 is good")
    if getattr(model, "codebook", None) is not None:
        raise ValueError("this model's latents are quantized, so they have no relevance by derivatives; use infomec")
    data = as_dataset(data, getattr(model, "image_shape", None))
    generator = torch.Generator().manual_seed(int(seed))
    rows = data.sample(min(num_images, len(data)), generator)
    training = model.training
    model.eval()
    try:
        return _relevance(model, data, rows, share, at_samples, generator)
    finally:
        model.train(training)


def _relevance(model: Any, data: Any, rows: np.ndarray, share: float, at_samples: bool, generator) -> Relevance:
    where = next((p.device for p in model.parameters()), torch.device("cpu"))
    means, variances, kls, columns = [], [], [], []
    for start in range(0, len(rows), CHUNK):
        mean, logvar = _posterior(model, data.batch(rows[start : start + CHUNK], where))
        noise = torch.randn(mean.shape, generator=generator).to(where)
        spread = torch.zeros_like(mean) if logvar is None else (0.5 * logvar).exp()
        columns.append(column_norms(model.decode, mean + spread * noise if at_samples else mean))
        means.append(mean.double())
        variances.append(spread.double().square())
        kls.append(torch.full_like(mean, torch.nan) if logvar is None else _kl(model, mean, logvar))
    mean, within = torch.cat(means), torch.cat(variances).mean(0)
    between = mean.var(0, correction=0)
    scores = torch.cat(columns).double().mean(0) * (between + within)
    kl = torch.cat(kls).double().mean(0)
    _check(model, scores, kl)
    shares = (scores / scores.sum()).cpu().numpy()
    snr = torch.where(torch.isnan(kl), torch.nan, between / within)
    return Relevance(
        scores=scores.cpu().numpy(),
        shares=shares,
        axes=cut(shares, share),
        share=share,
        snr=snr.cpu().numpy(),
        kl=kl.cpu().numpy(),
        mean=mean.mean(0).cpu().numpy(),
        variance=(between + within).cpu().numpy(),
        num_images=len(rows),
    )


@torch.no_grad()
def _posterior(model: Any, x: Tensor) -> tuple[Tensor, Tensor | None]:
    posterior = getattr(model, "posterior", None)
    return (model.encode(x).float(), None) if posterior is None else posterior(x)


@torch.no_grad()
def _kl(model: Any, mean: Tensor, logvar: Tensor) -> Tensor:
    """Against the model's own prior, or N(0, 1) where it has none."""
    own: Callable[[Tensor, Tensor], Tensor] | None = getattr(model, "kl", None)
    return 0.5 * (logvar.exp() + mean.square() - 1 - logvar) if own is None else own(mean, logvar)


def cut(shares: np.ndarray, share: float) -> tuple[int, ...]:
    """The fewest axes whose shares reach ``share`` of the sum, the largest first."""
    order = np.argsort(-shares, kind="stable")
    reached = np.cumsum(shares[order]) >= share - 1e-9
    return tuple(int(axis) for axis in order[: int(np.argmax(reached)) + 1 if reached.any() else len(order)])


def column_norms(decode: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """Squared norms of the columns of the Jacobian of ``decode`` at every z: (n, num_latents), like z.

    Forward mode, one pass a latent, or backward mode, one pass a pixel, whichever is less; in chunks of images.
    """
    with torch.no_grad():
        pixels = decode(z[:1]).numel()
    step = max(1, ELEMENTS // (pixels * z.shape[1]))
    norms = _forward if z.shape[1] <= pixels else _backward
    try:
        return torch.cat([norms(decode, part).detach() for part in z.split(step)])
    except (RuntimeError, NotImplementedError, TypeError) as error:
        raise ValueError(
            f"the decoder cannot be differentiated ({str(error).splitlines()[0]}); relevance needs one made of "
            "differentiable torch functions"
        ) from error


def _forward(decode: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    def column(direction: Tensor) -> Tensor:
        _, tangent = torch.func.jvp(decode, (z,), (direction.expand_as(z),))[:2]
        return tangent.flatten(1).square().sum(1)

    return torch.func.vmap(column)(torch.eye(z.shape[1], dtype=z.dtype, device=z.device)).T


def _backward(decode: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    images, pullback = torch.func.vjp(decode, z)[:2]
    pixels = images[0].numel()

    def row(pixel: Tensor) -> Tensor:
        return pullback(pixel.view_as(images[0]).expand_as(images))[0].square()

    return torch.func.vmap(row)(torch.eye(pixels, dtype=images.dtype, device=z.device)).sum(0)


def _check(model: Any, scores: Tensor, kl: Tensor) -> None:
    if scores.sum() == 0 and not bool((kl < SILENT).all()):
        raise ValueError(
            "the decoder has no derivative: moving a latent by little changes nothing (is there a rounding or a choice "
            "in it?); relevance needs a differentiable decoder"
        )
    if scores.sum() == 0 or bool((kl < SILENT).all()):
        beta = getattr(getattr(model, "penalty", None), "keywords", {}).get("beta")
        lower = "a smaller weight of the KL" if beta is None else f"beta={beta / 10:g} instead of {beta:g}"
        raise Collapsed(
            f"no latent is relevant: none tells more than {float(kl.max()):.2g} nats about an image, the model has "
            f"collapsed; train a new one with {lower}"
        )


def prune(model: Any, axes: "Relevance | Sequence[int]", *, rest: np.ndarray | None = None) -> nn.Module:
    """A smaller model with only these latents, in ascending order: it encodes and decodes as ``model`` does.

    ``axes`` is what ``relevance`` returned, or numbers. The other latents rest at their mean encoding, which a Relevance
    knows, or at ``rest`` (one value for each latent of ``model``). ``sample`` draws the kept latents from their prior;
    ``dlq.save`` and ``dlq.load`` keep all of it. Raises ValueError for no axis or one that does not exist.
    """
    if isinstance(axes, Relevance):
        rest = axes.mean if rest is None else rest
        axes = axes.axes
    small = pruned(model, list(axes))
    if rest is not None:
        if np.shape(rest) != (model.num_latents,):
            raise ValueError(f"rest has shape {np.shape(rest)}; give one value for each of {model.num_latents} latents")
        small.decoder.rest.copy_(torch.as_tensor(rest))  # type: ignore[union-attr,operator]
    return small.eval()
