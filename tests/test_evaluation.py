"""Scoring: which images are scored, what PSNR and InfoMEC they get, and what is left as it was."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import dlq
import dlq.evaluation as evaluation
from dlq.datasets import from_arrays
from dlq.evaluation import Scores, Swaps, encode, evaluate, features, swap
from dlq.metrics import infomec
from dlq.models import autoencoder, qlae


class Reads(nn.Module):
    """Its latents are the first pixels of an image; it draws ``level`` everywhere. Remembers what it was shown."""

    def __init__(self, num_latents=2, level=0.5, codebook=None):
        super().__init__()
        self.num_latents, self.level, self.codebook = num_latents, level, codebook
        self.shown, self.modes = [], []

    def encode(self, x):
        self.shown.append(x)
        self.modes.append((self.training, torch.is_grad_enabled()))
        return x.flatten(1)[:, : self.num_latents]

    def decode(self, z):
        return torch.full((len(z), 1, 2, 8), self.level)

    def rows(self):
        """The row numbers that were shown, from the pixel that holds them."""
        return [round(255 * float(x[0, 1, 7])) for x in torch.cat(self.shown)]


def grid(repeats=1) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 1, 2, 8) of 3 x 4 factor values: pixel i holds factor i, the last pixel the row number."""
    factors = np.repeat(np.stack(np.meshgrid(np.arange(3), np.arange(4), indexing="ij"), -1).reshape(-1, 2), repeats, 0)
    images = np.zeros((len(factors), 1, 2, 8), np.uint8)
    images[:, 0, 0, :2] = 60 * factors
    images[:, 0, 1, 7] = np.arange(len(factors))
    return images, factors


@pytest.fixture
def data():
    return from_arrays(*grid(), factor_names=["hue", "size"])


# --- encode


@pytest.mark.parametrize("make", [autoencoder, qlae])
def test_encoding_a_dataset_is_the_models_encode_chunked_or_not(make, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (23, 3, 6, 6), dtype=np.uint8)
    model = make((3, 6, 6), 4, width=8)
    with torch.no_grad():
        expected = model.encode(torch.from_numpy(images).float() / 255).numpy()
    found = encode(model, from_arrays(images))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    monkeypatch.setattr(evaluation, "CHUNK", 7)
    np.testing.assert_allclose(encode(model, images), expected, atol=1e-6)
    np.testing.assert_allclose(encode(model, images / 255), expected, atol=1e-6)
    np.testing.assert_allclose(encode(model, images[3:4]), expected[3:4], atol=1e-6)


def test_quantized_latents_stay_bit_exact_on_the_way_out():
    images = np.random.default_rng(0).integers(0, 256, (200, 1, 6, 6), dtype=np.uint8)
    model = qlae((1, 6, 6), 3, 5, width=8)
    z = encode(model, images)
    for column, values in zip(z.T, model.codebook, strict=True):
        assert np.isin(column, values.numpy()).all()


@pytest.mark.parametrize("rows", [[4, 0, 4], np.array([11]), 7, range(3)], ids=str)
def test_rows_picks_images_in_their_order(data, rows):
    model = Reads()
    z = encode(model, data, rows=rows)
    assert model.rows() == list(np.atleast_1d(rows))
    np.testing.assert_allclose(z, 60 * data.factors[np.atleast_1d(rows)] / 255, atol=1e-6)


