"""QLAE against the authors' own code.

``qlae.npz`` holds values computed with the public code of "Disentanglement via Latent Quantization" (commit 9a420a3), run
unchanged on networks of the published structure with narrow layers. Set DLQ_PARITY to a folder with files of the same
form to run further cases.
"""

import numpy as np
import pytest
import torch
from parity import FOLDER, loaded, ours, read

from dlq.models import AutoEncoder

CASES = sorted(FOLDER.glob("qlae*.npz"))


@pytest.fixture(params=CASES, ids=lambda path: path.stem)
def case(request):
    return read(request.param)


def load_model(case) -> AutoEncoder:
    def build(encoder, bottleneck, decoder, shape):
        num_latents = bottleneck.num_latents
        return AutoEncoder(
            encoder, bottleneck, decoder, image_shape=shape, num_latents=num_latents, optimizer=(1e-3, 0.1)
        )

    return loaded(case, build)


def test_the_case_is_there():
    assert CASES, f"no qlae*.npz in {FOLDER}"


def test_outputs_and_losses_equal_the_authors(case):
    model = load_model(case)
    quantized = model.quantize(case["data/x"])
    loss, terms = model.loss(case["data/x"])
    torch.testing.assert_close(model.encoder(case["data/x"]), case["data/z_continuous"], rtol=0, atol=5e-6)
    assert torch.equal(quantized.indices, case["data/indices"].long())
    torch.testing.assert_close(quantized.z, case["data/z_quantized"], rtol=0, atol=1e-6)
    torch.testing.assert_close(model.decoder(quantized.z), case["data/logits"], rtol=0, atol=2e-6)
    torch.testing.assert_close(loss, case["data/loss"], rtol=0, atol=5e-7)
    named = {"reconstruction": ("binary_cross_entropy_loss", 1), "quantization": ("quantization_loss", 0.01)}
    named["commitment"] = ("commitment_loss", 0.01)
    for term, (key, weight) in named.items():
        torch.testing.assert_close(terms[term], weight * case[f"data/{key}"], rtol=1e-5, atol=5e-7)


def test_gradients_equal_the_authors(case):
    model = load_model(case)
    model.loss(case["data/x"])[0].backward()
    expected = {ours(k.removeprefix("grads/")): v for k, v in case.items() if k.startswith("grads/")}
    named = dict(model.named_parameters())
    assert expected.keys() == named.keys()
    for name, gradient in expected.items():
        error = (named[name].grad - gradient).norm() / gradient.norm().clamp_min(1e-8)
        assert error < 1e-4, f"{name}: relative error {error:.2g}"


def test_optimizer_steps_equal_the_authors(case):
    """Later steps drift: Adam amplifies rounding where gradients are nearly zero."""
    from dlq.training import fit

    model = load_model(case)

    class Batch:  # the same batch at every step, as the authors' values were computed
        images = case["data/x"]
        image_shape = tuple(images.shape[1:])

        def __len__(self):
            return len(self.images)

        def batch(self, rows, device):
            return self.images

    history = fit(model, Batch(), steps=5, batch_size=len(case["data/x"]), progress=False, device="cpu")
    np.testing.assert_allclose(history.terms["total"][:4], case["data/losses_of_5_steps"][:4], atol=2e-6)
