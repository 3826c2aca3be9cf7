"""The game of InfoWGAN-GP: who is moved by which term, what codes are drawn, and that a run goes on bit for bit."""

import numpy as np
import pytest
import torch

import dlq
from dlq.models.info_wgan import (
    InfoWGAN,
    info_wgan_gp,
    info_wgan_gp_paper,
    ql_info_wgan_gp,
    ql_info_wgan_gp_paper,
    r1,
)
from dlq.nn import DenseDecoder, DenseEncoder
from dlq.quantizers import LatentQuantizer

SHAPE = (1, 8, 8)
IMAGES = np.random.default_rng(0).integers(0, 256, size=(20, *SHAPE), dtype=np.uint8)
BOTH = pytest.mark.parametrize("make", [info_wgan_gp, ql_info_wgan_gp], ids=["continuous", "quantized"])


def small(make=ql_info_wgan_gp, seed=0):
    return make(SHAPE, 4, width=16, seed=seed)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def train(model, steps, **options):
    return dlq.fit(model, IMAGES, steps=steps, batch_size=8, seed=0, device="cpu", progress=False, **options)


@BOTH
def test_each_player_has_its_own_weights_and_together_they_have_all(make):
    model = small(make)
    owned = {p.name: {id(w) for group in p.groups for w in group.parameters} for p in model.players()}
    named = dict(model.named_parameters())
    assert owned["critic"] == {id(w) for name, w in named.items() if name.startswith(("encoder", "critic"))}
    assert owned["generator"] == {id(w) for name, w in named.items() if name.startswith(("generator", "bottleneck"))}
    assert sum(map(len, owned.values())) == len(named)


def test_the_codebook_learns_in_the_generator_step_and_is_neither_decayed_nor_clipped():
    model = small()
    _, generator = model.players()
    before = weights(model)
    generator.loss(torch.rand(8, *SHAPE), seeded())[0].backward()
    assert model.bottleneck.codebook.grad.abs().sum() > 0
    group = next(g for g in generator.groups if any(p is model.bottleneck.codebook for p in g.parameters))
    assert (group.weight_decay, group.clip, group.betas) == (0.0, None, (0.0, 0.9))
    assert all(torch.equal(before[name], value) for name, value in weights(model).items())


@BOTH
def test_every_parameter_receives_a_gradient_from_its_own_player(make):
    model = small(make)
    for player in model.players():
        model.zero_grad()
        player.loss(torch.rand(8, *SHAPE), seeded())[0].backward()
        for group in player.groups:
            dead = [p for p in group.parameters if p.grad is None or not p.grad.abs().sum() > 0]
            # The critic's bias cancels between real and generated images, and the penalty does not see it.
            assert all(p is model.critic.bias for p in dead)


def test_the_generator_moves_at_every_fifth_step():
    model = small()
    train(model, 11)
    steps = {name: int(o.state_dict()["state"][0]["step"]) for name, o in model.training_state.optimizers.items()}
    assert steps == {"critic": 11, "generator": 3}


@BOTH
def test_the_loss_is_the_sum_of_its_terms(make):
    model = small(make)
    for player in model.players():
        loss, terms = player.loss(torch.rand(8, *SHAPE), seeded())
        torch.testing.assert_close(loss, sum(terms.values()))


class Slope(DenseEncoder):
    """Features are the pixels themselves, so that the critic is linear in x."""

    def __init__(self):
        super().__init__(SHAPE, 2, width=64)

    def features(self, x):
        return x.flatten(1)


def test_the_gradient_penalty_of_a_linear_critic_by_closed_form():
    model = InfoWGAN(Slope(), None, DenseDecoder(SHAPE, 2), image_shape=SHAPE)
    _, terms = model.critic_loss(torch.rand(5, *SHAPE), torch.rand(5, 2), torch.rand(5, 1, 1, 1))
    norm = model.critic.weight.norm().item()
    assert terms["gradient_penalty"].item() == pytest.approx(10 * (norm - 1) ** 2, rel=1e-5)


def test_r1_of_a_linear_critic_by_closed_form():
    model = InfoWGAN(Slope(), None, DenseDecoder(SHAPE, 2), image_shape=SHAPE, penalty=r1)
    _, terms = model.critic_loss(torch.rand(5, *SHAPE), torch.rand(5, 2), torch.rand(5, 1, 1, 1))
    assert terms["gradient_penalty"].item() == pytest.approx(10 * model.critic.weight.square().sum().item(), rel=1e-5)


