"""Faces: a linear model with known fields, a surface without holes, and the laws of pose, light and the exact swap."""

import numpy as np
import pytest
import torch

from dlq.datasets import DataError, faces, identity_faces
from dlq.datasets.faces import IDENTITY, LANDMARKS, NAMES, Face, as_array, from_array, random_faces, render, swap
from dlq.datasets.faces.grid import PERSON
from dlq.datasets.faces.head import model
from dlq.datasets.faces.parameters import SHAPE, Columns, as_columns
from dlq.datasets.faces.raster import rasterise
from dlq.datasets.faces.scene import deform, scene

CPU = torch.device("cpu")
BARE = Face(hair_length=0.0, hairline=0.6, light_x=0.0)


@pytest.fixture(scope="module")
def people():
    return identity_faces(12, 2, 64, seed=3)


def spot(portraits, name, which=0):
    """Column and row of a landmark."""
    return portraits.landmarks[which, LANDMARKS.index(name)].tolist()


def shown(portraits, name, which=0):
    """Brightness of the pixel at a landmark, 0 to 255."""
    x, y = spot(portraits, name, which)
    return portraits.images[which, :, int(y), int(x)].float().mean().item()


def vertices(face):
    on = scene(CPU)
    columns = Columns(as_columns(face, CPU).T.contiguous())
    return deform(columns, on.undeformed[: len(on.mean)], on.mean, on.shapes, on.expressions)[0]


def random(n, seed, **fixed):
    return from_array(random_faces(n, torch.Generator().manual_seed(seed)))._replace(**fixed)


def test_vertices_are_exactly_linear_in_shape_and_expression():
    plain = Face(smile=0.0)
    zero, moved = vertices(plain), {name: 0.1 * k - 0.4 for k, name in enumerate((*SHAPE, "smile", "mouth_open"))}
    apart = sum(vertices(plain._replace(**{name: value})) - zero for name, value in moved.items())
    together = vertices(plain._replace(**moved)) - zero
    assert together.abs().max() > 0.05
    torch.testing.assert_close(together, apart, atol=2e-6, rtol=0)


def test_by_hand_the_jaw_drops_by_its_amplitude_and_the_face_widens_by_its_own():
    chin = np.array([[0.0, -0.8, 0.51], [0.5, 0.0, 0.62], [-0.5, 0.0, 0.62]])
    found = model(chin)
    np.testing.assert_allclose(found.expressions[1][0], [0, -0.22, -0.06], atol=1e-12)
    np.testing.assert_allclose(found.expressions[1][1:], 0)  # the cheekbones stay
    np.testing.assert_allclose(found.shapes[0][:, 0], [0, 0.0525, -0.0525])


def test_nothing_moves_the_mid_line_sideways():
    y = np.linspace(-0.95, 0.95, 60)
    found = model(np.stack([0 * y, y, 0.85 * np.sqrt(1 - y**2)], 1))
    for field in (found.mean, *found.shapes, *found.expressions):
        np.testing.assert_array_equal(field[:, 0], 0)


def test_a_triangle_covers_its_pixels_and_the_nearer_one_is_seen():
    near = [(0.0, 0.0, 1.0), (0.0, 4.0, 1.0), (4.0, 0.0, 1.0)]
    far = [(0.0, 0.0, 0.5), (0.0, 4.0, 0.5), (8.0, 0.0, 0.5)]
    places = torch.tensor([[*near, *far]])
    triangles = torch.tensor([[0, 1, 2], [3, 4, 5], [0, 2, 1]])  # the last one is turned away
    hits = rasterise(places, triangles, torch.tensor([False, False, False]), 8)
    image = torch.full((64,), -1).index_copy(0, hits.pixel, hits.triangle).view(8, 8)
    assert image[0].tolist() == [0, 0, 0, 0, 1, 1, 1, -1]
    assert image[3].tolist() == [0, -1, -1, -1, -1, -1, -1, -1]
    assert (image[4:] == -1).all()
    total = hits.weights[0] + hits.weights[1] + hits.weights[2]
    torch.testing.assert_close(total, torch.ones_like(total))