def test_a_part_of_a_model_encodes_too():
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 6, 6), dtype=np.uint8)
    model = qlae((1, 6, 6), 3, width=8)
    with torch.no_grad():
        expected = model.encoder(torch.from_numpy(images).float() / 255).numpy()
    np.testing.assert_allclose(encode(model.encoder, images), expected, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("function", [encode, evaluate])
def test_the_mode_is_put_back_and_inference_needs_no_gradient(data, function, training):
    model = Reads().train(training)
    function(model, data)
    assert model.modes == [(False, False)]
    assert model.training == training


def test_the_mode_is_put_back_after_an_error(data):
    model = Reads(num_latents=2).train()
    model.encode = lambda x: 1 / 0
    with pytest.raises(ZeroDivisionError):
        encode(model, data)
    assert model.training


@pytest.mark.parametrize("function", [encode, evaluate])
def test_images_of_another_shape_are_refused(function, data):
    with pytest.raises(ValueError, match=r"images of shape \(1, 2, 8\), the model was built for \(3, 6, 6\)"):
        function(qlae((3, 6, 6), 4, width=8), data)


def test_no_images_at_all_are_refused(data):
    with pytest.raises(ValueError, match="no images are chosen"):
        evaluate(Reads(), data, num_samples=0)
    with pytest.raises(ValueError, match="no images are chosen"):
        encode(Reads(), data, rows=[])


# --- which images are scored


def test_images_are_drawn_without_replacement_by_the_seed_alone():
    data = from_arrays(*grid(repeats=20))  # 240 images
    rows = []
    for seed in (0, 0, 1):
        torch.rand(3)
        model = Reads(codebook=[])
        scores = evaluate(model, data, num_samples=100, seed=seed)
        assert (scores.num_images, scores.num_available) == (100, 240)
        assert scores.infomec.num_samples == 100
        rows.append(model.rows())
    assert len(set(rows[0])) == 100
    assert rows[0] == rows[1] != rows[2]
    assert rows[0] != sorted(rows[0])


def test_more_samples_than_images_are_all_images(data):
    model = Reads()
    scores = evaluate(model, data, num_samples=10_000)
    assert (scores.num_images, scores.num_available) == (12, 12)
    assert sorted(model.rows()) == list(range(12))


def test_scoring_in_chunks_changes_nothing(monkeypatch):
    data = from_arrays(*grid(repeats=5))
    whole = evaluate(Reads(codebook=[]), data)
    monkeypatch.setattr(evaluation, "CHUNK", 7)
    chunked = evaluate(Reads(codebook=[]), data)
    assert chunked.psnr == pytest.approx(whole.psnr, rel=1e-6)
    np.testing.assert_array_equal(chunked.infomec.nmi, whole.infomec.nmi)


def test_scoring_leaves_the_global_random_state_alone(data):
    before = torch.get_rng_state()
    evaluate(Reads(), data)
    assert torch.equal(before, torch.get_rng_state())


# --- PSNR


def test_psnr_is_the_mean_over_images_of_decibels_by_hand():
    """Drawn at .4: a black image is off by .4, a white one by .6; decibels are averaged, not squares."""
    images = np.zeros((2, 1, 2, 8))
    images[1] = 1
    expected = (-10 * math.log10(0.16) - 10 * math.log10(0.36)) / 2
    assert evaluate(Reads(level=0.4), images).psnr == pytest.approx(expected, rel=1e-5)


def test_psnr_of_one_wrong_pixel_by_hand():
    images = np.zeros((1, 1, 2, 8))
    images[0, 0, 1, 3] = 1  # squared error 1 in one of 16 pixels
    assert evaluate(Reads(level=0.0), images).psnr == pytest.approx(10 * math.log10(16), rel=1e-5)


def test_psnr_of_a_perfect_drawing_is_finite():
    assert evaluate(Reads(level=0.0), np.zeros((2, 1, 2, 8))).psnr == pytest.approx(120)


# --- InfoMEC


def test_latents_that_are_the_factors_score_one():
    data = from_arrays(*grid(repeats=5), factor_names=["hue", "size"])
    scores = evaluate(Reads(codebook=[torch.arange(3.0), torch.arange(4.0)]), data)
    np.testing.assert_allclose(scores.infomec.nmi, np.eye(2), atol=1e-9)
    assert scores.infomec[:3] == pytest.approx((1, 1, 1), abs=0.02)
    assert scores.infomec.discrete
    assert scores.factor_names == ("hue", "size")
    assert scores.groups() == {"hue": [0], "size": [1]}


def test_scores_are_those_of_the_metric_on_the_same_rows():
    data = from_arrays(*grid(repeats=20), factor_names=["hue", "size"])
    model = Reads(num_latents=8, codebook=[])
    scores = evaluate(model, data, num_samples=120, seed=3)
    rows = model.rows()
    expected = infomec(data.factors[rows], encode(Reads(num_latents=8), data, rows=rows), discrete=True)
    assert scores.infomec[:3] == expected[:3]
    np.testing.assert_array_equal(scores.infomec.nmi, expected.nmi)


def test_a_codebook_decides_whether_latents_are_counted_unless_told():
    data = from_arrays(*grid(repeats=5))
    with_codebook, without = Reads(codebook=[]), Reads()
    assert evaluate(with_codebook, data).infomec.discrete
    assert evaluate(without, data, discrete=True).infomec.discrete


def test_other_latents_can_be_scored_under_the_estimator_of_continuous_ones():
    images = np.random.default_rng(0).integers(0, 256, (150, 1, 6, 6), dtype=np.uint8)
    data = from_arrays(images, np.arange(150) % 3)
    model = qlae((1, 6, 6), 3, width=8)
    scores = evaluate(model, data, latents=model.encoder, discrete=False, seed=2)
    rows = data.sample(150, torch.Generator().manual_seed(2))
    expected = infomec(data.factors[rows], encode(model.encoder, data, rows=rows), discrete=False)
    np.testing.assert_allclose(scores.infomec.nmi, expected.nmi, atol=1e-6)
    assert not scores.infomec.discrete
    assert scores.psnr == pytest.approx(evaluate(model, data, seed=2).psnr), "what is drawn is what the model draws"


def test_data_without_factors_get_no_infomec_and_a_psnr():
    scores = evaluate(Reads(), grid()[0])
    assert scores.infomec is None
    assert scores.groups() == {}
    assert math.isfinite(scores.psnr)
    assert repr(scores) == f"Scores(no factors, so no InfoMEC, PSNR {scores.psnr:.1f} dB, 12 of 12 images)"


def test_groups_by_hand():
    """Latent 2 is inactive, latent 3 says nothing, and the second factor is constant: its row is not a number."""
    some = infomec(np.arange(6)[:, None] % 2, np.arange(6)[:, None] % 2, discrete=True)
    nmi = np.array([[0.2, 0.9, 0.8, 0.0, 0.3], [np.nan] * 5, [0.1, 0.4, 0.1, 0.0, 0.4]])
    made = some._replace(nmi=nmi, active=np.array([True, True, False, True, True]))
    scores = Scores(made, 20.0, 6, 6, ("hue", "constant", "size"))
    assert scores.groups() == {"hue": [0, 1], "constant": [], "size": [4]}


# --- swapped factors


class Paints(Reads):
    """Reads the two factors from the first pixels and paints them there again; the last pixel stays black."""

    def decode(self, z):
        drawn = torch.zeros(len(z), 1, 2, 8)
        drawn[:, 0, 0, :2] = z
        return drawn


@pytest.fixture
def plain():
    """All combinations, and in an image nothing but its two factors."""
    images, factors = grid()
    images[:, 0, 1, 7] = 0
    return from_arrays(images, factors, factor_names=["hue", "size"])


def test_swapping_the_right_latent_draws_the_true_image(plain):
    swaps = swap(Paints(), plain, "size", [1], num_pairs=50)
    np.testing.assert_allclose(swaps.decoded, swaps.truth, atol=1e-6)
    np.testing.assert_array_equal(swaps.truth[:, 0, 0, 0], swaps.before[:, 0, 0, 0])
    np.testing.assert_array_equal(swaps.truth[:, 0, 0, 1], swaps.donor[:, 0, 0, 1])
    assert swaps.psnr == pytest.approx(120)
    assert swaps.share_closer == 1.0
    assert (swaps.before != swaps.donor).any()


def test_swapping_the_wrong_latent_draws_something_else(plain):
    swaps = swap(Paints(), plain, "size", [0], num_pairs=50)
    np.testing.assert_array_equal(swaps.decoded[:, 0, 0, 1], swaps.before[:, 0, 0, 1])
    assert swaps.share_closer == 0.0
    assert swaps.psnr < 40


def test_pairs_are_drawn_by_the_seed(plain):
    first, again, other = (swap(Paints(), plain, "hue", [0], seed=seed).before for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_swap_scores_by_hand():
    """Two pairs of one pixel differ from before; the first is drawn closer to the truth, the second closer to before."""
    before, truth, decoded = (
        np.array(v, np.float32).reshape(3, 1, 1, 1) for v in ([0, 0, 0.5], [1, 1, 0.5], [0.9, 0.4, 1])
    )
    swaps = Swaps(before, truth, decoded, truth)
    assert swaps.share_closer == 0.5
    assert swaps.psnr == pytest.approx(-10 * np.log10([0.01, 0.36, 0.25]).mean(), rel=1e-5)
    assert math.isnan(Swaps(truth, truth, decoded, truth).share_closer)


def test_an_unknown_factor_is_refused_and_the_known_ones_are_named(plain):
    with pytest.raises(ValueError, match="the data have no factor 'shape'; they have hue, size"):
        swap(Paints(), plain, "shape", [0])


class Doubled(nn.Module):
    """Features: twice the image, as maps; it remembers how it was run."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append((len(x), self.training, torch.is_grad_enabled()))
        return 2 * x


def test_features_are_what_the_network_returns_in_chunks_without_gradients():
    images, network = np.random.default_rng(0).integers(256, size=(7, 1, 4, 4)).astype(np.uint8), Doubled()
    found = features(network, images, at_once=3)
    np.testing.assert_allclose(found, 2 * (images / 255), atol=1e-6)
    assert network.seen == [(3, False, False), (3, False, False), (1, False, False)]
    assert network.training


def test_features_of_generated_floats_are_those_of_the_stored_image():
    stored = np.random.default_rng(0).integers(256, size=(4, 1, 4, 4)).astype(np.uint8)
    floats = np.clip(stored / 255 + 0.001, 0, 1).astype(np.float32)  # a quarter of a grey level off
    np.testing.assert_array_equal(features(Doubled(), floats), features(Doubled(), stored))


# --- drawing


def test_drawn_images_are_what_the_generator_makes_of_the_codes():
    model = dlq.ql_info_wgan_gp((1, 8, 8), 4, width=8)
    z, images = dlq.draw(model, 5, seed=3)
    assert z.shape == (5, 4)
    np.testing.assert_allclose(images, dlq.evaluation.infer(model, model.decode, z).numpy(), atol=1e-6)
    again, other = dlq.draw(model, 5, seed=3), dlq.draw(model, 5, seed=4)
    assert np.array_equal(z, again[0])
    assert np.array_equal(images, again[1])
    assert not np.array_equal(z, other[0])


def test_no_image_at_all_is_not_drawn():
    with pytest.raises(ValueError, match="n is 0; draw at least 1"):
        dlq.draw(dlq.ql_info_wgan_gp((1, 8, 8), 4, width=8), 0)


def test_a_model_without_a_prior_draws_nothing():
    with pytest.raises(ValueError, match="a AutoEncoder has no prior"):
        dlq.draw(dlq.qlae((1, 8, 8), 4, width=8), 3)


# --- units of the prior


def test_latents_in_prior_units_by_hand():
    model = dlq.ard_vae((1, 16, 16), 2)
    model.prior_mean.copy_(torch.tensor([1.0, 0.0]))
    model.prior_variance.copy_(torch.tensor([4.0, 0.0001]))
    found = dlq.in_prior_units(model, np.array([[3.0, 0.01], [1.0, -0.02]]))
    np.testing.assert_allclose(found, [[1, 1], [0, -2]], rtol=1e-6)


def test_a_cut_at_a_fixed_number_no_longer_depends_on_how_large_the_prior_is():
    """Each latent is a factor, on a scale at which the FactorVAE score takes both for dead."""
    factors = np.stack(np.meshgrid(range(8), range(8)), -1).reshape(-1, 2)
    latents = 0.001 * (factors - 3.5)
    model = dlq.ard_vae((1, 16, 16), 2)
    model.prior_variance.copy_(torch.from_numpy(latents.var(0)).float())
    assert dlq.metrics.factorvae_score(factors, latents).score == 0
    assert dlq.metrics.factorvae_score(factors, dlq.in_prior_units(model, latents)).score == 1


def test_latents_of_a_model_without_a_prior_stay_and_others_widths_are_refused():
    latents = np.ones((3, 4))
    assert dlq.in_prior_units(dlq.autoencoder((1, 8, 8), 4), latents) is latents
    with pytest.raises(ValueError, match=r"\(3, 4\); this model's prior is over \(n, 2\)"):
        dlq.in_prior_units(dlq.vae((1, 16, 16), 2), latents)
