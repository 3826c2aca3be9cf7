"""FactorDataset, its image sources, and datasets of the user's own arrays."""

import re

import numpy as np
import pytest
import torch

from dlq.datasets import DataError, from_arrays, rooms, sprites
from dlq.datasets.images import Stored

GRID = np.stack(np.unravel_index(np.arange(12), (3, 4)), axis=1)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module", params=["kept", "rendered on demand", "stored"])
def data(request):
    if request.param == "kept":
        return rooms(16, (2, 3, 1, 2, 2, 3))
    if request.param == "rendered on demand":
        return sprites(64, (3, 6, 40, 4, 4))  # 47 MB: more than is kept
    return from_arrays(noise(12, 8, 8, 3), GRID, ("a", "b"))


def test_index_and_factors_are_inverse(data):
    assert data.is_grid
    rows = np.arange(len(data))
    np.testing.assert_array_equal(data.index(data.factors), rows)
    np.testing.assert_array_equal(np.ravel_multi_index(data.factors.T, data.factor_sizes), rows)
    assert data.index(data.factors[5]) == 5
    np.testing.assert_array_equal(data.index(data.factors[:8].reshape(2, 4, -1)), rows[:8].reshape(2, 4))


def test_last_factor_is_fastest():
    data = rooms(16, (2, 3, 4, 5, 2, 3))
    assert data.index([0, 0, 0, 0, 0, 1]) == 1
    assert data.index([0, 0, 0, 0, 1, 0]) == 3
    assert data.index([1, 0, 0, 0, 0, 0]) == 3 * 4 * 5 * 2 * 3


