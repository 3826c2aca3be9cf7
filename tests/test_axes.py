"""Relevance against closed forms and laws, and pruning, which changes no picture."""

import numpy as np
import pytest
import torch
from torch import nn

from dlq import checkpoints
from dlq.axes import Collapsed, Relevance, column_norms, cut, prune, relevance
from dlq.models import AutoEncoder, ard_vae, autoencoder, beta_vae, factor_vae, qlae
from dlq.models.ard_vae import ARDVAE
from dlq.training import fit

SHAPE = (1, 4, 4)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(n: int = 80) -> np.ndarray:
    """Whole numbers of 255, as a dataset stores them."""
    return np.random.default_rng(0).integers(0, 256, (n, *SHAPE)).astype(np.float32) / 255


class Linear(nn.Module):
    """Latents are the first pixels, scaled; the decoder is a matrix; q(z|x) has one variance for each axis."""

    image_shape, codebook = SHAPE, None

    def __init__(self, scale, matrix, deviation):
        super().__init__()
        self.scale, self.matrix, self.deviation = (
            torch.as_tensor(v, dtype=torch.float32) for v in (scale, matrix, deviation)
        )
        self.num_latents = len(self.scale)

    def posterior(self, x):
        mean = x.flatten(1)[:, : self.num_latents] * self.scale
        return mean, (2 * self.deviation.log()).expand_as(mean)

    def encode(self, x):
        return self.posterior(x)[0]

    def decode(self, z):
        return (z @ self.matrix).unflatten(1, SHAPE)


@pytest.fixture
def linear():
    return Linear([3.0, 1.0, 0.5], np.random.default_rng(1).normal(size=(3, 16)), [0.1, 0.2, 0.3])


@pytest.fixture
def trained():
    model = ard_vae(SHAPE, 4, beta=0.02, gaussian=True, width=16)
    fit(model, pixels(), steps=120, batch_size=20, progress=False, device="cpu")
    return model


# --- scores


def test_a_linear_decoder_scores_column_norms_times_variances(linear):
    x = pixels()
    found = relevance(linear, x)
    z = x.reshape(80, -1)[:, :3] * [3.0, 1.0, 0.5]
    variance = z.var(0) + np.square([0.1, 0.2, 0.3])
    expected = np.square(linear.matrix.numpy()).sum(1) * variance
    np.testing.assert_allclose(found.scores, expected, rtol=1e-5)
    np.testing.assert_allclose(found.shares, expected / expected.sum(), rtol=1e-5)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-5)
    np.testing.assert_allclose(found.mean, z.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.snr, z.var(0) / np.square([0.1, 0.2, 0.3]), rtol=1e-5)


def test_columns_are_squared_before_they_are_averaged():
    """z^2 has the derivative 2 z: at z = -1 and 1 the mean of squares is 4, the square of the mean 0."""
    z = torch.tensor([[-1.0], [1.0]])
    assert column_norms(lambda z: z.square()[:, :, None, None], z).mean().item() == 4


@pytest.mark.parametrize("latents", [2, 20])
def test_the_jacobian_is_autograds_in_forward_and_in_backward_mode(latents):
    """Fewer latents than pixels, and more."""
    torch_decoder = autoencoder((1, 3, 3), latents, width=8).double()
    z = torch.randn(4, latents, generator=generator(), dtype=torch.float64)

    def decode(z):
        return torch.sigmoid(torch_decoder.decoder(z))

    jacobian = torch.stack([torch.autograd.functional.jacobian(lambda v: decode(v[None])[0], row) for row in z])
    torch.testing.assert_close(column_norms(decode, z), jacobian.square().sum((1, 2, 3)))


def test_chunks_change_nothing(trained, monkeypatch):
    whole = relevance(trained, pixels())
    monkeypatch.setattr("dlq.axes.CHUNK", 33)
    monkeypatch.setattr("dlq.axes.ELEMENTS", 4 * 16 * 7)
    np.testing.assert_allclose(relevance(trained, pixels()).scores, whole.scores, rtol=1e-5)


