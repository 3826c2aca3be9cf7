"""The baselines: every term of their losses against a slow reference, and what they learn."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm

import dlq
from dlq.models.baselines import DRAWS, STEP, biological, hessian_penalty, latent_multi_information, tripod_terms
from dlq.nn import DenseDecoder
from dlq.training import fit


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- BioAE


def test_biological_terms_by_hand():
    z = torch.tensor([[-1.0, 2.0], [3.0, -0.5]])
    terms = biological(torch.nn.Identity(), z, z, seeded(), nonnegativity=1.0, activity=0.1)
    assert terms["nonnegativity"].item() == pytest.approx((1 + 0.5) / 4)
    assert terms["activity"].item() == pytest.approx(0.1 * (1 + 4 + 9 + 0.25) / 4)


def test_nonnegativity_pushes_only_what_is_negative_and_by_the_same_force():
    z = torch.tensor([[-1.0, 2.0, -3.0]], requires_grad=True)
    biological(torch.nn.Identity(), z, z, seeded(), nonnegativity=3.0, activity=0.0)["nonnegativity"].backward()
    torch.testing.assert_close(z.grad, torch.tensor([[-1.0, 0.0, -1.0]]))


def test_the_latents_of_a_trained_bio_ae_are_nearly_nonnegative_and_those_of_the_autoencoder_are_not():
    data = dlq.datasets.rooms(16, (3, 3, 1, 1, 1, 2))
    shares = {}
    for make in (dlq.autoencoder, dlq.bio_ae):
        model = make(data.image_shape, 4, width=32)
        fit(model, data, steps=300, progress=False, device="cpu")
        z = dlq.encode(model, data)
        shares[make.__name__] = np.clip(-z, 0, None).mean() / np.abs(z).mean()
    assert shares["bio_ae"] < 0.05 < 0.2 < shares["autoencoder"]


# --- Tripod: latent multi-information


def multi_information_by_definition(z: np.ndarray, spread: np.ndarray) -> float:
    """Sums of densities, one pair of images and one latent at a time, with scipy's normal densities."""
    batch, latents = z.shape
    silverman = (4 / (latents + 2)) ** (1 / (latents + 4)) * batch ** (-1 / (latents + 4))
    total = 0.0
    for i in range(batch):
        covariance = np.diag((silverman * spread) ** 2)
        joint = np.mean([multivariate_normal.pdf(z[i], z[j], covariance) for j in range(batch)])
        total += math.log(joint)
        for k in range(latents):
            total -= math.log(np.mean([norm.pdf(z[i, k], z[j, k], spread[k]) for j in range(batch)]))
    return total / batch


@pytest.mark.parametrize(("batch", "latents"), [(7, 3), (12, 2), (5, 1)])
def test_latent_multi_information_is_its_definition(batch, latents):
    z = (
        torch.randn(batch, latents, generator=seeded(batch), dtype=torch.float64)
        * torch.tensor([1.0, 3.0, 0.2])[:latents]
    )
    spread = z.std(0, correction=0)
    expected = multi_information_by_definition(z.numpy(), spread.numpy())
    assert latent_multi_information(z, spread).item() == pytest.approx(expected, rel=1e-9)


def test_latent_multi_information_does_not_change_when_a_latent_is_scaled():
    z = torch.randn(30, 3, generator=seeded(), dtype=torch.float64)
    spread = z.std(0, correction=0)
    scale = torch.tensor([10.0, 0.1, 1.0], dtype=torch.float64)
    torch.testing.assert_close(latent_multi_information(z, spread), latent_multi_information(z * scale, spread * scale))


def test_latents_that_repeat_one_another_share_more_than_independent_ones():
    a, b = torch.randn(2, 200, 1, generator=seeded())
    alike, apart = torch.cat([a, a], 1), torch.cat([a, b], 1)
    found = [latent_multi_information(z, z.std(0, correction=0)).item() for z in (alike, apart)]
    assert found[0] > found[1] + 0.3


# --- Tripod: normalised Hessian penalty


class Polynomial(torch.nn.Module):
    """One 'layer' whose units are quadratic in z: unit u is z' A_u z / 2, so its Hessian is A_u."""

    def __init__(self, matrices: torch.Tensor):
        super().__init__()
        self.matrices = matrices

    def activations(self, z):
        return [torch.einsum("bi,uij,bj->bu", z, self.matrices, z) / 2]


