"""The VAE family: every term against a slow reference, and the game of FactorVAE."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from torch.distributions import Normal, kl_divergence

from dlq.models import autoencoder, beta_tcvae, beta_vae, dip_vae_i, dip_vae_ii, factor_vae, vae
from dlq.models.penalties import Posterior, estimated_tc, permuted_axes
from dlq.models.vae import VAE, gaussian_kl
from dlq.training import fit

SHAPE = (1, 4, 4)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x():
    return torch.rand(6, *SHAPE, generator=generator(1))


def numbers(model, x):
    """What the terms are made of, in double precision: mean, logvar, z and the decoded probabilities."""
    q = model.draw(x, generator())
    return *(v.detach().double().numpy() for v in (q.mean, q.logvar, q.z)), model.decode(q.z).detach().double().numpy()


def terms(model, x):
    return {name: value.item() for name, value in model.loss(x, generator())[1].items()}


def standard_kl(mean, logvar):
    return (0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)).sum(1).mean()


# --- the terms


def test_the_loss_is_the_negative_elbo_in_nats(x):
    model = vae(SHAPE, 3, width=8)
    mean, logvar, _, p = numbers(model, x)
    pixels = x.double().numpy()
    nats = -(pixels * np.log(p) + (1 - pixels) * np.log(1 - p)).sum((1, 2, 3)).mean()
    found = terms(model, x)
    assert found == {
        "reconstruction": pytest.approx(nats, rel=1e-5),
        "kl": pytest.approx(standard_kl(mean, logvar), rel=1e-5),
    }


def test_beta_and_the_squared_error_by_hand(x):
    model = beta_vae(SHAPE, 3, beta=2.5, gaussian=True, width=8)
    mean, logvar, _, p = numbers(model, x)
    found = terms(model, x)
    assert found["reconstruction"] == pytest.approx(((p - x.double().numpy()) ** 2).sum((1, 2, 3)).mean(), rel=1e-5)
    assert found["kl"] == pytest.approx(2.5 * standard_kl(mean, logvar), rel=1e-5)


def test_the_kl_is_that_of_torch_distributions():
    values = [torch.randn(5, 3, generator=generator(i)) for i in range(4)]
    mean, logvar, prior_mean, log_prior = values
    found = gaussian_kl(mean, logvar, prior_mean, log_prior.exp())
    expected = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(prior_mean, (0.5 * log_prior).exp()))
    torch.testing.assert_close(found, expected)


def test_z_is_mean_plus_deviation_times_the_noise_of_the_generator(x):
    model = vae(SHAPE, 3, width=8)
    mean, logvar, z, _ = numbers(model, x)
    noise = torch.randn(6, 3, generator=generator()).double().numpy()
    np.testing.assert_allclose(z, mean + np.exp(logvar / 2) * noise, rtol=1e-5, atol=1e-6)
    assert model.loss(x, generator(1))[0] != model.loss(x, generator(2))[0]
    assert model.loss(x)[0] == model.loss(x)[0]


def slow_tc(mean, logvar, z):
    """log q(z) - sum_l log q(z_l) with q(z) the mixture of the batch's posteriors, without 1 / (batch * data)."""
    n, latents = z.shape
    total = 0.0
    for i in range(n):
        density = np.array(
            [[norm.logpdf(z[i, k], mean[j, k], np.exp(logvar[j, k] / 2)) for k in range(latents)] for j in range(n)]
        )
        total += logsumexp(density.sum(1)) - sum(logsumexp(density[:, k]) for k in range(latents))
    return total / n


def test_total_correlation_is_the_slow_double_loop(x):
    model = beta_tcvae(SHAPE, 3, beta=6.0, width=8)
    mean, logvar, z, _ = numbers(model, x)
    found = terms(model, x)
    assert found["total_correlation"] == pytest.approx(5 * slow_tc(mean, logvar, z), rel=1e-4)
    assert found["kl"] == pytest.approx(standard_kl(mean, logvar), rel=1e-5)


