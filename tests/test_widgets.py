import base64
import io
import itertools
import pathlib
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image
from stand_in import Stripes

from dlq.widgets import Traversal
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl

ROOT = pathlib.Path(__file__).parents[1]
GREY = np.full((1, 4, 6), 128, np.uint8)  # encodes to (0, 0, 0): level 1 of each latent


def stripes(*values):
    """The picture of three latents, by hand: each stripe is two pixels wide and (value + 1) / 2 bright."""
    return np.repeat(np.repeat(np.array(values, np.uint8), 2)[None, None], 4, axis=1)


def pixels_of(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"))


def test_the_pure_half_needs_no_torch_and_no_anywidget():
    code = "import sys, dlq.widgets.sliders, dlq.widgets.tiles; print({'torch', 'anywidget'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "set()"


# Codes and reach


def test_counts_of_fifteen_latents_of_three_values():
    levels = [3] * 15
    assert tl.count_within(levels, 0) == 1
    assert tl.count_within(levels, 1) == 1 + 15 * 2
    assert tl.count_within(levels, 2) == 1 + 15 * 2 + 105 * 4
    assert tl.count_within(levels, 15) == 3**15


@pytest.mark.parametrize("reach", [0, 1, 2, 3])
def test_codes_within_are_the_product_filtered_by_distance(reach):
    levels, anchor = (3, 1, 2, 4), (2, 0, 0, 3)
    product = itertools.product(*map(range, levels))
    expected = [code for code in product if sum(a != b for a, b in zip(code, anchor, strict=True)) <= reach]
    assert tl.codes_within(levels, anchor, reach).tolist() == [list(code) for code in expected]
    assert tl.count_within(levels, reach) == len(expected)


@pytest.mark.parametrize(
    ("levels", "shape", "max_tiles", "reach"),
    [
        ([7, 7, 5], (64, 64), None, 3),  # 245 pictures: all
        ([3] * 15, (16, 16), None, 2),  # 451 pairs; triples would fit, but are not made unasked
        ([3] * 15, (16, 16), 4096, 3),
        ([10] * 12, (64, 64), None, 1),  # 5,455 pairs do not fit
        ([10] * 12, (64, 64), 20, 1),  # single moves are always there
        ([1, 1, 4], (64, 64), None, 1),  # a slider of one level is no move
        ([256, 256], (1024, 1024), None, 1),
    ],
)
def test_reach_of_a_page(levels, shape, max_tiles, reach):
    assert tl.page_reach(levels, shape, max_tiles) == reach


def test_pack_puts_tile_k_at_its_row_and_column():
    tiles = np.arange(5 * 3 * 2 * 4, dtype=np.uint8).reshape(5, 3, 2, 4)
    sheet, columns = tl.pack(tiles)
    for k, tile in enumerate(tiles):
        top, left = k // columns * 2, k % columns * 4
        assert (sheet[top : top + 2, left : left + 4].transpose(2, 0, 1) == tile).all()


# Sliders


def test_a_group_moves_over_the_combinations_in_the_data():
    codebook = [np.array([1.0, -1.0, 0.0], np.float32)] * 3
    latents = np.array([[1, 0, -1], [-1, 0, 1], [-1, 1, 1], [-1, 0, 0], [1, 0, 1]], np.float32)
    hue, rest = sl.quantized_sliders(codebook, ["a", "b", "c"], groups={"hue": [2, 0]}, latents=latents)
    assert hue.name == "hue"
    assert hue.values.tolist() == [[-1, 1], [0, -1], [1, -1], [1, 1]]
    assert (rest.name, rest.values.ravel().tolist()) == ("b", [-1, 0, 1])  # sorted, whatever the codebook's order
    code = sl.code_of(latents, [hue, rest])
    assert code.tolist() == [[0, 1], [2, 1], [2, 2], [1, 1], [3, 1]]
    assert (sl.latents_of(code, [hue, rest]) == latents).all()


def test_a_group_keeps_its_twelve_most_frequent_combinations_and_the_starting_one():
    values = np.arange(20, dtype=np.float32)
    latents = np.repeat(values, np.arange(1, 21))[:, None]  # value k occurs k + 1 times
    start = np.array([3], np.float32)
    (slider,) = sl.quantized_sliders([values], ["a"], groups={"g": [0]}, latents=latents)
    assert slider.values.ravel().tolist() == list(range(8, 20))
    (slider,) = sl.quantized_sliders([values], ["a"], groups={"g": [0]}, latents=latents, start=start)
    assert slider.values.ravel().tolist() == [3, *range(9, 20)]
    assert sl.seen_codes(latents, [slider]).ravel().tolist() == list(range(12))  # dropped ones are no one's level
    start = np.array([19], np.float32)
    (slider,) = sl.quantized_sliders([values], ["a"], groups={"g": [0]}, latents=latents, start=start)
    assert slider.values.ravel().tolist() == list(range(8, 20))


def test_a_start_outside_the_data_is_still_a_combination():
    values, latents = np.array([-1, 1], np.float32), np.array([[1, 1], [-1, -1]], np.float32)
    start = np.array([1, -1], np.float32)
    (slider,) = sl.quantized_sliders([values] * 2, ["a", "b"], groups={"g": [0, 1]}, latents=latents, start=start)
    assert slider.values.tolist() == [[-1, -1], [1, -1], [1, 1]]


def test_neighbours_look_alike():
    assert sl.smooth_order(np.array([5, 0, 40, 9, 21])) == [2, 4, 3, 0, 1]


def test_continuous_levels_run_between_percentiles_and_hold_the_image_exactly():
    latents = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    (slider,) = sl.continuous_sliders(latents, ["a"])
    np.testing.assert_allclose(slider.values[:, 0], np.linspace(0.02, 0.98, 9), rtol=1e-6)
    (slider,) = sl.continuous_sliders(latents, ["a"], start=np.array([0.3], np.float32))
    np.testing.assert_allclose(slider.values[:, 0], [0.02, 0.14, 0.3, 0.38, 0.5, 0.62, 0.74, 0.86, 0.98], rtol=1e-6)


def test_unseen_codes_are_marked():
    assert sl.unseen_flags(np.array([[0, 1], [1, 1], [0, 0]]), np.array([[0, 0], [1, 1]])) == "100"


def test_value_texts_have_no_negative_zero():
    assert sl.value_texts(sl.Slider("a", (0, 1), np.array([[-1, -0.0], [0.456, 2]]))) == ["-1.00, 0.00", "0.46, 2.00"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"code": [0, 0]}, "code has 2 entries, this widget has 3 sliders"),
        ({"code": [0, 3, 0]}, r"code\[1\] is 3, but 'latent 1' has levels 0 to 2"),
        ({"names": ["a"]}, "names has 1 entries, the model has 3 latents"),
        ({"latents": np.zeros((5, 2))}, r"latents has shape \(5, 2\); expected \(n, 3\)"),
        ({"latents": np.full((5, 3), np.nan)}, "15 values that are NaN"),
        ({"latents": np.full((5, 3), 0.4), "groups": {"g": [0]}}, "holds 0.4, the codebook's nearest is 0"),
        ({"groups": {"g": [0, 1]}}, "groups= needs latents="),
        ({"groups": {"g": [0, 7]}, "latents": np.zeros((5, 3))}, "names latent 7"),
        ({"groups": {"g": [0], "h": [0]}, "latents": np.zeros((5, 3))}, "latent 0 is in 'g' and in 'h'"),
    ],
)
def test_a_wrong_option_is_named_with_what_was_found(options, message):
    with pytest.raises(ValueError, match=message):
        Traversal(Stripes(), GREY, **options)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (None, "give an image, or code="),
        (np.zeros((4, 6), np.uint8), r"image has shape \(4, 6\), the model takes \(1, 4, 6\)"),
        (np.full((1, 4, 6), 255.0), "values from 255 to 255"),
    ],
)
def test_a_wrong_image_is_named_with_what_was_found(image, message):
    with pytest.raises(ValueError, match=message):
        Traversal(Stripes(), image)


