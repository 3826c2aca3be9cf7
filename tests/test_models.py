"""Every preset obeys the same laws, on grey and on colour images; what only one family does stands below."""

import inspect
import json
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

import dlq.models
from dlq.models import AutoEncoder, autoencoder, build, pruned, qlae, sharpened
from dlq.models.presets import Preset
from dlq.nn import DenseDecoder, DenseEncoder
from dlq.quantizers import FSQ
from dlq.training import fit

# Every preset with small settings; a preset that is not listed here fails `test_every_preset_is_listed`.
SMALL: dict[str, tuple[int, dict]] = {  # side of the image, arguments
    "autoencoder": (8, {"num_latents": 4, "width": 16}),
    "qlae": (8, {"num_latents": 4, "num_values": [3, 2, 3, 4], "width": 16}),
    "autoencoder_paper": (32, {"num_latents": 4, "width": 4, "weight_decay": 0.01}),
    "qlae_paper": (32, {"num_latents": 4, "num_values": 4, "width": 4}),
    "bio_ae": (8, {"num_latents": 4, "width": 16}),
    "vq_vae": (8, {"num_latents": 4, "num_values": 5, "dimension": 3, "width": 16}),
    "fsq_autoencoder": (8, {"num_latents": 4, "num_values": [3, 2, 3, 4], "width": 16}),
    "tripod": (8, {"num_latents": 4, "num_values": [3, 2, 3, 4], "width": 16}),
    "bio_ae_paper": (32, {"num_latents": 4, "width": 4}),
    "vq_vae_paper": (32, {"num_latents": 4, "num_values": 5, "dimension": 3, "width": 4}),
    "sharpened": (16, {}),  # of a qlae at 8 pixels
}
VAES: dict[str, tuple[int, dict]] = {
    "vae": (8, {"num_latents": 4, "width": 16}),
    "beta_vae": (8, {"num_latents": 4, "gaussian": True, "width": 16}),
    "beta_tcvae": (8, {"num_latents": 4, "width": 16}),
    "factor_vae": (8, {"num_latents": 4, "discriminator_width": 16, "width": 16}),
    "dip_vae_i": (8, {"num_latents": 4, "width": 16}),
    "dip_vae_ii": (64, {"num_latents": 4, "convolutional": True}),
    "ard_vae": (8, {"num_latents": 4, "num_prior_images": 2, "width": 16}),
    "ard_vae_mnist": (32, {"num_latents": 4, "width": 4}),
    "ard_vae_cifar10": (32, {"num_latents": 4, "width": 4}),
    "ard_vae_celeba": (64, {"num_latents": 4, "width": 4}),
    "ard_vae_dsprites": (64, {"num_latents": 4, "width": 4}),
    "ard_vae_shapes3d": (64, {"num_latents": 4, "width": 4}),
    "pruned": (8, {}),  # of a vae, two of four latents
}
SMALL |= VAES
CASES = [(name, channels) for name in SMALL for channels in (1, 3)]
GAMES: dict[str, tuple[int, dict]] = {  # and what serves them; their losses need a generator or labels
    "info_wgan_gp": (8, {"num_latents": 4, "width": 16}),
    "ql_info_wgan_gp": (8, {"num_latents": 4, "num_values": [3, 2, 3, 4], "width": 16}),
    "info_wgan_gp_paper": (32, {"num_latents": 4, "width": 4}),
    "ql_info_wgan_gp_paper": (32, {"num_latents": 4, "num_values": 4, "width": 4}),
    "infogan": (8, {"num_categories": 3, "width": 4}),
    "infogan_paper": (8, {"num_categories": 3}),
    "consistency_only": (8, {"num_categories": 3, "width": 4}),
    "judge": (8, {"num_classes": 3, "width": 4}),
    "face_reader": (16, {"width": 4}),
    "wsc_swap": (16, {"width": 4}),  # with a face_reader
}
EVERY = SMALL | GAMES
ALL_CASES = CASES + [(name, channels) for name in GAMES for channels in (1, 3)]


