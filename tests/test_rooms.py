"""Rooms: geometry by hand, and the laws of a dataset that is a function of its factors."""

import colorsys

import numpy as np
import pytest
import torch

from dlq.datasets import DataError, rooms
from dlq.datasets.solids import SOLIDS, bounds

MIDDLE = {"floor_hue": 2, "wall_hue": 6, "object_hue": 0, "scale": 4, "shape": 2, "orientation": 7}


@pytest.fixture(scope="module")
def full():
    return rooms(32)


def row(data, **changes):
    return data.index(list((MIDDLE | changes).values()))


def image(data, **changes):
    return data.images[row(data, **changes)].astype(int)


def test_official_factors(full):
    assert full.factor_names == tuple(MIDDLE)
    assert full.factor_sizes == (10, 10, 10, 8, 4, 15)
    assert len(full) == 480_000
    np.testing.assert_allclose(full.factor_values[0], np.arange(10) / 10)
    np.testing.assert_allclose(full.factor_values[3][[0, -1]], [0.75, 1.25])
    assert full.factor_values[4].tolist() == ["cube", "cylinder", "sphere", "capsule"]
    np.testing.assert_allclose(full.factor_values[5][[0, 7, 14]], [-30, 0, 30])


def test_evenly_spaced_values():
    data = rooms(16, (5, 1, 10, 3, 1, 4))
    np.testing.assert_allclose(data.factor_values[0], [0, 0.2, 0.4, 0.6, 0.8])
    np.testing.assert_allclose(data.factor_values[1], [0.5])
    np.testing.assert_allclose(data.factor_values[3], [0.75, 1, 1.25])
    assert data.factor_values[4].tolist() == ["sphere"]
    np.testing.assert_allclose(data.factor_values[5], [-30, -10, 10, 30])
    assert rooms(16, (1, 1, 1, 1, 2, 1)).factor_values[4].tolist() == ["cube", "capsule"]
    np.testing.assert_allclose(rooms(16, (1, 1, 1, 1, 1, 1)).factor_values[5], [0])


def test_a_smaller_set_holds_the_same_images(full):
    part = rooms(32, (5, 2, 10, 1, 1, 3))
    picked = full.index(np.array([2, 5, 7, 0, 2, 14]))
    other = part.factors[part.index([1, 1, 7, 0, 0, 2])]
    np.testing.assert_array_equal(other, [1, 1, 7, 0, 0, 2])
    whole, small = full.images[picked], part.images[part.index(other)]
    np.testing.assert_array_equal(small[:, :8], whole[:, :8])  # sky and wall above an object of another scale


def test_camera_matches_the_official_preview():
    """Wall/sky edge at row 17.6 of 64, wall/floor edge at 40.5; corner at column 44 and 20 at -30 and 30 degrees."""
    data = rooms(64, (2, 2, 1, 1, 1, 3))
    front = data.images[data.index([0, 1, 0, 0, 0, 1])].astype(int)  # red floor, cyan wall
    edge = front[:, :, 2]
    assert np.abs(edge[0] - 153)[:17].max() == 0
    assert (edge[0, 19:39] == 0).all()
    assert (edge[0, 42:] > 0).all()
    for index, expected in ((0, 44), (2, 20)):
        side = data.images[data.index([0, 1, 0, 0, 0, index])].astype(int)
        brightness = side[1, 26]  # green of the cyan wall
        jump = np.abs(np.diff(brightness))
        jump[24:40] = 0  # the object
        assert abs(int(jump.argmax()) + 1 - expected) <= 1


def test_colours_are_pure_hues_under_light(full):
    for k in range(10):
        pixel = image(full, floor_hue=k)[:, 31, 0]  # a lit corner of the floor
        np.testing.assert_allclose(pixel, 255 * np.array(colorsys.hsv_to_rgb(k / 10, 1, 1)), atol=3)
        wall = image(full, wall_hue=k)[:, 14, 2]
        hue, saturation, _ = colorsys.rgb_to_hsv(*wall / 255)
        assert saturation == 1
        assert abs(hue - k / 10) < 0.01
    np.testing.assert_array_equal(image(full)[:, 2, 5], (153, 226, 249))


def test_each_surface_has_its_own_colour(full):
    red, cyan = image(full, object_hue=0), image(full, object_hue=5)
    object_pixels = (red != cyan).any(0)
    floor_pixels = (image(full, floor_hue=0) != image(full, floor_hue=5)).any(0)
    wall_pixels = (image(full, wall_hue=0) != image(full, wall_hue=5)).any(0)
    assert object_pixels[16:18, 15:17].all()
    assert floor_pixels[31].all()
    assert wall_pixels[14, :4].all()
    assert not (floor_pixels & wall_pixels)[[2, 14, 31]].any()
    assert (object_pixels & floor_pixels).sum() < 20  # the outline, where a pixel shows both


@pytest.mark.parametrize("factor", ["floor_hue", "wall_hue", "object_hue"])
def test_a_hue_does_not_move_the_geometry(full, factor):
    """A channel grows in proportion to that channel of the hue, by a share that is the same in each channel."""
    levels = 255 * np.array([colorsys.hsv_to_rgb(k / 10, 1, 1) for k in range(10)])
    images = full.images[[row(full, **{factor: k}) for k in range(10)]].astype(float)
    dark = np.stack([images[levels[:, c] == 0, c][0] for c in range(3)])
    bright = np.stack([images[levels[:, c] == 255, c][0] for c in range(3)])
    expected = dark + (bright - dark) * levels[:, :, None, None] / 255
    assert np.abs(images - expected).max() <= 1
    assert np.ptp(bright - dark, axis=0).max() <= 1