def test_a_continuous_model_asks_for_latents():
    with pytest.raises(ValueError, match=r"give their range: latents=dlq.encode\(model, data\)"):
        Traversal(Stripes(continuous=True), GREY)


# The widget


@pytest.mark.parametrize("image", [GREY, GREY / 255, torch.from_numpy(GREY), torch.from_numpy(GREY).float() / 255])
def test_pictures_by_hand_at_every_code(image):
    view = Traversal(Stripes(), image)
    assert view.code == [1, 1, 1]
    for code in itertools.product(range(3), repeat=3):
        view.set_code(code)
        assert (view.image() == stripes(*(round(255 * level / 2) for level in code))).all()
        assert view.z.tolist() == [level - 1 for level in code]
    view.reset()
    assert view.code == [1, 1, 1]
    assert view.errors == []


def test_the_atlas_sent_to_the_browser_is_what_image_returns():
    view = Traversal(Stripes((3, 4, 6)), np.repeat(GREY, 3, 0))
    sheet, columns = pixels_of(view.atlas["image"]), view.atlas["columns"]
    for k, code in enumerate(tl.codes_within([3, 3, 3], view.atlas["anchor"], view.atlas["reach"])):
        view.set_code(code)
        top, left = k // columns * 4, k % columns * 6
        assert (sheet[top : top + 4, left : left + 6].transpose(2, 0, 1) == view.image()).all()


def test_many_latents_send_a_star_that_follows_the_code():
    view = Traversal(Stripes((1, 2, 15), num_latents=15), np.full((1, 2, 15), 128, np.uint8))
    assert (view.atlas["reach"], view.atlas["anchor"]) == (1, [1] * 15)
    view.code = [0, 2] + [1] * 13  # as the browser sets it
    assert view.atlas["anchor"] == view.code
    assert view.image()[0, 0].tolist() == [0, 255] + [128] * 13