def make(name: str, channels: int, **more) -> torch.nn.Module:
    side, arguments = EVERY[name]
    if name == "pruned":
        return pruned(make("vae", channels, **more), [0, 2])
    if name == "wsc_swap":
        arguments = arguments | {"reader": make("face_reader", channels)}
    if name == "sharpened":
        return sharpened(make("qlae", channels), side, **more)
    return getattr(dlq.models, name)((channels, side, side), **arguments, **more)


def images(model, n: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, *model.image_shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request):
    return request.param


@pytest.fixture
def model(case):
    return make(*case)


@pytest.fixture(params=[case for case in CASES if case[0] not in VAES], ids=lambda case: f"{case[0]}-{case[1]}")
def autoencoding(request):
    return make(*request.param)


@pytest.fixture(params=ALL_CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def any_case(request):
    return request.param


@pytest.fixture
def any_model(any_case):
    return make(*any_case)


def weights(model) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_every_preset_is_listed():
    presets = {name for name, value in vars(dlq.models).items() if getattr(value, "is_preset", False)}
    assert presets == EVERY.keys()


# --- laws


def test_every_trainable_parameter_receives_a_gradient(model):
    model.loss(images(model))[0].backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            received = parameter.grad is not None and bool((parameter.grad != 0).any())
            assert received, f"{name} receives no gradient"
        else:
            assert parameter.grad is None


def test_every_trainable_parameter_is_in_exactly_one_group(any_model):
    model = any_model
    grouped = [id(p) for player in model.players() for group in player.groups for p in group.parameters]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters() if p.requires_grad)


def test_weights_are_decayed_and_clipped_and_biases_and_codebooks_are_not(autoencoding):
    """By rank and owner rather than by name: what multiplies is decayed, what is added or chosen from is not."""
    model = autoencoding
    treated = {id(p): group for player in model.players() for group in player.groups for p in group.parameters}
    for name, parameter in model.named_parameters():
        if id(parameter) in treated:
            free = name.endswith(".bias") or name == "bottleneck.codebook"
            group = treated[id(parameter)]
            assert (group.weight_decay, group.clip) == ((0, None) if free else (model.weight_decay, 1.0)), name
            assert group.learning_rate == model.learning_rate


def test_decoded_images_lie_between_0_and_1_even_for_wild_latents(model):
    z = 1e4 * torch.randn(4, model.num_latents, generator=torch.Generator().manual_seed(0))
    drawn = model.decode(z)
    assert drawn.shape == (4, *model.image_shape)
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert drawn.min() < drawn.max()


def test_the_loss_is_the_sum_of_its_terms(model):
    loss, terms = model.loss(images(model))
    assert loss.item() == pytest.approx(sum(term.item() for term in terms.values()), rel=1e-6)


def test_reconstruction_is_the_mean_binary_cross_entropy_of_scikit_learn(autoencoding):
    """A grey pixel of value x counts as x white ones and 1 - x black ones."""
    model = autoencoding
    x = images(model)
    _, terms = model.loss(x)
    with torch.no_grad():
        p = model.decode(model.encode(x)).double().flatten().numpy()
    x = x.double().flatten().numpy()
    chosen = np.repeat([1, 0], len(p))
    expected = 2 * log_loss(chosen, np.tile(p, 2), sample_weight=np.concatenate([x, 1 - x]) / 2, labels=[0, 1])
    expected *= 0.5  # log_loss divides by the sum of the weights, which is half the number of pixels
    by_hand = -(x * np.log(p) + (1 - x) * np.log(1 - p)).mean()
    assert expected == pytest.approx(by_hand, rel=1e-9)
    assert terms["reconstruction"].item() == pytest.approx(by_hand, rel=1e-5)


def test_encoding_is_deterministic_and_image_by_image(model):
    model.eval()
    x = images(model)
    with torch.no_grad():
        z = model.encode(x)
        assert torch.equal(model.encode(x), z)
        assert z.shape == (5, model.num_latents)
        torch.testing.assert_close(torch.cat([model.encode(row[None]) for row in x]), z)
        torch.testing.assert_close(model.encode(x.flip(0)).flip(0), z)