@pytest.mark.parametrize("factor", MIDDLE)
def test_every_value_of_a_factor_changes_the_image(full, factor):
    size = full.factor_sizes[list(MIDDLE).index(factor)]
    images = full.images[[row(full, **{factor: k}) for k in range(size)]]
    assert len({x.tobytes() for x in images}) == size


def test_different_combinations_are_different_images():
    data = rooms(16, (3, 3, 3, 4, 4, 8))
    assert len({x.tobytes() for x in data.images[:]}) == len(data)


def test_the_object_grows_with_its_scale(full):
    areas = []
    for k in range(8):
        red, cyan = (image(full, object_hue=hue, scale=k) for hue in (0, 5))
        areas.append(np.abs(red - cyan)[0].sum())
    assert (np.diff(areas) > 0).all()
    assert 1.9 < areas[-1] / areas[0] < 3.6  # (1.25 / 0.75)^2 = 2.78 by size alone


def test_a_shadow_falls_to_the_right(full):
    floor = image(full, floor_hue=0, object_hue=6)[0]  # red of a red floor
    right, left = floor[25:29, 20:28], floor[25:29, 4:12]
    assert left.min() == 255
    assert right.min() < 160


@pytest.mark.parametrize("size", [16, 17, 33, 128])
def test_any_size(size):
    data = rooms(size, (2, 2, 2, 1, 4, 2))
    assert data.image_shape == (3, size, size)
    top, bottom = data.images[0][:, 0, 0], data.images[0][:, -1, 0]
    np.testing.assert_array_equal(top, (153, 226, 249))
    np.testing.assert_array_equal(bottom, (255, 0, 0))


def test_sizes_agree_with_each_other():
    """An image at 32 pixels is nearly the area average of the one at 64."""
    large = rooms(64, (2, 2, 2, 1, 4, 2)).images[[5, 20, 41]].astype(float)
    small = rooms(32, (2, 2, 2, 1, 4, 2)).images[[5, 20, 41]].astype(float)
    averaged = large.reshape(3, 3, 32, 2, 32, 2).mean((3, 5))
    assert np.abs(averaged - small).max() < 12
    assert np.abs(averaged - small).mean() < 0.5


def test_what_is_computed_does_not_depend_on_the_batch(full):
    rows = torch.arange(0, len(full), 5003)
    whole = full.batch(rows)
    torch.testing.assert_close(torch.cat([full.batch(part) for part in rows.split(7)]), whole, rtol=0, atol=0)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(full.batch(rows), whole, rtol=0, atol=0)


@pytest.mark.parametrize("name", SOLIDS)
def test_rays_meet_solids_where_they_should(name):
    rng = np.random.default_rng(0)
    origin = np.array([[0.1], [-2.0], [0.4]])
    targets = rng.uniform(-0.25, 0.25, (3, 4000)) + [[0], [0], [0.2]]
    rays = (targets - origin) / np.linalg.norm(targets - origin, axis=0)
    distance, normals = SOLIDS[name](origin, rays, 1.2)
    hit = np.isfinite(distance)
    assert 100 < hit.sum() < 3900
    assert bounds(origin, rays, 1.2)[hit].all()
    points, facing = (origin + rays * np.where(hit, distance, 0))[:, hit], normals[:, hit]
    np.testing.assert_allclose(np.linalg.norm(facing, axis=0), 1)
    assert ((facing * rays[:, hit]).sum(0) < 0).all()
    np.testing.assert_allclose(_outside(name, points / 1.2), 0, atol=1e-9)
    assert (_outside(name, (points - 1e-4 * facing) / 1.2) < 0).all()
    steps = np.linspace(0, 3, 1500)[:, None, None]
    missed = origin + steps * rays[:, ~hit][:, ::20]
    assert (_outside(name, missed.transpose(1, 0, 2) / 1.2) > -1e-3).all()


def _outside(name, p):
    """Zero on the surface of the solid at scale 1, negative inside."""
    x, y, z = p
    flat = np.hypot(x, y)
    if name == "cube":
        return np.maximum(np.maximum(abs(x), abs(y)), abs(z - 0.1)) - 0.1
    if name == "cylinder":
        return np.maximum(flat - 0.11, abs(z - 0.1) - 0.1)
    if name == "sphere":
        return np.hypot(flat, z - 0.12) - 0.12
    return np.hypot(flat, z - np.clip(z, 0.0925, 0.363 - 0.0925)) - 0.0925


@pytest.mark.parametrize(
    ("size", "sizes", "message"),
    [
        (15, (1,) * 6, "size is 15; .* from 16 to 128"),
        (129, (1,) * 6, "size is 129"),
        (64.0, (1,) * 6, "size is 64.0"),
        (64, (11, 1, 1, 1, 1, 1), "11 values of floor_hue, it has 10; give a number from 1 to 10"),
        (64, (1, 1, 1, 1, 0, 1), "0 values of shape, it has 4"),
        (64, (1, 1, 1), "sizes has 3 numbers, 6 are needed; give one for each of floor_hue"),
        (64, 10, "sizes is 10; give one whole number for each"),
        (64, (1.5,) * 6, "give one whole number for each"),
    ],
)
def test_sizes_that_are_refused(size, sizes, message):
    with pytest.raises(DataError, match=message):
        rooms(size, sizes)