def hessian_penalty_by_definition(decoder, z, spread, generator) -> float:
    """One image, one direction and one unit at a time."""
    shape = (DRAWS, *z.shape)
    signs = torch.randint(0, 2, shape, generator=generator) * 2.0 - 1
    normal = torch.randn(shape, generator=generator)
    decoder = decoder.requires_grad_(False)
    total = 0.0
    for layer in range(len(decoder.activations(z))):
        sums = [0.0, 0.0]
        for i, (kind, directions) in itertools.product(range(len(z)), enumerate((signs, normal))):
            rows = []
            for u in directions[:, i]:
                v = STEP * spread * u
                ahead, here, behind = (
                    decoder.activations(point[None])[layer][0] for point in (z[i] + v, z[i], z[i] - v)
                )
                rows.append([float(a - 2 * h + b) / STEP**2 for a, h, b in zip(ahead, here, behind, strict=True)])
            sums[kind] += np.var(np.array(rows), axis=0).mean() / len(z)
        total += sums[0] / (sums[1] + 1e-10)
    return total


def test_the_hessian_penalty_is_its_definition():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder = DenseDecoder((1, 4, 4), 3, width=6).double()
    z = torch.randn(4, 3, generator=seeded(1), dtype=torch.float64)
    spread = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    expected = hessian_penalty_by_definition(decoder, z, spread, seeded(7))
    assert hessian_penalty(decoder, z, spread, seeded(7)).item() == pytest.approx(expected, rel=1e-6)


def test_a_decoder_without_mixed_curvature_is_not_penalised():
    """A diagonal Hessian: v' H v is the same for all signs v, so its variance is nothing."""
    decoder = Polynomial(torch.diag_embed(torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)))
    z = torch.randn(5, 2, generator=seeded(), dtype=torch.float64)
    assert hessian_penalty(decoder, z, torch.ones(2, dtype=torch.float64), seeded(1)).item() == pytest.approx(
        0, abs=1e-9
    )


def test_the_penalty_of_a_product_of_two_latents_by_hand():
    """v' H v of s1 s2 z1 z2 is 2 s1 s2 u1 u2: the two draws of each kind, their variances, and the ratio."""
    matrix = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]], dtype=torch.float64)
    z, spread = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([0.5, 3.0], dtype=torch.float64)
    generator = seeded(5)
    signs = torch.randint(0, 2, (2, 1, 2), generator=generator)[:, 0] * 2.0 - 1
    normal = torch.randn((2, 1, 2), generator=generator)[:, 0]
    between, everything = (np.var([2 * 1.5 * float(u[0] * u[1]) for u in draws]) for draws in (signs, normal))
    assert between == pytest.approx(9.0), "these two draws have the same product"
    found = hessian_penalty(Polynomial(matrix), z, spread, seeded(5)).item()
    assert found == pytest.approx(between / everything, rel=1e-5)