def test_different_images_have_different_latents(model):
    """A law that a network which ignores its input would break."""
    soft = model.encoder(images(model)).detach()
    assert len(soft.unique(dim=0)) == 5


def test_quantized_latents_are_codebook_values_bit_for_bit(model):
    if model.codebook is None:
        z = model.encode(images(model, 40)).detach()
        assert len(z[:, 0].unique()) == 40, "continuous latents repeat"
        return
    z = model.encode(images(model, 200)).detach()
    for column, values in zip(z.T, model.codebook, strict=True):
        assert torch.isin(column, values).all()
        assert len(column.unique()) <= len(values)


def test_a_quantizer_keeps_the_indices_beside_the_values(autoencoding):
    model = autoencoding
    quantized = model.quantize(images(model))
    if model.codebook is None:
        assert quantized.indices.shape == (5, 0)
    else:
        looked_up = torch.stack([v[i] for v, i in zip(model.codebook, quantized.indices.T, strict=True)], 1)
        assert torch.equal(looked_up, model.encode(images(model)))


def test_the_seed_decides_the_weights_and_nothing_else_does(any_case):
    torch.rand(3)  # the global state is somewhere else for each
    first = weights(make(*any_case, seed=3))
    torch.rand(5)
    assert same(first, weights(make(*any_case, seed=3)))
    other = weights(make(*any_case, seed=4))
    assert any(not torch.equal(first[name], other[name]) for name in first if name.endswith("weight"))


def test_building_leaves_the_global_random_state_alone(any_case, monkeypatch):
    """On CUDA too, where torch.manual_seed would reach and fork_rng would not."""
    touched = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", touched.append)
    before = torch.get_rng_state()
    make(*any_case)
    assert torch.equal(torch.get_rng_state(), before)
    assert touched == []


def test_its_record_is_plain_json_and_builds_it_again(any_model):
    model = any_model
    record = json.loads(json.dumps({"name": model.preset.name, "arguments": model.preset.arguments}))
    again = build(**record)
    assert same(weights(model), weights(again))
    assert again.preset == Preset(**record)
    assert (again.image_shape, again.recipe) == (model.image_shape, model.recipe)
    assert getattr(again, "weight_decay", None) == getattr(model, "weight_decay", None)
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in model.parameters()]


def test_the_record_has_every_argument_so_that_new_defaults_do_not_change_old_models(any_model):
    model = any_model
    expected = inspect.signature(getattr(dlq.models, model.preset.name)).parameters.keys()
    assert model.preset.arguments.keys() == expected


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("sharpened", "pruned")])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 64), r"image_shape is \(3, 64\); give \(channels, height, width\), for instance data.image_shape"),
        ((5, 3, 64, 64), r"give \(channels, height, width\)"),
        ((3, 0, 64), "all three numbers must be at least 1"),
    ],
)
def test_an_impossible_image_shape_is_explained(name, shape, message):
    with pytest.raises(ValueError, match=message):
        getattr(dlq.models, name)(shape)


# --- building


def test_a_shape_that_is_a_torch_size_is_recorded_as_plain_numbers():
    arguments = autoencoder(torch.Size((1, 4, 6)), 2, width=4).preset.arguments
    assert json.loads(json.dumps(arguments))["image_shape"] == [1, 4, 6]


def test_an_unknown_preset_is_refused_and_the_known_ones_are_listed():
    known = r"'vae9' is no preset of this version of dlq; known are ard_vae, .*autoencoder, .*qlae"
    with pytest.raises(ValueError, match=known):
        build("vae9", {})
    with pytest.raises(ValueError, match="is no preset"):
        build("build", {})


def test_images_may_be_higher_than_wide():
    model = qlae((1, 6, 4), 3, width=8)
    assert model.decode(model.encode(images(model))).shape == (5, 1, 6, 4)


