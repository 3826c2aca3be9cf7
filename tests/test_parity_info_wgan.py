"""Quantized-latent InfoWGAN-GP against the authors' own code.

``ql_infowgan_gp.npz`` holds values computed with the public code of "Disentanglement via Latent Quantization" (commit
9a420a3), run unchanged on networks of the published structure with narrow layers. Set DLQ_PARITY to a folder with files
of the same form to run further cases.
"""

import pytest
import torch
from parity import FOLDER, loaded, ours, read

from dlq.models.info_wgan import InfoWGAN

CASES = sorted(FOLDER.glob("ql_infowgan_gp*.npz"))


@pytest.fixture(params=CASES, ids=lambda path: path.stem)
def case(request):
    return read(request.param)


def load_model(case) -> InfoWGAN:
    return loaded(case, lambda *parts: InfoWGAN(*parts[:3], image_shape=parts[3]))


def linked_codes(model: InfoWGAN, z: torch.Tensor) -> torch.Tensor:
    """The codes that were drawn, looked up in the codebook so that it receives their gradient."""
    indices = (z[:, :, None] - model.bottleneck.codebook.detach()).abs().argmin(-1)
    codes = model.bottleneck.codebook.gather(1, indices.T).T
    assert torch.equal(codes.detach(), z)
    return codes


def critic_loss(model, case):
    return model.critic_loss(case["data/x"], case["data/z_fake"], case["data/epsilon"])


def generator_loss(model, case):
    return model.generator_loss(linked_codes(model, case["data/z_fake"]))


def test_the_case_is_there():
    assert CASES, f"no ql_infowgan_gp*.npz in {FOLDER}"


def test_generated_images_equal_the_authors(case):
    torch.testing.assert_close(load_model(case).decode(case["data/z_fake"]), case["data/x_fake"], rtol=0, atol=2e-6)


def test_every_term_of_the_critic_step_equals_the_authors(case):
    loss, terms = critic_loss(load_model(case), case)
    torch.testing.assert_close(loss, case["data/encoder_loss"], rtol=1e-5, atol=0)
    expected = {"value": ("value", 1), "gradient_penalty": ("gradient", 10), "latent": ("latent", 200)}
    expected |= {"quantization": ("quantization", 0.01), "commitment": ("commitment", 0.01)}
    assert expected.keys() == terms.keys()
    for name, (key, weight) in expected.items():
        torch.testing.assert_close(terms[name], weight * case[f"data/encoder/{key}_loss"], rtol=2e-5, atol=1e-6)


def test_the_generator_step_equals_the_authors(case):
    loss, terms = generator_loss(load_model(case), case)
    torch.testing.assert_close(loss, case["data/generator_loss"], rtol=1e-5, atol=0)
    torch.testing.assert_close(terms["latent"], 200 * case["data/generator/latent_loss"], rtol=1e-5, atol=0)


@pytest.mark.parametrize(("player", "loss"), [("encoder", critic_loss), ("generator", generator_loss)])
def test_both_sets_of_gradients_equal_the_authors(case, player, loss):
    model = load_model(case)
    loss(model, case)[0].backward()
    expected = {ours(k.split("/", 1)[1]): v for k, v in case.items() if k.startswith(f"{player}_grads/")}
    named = dict(model.named_parameters())
    assert len(expected) > 30
    for name, gradient in expected.items():
        error = (named[name].grad - gradient).norm() / gradient.norm().clamp_min(1e-8)
        assert error < 2e-4, f"{name}: relative error {error:.2g}"