def test_no_holes():
    """Every row of the head is one piece, but for what the curtain of long hair and the ears leave open: none of it here."""
    portraits = render(random(40, 5, hair_length=0.0), 96)
    figure = (portraits.figure >= 0.5).numpy()
    covered = (
        figure.cumsum(1)
        * figure[:, ::-1].cumsum(1)[:, ::-1]
        * figure.cumsum(2)
        * figure[:, :, ::-1].cumsum(2)[:, :, ::-1]
    )
    holes = (covered > 0) & ~figure  # the figure is above, below, left and right of these
    assert holes.sum() < 0.01 * figure.sum()
    assert portraits.head.mean((1, 2)).min() > 0.25


def test_a_mirrored_face_is_the_mirror_image():
    """But for single strands of hair, the reflections in the eyes and how a cell of the grid is cut in two."""
    face = random(8, 2)
    other = face._replace(
        **{name: -getattr(face, name) for name in ("yaw", "roll", "gaze_x", "light_x", "parting", "shift_x")}
    )
    one, two = render(face, 64), render(other, 64)
    difference = (one.images.float() - two.images.float().flip(3)).abs().mean(1)
    assert difference[one.skin > 0.99].mean() < 1.5
    assert (one.skin - two.skin.flip(2)).abs().mean() < 0.01
    for name in ("nose_tip", "chin"):
        x, y = spot(one, name)
        assert spot(two, name) == pytest.approx([64 - x, y], abs=1e-3)
    assert spot(two, "eye_outer_left")[0] == pytest.approx(64 - spot(one, "eye_outer_right")[0], abs=1e-3)


def test_swapping_a_face_with_itself_changes_no_bit(people):
    rows = np.arange(8)
    own = people.portraits(rows)
    np.testing.assert_array_equal(people.swap(rows, rows).images, own.images)
    np.testing.assert_array_equal(people.swap(rows ^ 1, rows).images, own.images)  # another image of the same person


def test_a_swap_changes_the_skin_of_the_head_and_nothing_else(people):
    source, target = np.arange(12), np.arange(12) + 12
    before, after = people.portraits(target), people.swap(source, target)
    change = (before.images.float() - after.images.float()).abs().sum(1)
    outside = (before.skin == 0) & (after.skin == 0)
    assert change[outside].sum() < 0.01 * change.sum()
    assert (change.sum((1, 2)) > 0).all()
    background = (before.figure == 0) & (after.figure == 0)
    assert change[background].max() == 0


def test_a_swap_has_the_sources_identity_and_the_rest_of_the_target(people):
    source, target = people.faces([0]), people.faces([9])
    swapped = as_array(swap(source, target))
    same_as_source = swapped[0] == people.parameters[0]
    assert [name for name, same in zip(NAMES, same_as_source, strict=True) if same][: len(IDENTITY)] == [*IDENTITY]
    np.testing.assert_array_equal(swapped[0, len(IDENTITY) :], people.parameters[9, len(IDENTITY) :])
    assert swap(source, target, (*IDENTITY, "skin")).skin == source.skin