def test_the_penalty_looks_between_each_real_image_and_its_own_generated_one():
    seen = []

    class Watching(Slope):
        def features(self, x):
            seen.append(x.detach())
            return x.flatten(1)

    model = InfoWGAN(Watching(), None, DenseDecoder(SHAPE, 2), image_shape=SHAPE)
    x, z = torch.rand(3, *SHAPE), torch.rand(3, 2)
    epsilon = torch.tensor([0.0, 0.25, 1.0]).view(3, 1, 1, 1)
    model.critic_loss(x, z, epsilon)
    fake = model.decode(z)
    torch.testing.assert_close(seen[-1], epsilon * x + (1 - epsilon) * fake)
    assert torch.equal(seen[-1][2], x[2])


def test_the_latent_term_by_hand():
    model = small(info_wgan_gp)
    z = torch.rand(6, 4)
    found = model.encoder(model.decode(z))
    _, terms = model.generator_loss(z)
    assert terms["latent"].item() == pytest.approx(50 * (found - z).square().mean().item(), rel=1e-5)
    _, terms = model.generator_loss(found)  # codes that the encoder would have to name otherwise
    assert terms["latent"].item() > 0


def test_quantized_codes_are_current_values_drawn_evenly():
    model = InfoWGAN(DenseEncoder(SHAPE, 2), LatentQuantizer(2, [2, 4]), DenseDecoder(SHAPE, 2), image_shape=SHAPE)
    with torch.no_grad():
        model.bottleneck.codebook[0, :2] = torch.tensor([-3.0, 7.0])
    z = model.sample_codes(4_000, seeded()).detach()
    for column, values, share in ((0, [-3.0, 7.0], 1 / 2), (1, model.codebook[1].tolist(), 1 / 4)):
        found, counts = z[:, column].unique(return_counts=True)
        assert found.tolist() == pytest.approx(values)
        assert (counts / 4_000 - share).abs().max() < 0.03  # four standard deviations
    assert np.corrcoef(z.T.numpy())[0, 1] == pytest.approx(0, abs=0.06)


def test_continuous_codes_are_uniform_on_the_unit_interval():
    z = small(info_wgan_gp).sample_codes(4_000, seeded())
    assert 0 <= z.min() < 0.001
    assert 0.999 < z.max() <= 1
    assert z.mean(0).tolist() == pytest.approx([0.5] * 4, abs=0.02)


def test_samples_are_a_function_of_the_generator():
    model = small()
    assert torch.equal(model.sample(3, seeded(1)), model.sample(3, seeded(1)))
    assert not torch.equal(model.sample(3, seeded(1)), model.sample(3, seeded(2)))


@BOTH
def test_going_on_from_a_file_equals_never_having_stopped(make, tmp_path, monkeypatch):
    whole, first = small(make), small(make)
    train(whole, 12)
    train(first, 7)
    dlq.save(first, tmp_path / "run")
    again = dlq.load(tmp_path / "run")
    train(again, 12)
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(whole).items())


def test_it_learns_to_name_what_it_draws():
    data = dlq.datasets.rooms(16, (5, 5, 5, 1, 1, 1))
    model = dlq.models.info_wgan.ql_info_wgan_gp(data.image_shape, num_latents=4, width=64)
    before = _named(model)
    dlq.fit(model, data, steps=300, seed=0, device="cpu", progress=False)
    assert before < 0.6
    assert _named(model) > 0.8


def _named(model) -> float:
    """The share of drawn code values that the encoder reads back."""
    z = model.sample_codes(256, seeded(9)).detach()
    with torch.no_grad():
        return (model.encode(model.decode(z)) == z).float().mean().item()


@pytest.mark.parametrize("shape", [(3, 5), (3,), (2, 4, 1)])
def test_codes_of_another_width_are_refused(shape):
    with pytest.raises(ValueError, match=r"z has shape .* takes \(batch, 4\)"):
        small().decode(torch.zeros(shape))


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"the data have images of shape \(1, 4, 4\), the model was built for"):
        dlq.fit(small(), np.zeros((20, 1, 4, 4), np.uint8), steps=1, progress=False)


def test_the_published_settings_are_the_defaults():
    for make, decay, sizes in ((info_wgan_gp_paper, 1e-4, None), (ql_info_wgan_gp_paper, 1e-3, [10] * 12)):
        model = make((3, 32, 32), width=2)
        assert model.weights == (200.0, 10.0)
        assert (model.learning_rate, model.weight_decay, model.critic_steps) == (2e-4, decay, 5)
        assert (model.recipe.steps, model.recipe.batch_size) == (200_000, 64)
        assert (model.bottleneck and model.bottleneck.sizes) == sizes