def test_a_continuous_model_starts_at_the_reconstruction_itself():
    image = np.repeat(np.repeat(np.array([10, 100, 200], np.uint8), 2)[None, None], 4, axis=1)
    latents = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    view = Traversal(Stripes(continuous=True), image, latents=latents)
    assert (view.image() == image).all()


def test_codes_outside_the_data_are_marked_and_random_stays_inside():
    latents = np.array([[0, 0, 0], [1, 1, -1]], np.float32)
    view = Traversal(Stripes(), GREY, latents=latents)
    seen = [
        code
        for code, flag in zip(itertools.product(range(3), repeat=3), view.atlas["unseen"], strict=True)
        if flag == "0"
    ]
    assert seen == [(1, 1, 1), (2, 2, 0)]
    drawn = set()
    for seed in range(20):
        view.random(seed)
        drawn.add(tuple(view.code))
    assert drawn == set(seen)


def test_groups_move_their_latents_together():
    latents = np.array([[0, 0, 0], [1, 1, -1], [-1, 1, 1]], np.float32)
    view = Traversal(Stripes(), GREY, latents=latents, groups={"wall hue": [0, 1], "held by no latent": []})
    assert view.names == ["wall hue", "latent 2"]
    # The two ends differ most, by 255 in one stripe; the middle is as far from either, but less far in all.
    assert view.texts[0] == ["-1.00, 1.00", "0.00, 0.00", "1.00, 1.00"]
    assert view.code == [1, 1]
    view.set_code([0, 2])
    assert (view.image() == stripes(0, 255, 255)).all()
    view.random(0)
    assert (view.z == latents).all(1).any()


def test_an_error_while_following_the_browser_is_kept_and_shown():
    view = Traversal(Stripes((1, 2, 15), num_latents=15), np.full((1, 2, 15), 128, np.uint8))
    view._model.decode = lambda z: 1 / 0
    view.code = [0] * 15
    assert [type(error) for error in view.errors] == [ZeroDivisionError]
    assert view.problem == "Python could not decode this code: division by zero"


def test_the_output_has_a_picture_for_readers_without_a_kernel():
    image = np.random.default_rng(0).integers(0, 256, (3, 64, 75), np.uint8)
    view = Traversal(Stripes((3, 64, 75), num_latents=15), image)
    bundle, _ = view._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    picture = base64.b64decode(bundle["image/png"])
    assert len(picture) < 60_000
    colours = {colour for _, colour in Image.open(io.BytesIO(picture)).convert("RGB").getcolors()}
    assert {(0, 0, 0), (255, 255, 255)} <= colours  # the stripes at their two ends


class Noisy(torch.nn.Module):
    """Draws from the global generator in training mode, and so shows who else does."""

    image_shape, num_latents, codebook = (1, 2, 3), 6, [torch.tensor([-1.0, 1.0])] * 6

    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.Dropout(0.5), torch.nn.Linear(6, 3))

    def decode(self, z):
        return self.net(z)[:, None, None].expand(-1, 1, 2, -1).sigmoid()


def trained(play):
    """The weights after 60 steps, while ``play(view)`` runs again and again on another thread."""
    torch.manual_seed(0)
    model, done, played = Noisy(), threading.Event(), threading.Event()
    view = Traversal(model, code=[0] * 6)
    view._live_reach = 1  # a new star for each move

    def run():
        while not done.is_set():
            play(view)
            played.set()
            time.sleep(0.001)

    thread = threading.Thread(target=run)
    thread.start()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert played.wait(30)
    for _ in range(60):
        optimizer.zero_grad()
        model.decode(torch.randn(8, 6)).square().mean().backward()
        optimizer.step()
    done.set()
    thread.join()
    assert view.errors == []
    assert model.training
    return torch.cat([weights.detach().flatten() for weights in model.parameters()])


def test_a_widget_changes_nothing_in_a_model_that_trains():
    def play(view):
        view.set_code([1 - level for level in view.code])
        view.random()
        view.image()

    assert torch.equal(trained(play), trained(lambda view: None))


def test_the_copy_decodes_in_evaluation_mode_and_stays_as_it_was():
    model = Stripes()
    view = Traversal(model, GREY)
    assert model.training
    model.stripe.zero_()
    view.set_code([0, 2, 0])
    assert (view.image() == stripes(0, 255, 0)).all()


@pytest.mark.parametrize("module", sorted((ROOT / "dlq/widgets").glob("*.js")), ids=lambda path: path.stem)
def test_a_module_is_small_and_needs_no_escape(module):
    text = module.read_text()
    assert len(text.encode()) <= 10_000
    assert "<" + "/" not in text
    assert "innerHTML" not in text
    assert "http" not in text
