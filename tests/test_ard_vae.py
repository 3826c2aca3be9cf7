"""ARD-VAE: its prior against conjugacy and numerical integration, its KL, its schedule, and the published networks."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from dlq import checkpoints
from dlq.models import ard_vae, ard_vae_celeba, ard_vae_cifar10, ard_vae_dsprites, ard_vae_mnist, ard_vae_shapes3d
from dlq.models.ard_prior import Precision, normal_log_density, posterior_precision, student_log_density
from dlq.models.ard_vae import APART
from dlq.training import fit

SHAPE = (1, 4, 4)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(n: int = 60) -> np.ndarray:
    return np.random.default_rng(0).random((n, *SHAPE), np.float32)


def small(**more):
    return ard_vae(SHAPE, 3, width=8, **more)


class Watched:
    """A dataset that remembers which rows were asked for."""

    image_shape = SHAPE

    def __init__(self, n: int) -> None:
        self.images, self.asked = torch.from_numpy(pixels(n)), []

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, rows, device="cpu") -> torch.Tensor:
        self.asked.append(torch.as_tensor(rows))
        return self.images[torch.as_tensor(rows)]


# --- the prior


def test_the_posterior_of_the_precision_by_hand():
    """Latents 1, 2, 3 from Gamma(1, 2): shape 1 + 3/2, rate 2 + (1 + 4 + 9) / 2; around 2 it is 2 + (1 + 0 + 1) / 2."""
    z = torch.tensor([[1.0], [2.0], [3.0]])
    assert posterior_precision(z, shape=1.0, rate=2.0) == (2.5, torch.tensor([9.0]))
    assert posterior_precision(z, shape=1.0, rate=2.0, center=2.0).rate.item() == 3
    assert posterior_precision(z).variance.item() == pytest.approx(14 / 3)


def test_the_posterior_is_bayes_rule_on_a_grid():
    """The product of a Gamma prior and normal likelihoods, normalised by quadrature, is the Gamma that is returned."""
    z = torch.randn(7, 1, generator=generator(), dtype=torch.float64)
    found = posterior_precision(z, shape=1.5, rate=0.8)

    def unnormalised(alpha):
        likelihood = np.prod(stats.norm.pdf(z.numpy(), scale=1 / math.sqrt(alpha)))
        return stats.gamma.pdf(alpha, 1.5, scale=1 / 0.8) * likelihood

    total = integrate.quad(unnormalised, 0, 50)[0]
    for alpha in (0.3, 1.0, 2.5):
        expected = stats.gamma.pdf(alpha, found.shape, scale=1 / found.rate.item())
        assert unnormalised(alpha) / total == pytest.approx(expected, rel=1e-6)


def test_two_updates_are_one_update_with_all_latents():
    z = torch.randn(20, 3, generator=generator(), dtype=torch.float64)
    first = posterior_precision(z[:8])
    rates = [posterior_precision(z[8:, [i]], shape=first.shape, rate=first.rate[i].item()).rate for i in range(3)]
    whole = posterior_precision(z)
    torch.testing.assert_close(torch.cat(rates), whole.rate)
    assert first.shape + 12 / 2 == whole.shape


def test_the_prediction_is_the_integral_over_the_precision():
    precision = Precision(2.5, torch.tensor([1.7], dtype=torch.float64))
    for z in (-1.5, 0.0, 0.4, 6.0):

        def density(alpha, z=z):
            return stats.norm.pdf(z, 0.5, 1 / math.sqrt(alpha)) * stats.gamma.pdf(alpha, 2.5, scale=1 / 1.7)

        expected = integrate.quad(density, 0, np.inf)[0]
        found = student_log_density(torch.tensor([z], dtype=torch.float64), precision, 0.5)
        assert found.exp().item() == pytest.approx(expected, rel=1e-7)


def test_the_prediction_is_scipys_student_t():
    precision = Precision(3.0, torch.tensor([2.0, 0.1], dtype=torch.float64))
    z = torch.randn(9, 2, generator=generator(), dtype=torch.float64)
    expected = stats.t.logpdf(z.numpy(), 6, scale=np.sqrt(precision.rate.numpy() / 3))
    np.testing.assert_allclose(student_log_density(z, precision), expected, rtol=1e-10)
    normal = stats.norm.logpdf(z.numpy(), scale=np.sqrt(precision.rate.numpy() / 3))
    np.testing.assert_allclose(normal_log_density(z, precision), normal, rtol=1e-10)


@pytest.mark.parametrize("n", [100, 10_000])
def test_for_many_images_the_prediction_is_normal(n):
    """At u deviations the log densities differ by (u^4 / 4 - u^2 / 2 - 1 / 4) / n; the next term is near u^6 / 6 n^2."""
    precision = Precision(n / 2, torch.tensor([n / 2 * 4.0], dtype=torch.float64))  # variance 4
    u = torch.linspace(-3, 3, 13, dtype=torch.float64)
    difference = student_log_density(2 * u[:, None], precision) - normal_log_density(2 * u[:, None], precision)
    first_order = (u**4 / 4 - u**2 / 2 - 1 / 4) / n
    np.testing.assert_allclose(difference[:, 0], first_order, atol=130 / n**2)


def test_a_latent_that_never_moves_keeps_a_positive_variance():
    assert posterior_precision(torch.zeros(5, 1)).variance.item() == pytest.approx(1e-8)


def test_the_kl_is_the_integral_with_log_s():
    model = small()
    model.prior_variance.copy_(torch.tensor([0.2, 1.0, 30.0]))
    mean, logvar = torch.tensor([[0.3, -1.0, 4.0]]), torch.tensor([[-2.0, 0.0, 1.0]])
    for axis in range(3):
        q = stats.norm(mean[0, axis].item(), math.exp(logvar[0, axis].item() / 2))
        p = stats.norm(0, math.sqrt(model.prior_variance[axis].item()))
        span = (q.mean() - 12 * q.std(), q.mean() + 12 * q.std())
        expected = integrate.quad(lambda z, q=q, p=p: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), *span)[0]
        assert model.kl(mean, logvar)[0, axis].item() == pytest.approx(expected, rel=1e-5)


def test_the_kl_is_least_where_the_prior_is_the_second_moment():
    """With s the mean of mean^2 + variance, the KL of an axis is (log s - E[logvar]) / 2, and any other s costs more."""
    mean, logvar = torch.randn(500, 3, generator=generator()), torch.randn(500, 3, generator=generator(1))
    model = small()
    s = (mean.square() + logvar.exp()).mean(0)
    model.prior_variance.copy_(s)
    least = model.kl(mean, logvar).mean(0)
    torch.testing.assert_close(least, 0.5 * (s.log() - logvar.mean(0)), rtol=1e-4, atol=1e-5)
    for factor in (0.8, 1.25):
        model.prior_variance.copy_(factor * s)
        assert (model.kl(mean, logvar).mean(0) > least).all()


# --- the update


def test_the_update_is_the_second_moment_of_one_sample_an_image():
    model, data = small(), Watched(40)
    rows = torch.arange(5, 17)
    found = model.update_prior(data, rows, generator(3))
    q = model.draw(data.images[5:17], generator(3))
    torch.testing.assert_close(model.prior_variance, q.z.detach().square().mean(0))
    torch.testing.assert_close(model.mean_encoding, q.mean.detach().mean(0))
    assert (found.shape, model.prior_mean.tolist()) == (6, [0, 0, 0])
    assert model.prior_history[-1][0] == 0


def test_centred_the_prior_sits_on_the_mean_encoding():
    model, data = small(centred=True), Watched(40)
    model.update_prior(data, torch.arange(30), generator(3))
    q = model.draw(data.images[:30], generator(3))
    torch.testing.assert_close(model.prior_mean, q.mean.detach().mean(0))
    torch.testing.assert_close(model.prior_variance, (q.z - q.mean.mean(0)).detach().square().mean(0))


def test_no_gradient_reaches_the_prior_or_passes_through_it():
    model, data = small(), Watched(40)
    model.before_epoch(data, generator())
    assert not model.prior_variance.requires_grad
    assert all(p.grad is None for p in model.parameters())


def test_rows_set_aside_are_never_trained_on_while_their_prior_holds():
    model, data = small(num_prior_images=20), Watched(60)
    fit(model, data, steps=30, batch_size=10, progress=False, device="cpu")
    aside, kept = model.set_aside(data)
    assert sorted(torch.cat([aside, kept]).tolist()) == list(range(60))
    shown = torch.cat([rows for rows in data.asked if len(rows) == 10])
    assert not set(shown.tolist()) & set(aside.tolist())
    assert set(shown.tolist()) == set(kept.tolist())
    assert [len(rows) for rows in data.asked].count(20) == 1  # 30 steps: one update


def test_updates_are_a_hundred_steps_apart_on_small_data_and_redraw_the_images():
    """40 training images in batches of 8: five steps an epoch, so the prior is updated every twentieth epoch."""
    model, data = small(), Watched(50)
    fit(model, data, steps=350, batch_size=8, progress=False, device="cpu")
    assert [step for step, _ in model.prior_history] == [0, 100, 200, 300]
    drawn = [frozenset(rows.tolist()) for rows in data.asked if len(rows) == 10]
    assert len(set(drawn)) == len(drawn) == 4
    assert APART == 100


def test_large_data_are_updated_once_an_epoch():
    """1,250 images, 250 aside, 1,000 in batches of 8: 125 steps an epoch."""
    model = small()
    fit(model, Watched(1250), steps=300, batch_size=8, progress=False, device="cpu")
    assert [step for step, _ in model.prior_history] == [0, 125, 250]


@pytest.mark.parametrize(("n", "aside"), [(60, 12), (50_000, 10_000), (200_000, 10_000), (3, 1)])
def test_a_fifth_and_at_most_10000_images_are_set_aside(n, aside):
    rows, kept = small().set_aside(range(n))
    assert (len(rows), len(kept)) == (aside, n - aside)


def test_going_on_from_a_checkpoint_is_bit_identical(tmp_path):
    data = pixels(50)
    whole, parts = small(), small()
    fit(whole, data, steps=230, batch_size=8, progress=False, device="cpu")
    fit(parts, data, steps=117, batch_size=8, progress=False, device="cpu")
    again = checkpoints.load(checkpoints.save(parts, tmp_path / "run"))
    fit(again, data, steps=230, batch_size=8, progress=False, device="cpu")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_history_of_the_prior_stays_short():
    model, data = small(), Watched(10)
    for _ in range(300):
        model.update_prior(data, torch.arange(4), generator())
    assert len(model.prior_history) <= 257


def test_batch_normalisation_is_in_inference_mode_during_the_update_and_in_training_mode_after():
    model = ard_vae_mnist(num_latents=2, width=4)
    data = Watched(4)
    data.images = torch.rand(4, 1, 32, 32, generator=generator())
    before = {name: value.clone() for name, value in model.state_dict().items() if "running" in name}
    model.train().update_prior(data, torch.arange(4), generator())
    assert model.training
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())


# --- what it is for


def test_latents_that_are_not_needed_cost_nothing():
    """Images of one number need one latent of four: the others end with a KL near 0, whatever their variance."""
    level = np.random.default_rng(0).random((400, 1, 1, 1), np.float32)
    data = np.broadcast_to(level, (400, *SHAPE)).copy()
    model = ard_vae(SHAPE, 4, beta=0.05, gaussian=True, width=32)
    fit(model, data, steps=500, progress=False, device="cpu")
    kl = model.kl(*model.posterior(torch.from_numpy(data))).mean(0).sort(descending=True).values
    assert kl[0] > 1
    assert kl[1] < 0.1


# --- the published recipes


@pytest.mark.parametrize(
    ("make", "millions", "beta", "steps"),
    [
        (ard_vae_mnist, 5.61, 0.5, 50 * 400),
        (ard_vae_cifar10, 31.02, 0.05, 100 * 300),
        (ard_vae_celeba, 8.69, 3.0 / 4, 50 * 1527),
    ],
)
def test_the_published_networks_have_the_published_size(make, millions, beta, steps):
    with torch.device("meta"):
        model = make()
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)
    assert (model.beta, model.recipe.steps, model.recipe.batch_size, model.learning_rate) == (beta, steps, 100, 5e-4)


@pytest.mark.parametrize("make", [ard_vae_dsprites, ard_vae_shapes3d])
def test_the_networks_for_64_pixels_have_no_normalisation_and_are_not_trained_on_pixels_in_other_units(make):
    model = make(num_latents=3, width=4)
    assert not [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    x = torch.rand(2, *model.image_shape, generator=generator())
    q = model.draw(x, generator())
    p = model.decode(q.z)
    cross_entropy = -(x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2, 3)).mean()
    expected = cross_entropy if make is ard_vae_dsprites else (p - x).square().sum((1, 2, 3)).mean()
    assert model.loss(x, generator())[1]["reconstruction"].item() == pytest.approx(expected.item(), rel=1e-4)


# --- what is refused


def test_more_images_aside_than_there_are_is_refused():
    with pytest.raises(
        ValueError, match=r"60 images are to be set aside for the prior and the data have 60; ask for fewer"
    ):
        fit(small(num_prior_images=60), pixels(60), steps=1, progress=False, device="cpu")


def test_one_image_is_no_variance():
    with pytest.raises(ValueError, match="num_prior_images is 1; a variance needs at least 2 images"):
        small(num_prior_images=1)


@pytest.mark.parametrize("beta", [0.0, -1.0, math.nan])
def test_a_beta_that_is_not_positive_is_refused(beta):
    with pytest.raises(ValueError, match=r"beta is .*; it must be above 0"):
        small(beta=beta)


def test_a_published_recipe_names_the_size_it_is_for():
    with pytest.raises(ValueError, match=r"images are 28 x 28; this recipe is for 32 x 32: take .* mnist with pad=2"):
        ard_vae_mnist((1, 28, 28))