def test_the_penalty_is_scale_free_in_the_decoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        matrices = torch.randn(3, 2, 2, dtype=torch.float64)
    z, spread = torch.randn(6, 2, generator=seeded(), dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    values = [hessian_penalty(Polynomial(s * matrices), z, spread, seeded(3)).item() for s in (1.0, 100.0)]
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_the_terms_of_tripod_are_the_two_penalties_of_its_codes():
    model = dlq.tripod((1, 4, 4), 3, 5, width=8, information=0.3, curvature=0.7)
    x = torch.rand(9, 1, 4, 4, generator=seeded())
    _, terms = model.loss(x, seeded(5))
    soft = model.encoder(x)
    z, spread = model.bottleneck(soft).z, torch.tanh(soft).std(0, correction=0) + 1e-6
    expected = 0.3 * multi_information_by_definition(z.detach().double().numpy(), spread.detach().double().numpy())
    assert terms["latent_multi_information"].item() == pytest.approx(expected, rel=1e-4)
    curved = hessian_penalty(model.decoder, z, spread, seeded(5))
    torch.testing.assert_close(terms["hessian"], 0.7 * curved)


def test_what_a_penalty_draws_depends_on_the_generator_alone():
    model, x = dlq.tripod((1, 4, 4), 3, 5, width=8), torch.rand(9, 1, 4, 4, generator=seeded())
    same = [model.loss(x, seeded(1))[1]["hessian"].item() for _ in range(2)]
    assert same[0] == same[1] != model.loss(x, seeded(2))[1]["hessian"].item()
    torch.rand(3)
    assert model.loss(x)[1]["hessian"] == model.loss(x)[1]["hessian"]


def test_penalties_reach_the_encoder_and_the_decoder():
    """The codes are straight-through, and their spread is that of the bounded latents."""
    model, x = dlq.tripod((1, 4, 4), 3, 5, width=8), torch.rand(9, 1, 4, 4, generator=seeded())
    soft = model.encoder(x)
    terms = tripod_terms(model.decoder, soft, model.bottleneck(soft).z, seeded(), information=1.0, curvature=1.0)
    gradient = partial(torch.autograd.grad, retain_graph=True, allow_unused=True)
    assert (gradient(terms["latent_multi_information"], model.encoder.head.weight)[0] != 0).any()
    assert (gradient(terms["hessian"], model.encoder.head.weight)[0] != 0).any()
    assert (gradient(terms["hessian"], model.decoder.hidden[0].weight)[0] != 0).any()
    assert gradient(terms["latent_multi_information"], model.decoder.hidden[0].weight) == (None,)


# --- VQ-VAE and QLAE's ablations


def test_a_vq_vae_decodes_the_vectors_that_its_numbers_name():
    model = dlq.vq_vae((1, 4, 4), 2, 5, dimension=3, width=8)
    z = torch.tensor([[4.0, 0.0]])
    vectors = model.bottleneck.codebook[[4, 0]].reshape(1, 6)
    torch.testing.assert_close(model.decode(z), torch.sigmoid(model.decoder(vectors)))
    assert torch.equal(model.decode(torch.tensor([[99.0, -3.0]])), model.decode(z))  # off the grid: the nearest number


def test_a_vq_vae_can_be_drawn_larger_from_the_same_numbers():
    model = dlq.vq_vae((1, 4, 4), 2, 5, dimension=3, width=8)
    x = torch.rand(6, 1, 4, 4, generator=seeded())
    sharp = model.sharpened(8)
    large = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(sharp.encode(large), model.encode(x))
    assert sharp.decode(sharp.encode(large)).shape == (6, 1, 8, 8)


def test_one_codebook_for_all_latents_stays_one_while_it_trains():
    data = dlq.datasets.rooms(16, (3, 2, 1, 1, 1, 2))
    model = dlq.qlae(data.image_shape, 4, width=16, shared_codebook=True)
    before = model.codebook[0].clone()
    fit(model, data, steps=30, progress=False, device="cpu")
    first, *others = model.codebook
    assert not torch.equal(first, before)
    assert all(torch.equal(first, other) for other in others)


@pytest.mark.parametrize("make", [dlq.bio_ae, dlq.vq_vae, dlq.fsq_autoencoder, dlq.tripod])
def test_a_baseline_learns_to_reconstruct_and_goes_on_bit_for_bit(make):
    data = dlq.datasets.rooms(16, (3, 2, 1, 1, 1, 2))

    def trained(*stops):
        model = make(data.image_shape, 4, width=24)
        for steps in stops:
            history = fit(model, data, steps=steps, progress=False, device="cpu")
        return model, history

    model, history = trained(40, 90)
    assert history.terms["reconstruction"][-1] < 0.9 * history.terms["reconstruction"][0]
    other = trained(90)[0].state_dict()
    assert all(torch.equal(value, other[name]) for name, value in model.state_dict().items())


def test_the_published_settings_are_the_defaults_of_the_paper_presets():
    vq, bio = dlq.vq_vae_paper((3, 64, 64)), dlq.bio_ae_paper((3, 64, 64))
    assert vq.bottleneck.codebook.shape == (512, 64)
    assert (vq.num_latents, vq.weight_decay, vq.encoder.head.out_features) == (12, 0.01, 12 * 64)
    assert (bio.num_latents, bio.weight_decay, bio.recipe.steps, bio.recipe.batch_size) == (12, 1e-4, 200_000, 128)
    assert bio.preset.arguments["activity"] == 0.01
