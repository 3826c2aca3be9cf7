"""The game of 2016 by hand: the information term, who moves what, the noise that stays, and consistency's closed forms."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import dlq
from dlq.models.consistency import disagreement, moved, shifted
from dlq.models.infogan import Codes, InfoGAN, Weights, infogan, infogan_paper
from dlq.recipe import Recipe

SHAPE = (1, 8, 8)
IMAGES = np.random.default_rng(0).integers(0, 256, size=(24, *SHAPE), dtype=np.uint8)


def small(**options):
    return infogan(SHAPE, 3, 2, num_noise=4, width=4, **options)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_each_player_moves_its_own_network_and_q_goes_with_the_discriminator():
    model = small()
    theirs, ours = model.players()
    assert {id(p) for p in theirs.groups[0].parameters} == {id(p) for p in model.discriminator.parameters()}
    assert {id(p) for p in ours.groups[0].parameters} == {id(p) for p in model.generator.parameters()}
    assert (theirs.groups[0].learning_rate, ours.groups[0].learning_rate) == (4e-4, 1e-3)
    assert theirs.groups[0].betas == (0.5, 0.999)


@pytest.mark.parametrize("player", [0, 1])
def test_every_parameter_receives_a_gradient_from_its_own_player(player):
    model = small(consistency=1.0)
    mine = model.players()[player]
    mine.loss(torch.rand(16, *SHAPE), seeded())[0].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in mine.groups[0].parameters)


@pytest.mark.parametrize("consistency", [0.0, 1.0])
def test_the_loss_is_the_sum_of_its_terms(consistency):
    for player in small(consistency=consistency).players():
        loss, terms = player.loss(torch.rand(16, *SHAPE), seeded())
        torch.testing.assert_close(loss, sum(terms.values()))
        assert ("consistency" in terms) == (consistency > 0 and player.name == "discriminator")


def test_the_discriminator_step_by_hand():
    model = small(shift=0).eval()
    x = torch.rand(6, *SHAPE)
    _, terms = model.discriminator_loss(x, seeded(3))
    generator = seeded(3)
    z = model.sample_codes(6, generator)
    fake = model.draw(z, generator)
    real, generated = (torch.sigmoid(model.discriminator(images)[0]) for images in (x, fake))
    read = model.discriminator(fake)[1]
    chosen = read[:, :3].softmax(1)[torch.arange(6), z[:, 0].long()]
    assert terms["real"].item() == pytest.approx(-real.log().mean().item(), rel=1e-4)
    assert terms["generated"].item() == pytest.approx(-(1 - generated).log().mean().item(), rel=1e-4)
    assert terms["category"].item() == pytest.approx(-chosen.log().mean().item(), rel=1e-4)
    half_squares = 0.5 * ((read[:, 3:] - z[:, 1:]) ** 2).sum(1).mean()
    assert terms["continuous"].item() == pytest.approx(0.5 * half_squares.item(), rel=1e-4)  # its weight is 0.5


def test_the_generator_step_does_not_saturate():
    model = small().eval()
    _, terms = model.generator_loss(torch.rand(6, *SHAPE), seeded(3))
    generator = seeded(3)
    fake = model.draw(model.sample_codes(6, generator), generator)
    assert terms["adversarial"].item() == pytest.approx(
        -F.logsigmoid(model.discriminator(fake)[0]).mean().item(), rel=1e-4
    )


def test_a_reader_that_knows_nothing_pays_the_entropy_of_the_category():
    model = small().eval()
    for parameter in model.discriminator.reader[-1].parameters():
        torch.nn.init.zeros_(parameter)
    _, terms = model.generator_loss(torch.rand(6, *SHAPE), seeded())
    assert terms["category"].item() == pytest.approx(math.log(3), rel=1e-5)


def test_decoding_keeps_the_noise_and_drawing_does_not():
    model = small()
    dlq.fit(model, IMAGES, steps=3, batch_size=8, device="cpu", progress=False)
    z = torch.tensor([[1.0, 0.3, -0.2]]).repeat(2, 1)
    same, fresh = model.decode(z), model.draw(z, seeded())
    assert torch.equal(same[0], same[1])
    assert not torch.allclose(fresh[0], fresh[1], atol=1e-6)
    other = model.decode(torch.tensor([[2.0, 0.3, -0.2]]))
    assert not torch.allclose(same[:1], other, atol=1e-6)


def test_what_the_encoder_reads_is_a_code_that_can_be_drawn():
    model = small().eval()
    z = model.encode(torch.rand(7, *SHAPE))
    assert z.shape == (7, 3)
    assert set(z[:, 0].tolist()) <= {0.0, 1.0, 2.0}
    assert model.decode(z).shape == (7, *SHAPE)
    levels = model.levels
    assert levels[0].tolist() == [0, 1, 2]
    assert levels[2].tolist() == [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]


def test_codes_are_drawn_from_their_prior():
    z = small().sample_codes(6_000, seeded())
    assert (z[:, 0].bincount() if z.dtype == torch.int64 else z[:, 0].long().bincount()).tolist() == pytest.approx(
        [2_000] * 3, abs=150
    )
    assert z[:, 1:].abs().max() <= 1
    assert z[:, 1:].mean(0).tolist() == pytest.approx([0, 0], abs=0.04)
    assert (z[:, 1:] ** 2).mean(0).tolist() == pytest.approx([1 / 3] * 2, abs=0.02)


@pytest.mark.parametrize("bad", [3.0, -1.0])
def test_a_category_that_does_not_exist_is_refused(bad):
    with pytest.raises(ValueError, match=rf"category {bad:g}; this generator has categories 0 to 2"):
        small().decode(torch.tensor([[0.0, 0, 0], [bad, 0, 0]]))


def test_codes_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"z has shape \(2, 5\); this generator takes \(batch, 3\)"):
        small().decode(torch.zeros(2, 5))


@pytest.mark.parametrize(
    ("shape", "codes", "message"),
    [
        ((1, 10, 8), Codes(), "10 x 8; these networks need sides that are multiples of 4"),
        (SHAPE, Codes(1, 2, 3), "at least 2 categories"),
        (SHAPE, Codes(4, -1, 3), "0 continuous codes"),
    ],
)
def test_impossible_sizes_are_refused(shape, codes, message):
    with pytest.raises(ValueError, match=message):
        InfoGAN(shape, codes, width=4, weights=Weights(), recipe=Recipe(1, 1))


@pytest.mark.parametrize(
    "options", [{"consistency": -1.0}, {"shift": -1}, {"width": 0}], ids=["consistency", "shift", "width"]
)
def test_impossible_settings_are_refused(options):
    with pytest.raises(ValueError, match="none may be negative"):
        infogan(SHAPE, 3, 2, **options)


@pytest.mark.parametrize("model", [small(), dlq.models.consistency_only(SHAPE, 3, width=4)], ids=["game", "control"])
def test_images_of_another_size_and_a_batch_of_one_are_refused(model):
    with pytest.raises(ValueError, match=r"x has shape \(2, 1, 12, 12\); this model takes \(batch, 1, 8, 8\)"):
        model.encode(torch.rand(2, 1, 12, 12))
    with pytest.raises(ValueError, match="the batch has 1 image; batch normalisation needs 2, so raise batch_size"):
        dlq.fit(model, IMAGES, steps=1, batch_size=1, device="cpu", progress=False)


def test_the_published_settings_are_the_defaults():
    model = infogan_paper()
    assert model.codes == (10, 2, 62)
    assert sum(model.codes) == 74
    assert model.rates == (2e-4, 1e-3)
    assert (model.recipe.steps, model.recipe.batch_size) == (5_000, 128)
    assert model.weights == (1.0, 1.0, 0.0)
    assert [p.shape[0] for p in model.discriminator.trunk.parameters() if p.ndim == 4] == [64, 128]


# --- consistency


def test_agreement_with_all_categories_in_use_costs_nothing():
    sure = 50 * torch.eye(4)
    assert disagreement(sure, sure).item() == pytest.approx(0, abs=1e-5)


def test_not_knowing_costs_the_entropy():
    assert disagreement(torch.zeros(5, 4), torch.zeros(5, 4)).item() == pytest.approx(math.log(4), rel=1e-5)


def test_calling_everything_the_same_costs_twice_as_much():
    sure = 50 * torch.eye(4)[[0, 0, 0]]
    assert disagreement(sure, sure).item() == pytest.approx(2 * math.log(4), rel=1e-4)


def test_a_copy_with_no_draws_left_is_the_image_itself(monkeypatch):
    monkeypatch.setattr(torch, "rand", lambda *size, **options: torch.full(size, 0.5))  # the middle of every range
    x = torch.rand(3, 1, 12, 12, generator=seeded())
    torch.testing.assert_close(moved(x), x, atol=1e-5, rtol=0)


def test_copies_differ_from_their_image_and_are_a_function_of_the_generator():
    x = torch.rand(3, 1, 12, 12, generator=seeded())
    assert torch.equal(moved(x, seeded(1)), moved(x, seeded(1)))
    assert (moved(x, seeded(1)) - x).abs().mean() > 0.05


def test_a_shift_to_the_right_is_a_shift_to_the_right(monkeypatch):
    from dlq.models import consistency

    for name in ("TILT", "STRETCH"):
        monkeypatch.setattr(consistency, name, 0.0)
    monkeypatch.setattr(consistency, "SHIFT", 0.25)  # of a side
    monkeypatch.setattr(torch, "rand", lambda *size, **options: torch.tensor([[0.5, 0.5, 0.5, 0.5, 1.0, 0.5]]))
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 3, 5] = 1
    assert moved(x)[0, 0].argmax().item() == 3 * 8 + 3  # the grid looks a quarter further right: the picture goes left


def test_shifted_images_are_cut_out_of_a_padded_one_and_all_nine_places_occur():
    x = torch.zeros(400, 1, 5, 4)
    x[:, 0, 2, 1] = 1
    places = shifted(x, 1, seeded())[:, 0].flatten(1).argmax(1)
    assert sorted(set(places.tolist())) == [4 * row + column for row in (1, 2, 3) for column in (0, 1, 2)]
    corner = torch.zeros(400, 1, 5, 4)
    corner[:, 0, 0, 0] = 1
    kept = shifted(corner, 1, seeded()).flatten(1).sum(1)
    assert set(kept.tolist()) == {0.0, 1.0}  # what leaves the picture does not come in at the other side


def test_only_the_published_model_has_the_published_start():
    published, ours = infogan_paper(SHAPE, 3, 2).discriminator.trunk[2], small().discriminator.trunk[2]
    assert published.weight.std().item() == pytest.approx(0.02 * 0.8796, rel=0.1)  # of a normal cut at two deviations
    assert published.bias.abs().max() == 0
    assert ours.bias.abs().max() > 0


def test_going_on_equals_never_having_stopped():
    def train(model, steps):
        dlq.fit(model, IMAGES, steps=steps, batch_size=8, seed=0, device="cpu", progress=False)

    whole, pieces = small(consistency=1.0), small(consistency=1.0)
    train(whole, 7)
    for steps in (2, 7):
        train(pieces, steps)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, pieces.state_dict()[name]), name


# --- the control without a game


def test_consistency_alone_finds_two_kinds_of_bars():
    rng, labels = np.random.default_rng(0), np.arange(96) % 2
    images = np.zeros((96, 1, 12, 12), np.uint8)
    for image, label in zip(images, labels, strict=True):
        at = rng.integers(3, 9)
        image[0, :, at : at + 2] = 255 * (label == 0)
        image[0, at : at + 2, :] |= np.uint8(255 * (label == 1))
    model = dlq.models.consistency_only((1, 12, 12), 2, width=4)
    dlq.fit(model, images, steps=400, batch_size=32, seed=0, device="cpu", progress=False)
    codes = dlq.encode(model, images)[:, 0]
    assert max(np.mean(codes == labels), np.mean(codes != labels)) > 0.9


@pytest.mark.parametrize(
    ("shape", "categories", "message"), [((1, 10, 8), 3, "multiples of 4"), (SHAPE, 1, "at least 2 are needed")]
)
def test_an_impossible_control_is_refused(shape, categories, message):
    with pytest.raises(ValueError, match=message):
        dlq.models.consistency_only(shape, categories)


def test_every_parameter_of_the_control_learns():
    model = dlq.models.consistency_only(SHAPE, 3, width=4)
    model.players()[0].loss(torch.rand(16, *SHAPE), seeded())[0].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