@pytest.mark.parametrize("at_samples", [False, True])
def test_scaling_an_axis_changes_nothing(trained, at_samples):
    """The encoder draws an axis out by c, the decoder and the prior follow: same pictures, same relevance."""
    c = torch.tensor([10.0, 0.01, 1.0, 3.0])
    before = relevance(trained, pixels(), at_samples=at_samples)
    with torch.no_grad():
        trained.encoder.head.weight[:4] *= c[:, None]
        trained.encoder.head.bias[:4] *= c
        trained.encoder.head.bias[4:] += 2 * c.abs().log()
        trained.decoder.hidden[0].weight /= c
        trained.prior_variance *= c.square()
    after = relevance(trained, pixels(), at_samples=at_samples)
    for name in ("scores", "snr", "kl"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=2e-3, atol=1e-5)
    assert before.variance[0] * 50 < after.variance[0]


def test_the_kl_is_the_models_own(trained):
    x = torch.from_numpy(pixels())
    expected = trained.kl(*trained.posterior(x)).mean(0).detach().numpy()
    np.testing.assert_allclose(relevance(trained, pixels()).kl, expected, rtol=1e-4)


def test_a_model_without_a_posterior_is_scored_too():
    found = relevance(autoencoder(SHAPE, 3, width=8), pixels())
    assert found.shares.sum() == pytest.approx(1)
    assert np.isnan(found.snr).all()
    assert np.isnan(found.kl).all()


def test_the_cut_takes_the_fewest_axes_that_reach_the_share():
    shares = np.array([0.1, 0.6, 0.0, 0.3])
    assert cut(shares, 0.6) == (1,)
    assert cut(shares, 0.61) == (1, 3)
    assert cut(shares, 0.9) == (1, 3)
    assert cut(shares, 1.0) == (1, 3, 0)


def test_as_many_images_as_there_are_and_the_seed_chooses_them(linear):
    assert relevance(linear, pixels(), num_images=10_000).num_images == 80
    chosen = [relevance(linear, pixels(), num_images=20, seed=seed).scores for seed in (0, 0, 1)]
    assert np.array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


def test_the_model_keeps_its_mode_and_gets_no_gradient(trained):
    trained.train().zero_grad()
    relevance(trained, pixels())
    assert trained.training
    assert all(p.grad is None for p in trained.parameters())


def test_the_table_lists_every_latent_and_marks_what_is_left_out(linear):
    lines = repr(relevance(linear, pixels(), share=0.5)).splitlines()
    assert lines[0].startswith("1 of 3 latents are relevant (50% of the total, 80 images)")
    assert [line.split()[0] for line in lines[2:]] == ["z0", "z1", "z2"]
    assert [line.endswith("  -") for line in lines[2:]] == [False, True, True]


# --- what is refused


@pytest.mark.parametrize("share", [0.0, -0.5, 1.01, float("nan")])
def test_a_share_outside_its_range_is_refused(linear, share):
    with pytest.raises(ValueError, match=r"share is .*; it must be above 0 and at most 1"):
        relevance(linear, pixels(), share=share)


def test_no_images_are_refused(linear):
    with pytest.raises(ValueError, match="num_images is 0; at least 1 image is looked at"):
        relevance(linear, pixels(), num_images=0)


def test_quantized_latents_are_refused():
    with pytest.raises(ValueError, match="latents are quantized"):
        relevance(qlae(SHAPE, 3, width=8), pixels())


@pytest.mark.parametrize("spoil", [lambda z: torch.from_numpy(z.detach().numpy()), lambda z: z.round()])
def test_a_decoder_without_derivatives_is_refused(linear, spoil):
    decode = linear.decode
    linear.decode = lambda z: decode(spoil(z))
    with pytest.raises(ValueError, match=r"cannot be differentiated|has no derivative"):
        relevance(linear, pixels())


def test_a_collapsed_model_is_told_which_beta_to_try():
    model = beta_vae(SHAPE, 3, beta=40.0, width=8)
    with torch.no_grad():
        model.encoder.head.weight.zero_()
        model.encoder.head.bias.zero_()  # q(z|x) is the prior
    with pytest.raises(Collapsed, match=r"none tells more than 0 nats about an image.*beta=4 instead of 40"):
        relevance(model, pixels())


# --- pruning