def test_the_constant_of_total_correlation_is_where_the_docstring_says():
    """Two correlated normal latents: with (L - 1) log n added back the estimate is near -log(1 - r^2) / 2."""
    n, r = 1_500, 0.9
    mean = torch.randn(n, 2, generator=generator())
    mean[:, 1] = r * mean[:, 0] + math.sqrt(1 - r**2) * mean[:, 1]
    logvar = torch.full_like(mean, 2 * math.log(0.2))
    z = mean + 0.2 * torch.randn(n, 2, generator=generator(1))
    effective = r / (1 + 0.2**2)
    estimate = estimated_tc(z, mean, logvar).item() + math.log(n)
    assert estimate == pytest.approx(-0.5 * math.log(1 - effective**2), abs=0.06)


@pytest.mark.parametrize("make", [dip_vae_i, dip_vae_ii])
def test_dip_pulls_the_covariance_towards_the_identity(make, x):
    model = make(SHAPE, 3, off_diagonal=2.0, diagonal=3.0, width=8)
    mean, logvar, _, _ = numbers(model, x)
    covariance = np.cov(mean.T, bias=True)
    if make is dip_vae_ii:
        covariance = covariance + np.diag(np.exp(logvar).mean(0))
    off = sum(covariance[i, j] ** 2 for i in range(3) for j in range(3) if i != j)
    found = terms(model, x)
    assert found["covariance"] == pytest.approx(2 * off, rel=1e-3)
    assert found["variance"] == pytest.approx(3 * ((np.diag(covariance) - 1) ** 2).sum(), rel=1e-4)
    assert found["kl"] == pytest.approx(standard_kl(mean, logvar), rel=1e-5)


# --- FactorVAE


@pytest.fixture
def game():
    return factor_vae(SHAPE, 3, gamma=7.0, discriminator_width=16, width=8)


def test_the_discriminator_is_the_published_one():
    layers = [m for m in factor_vae(SHAPE, 10).penalty.modules() if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in layers] == [(10, 1000), *[(1000, 1000)] * 5, (1000, 2)]
    group = factor_vae(SHAPE, 10).players()[1].groups[0]
    assert (group.learning_rate, group.betas) == (1e-4, (0.5, 0.9))


def test_total_correlation_is_the_mean_log_odds_of_the_discriminator(game, x):
    q = game.draw(x, generator())
    p = torch.softmax(game.penalty.layers(q.z), 1).double()
    assert terms(game, x)["total_correlation"] == pytest.approx(7 * (p[:, 0] / p[:, 1]).log().mean().item(), rel=1e-4)


def test_the_discriminator_loss_is_the_cross_entropy_of_both_halves(game, x):
    z = game.draw(x, generator()).z.detach()
    loss, _ = game.penalty.loss(z, generator(5))
    other = permuted_axes(z, generator(5))
    p, fake = (torch.softmax(game.penalty.layers(v), 1).double() for v in (z, other))
    assert loss.item() == pytest.approx(-0.5 * (p[:, 0].log().mean() + fake[:, 1].log().mean()).item(), rel=1e-5)


def test_permuting_keeps_every_axis_and_breaks_the_pairs():
    z = torch.arange(200.0)[:, None].repeat(1, 3)
    other = permuted_axes(z, generator())
    assert torch.equal(other.sort(0).values, z)
    assert abs(np.corrcoef(other.T.numpy())[0, 1]) < 0.3


def test_each_player_moves_only_its_own_parameters(game, x):
    """The discriminator's loss sends nothing to the encoder; the VAE's step leaves the discriminator where it is."""
    players = game.players()
    players[1].loss(x, generator())[0].backward()
    assert all(p.grad is None for p in [*game.encoder.parameters(), *game.decoder.parameters()])
    assert all(p.grad is not None for p in game.penalty.parameters())
    groups = [{id(p) for group in player.groups for p in group.parameters} for player in players]
    assert not groups[0] & groups[1]
    assert groups[0] | groups[1] == {id(p) for p in game.parameters()}


def test_the_game_trains_and_the_discriminator_learns_what_is_correlated():
    """Latents that repeat each other: the discriminator finds out, and its log-odds become positive."""
    game = factor_vae(SHAPE, 2, gamma=0.0, discriminator_width=32, width=8)
    z = torch.randn(256, 1, generator=generator()).repeat(1, 2)
    optimizer = torch.optim.Adam(game.penalty.parameters(), 1e-3)
    for step in range(150):
        optimizer.zero_grad()
        loss, _ = game.penalty.loss(z, generator(step))
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * math.log(2)
    assert game.penalty.log_odds(z).mean().item() > 1
    history = fit(
        game, np.random.default_rng(0).random((40, *SHAPE), np.float32), steps=3, progress=False, device="cpu"
    )
    assert {"vae kl", "discriminator cross_entropy"} <= history.terms.keys()