def test_the_published_settings_are_the_defaults():
    model = dlq.models.qlae_paper((3, 64, 64))
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(7.65e6, abs=5e3)
    assert (model.num_latents, model.bottleneck.sizes, model.weight_decay) == (12, [10] * 12, 0.1)
    assert (model.recipe.steps, model.recipe.batch_size, model.learning_rate) == (200_000, 128, 1e-3)
    assert model.players()[0].groups[0].betas == (0.9, 0.999)


# --- sharpened


@pytest.fixture
def original():
    return make("qlae", 1)


@pytest.mark.parametrize("convolutional", [False, True])
def test_sharpening_freezes_the_codes_and_only_the_new_decoder_trains(original, convolutional):
    sharp = original.sharpened(16, convolutional=convolutional)
    trainable = {name.split(".")[0] for name, p in sharp.named_parameters() if p.requires_grad}
    assert trainable == {"decoder"}
    before = weights(sharp)
    fit(sharp, images(sharp, 8).numpy(), steps=3, progress=False, device="cpu")
    after = weights(sharp)
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"decoder"}


def test_sharpening_keeps_the_latents_of_images_that_were_enlarged(original):
    x = images(original)
    large = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    sharp = original.sharpened(16)
    torch.testing.assert_close(sharp.encode(large), original.encode(x))
    assert [v.tolist() for v in sharp.codebook] == [v.tolist() for v in original.codebook]


def test_sharpening_leaves_the_original_alone_and_trainable(original):
    before = weights(original)
    sharp = original.sharpened(16)
    fit(sharp, images(sharp, 8).numpy(), steps=2, progress=False, device="cpu")
    assert same(before, weights(original))
    assert all(p.requires_grad for p in original.parameters())
    fit(original, images(original, 8).numpy(), steps=2, progress=False, device="cpu")
    assert not same(before, weights(original))
    assert same({k: v for k, v in before.items() if "encoder" in k}, {
        k.replace("encoder.1.", "encoder."): v for k, v in weights(sharp).items() if "encoder" in k
    })  # fmt: skip


def test_a_model_that_no_preset_built_can_be_sharpened_and_then_has_no_record(original):
    own = AutoEncoder(
        original.encoder, original.bottleneck, original.decoder, image_shape=original.image_shape, num_latents=4
    )
    sharp = own.sharpened(16)
    assert sharp.image_shape == (1, 16, 16)
    assert getattr(sharp, "preset", None) is None


@pytest.mark.parametrize("size", [4, 12, 0])
def test_a_size_that_is_no_multiple_is_refused(original, size):
    with pytest.raises(ValueError, match=f"size is {size}; it must be a multiple of the model's own size, 8"):
        original.sharpened(size)


def test_only_square_images_can_be_sharpened():
    with pytest.raises(ValueError, match="images are 6 x 4; only square ones"):
        qlae((1, 6, 4), 3, width=8).sharpened(12)


# --- another bottleneck


def test_the_same_autoencoder_trains_with_finite_scalar_quantization():
    """Two kinds of image, one latent of two values: the latent must name the kind."""
    model = autoencoder((1, 6, 6), 1, width=16)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoEncoder(
            DenseEncoder((1, 6, 6), 1, width=16),
            FSQ(1, 2),
            DenseDecoder((1, 6, 6), 1, width=16),
            image_shape=(1, 6, 6),
            num_latents=1,
        )
    x = torch.zeros(16, 1, 6, 6)
    x[:8, :, :3] = 1
    x[8:, :, 3:] = 1
    loss_before = model.loss(x)[0].item()
    assert loss_before > 0.5 * math.log(2)
    fit(model, x.numpy(), steps=500, progress=False, device="cpu")
    z = model.encode(x).flatten()
    assert set(z[:8].tolist()) | set(z[8:].tolist()) == {-1.0, 1.0}
    assert z[0] != z[8]
    assert model.loss(x)[0].item() < 0.1 * loss_before