def test_pruning_to_all_axes_changes_nothing(trained):
    small = prune(trained, range(4))
    x = torch.from_numpy(pixels())
    assert torch.equal(small.encode(x), trained.encode(x))
    assert torch.equal(small.decode(small.encode(x)), trained.decode(trained.encode(x)))


def test_a_pruned_model_decodes_as_the_whole_one_with_the_others_at_their_mean(trained):
    found = relevance(trained, pixels())
    small = prune(trained, [2, 0])
    assert (small.num_latents, small.image_shape) == (2, SHAPE)
    z = trained.encode(torch.from_numpy(pixels()))
    assert torch.equal(small.encode(torch.from_numpy(pixels())), z[:, [0, 2]])
    for model, rest in ((small, trained.mean_encoding), (prune(trained, found), torch.from_numpy(found.mean).float())):
        kept = model.decoder.axes
        whole = rest.repeat(80, 1)
        whole[:, kept] = z[:, kept]
        torch.testing.assert_close(model.decode(z[:, kept]), trained.decode(whole))


def test_a_pruned_model_draws_the_kept_latents_from_their_prior(trained):
    trained.prior_variance.copy_(torch.tensor([4.0, 1.0, 9.0, 1.0]))
    small = prune(trained, [0, 2])
    z = small.sample_latents(20_000, generator())
    np.testing.assert_allclose(z.var(0), [4, 9], rtol=0.05)
    mean, logvar = trained.posterior(torch.from_numpy(pixels()))
    found = small.kl(*small.posterior(torch.from_numpy(pixels())))
    torch.testing.assert_close(found, trained.kl(mean, logvar)[:, [0, 2]])


def test_a_pruned_model_survives_a_checkpoint_and_trains_on(trained, tmp_path):
    small = prune(trained, relevance(trained, pixels()), rest=np.arange(4.0))
    again = checkpoints.load(checkpoints.save(small, tmp_path / "run"))
    x = torch.from_numpy(pixels())
    assert torch.equal(again.decode(again.encode(x)), small.decode(small.encode(x)))
    assert torch.equal(again.sample(3, generator()), small.sample(3, generator()))
    prior = again.prior_variance.clone()
    history = fit(again, pixels(), steps=60, progress=False, device="cpu")
    assert history.terms["total"][-1] < history.terms["total"][0]
    assert torch.equal(again.prior_variance, prior)
    assert not isinstance(again, ARDVAE)


def test_autoencoders_and_games_can_be_pruned():
    x = torch.from_numpy(pixels())
    for model in (autoencoder(SHAPE, 3, width=8), factor_vae(SHAPE, 3, discriminator_width=8, width=8)):
        small = prune(model, [1])
        assert torch.equal(small.encode(x), model.encode(x)[:, [1]])
        assert len(small.players()) == 1
        small.loss(x)[0].backward()
        assert all(p.grad is not None for p in small.parameters())
    assert isinstance(prune(autoencoder(SHAPE, 3, width=8), [1]), AutoEncoder)


def test_pruning_leaves_the_original_alone(trained):
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    small = prune(trained, [0])
    fit(small, pixels(), steps=3, progress=False, device="cpu")
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in before.items())


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ([], "no axis is to be kept"),
        ([0, 4], r"axes are \[0, 4\]; give different numbers from 0 to 3"),
        ([-1], r"axes are \[-1\]; give different numbers from 0 to 3"),
        ([1, 1], r"axes are \[1, 1\]; give different numbers"),
    ],
)
def test_axes_that_do_not_exist_are_refused(trained, axes, message):
    with pytest.raises(ValueError, match=message):
        prune(trained, axes)


def test_quantized_models_are_not_pruned():
    with pytest.raises(ValueError, match="latents are quantized; only models with continuous latents can be pruned"):
        prune(qlae(SHAPE, 3, width=8), [0])


def test_a_rest_of_another_length_is_refused(trained):
    with pytest.raises(ValueError, match=r"rest has shape \(3,\); give one value for each of 4 latents"):
        prune(trained, [0], rest=np.zeros(3))


def test_a_relevance_is_a_tuple_of_arrays(linear):
    found = relevance(linear, pixels())
    assert isinstance(found, Relevance)
    assert found.order.tolist() == sorted(range(3), key=lambda axis: -found.scores[axis])
