"""The classifier that judges: it learns labels, says its features, and refuses what it cannot know."""

import numpy as np
import pytest
import torch

import dlq
from dlq.models.judge import judge

SHAPE = (1, 8, 8)


def bars(n=64):
    """Upright bars are class 0, flat ones class 1."""
    rng = np.random.default_rng(0)
    labels, images = rng.integers(2, size=n), np.zeros((n, 1, 8, 8), np.uint8)
    for image, label in zip(images, labels, strict=True):
        at = rng.integers(2, 6)
        image[0, :, at] = 255 * (label == 0)
        image[0, at, :] |= np.uint8(255 * (label == 1))
    return dlq.datasets.from_arrays(images, labels)


def test_it_learns_to_tell_upright_from_flat_bars():
    data, model = bars(), judge(SHAPE, 2, width=4)
    dlq.fit(model, data, steps=200, batch_size=32, device="cpu", progress=False)
    x = data.batch(np.arange(64))
    assert (model.classify(x).argmax(1).numpy() == data.factors[:, 0]).mean() > 0.95


def test_the_loss_by_hand():
    model = judge(SHAPE, 3, width=4)
    x, labels = torch.rand(5, *SHAPE), torch.tensor([0, 2, 1, 1, 0])
    chosen = model.classify(x).softmax(1)[torch.arange(5), labels]
    assert model.loss((x, labels))[0].item() == pytest.approx(-chosen.log().mean().item(), rel=1e-5)


def test_its_latents_are_the_features_that_the_classes_are_read_from():
    model = judge(SHAPE, 3, width=4)
    x = torch.rand(5, *SHAPE)
    torch.testing.assert_close(model.head(model.encode(x)), model.classify(x))
    assert model.encode(x).shape == (5, model.num_latents)


def test_every_parameter_learns_and_is_in_one_group():
    model = judge(SHAPE, 3, width=4)
    model.loss((torch.rand(16, *SHAPE), torch.arange(16) % 3))[0].backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())
    grouped = [id(p) for group in model.players()[0].groups for p in group.parameters]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())


def test_a_class_it_does_not_know_is_refused():
    data = dlq.datasets.from_arrays(np.zeros((6, 1, 8, 8), np.uint8), np.arange(6))
    with pytest.raises(ValueError, match="found class 5; this classifier knows classes 0 to 1"):
        dlq.fit(judge(SHAPE, 2, width=4), data, steps=1, device="cpu", progress=False)


@pytest.mark.parametrize(("shape", "classes", "message"), [((1, 4, 8), 2, "at least 8 x 8"), (SHAPE, 1, "at least 2")])
def test_impossible_sizes_are_refused(shape, classes, message):
    with pytest.raises(ValueError, match=message):
        judge(shape, classes)
