"""Sprites: recorded facts of the official dSprites preview, and laws."""

import numpy as np
import pytest
import torch

from dlq.datasets import DataError, sprites

# Areas in the official frames, by scale, at orientation 0 and x = y = 0.
AREAS = {0: (100, 144, 196, 256, 324, 400), 1: (76, 104, 144, 184, 228, 288), 2: (58, 84, 108, 140, 182, 222)}
BOXES = {0: (6, 25, 6, 25), 1: (3, 28, 9, 22), 2: (6, 25, 7, 23)}  # first and last column, first and last row


@pytest.fixture(scope="module")
def official():
    return sprites(64, orientation="dsprites")


def image(data, *factors):
    return data.images[data.index(factors)][0]


@pytest.mark.parametrize("shape", AREAS)
def test_areas_and_boxes_of_the_official_frames(official, shape):
    for scale, area in enumerate(AREAS[shape]):
        assert abs(int((image(official, shape, scale, 0, 0, 0) > 0).sum()) - area) <= 4
    rows, columns = image(official, shape, 5, 0, 0, 0).nonzero()
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == BOXES[shape]


def test_squares_of_the_official_frames_are_exact(official):
    expected = np.zeros((64, 64), np.uint8)
    expected[6:26, 6:26] = 255
    np.testing.assert_array_equal(image(official, 0, 5, 0, 0, 0), expected)


def test_first_and_last_orientation_are_one_image(official):
    factors = np.random.default_rng(0).integers(0, (3, 6, 1, 32, 32), (600, 5))
    first = official.images[official.index(factors)]
    factors[:, 2] = 39
    np.testing.assert_array_equal(first, official.images[official.index(factors)])
    assert set(np.unique(first)) == {0, 255}


def test_official_orientations_of_each_shape(official):
    """39 different ones of 40 for the heart and the ellipse, 38 for the square (5 is 34 too), at scale 1."""
    counts = [len({image(official, shape, 5, k, 0, 0).tobytes() for k in range(40)}) for shape in range(3)]
    assert counts == [38, 39, 39]


def test_orientation_turns_counter_clockwise(official):
    """The tip of a heart points down at 0, and right a quarter of a turn later."""
    data = sprites(64, (3, 6, 4, 3, 3))
    heart, quarter = image(data, 2, 5, 0, 1, 1), image(data, 2, 5, 1, 1, 1)
    assert heart[:32].sum(dtype=int) > heart[32:].sum(dtype=int)
    np.testing.assert_array_equal(quarter, np.rot90(heart))
    np.testing.assert_array_equal(heart, heart[:, ::-1])


def test_clean_orientations_of_a_heart_all_differ():
    data = sprites(64, (3, 1, 40, 1, 1))
    assert len({image(data, 2, 0, k, 0, 0).tobytes() for k in range(40)}) == 40
    np.testing.assert_array_equal(image(data, 0, 0, 3, 0, 0), image(data, 0, 0, 13, 0, 0))  # a square, a quarter later
    np.testing.assert_array_equal(image(data, 1, 0, 3, 0, 0), image(data, 1, 0, 23, 0, 0))  # an ellipse, a half later


def test_positions_are_the_middle_half_of_the_canvas():
    data = sprites(64, (1, 1, 1, 3, 3))
    for x in range(3):
        for y in range(3):
            rows, columns = image(data, 0, 0, 0, x, y).nonzero()
            assert (columns.mean() + 0.5, rows.mean() + 0.5) == (16 + 16 * x, 16 + 16 * y)


def test_a_shift_of_whole_pixels_moves_every_pixel():
    """Half the way along x is 16 pixels, so the whole image moves by 16."""
    data = sprites(64, (3, 2, 5, 3, 3))
    for shape in range(3):
        np.testing.assert_array_equal(
            np.roll(image(data, shape, 1, 2, 0, 1), 16, axis=1), image(data, shape, 1, 2, 1, 1)
        )


def test_values_are_evenly_spaced(official):
    np.testing.assert_allclose(official.factor_values[1], [0.5, 0.6, 0.7, 0.8, 0.9, 1])
    np.testing.assert_allclose(official.factor_values[2][[0, -1]], [0, 2 * np.pi])
    data = sprites(64, (2, 3, 4, 1, 2))
    assert data.factor_values[0].tolist() == ["square", "heart"]
    np.testing.assert_allclose(data.factor_values[1], [0.5, 0.75, 1])
    np.testing.assert_allclose(data.factor_values[2], [0, np.pi / 2, np.pi, 3 * np.pi / 2])
    np.testing.assert_allclose(data.factor_values[3], [0.5])
    np.testing.assert_allclose(data.factor_values[4], [0, 1])


@pytest.mark.parametrize("size", [16, 24, 32, 50])
def test_small_sizes_are_anti_aliased_and_keep_the_light(size):
    """A sprite covers the same share of the canvas at every size; edges are grey."""
    small, large = sprites(size, (3, 2, 5, 2, 2)), sprites(128, (3, 2, 5, 2, 2))
    share = small.batch(np.arange(120)).mean((1, 2, 3))
    torch.testing.assert_close(share, large.batch(np.arange(120)).mean((1, 2, 3)), rtol=0.08, atol=0)
    assert len(np.unique(small.images[:])) > 5
    assert set(np.unique(large.images[:])) == {0, 255}


def test_a_small_square_by_hand():
    """At 16 pixels the square at (16, 16) of 64 covers 6.4 to 25.6, that is 1.6 to 6.4 pixels."""
    pixels = image(sprites(16, (1, 1, 1, 2, 2)), 0, 0, 0, 0, 0)
    assert sprites(16, (1, 1, 1, 2, 2)).factor_values[0].tolist() == ["ellipse"]
    square = image(sprites(16, (2, 6, 1, 2, 2)), 0, 5, 0, 0, 0)
    assert (square[2:6, 2:6] == 255).all()
    assert (square[0] == 0).all()
    assert abs(int(square[1, 3]) - 0.4 * 255) <= 255 / 16
    assert abs(int(square[6, 3]) - 0.4 * 255) <= 255 / 16
    assert pixels.max() == 255


def test_different_combinations_are_different_images():
    data = sprites(32, (3, 3, 5, 4, 4))  # five orientations: no symmetry of a square or an ellipse
    assert len({x.tobytes() for x in data.images[:]}) == len(data) == 720


def test_what_is_drawn_does_not_depend_on_the_batch(official):
    rows = np.arange(0, len(official), 9001)
    whole = official.batch(rows)
    torch.testing.assert_close(torch.cat([official.batch([r]) for r in rows]), whole, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("size", "sizes", "orientation", "message"),
    [
        (8, (1,) * 5, "clean", "size is 8"),
        (64, (4, 1, 1, 1, 1), "clean", "4 values of shape, it has 3"),
        (64, (1, 1, 1, 33, 1), "clean", "33 values of x, it has 32"),
        (64, (1, 3, 6, 40, 32, 32), "clean", "sizes has 6 numbers, 5 are needed"),
        (64, (1,) * 5, "full", 'orientation is \'full\'; give "clean" or "dsprites"'),
    ],
)
def test_what_is_refused(size, sizes, orientation, message):
    with pytest.raises(DataError, match=message):
        sprites(size, sizes, orientation=orientation)
