"""Each way a game fails, staged: one picture, a code nobody reads, a discriminator that knows."""

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import dlq
from dlq.diagnosis import diagnose, watch_for_collapse
from dlq.history import History

SHAPE = (1, 4, 4)
CODES = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4)  # 16 pictures of four squares, black or white
IMAGES = (255 * CODES.view(16, 1, 2, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)).numpy().astype(np.uint8)
IMAGES = np.concatenate([IMAGES] * 8)


class Perfect(nn.Module):
    """Four binary codes, each drawn as a square of its own and read off it."""

    image_shape, num_latents = SHAPE, 4

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    @property
    def codebook(self):
        return [torch.tensor([0.0, 1.0])] * 4

    def sample_codes(self, n, generator=None):
        return torch.randint(2, (n, 4), generator=generator).float()

    def decode(self, z):
        return z.view(-1, 1, 2, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)

    def encode(self, x):
        return x[:, 0, ::2, ::2].flatten(1).round()


class OnePicture(Perfect):
    def decode(self, z):
        return torch.zeros(len(z), *SHAPE)


class CodeIgnored(Perfect):
    def encode(self, x):
        return torch.zeros(len(x), 4)


class Knows(Perfect):
    def decode(self, z):
        return 0.05 + 0.9 * super().decode(z)

    def discriminator(self, x):
        return ((x == 0) | (x == 1)).flatten(1).all(1).float() - 0.5, None


def test_a_game_that_goes_well_has_no_problems():
    found = diagnose(Perfect(), IMAGES)
    assert found.problems == ()
    assert found.codes_read == 1
    assert found.variance == pytest.approx(1, abs=0.05)
    assert math.isnan(found.told_apart)
    assert "The game goes well." in repr(found)


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        (OnePicture(), ["mode collapse", "code ignored"]),
        (CodeIgnored(), ["code ignored"]),
        (Knows(), ["critic too strong"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_failure_is_named_with_a_remedy(model, kinds):
    found = diagnose(model, IMAGES)
    assert [problem.partition(":")[0] for problem in found.problems] == kinds
    assert all("try" in problem or "raise" in problem for problem in found.problems)


def test_continuous_codes_are_read_by_explained_variance():
    class Continuous(Perfect):
        codebook = None

        def sample_codes(self, n, generator=None):
            return torch.rand(n, 4, generator=generator)

        def encode(self, x):
            return x[:, 0, ::2, ::2].flatten(1) + 0.5 / math.sqrt(12)  # off by half a standard deviation

    assert diagnose(Continuous(), IMAGES).codes_read == pytest.approx(0.75, abs=0.03)


def test_the_watch_warns_once_a_kind_and_leaves_the_mode_alone():
    model, watch = CodeIgnored().train(), watch_for_collapse(IMAGES, after=10)
    history = History(steps=[5])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch(model, history)
    history.steps[-1] = 10
    with pytest.warns(UserWarning, match="step 10: code ignored"):
        watch(model, history)
    history.steps[-1] = 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch(model, history)
    assert model.training


def test_it_runs_on_both_games():
    for model in (dlq.infogan((1, 8, 8), 3, 2, width=4), dlq.ql_info_wgan_gp((1, 8, 8), 4, width=8)):
        images = np.random.default_rng(0).integers(0, 256, size=(24, 1, 8, 8), dtype=np.uint8)
        dlq.fit(model, images, steps=2, batch_size=8, device="cpu", progress=False)
        found = diagnose(model, images)
        assert "code ignored" in " ".join(found.problems)


def test_a_model_that_draws_nothing_is_refused():
    with pytest.raises(ValueError, match="AutoEncoder draws no samples"):
        diagnose(dlq.qlae((1, 8, 8), 4, width=8), IMAGES)