def test_batch_is_images_over_255(data):
    rows = np.array([0, len(data) - 1, 3, 3, 7])
    x = data.batch(rows)
    assert x.dtype == torch.float32
    assert x.shape == (5, *data.image_shape)
    np.testing.assert_array_equal(x.numpy(), data.images[rows].astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(
        x.numpy(), np.stack([data.images[i] for i in rows]).astype(np.float32) / np.float32(255)
    )
    torch.testing.assert_close(data.batch(torch.from_numpy(rows)), x, rtol=0, atol=0)


def test_batch_does_not_alias_the_images():
    data = from_arrays(noise(4, 5, 5))
    before = data.images[1].copy()
    data.batch([1]).zero_()
    np.testing.assert_array_equal(data.images[1], before)


def test_images_read_like_an_array():
    array = noise(6, 5, 7, 3)
    images = from_arrays(array).images
    expected = array.transpose(0, 3, 1, 2)
    assert images[2].dtype == np.uint8
    np.testing.assert_array_equal(images[-1], expected[-1])
    np.testing.assert_array_equal(images[1:4], expected[1:4])
    np.testing.assert_array_equal(images[np.array([True, False] * 3)], expected[::2])
    np.testing.assert_array_equal(images[np.array([[0, 5], [5, 1]])], expected[[[0, 5], [5, 1]]])
    np.testing.assert_array_equal(np.asarray(images), expected)
    with pytest.raises(IndexError):
        images[6]


@pytest.mark.parametrize(("rows", "message"), [([0, 12], "rows 0 to 11"), ([-1], "from -1 to -1"), ([0.5], "float64")])
def test_batch_refuses_rows_that_do_not_exist(rows, message):
    with pytest.raises(IndexError, match=message):
        from_arrays(noise(12, 8, 8)).batch(rows)


@pytest.mark.parametrize("n", [0, 3, 100, 2500])
def test_sample_is_reproducible_and_without_replacement(n):
    data = rooms(16, (5, 5, 5, 4, 1, 5))
    rows = data.sample(n, generator(1))
    assert len(np.unique(rows)) == n
    np.testing.assert_array_equal(rows, data.sample(n, generator(1)))
    if n:
        assert 0 <= rows.min() <= rows.max() < 2500
        assert (rows != data.sample(n, generator(2))).any()


@pytest.mark.parametrize("n", [3, 30])
def test_sample_is_uniform(n):
    data, g = from_arrays(noise(64, 2, 2)), generator()
    counts = np.bincount(np.concatenate([data.sample(n, g) for _ in range(6400 // n)]), minlength=64)
    expected = counts.sum() / 64
    assert ((counts - expected) ** 2 / expected).sum() < 104  # chi-square, 63 degrees of freedom: p = .001


def test_sample_of_more_than_there_are():
    with pytest.raises(DataError, match="asks for 13 images, images has 12"):
        from_arrays(noise(12, 2, 2)).sample(13, generator())


def test_split_is_disjoint_and_complete():
    data = rooms(16, (5, 5, 1, 1, 1, 5))
    parts = data.split(0.7, 0.2, 0.1)
    assert [len(p) for p in parts] == [88, 24, 13]  # edges at 87.5 and 112.5, rounded to even
    rows = np.concatenate([data.index(p.factors) for p in parts])
    np.testing.assert_array_equal(np.sort(rows), np.arange(125))
    for part in parts:
        np.testing.assert_array_equal(part.images[3], data.images[data.index(part.factors[3])])
        np.testing.assert_array_equal(part.index(part.factors), np.arange(len(part)))
        assert not part.is_grid
    np.testing.assert_array_equal(data.split(0.7, 0.3)[0].factors, parts[0].factors)
    assert (data.split(0.7, seed=1)[0].factors != parts[0].factors).any()


def test_split_of_a_split():
    data = from_arrays(np.arange(20, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(2, 2), np.arange(20))
    (half,) = data.split(0.5)
    first, second = half.split(0.5, 0.5)
    pixels = [int(images[i][0, 0, 0]) for images in (first.images, second.images) for i in range(5)]
    assert sorted(pixels) == sorted(half.factors[:, 0])
    assert pixels == [*first.factors[:, 0], *second.factors[:, 0]]


@pytest.mark.parametrize("fractions", [(), (0.8, 0.3), (-0.5, 1), (0.01, 0.99)])
def test_split_that_cannot_be(fractions):
    with pytest.raises(DataError, match="fractions"):
        from_arrays(noise(12, 2, 2)).split(*fractions)


def test_index_of_what_is_not_there():
    data = from_arrays(noise(3, 2, 2), [[0, 0], [1, 1], [0, 1]], ("a", "b"))
    np.testing.assert_array_equal(data.index([[0, 1], [0, 0]]), [2, 0])
    with pytest.raises(DataError, match=re.escape("has the factors (1, 0)")):
        data.index([[0, 0], [1, 0]])
    with pytest.raises(DataError, match="b index 2 does not exist; give a number from 0 to 1"):
        data.index([0, 2])
    with pytest.raises(DataError, match="2 in the last axis"):
        data.index([0, 1, 1])
    with pytest.raises(DataError, match="several images"):
        from_arrays(noise(3, 2, 2), [0, 0, 1]).index([0])
    with pytest.raises(DataError, match="has no factors"):
        from_arrays(noise(3, 2, 2)).index([0])


def test_resized_averages_areas():
    x = np.array([[0, 10, 20, 30], [40, 50, 60, 70], [80, 90, 100, 110], [120, 130, 140, 151]], dtype=np.uint8)
    data = from_arrays(x[None], [0])
    np.testing.assert_array_equal(data.resized(2).images[0][0], [[25, 45], [105, 125]])  # 125.25
    np.testing.assert_array_equal(data.resized(1).images[0][0], [[75]])
    # 4 pixels to 3: each new pixel covers 4/3 old ones, the first row is (0 + 10/3) / (4/3), (10*2/3 + 20*2/3) / (4/3), ...
    flat = from_arrays(x[:1].repeat(4, 0)[None]).resized(3).images[0][0]
    np.testing.assert_array_equal(flat, [[3, 15, 28]] * 3)  # 2.5, 15, 27.5
    assert data.resized(4).images[0].tobytes() == x.tobytes()


def test_resized_keeps_the_aspect_and_the_factors():
    data = from_arrays(noise(12, 8, 12, 3), GRID, ("a", "b"))
    small = data.resized(4)
    assert small.image_shape == (3, 4, 6)
    assert small.is_grid
    np.testing.assert_array_equal(small.factors, GRID)
    assert data.split(0.5)[0].resized(4).image_shape == (3, 4, 6)
    with pytest.raises(DataError, match="size is 9, these images have 8 x 12 pixels; give a size from 1 to 8"):
        data.resized(9)


def test_resized_renders_anew():
    small, large = rooms(16, (2, 2, 2, 2, 1, 2)), rooms(32, (2, 2, 2, 2, 1, 2))
    np.testing.assert_array_equal(large.resized(16).images[5], small.images[5])
    np.testing.assert_array_equal(small.resized(32).images[5], large.images[5])
    part = small.split(0.5)[0]
    np.testing.assert_array_equal(part.resized(32).images[2], large.images[large.index(part.factors[2])])


def test_memory_maps_stay_on_disk(tmp_path):
    array = noise(10, 3, 4, 4)
    np.save(tmp_path / "x.npy", array)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    data = from_arrays(mapped)
    assert isinstance(data.images, Stored)
    assert np.shares_memory(data.images.array, mapped)
    np.testing.assert_array_equal(data.images[[3, 1]], array[[3, 1]])
    assert data.batch([1]).is_contiguous()


def test_repr_says_what_there_is():
    text = repr(rooms(16, (5, 5, 5, 4, 1, 5)))
    assert "2,500 colour images of 16 x 16 pixels" in text
    assert "wall_hue (5)" in text


@pytest.mark.parametrize(
    ("shape", "channels"),
    [
        ((5, 9, 7), 1),
        ((5, 9, 7, 1), 1),
        ((5, 9, 7, 3), 3),
        ((5, 9, 7, 4), 4),
        ((5, 1, 9, 7), 1),
        ((5, 3, 9, 7), 3),
        ((5, 2, 9, 7), 2),
        ((1, 6, 9, 7), 6),
    ],
)
def test_layouts_are_found(shape, channels):
    array = noise(*shape)
    data = from_arrays(array)
    assert data.image_shape == (channels, 9, 7)
    last = len(shape) == 4 and shape[3] == channels
    pixel = array[0, 4, 2] if last or len(shape) == 3 else array[0, :, 4, 2]
    np.testing.assert_array_equal(data.images[0][:, 4, 2], np.atleast_1d(pixel))


def test_tiny_images_are_told_apart_by_being_square():
    array = noise(2, 4, 4, 3)
    np.testing.assert_array_equal(from_arrays(array).images[:], array.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(from_arrays(array.transpose(0, 3, 1, 2)).images[:], array.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(from_arrays(array[..., 0]).images[:], array[:, None, :, :, 0])


def test_values_become_uint8():
    x = np.array([[[0.0, 0.5], [1 / 255, 1.0]]])
    expected = [[[0, 128], [1, 255]]]  # 127.5 rounds to even
    for images in (x, x.astype(np.float32), torch.from_numpy(x), x.tolist()):
        np.testing.assert_array_equal(from_arrays(images).images[0], expected)
    np.testing.assert_array_equal(from_arrays(torch.tensor(x[:, :1]).bfloat16()).images[0], [[[0, 128]]])
    np.testing.assert_array_equal(from_arrays(x > 0.4).images[0], [[[0, 255], [0, 255]]])


def test_labels_become_indices():
    labels = np.array([["b", "x"], ["a", "x"], ["b", "y"]])
    data = from_arrays(noise(3, 2, 2), labels, ("letter", "other"))
    np.testing.assert_array_equal(data.factors, [[1, 0], [0, 0], [1, 1]])
    assert data.factors.dtype == np.int64
    assert data.factor_sizes == (2, 2)
    assert data.factor_values[0].tolist() == ["a", "b"]
    one = from_arrays(noise(3, 2, 2), [2.5, -1.0, 2.5])
    np.testing.assert_array_equal(one.factors, [[1], [0], [1]])
    assert one.factor_names == ("factor_0",)
    np.testing.assert_array_equal(one.factor_values[0], [-1.0, 2.5])


def test_without_factors():
    data = from_arrays(noise(4, 2, 2))
    assert data.factors.shape == (4, 0)
    assert not data.is_grid
    assert data.factor_sizes == ()
    assert len(data.split(0.5)[0]) == 2


X = np.full((4, 8, 8), 0.5)
NAN = np.where(np.arange(256).reshape(4, 8, 8) < 3, np.nan, 0.5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (X * 1000, r"from 500 to 500; .*\(images - images.min"),
        (X * 400, r"from 200 to 200; .* try images / 255"),
        (X - 1, r"from -0.5 to -0.5; .*\[0, 1\]"),
        (NAN, "has 3 pixels that are NaN"),
        (X * np.inf, "has 256 pixels that are NaN or infinite"),
        (X.astype(np.int64), r"dtype int64; .*astype\('uint8'\)"),
        (X.astype(complex), "dtype complex128"),
        (np.array([["a"] * 5] * 5), "shape"),
        (X[0], r"shape \(8, 8\); give \(N, H, W\)"),
        (X[None, None], r"shape \(1, 1, 4, 8, 8\)"),
        (np.zeros((64, 64, 3)), r"looks like one image; .*images\[None\]"),
        (X[:0], "at least one image"),
        ([], r"shape \(0,\)"),
        ([[[0.1]], [[0.1, 0.2]]], "rows of different shapes"),
        (np.zeros((5, 3, 9, 3)), r"axis 1 or axis 3; .*transpose\(0, 3, 1, 2\)"),
        (np.zeros((5, 9, 9, 7)), r"no axis is clearly the channels.*transpose\(0, 3, 1, 2\)"),
    ],
)
def test_images_that_are_refused(images, message):
    with pytest.raises(DataError, match=message):
        from_arrays(images)


@pytest.mark.parametrize(
    ("factors", "names", "message"),
    [
        (np.zeros(3), None, "factors has 3 rows, images has 4; they must describe the same images"),
        (np.zeros((4, 1, 1)), None, r"shape \(4, 1, 1\); give \(N, F\)"),
        (0, None, r"shape \(\)"),
        ([0.0, np.nan, 1.0, np.nan], None, "factor 0 is NaN in 2 rows"),
        (np.array([1, "a", None, 2], dtype=object), None, "mixes labels"),
        (np.zeros((4, 2)), ("a",), "give 2 different names"),
        (np.zeros((4, 2)), ("a", "a"), "give 2 different names"),
        (None, ("a",), "without factors"),
    ],
)
def test_factors_that_are_refused(factors, names, message):
    with pytest.raises(DataError, match=message):
        from_arrays(X, factors, names)