def test_a_person_keeps_its_identity_and_nothing_else(people):
    first, second = people.parameters[0::2], people.parameters[1::2]
    np.testing.assert_array_equal(first[:, : len(IDENTITY)], second[:, : len(IDENTITY)])
    assert (first[:, NAMES.index("yaw")] != second[:, NAMES.index("yaw")]).all()
    assert people.identities.tolist() == [i // 2 for i in range(24)]
    assert people.data.factor_sizes == (12,)
    np.testing.assert_array_equal(people.data.images[5], people.portraits([5]).images[0])


def test_skin_is_the_colour_of_skin_and_the_mask_leaves_hair_and_neck_out():
    white_hair = render(BARE._replace(skin=1.0, hair_colour=1.0), 64)
    black_hair = render(BARE._replace(skin=1.0, hair_colour=0.0), 64)
    changed = (white_hair.images.float() - black_hair.images.float()).abs().amax(1) > 0
    assert changed[white_hair.skin == 1].float().mean() < 0.06  # the soft rim where hair begins
    assert changed[(white_hair.skin == 0) & (white_hair.head == 1)].all()
    pale = render(BARE._replace(skin=0.0, hair_colour=1.0), 64)
    assert ((pale.images.float() - white_hair.images.float()).amax(1) > 40)[(pale.skin == 1)].float().mean() > 0.85
    x, y = spot(pale, "chin")
    assert pale.skin[0, int(y) + 5, int(x)] == 0  # the neck


def test_landmarks_fall_on_what_they_name():
    wide_open = render(BARE._replace(mouth_open=1.0, gaze_x=torch.tensor([-1.0, 0.0, 1.0]), yaw=8.0), 128)
    for k in range(3):
        for side in ("left", "right"):
            assert shown(wide_open, f"pupil_{side}", k) < 60
            assert shown(wide_open, f"nostril_{side}", k) < 110
        (x0, y0), (x1, y1) = spot(wide_open, "lip_upper", k), spot(wide_open, "lip_lower", k)
        inside = wide_open.images[k, :, int((y0 + 3 * y1) / 4), int((x0 + x1) / 2)].float()
        assert inside.mean() < 0.75 * shown(wide_open, "nose_tip", k)
        assert y1 - y0 > 8  # about 0.22 half-heights of 51 pixels
    pupils = [spot(wide_open, "pupil_left", k)[0] for k in range(3)]
    assert pupils[1] - pupils[0] == pytest.approx(0.05 * 51, rel=0.3)
    assert pupils[2] > pupils[1] > pupils[0]


def test_pose_turns_towards_where_it_says():
    table = Face(
        yaw=torch.tensor([0.0, 25, 0, 0, 0]),
        pitch=torch.tensor([0.0, 0, 12, 0, 0]),
        roll=torch.tensor([0.0, 0, 0, 9, 0]),
    )
    still, right, up, tipped, _ = (render(table, 64).landmarks[k] for k in range(5))
    tip, chin, bridge = (LANDMARKS.index(name) for name in ("nose_tip", "chin", "nose_bridge"))
    assert still[tip, 0] == pytest.approx(32, abs=1e-3)
    assert right[tip, 0] > 40
    assert up[tip, 1] < still[tip, 1] - 3
    assert tipped[bridge, 0] < tipped[chin, 0] - 3  # the top goes to the left


def test_light_from_the_left_lights_the_left():
    lit = render(BARE._replace(light_x=torch.tensor([-1.0, 1.0]), parting=0.0), 64)
    left, right = (
        (lit.images.float().mean(1) * lit.skin)[:, :, half].sum((1, 2)) for half in (slice(0, 32), slice(32, 64))
    )
    assert left[0] > 1.15 * right[0]
    assert right[1] > 1.15 * left[1]


def test_the_same_bytes_in_every_batch_and_at_every_time():
    face = random(9, 4)
    whole = render(face, 32)
    alone = [render(from_array(as_array(face)[k : k + 1]), 32) for k in range(9)]
    for k, name in enumerate(whole._fields):
        torch.testing.assert_close(torch.cat([each[k] for each in alone]), whole[k], atol=0, rtol=0, msg=name)


def test_a_small_image_is_the_average_of_a_large_one():
    face = random(6, 6)
    large, small = render(face, 128).images.float(), render(face, 64).images.float()
    shrunk = torch.nn.functional.avg_pool2d(large, 2)
    assert (shrunk - small).abs().mean() < 2


@pytest.mark.parametrize("size", [16, 33, 256])
def test_sizes(size):
    data = faces(size, (3, 1, 1, 1, 1))
    assert data.image_shape == (3, size, size)
    x = data.images[1].astype(float)  # from the front: skin in the middle, background in the corners
    corner, middle = x[:, 1, 1], x[:, size * 11 // 20, size // 2]
    assert middle[0] > middle[2] + 20  # skin is redder than blue
    assert corner[2] > corner[0]
    assert data.resized(16).image_shape == (3, 16, 16)


def test_the_grid_is_the_renderer():
    data = faces(24, (3, 2, 2, 1, 3))
    assert data.factor_names == ("yaw", "mouth", "skin", "hair", "light")
    np.testing.assert_allclose(data.factor_values[0], [-30, 0, 30])
    np.testing.assert_allclose(data.factor_values[3], [0.5])
    row = data.index([2, 1, 0, 0, 1])
    by_hand = PERSON._replace(yaw=30.0, mouth_open=1.0, skin=0.0, hair_colour=0.5, light_x=0.0)
    np.testing.assert_array_equal(data.images[row], render(by_hand, 24).images[0])
    assert len(np.unique(data.images[:].reshape(len(data), -1), axis=0)) == len(data)
    older = faces(24, (1, 1, 1, 1, 1), person=PERSON._replace(age=1.0))
    assert np.abs(older.images[0].astype(float) - faces(24, (1, 1, 1, 1, 1)).images[0]).max() > 10
    assert len(faces()) == 2_500


def test_identities_can_be_read_from_pixels():
    """A ridge regression on 400 frontal faces finds the strongest factors; their values were drawn independently."""
    table = torch.from_numpy(random_faces(500, torch.Generator().manual_seed(1)))
    front = torch.from_numpy(as_array(BARE)).repeat(500, 1)
    front[:, : len(IDENTITY)] = table[:, : len(IDENTITY)]
    x = render(from_array(front), 32).images.flatten(1).double() / 255
    y = front[:, : len(IDENTITY)].double()
    x, centred = x - x[:400].mean(0), y - y[:400].mean(0)
    kernel = x @ x[:400].T
    guess = kernel[400:] @ torch.linalg.solve(kernel[:400] + 1.0 * torch.eye(400), centred[:400])
    r2 = 1 - (guess - centred[400:]).square().sum(0) / y[400:].var(0, unbiased=False) / 100
    found = dict(zip(IDENTITY, r2.tolist(), strict=True))
    assert found == pytest.approx(dict.fromkeys(IDENTITY, 1.0), abs=0.5), found


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: faces(8), "size is 8; give a whole number of pixels from 16 to 256"),
        (lambda: faces(32, (5, 5)), "sizes has 2 numbers, 5 are needed; give one for each of yaw, mouth"),
        (lambda: faces(32, (5, 9, 1, 1, 1)), "sizes asks for 9 values of mouth, it has 8"),
        (lambda: faces(32, person="Ada"), "person is str; give a Face of numbers"),
        (lambda: faces(32, person=Face(age=torch.zeros(2))), "person has 2 faces; give a Face of numbers"),
        (lambda: render(Face(), 300), "size is 300; give a whole number of pixels from 16 to 256"),
        (lambda: render(Face(yaw=float("nan"))), "yaw is not finite in some face"),
        (
            lambda: render(Face(yaw=torch.zeros(2), age=torch.zeros(3))),
            "have the shapes .*'age': \\(3,\\), 'yaw': \\(2,\\)",
        ),
        (lambda: from_array(np.zeros((2, 5))), "parameters have the shape \\(2, 5\\); give \\(faces, 40\\)"),
        (lambda: identity_faces(0), "num_identities is 0; give a whole number of at least 1"),
        (lambda: identity_faces(names=("nose",)), "a face has no parameter 'nose'; give some of face_width"),
        (lambda: identity_faces(2, 2, 16).swap([0, 1], [2]), "2 source rows for 1 target rows"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_a_row_that_is_not_there(people):
    with pytest.raises(IndexError, match="this dataset has rows 0 to 23"):
        people.portraits([24])