# --- the model


def test_samples_are_decoded_draws_from_the_prior():
    model = vae(SHAPE, 2, width=8)
    model.prior_mean.copy_(torch.tensor([3.0, -1.0]))
    model.prior_variance.copy_(torch.tensor([4.0, 0.25]))
    z = model.sample_latents(20_000, generator())
    np.testing.assert_allclose(z.mean(0), [3, -1], atol=0.05)
    np.testing.assert_allclose(z.var(0), [4, 0.25], rtol=0.05)
    torch.testing.assert_close(model.sample(5, generator(3)), model.decode(model.sample_latents(5, generator(3))))


def test_the_networks_have_the_sizes_of_the_autoencoder():
    ours, control = vae(SHAPE, 3), autoencoder(SHAPE, 3)
    count = [sum(p.numel() for p in model.parameters()) for model in (ours, control)]
    assert count[0] - count[1] == 3 * (128 + 1)  # the head's second half


def test_the_networks_of_the_study():
    """32, 32, 64, 64 channels with kernels 4, 4, 2, 2; 256 hidden; 4 x 4 x 64 and back with kernels of 4."""
    model = vae((1, 64, 64), 10, convolutional=True)
    down = 16 * 32 + 32 + 16 * 32 * 32 + 32 + 4 * 32 * 64 + 64 + 4 * 64 * 64 + 64 + 1024 * 256 + 256 + 256 * 20 + 20
    up = 10 * 256 + 256 + 256 * 1024 + 1024 + 16 * 64 * 64 + 64 + 16 * 64 * 32 + 32 + 16 * 32 * 32 + 32 + 16 * 32 + 1
    assert sum(p.numel() for p in model.parameters()) == down + up
    assert (model.recipe.steps, model.recipe.batch_size, model.learning_rate) == (300_000, 64, 1e-4)


def test_the_vae_is_trained_by_plain_adam():
    groups = vae(SHAPE, 3).players()[0].groups
    assert [(g.learning_rate, g.betas, g.weight_decay, g.clip) for g in groups] == [(1e-3, (0.9, 0.999), 0.0, None)]


def test_a_new_member_is_a_function(x):
    def sparse(q: Posterior) -> dict:
        return {"kl": q.kl.sum(1).mean(), "sparsity": 0.1 * q.z.abs().sum(1).mean()}

    built = vae(SHAPE, 3, width=8)
    model = VAE((built.encoder, built.decoder), sparse, image_shape=SHAPE, num_latents=3)
    _, _, z, _ = numbers(model, x)
    assert terms(model, x)["sparsity"] == pytest.approx(0.1 * np.abs(z).sum(1).mean(), rel=1e-5)


def test_a_vae_learns_two_kinds_of_image_with_one_bit():
    """Black or white images: at beta 1 the code costs log 2 nats or more, and the pixels cost nearly nothing."""
    pixels = np.zeros((32, *SHAPE), np.float32)
    pixels[16:] = 1
    model = vae(SHAPE, 2, width=16)
    history = fit(model, pixels, steps=400, progress=False, device="cpu")
    assert math.log(2) * 0.9 < history.terms["kl"][-1] < 2
    assert history.terms["reconstruction"][-1] < 1


# --- what is refused


def test_no_latent_is_refused():
    for make in (vae, factor_vae):
        with pytest.raises(ValueError, match="num_latents is 0; a model needs at least 1"):
            make(SHAPE, 0)


def test_images_that_do_not_suit_the_convolutions_are_refused():
    with pytest.raises(
        ValueError, match="images are 20 x 20; this network needs squares with a side that is a multiple of 16"
    ):
        vae((1, 20, 20), convolutional=True)
    with pytest.raises(ValueError, match="images are 96 pixels wide; this network draws 32 or 64; resize the data"):
        vae((1, 96, 96), convolutional=True)
