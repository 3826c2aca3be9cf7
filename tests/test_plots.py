"""Figures hold the numbers and pixels they were made from; the model is a closed form, so every pixel is known."""

import base64
import io
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from dlq import plots
from dlq.datasets import FactorDataset, from_arrays
from dlq.metrics import infomec
from dlq.training import History


class Quadrants(nn.Module):
    """Four latents, the grey levels of the four quadrants of an 8 x 8 picture; decoding adds ``error``."""

    image_shape, num_latents = (1, 8, 8), 4

    def __init__(self, codebook=None, error=0.0):
        super().__init__()
        self.codebook, self.error, self.modes = codebook, error, []

    def encode(self, x):
        self.modes.append(self.training)
        return x.reshape(-1, 2, 4, 2, 4).mean((2, 4)).reshape(-1, 4)

    def decode(self, z):
        x = z.reshape(-1, 1, 2, 1, 2, 1).expand(-1, 1, 2, 4, 2, 4).reshape(-1, 1, 8, 8)
        return (x + self.error).clamp(0, 1)


def quadrants(levels):
    return np.kron(np.reshape(levels, (-1, 1, 2, 2)), np.ones((4, 4), int)).astype(np.uint8)


def shown(fig):
    """The picture of a figure's only trace, RGBA."""
    (trace,) = fig.data
    return np.array(Image.open(io.BytesIO(base64.b64decode(trace.source.split(",")[1]))).convert("RGBA"))


def tile(fig, row, column, size=8):
    """The picture drawn around (x=column, y=row), one pixel for each of its own, RGBA."""
    trace, zoom = fig.data[0], 64 // size
    top = round((row - trace.y0) / trace.dy - (size * zoom - 1) / 2)
    left = round((column - trace.x0) / trace.dx - (size * zoom - 1) / 2)
    return shown(fig)[top : top + size * zoom, left : left + size * zoom][zoom // 2 :: zoom, zoom // 2 :: zoom]


def grey(picture):
    return np.concatenate([np.repeat(picture.transpose(1, 2, 0), 3, axis=2), np.full((8, 8, 1), 255)], axis=2)


def texts(axis):
    return list(axis.ticktext)


def test_images_stand_in_reading_order_with_their_captions():
    array = quadrants(np.arange(20).reshape(5, 4) * 10)
    fig = plots.images(array, captions=["a", "b", "c", "d", "<e>"], num_columns=3)
    for i in range(5):
        np.testing.assert_array_equal(tile(fig, i // 3, i % 3), grey(array[i]))
    assert (tile(fig, 1, 2)[..., 3] == 0).all()  # the empty place is transparent
    captions = [(note.x, note.y > note.y // 1 + 0.3, note.text) for note in fig.layout.annotations]
    assert captions == [(0, True, "a"), (1, True, "b"), (2, True, "c"), (0, True, "d"), (1, True, "&lt;e&gt;")]


def test_colour_floats_and_tensors_are_drawn_alike():
    array = np.random.default_rng(0).integers(256, size=(2, 3, 8, 8)).astype(np.uint8)
    expected = array.transpose(0, 2, 3, 1)
    for given in (array, array / 255, torch.from_numpy(array).float() / 255):
        fig = plots.images(given)
        for i in range(2):
            np.testing.assert_array_equal(tile(fig, 0, i)[..., :3], expected[i])


def test_pictures_keep_their_proportions():
    fig = plots.images(np.zeros((3, 1, 8, 8), np.uint8), captions=["a", "b", "c"])
    pixels_per_unit = 1 / fig.data[0].dx, 1 / fig.data[0].dy
    assert fig.layout.yaxis.scaleratio == pytest.approx(pixels_per_unit[1] / pixels_per_unit[0])
    assert fig.layout.yaxis.scaleanchor == "x"


def test_every_row_of_a_factor_grid_moves_one_factor():
    factors = np.array([[a, b, c, 0] for a in range(2) for b in range(9) for c in range(3)])
    names = ("a", "b", "c", "d")
    array = quadrants(factors * [100, 20, 50, 1])
    data = from_arrays(array, factors, names)
    fig = plots.factor_grid(data, num_columns=3)
    assert texts(fig.layout.yaxis) == ["a (2)", "b (9)", "c (3)"]  # d has one value
    levels = {
        (0, 0): [0, 4, 1],
        (0, 1): [1, 4, 1],
        (1, 0): [1, 0, 1],
        (1, 1): [1, 4, 1],
        (1, 2): [1, 8, 1],
        (2, 2): [1, 4, 2],
    }
    for (row, column), (a, b, c) in levels.items():
        np.testing.assert_array_equal(tile(fig, row, column), grey(quadrants([a * 100, b * 20, c * 50, 0])[0]))
    assert (tile(fig, 0, 2)[..., 3] == 0).all()
    around = plots.factor_grid(data, row=0, num_columns=3)  # image 0 has the factors 0, 0, 0, 0
    np.testing.assert_array_equal(tile(around, 0, 1), grey(quadrants([100, 0, 0, 0])[0]))


def test_dataset_without_factors_is_referred_to_images():
    data = FactorDataset("plain", from_arrays(quadrants([1, 2, 3, 4])).images, factors=np.empty((1, 0), np.int64))
    with pytest.raises(ValueError, match=r"plain has no factor that varies; .*plots\.images"):
        plots.factor_grid(data)


def test_reconstructions_by_hand():
    # every pixel is off by 51 of 255, a fifth: the squared error is 0.04, the PSNR 10 log10(25) = 13.98 dB
    model = Quadrants(error=0.2)
    array = quadrants(np.arange(12).reshape(3, 4) * 15)
    fig = plots.reconstructions(model, array, rows=[2, 0])
    assert fig.layout.title.text == "Reconstructions: PSNR 14.0 dB"
    assert texts(fig.layout.xaxis) == ["14.0", "14.0"]
    for column, row in enumerate([2, 0]):
        np.testing.assert_array_equal(tile(fig, 0, column), grey(array[row]))
        np.testing.assert_array_equal(tile(fig, 1, column), grey(array[row] + 51))
    assert model.training
    assert model.modes == [False]  # decoded in evaluation mode, and the mode put back


def test_reconstructions_draw_different_images_with_the_seed():
    array = quadrants(np.repeat(np.arange(40)[:, None] * 6, 4, axis=1))
    first, again, other = (plots.reconstructions(Quadrants(), array, seed=seed) for seed in (0, 0, 1))
    columns = [int(tile(first, 0, column)[0, 0, 0]) for column in range(8)]
    assert len(set(columns)) == 8
    assert first.data[0].source == again.data[0].source != other.data[0].source


def test_traversal_over_a_codebook_decodes_each_value_in_order_and_frames_the_images_own():
    books = [torch.tensor(values) for values in ([0.0, 0.4, 0.2], [0.2, 0.6, 1.0], [0.8, 0.6], [0.0, 0.2, 0.4])]
    fig = plots.traversal_grid(Quadrants(books), quadrants(np.array([51, 153, 153, 102]))[0])  # 0.2, 0.6, 0.6, 0.4
    own = [0.2, 0.6, 0.6, 0.4]
    for row, book in enumerate(books):
        for column, value in enumerate(sorted(book.tolist())):
            z = own[:row] + [value] + own[row + 1 :]
            np.testing.assert_array_equal(tile(fig, row, column), grey(quadrants(np.rint(np.array(z) * 255))[0]))
    assert (tile(fig, 2, 2)[..., 3] == 0).all()  # the third codebook has two values
    frames = [((shape.y0 + shape.y1) / 2, (shape.x0 + shape.x1) / 2) for shape in fig.layout.shapes]
    assert frames == [(0, 1), (1, 1), (2, 0), (3, 2)]
    assert texts(fig.layout.yaxis) == ["z0", "z1", "z2", "z3"]


def test_traversal_of_continuous_latents_goes_from_the_2nd_to_the_98th_percentile():
    latents = np.linspace(0, 1, 101)[:, None] * [1, 0.5, 1, 1]  # percentiles 2 and 98: 0.02 and 0.98, of z1 half of it
    fig = plots.traversal_grid(Quadrants(), np.full((1, 8, 8), 0.2), latents, num_levels=3, order=np.array([1, 0]))
    ends = [[tile(fig, row, column) for column in range(3)] for row in range(2)]
    assert [int(t[0, 4, 0]) for t in ends[0]] == [3, 64, 125]  # .01, .25 and .49 of 255 in the upper right
    assert [int(t[0, 0, 0]) for t in ends[1]] == [5, 128, 250]
    assert {int(t[7, 0, 0]) for t in ends[0] + ends[1]} == {51}  # the others stay
    assert texts(fig.layout.yaxis) == ["z1", "z0"]
    assert not fig.layout.shapes


def test_traversal_without_codebook_asks_for_latents():
    image = np.full((1, 8, 8), 0.2)
    with pytest.raises(ValueError, match=r"pass latents=dlq\.encode\(model, data\)"):
        plots.traversal_grid(Quadrants(), image)
    with pytest.raises(ValueError, match=r"latents has shape \(5, 3\); the model needs \(number of images, 4\)"):
        plots.traversal_grid(Quadrants(), image, np.zeros((5, 3)))


def test_large_sheets_stay_small_and_close_to_their_pixels():
    rng = np.random.default_rng(0)
    ramps = np.linspace(0, 200, 64)[:, None] + np.linspace(0, 50, 64) + rng.normal(scale=3, size=(100, 3, 64, 64))
    array = np.clip(ramps, 0, 255).astype(np.uint8)
    fig = plots.images(array, num_columns=10)
    assert fig.data[0].source.startswith("data:image/webp;base64,")
    assert len(fig.to_json()) < 400_000  # the pixels are 1.2 million bytes
    error = tile(fig, 7, 3, size=64)[..., :3].astype(float) - array[73].transpose(1, 2, 0)
    assert np.abs(error).mean() < 4


def test_bad_pictures_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="found float64 from 0 to 3; give uint8, or floats in"):
        plots.images(np.full((1, 1, 8, 8), 3.0) * np.eye(8))
    with pytest.raises(ValueError, match="found float64 from nan"):
        plots.images(np.full((1, 1, 8, 8), np.nan))
    with pytest.raises(ValueError, match=r"shape \(0, 1, 8, 8\); give at least one image"):
        plots.images(np.zeros((0, 1, 8, 8)))
    with pytest.raises(ValueError, match=r"shape \(3, 8, 8\); give at least one image"):
        plots.images(np.zeros((3, 8, 8)))
    with pytest.raises(ValueError, match=r"shape \(8, 8, 3\); it must be"):
        plots.images(np.zeros((2, 8, 8, 3)))
    with pytest.raises(ValueError, match="found 1 captions for 2 images"):
        plots.images(np.zeros((2, 1, 8, 8)), captions=["one"])


def test_heat_map_shows_the_matrix_and_greys_what_is_not_counted():
    factors = np.array([[a, b, 7] for a in range(2) for b in range(2)])
    latents = np.column_stack([factors[:, 0], np.ones(4), factors[:, 1], factors[:, 0]])
    result = infomec(factors, latents, discrete=True)
    fig = plots.nmi_heatmap(result, ("size", "<b>", "shape"))
    np.testing.assert_array_equal(fig.data[0].z, result.nmi)
    np.testing.assert_allclose(fig.data[0].z[:2], [[1, 0, 0, 1], [0, 0, 1, 0]], atol=1e-12)
    assert (fig.data[0].zmin, fig.data[0].zmax) == (0, 1)
    assert texts(fig.layout.xaxis) == ["z0", "(z1)", "z2", "z3"]
    assert texts(fig.layout.yaxis) == ["size", "&lt;b&gt;", "shape (constant)"]
    assert [(shape.x0, shape.x1) for shape in fig.layout.shapes] == [(0.5, 1.5)]
    # modularity 1 (each latent has one factor); compactness of three active: (1/2 and 1, mean 3/4; (3/4-1/3)/(2/3) = 5/8)
    assert fig.layout.title.subtitle.text == "modularity 1.00 · explicitness 1.00 · compactness 0.62"
    assert fig.layout.yaxis.range == (2.5, -0.5)  # the first factor is the top row


def test_heat_map_of_many_latents_has_a_scale_instead_of_numbers():
    few, many = (
        plots.nmi_heatmap(infomec(np.eye(8, dtype=int)[:, :2], np.eye(8)[:, np.arange(n) % 8], discrete=True)).data[0]
        for n in (10, 11)
    )
    assert (few.texttemplate, few.showscale) == ("%{z:.2f}", False)
    assert (many.texttemplate, many.showscale) == (None, True)


def test_heat_map_shows_a_dash_for_a_score_that_is_undefined_and_refuses_wrong_names():
    result = infomec(np.array([[0], [1]]), np.array([[0], [1]]), discrete=True)
    assert plots.nmi_heatmap(result).layout.title.subtitle.text == "modularity – · explicitness 1.00 · compactness –"
    with pytest.raises(ValueError, match="found 2 factor names for 1 factors"):
        plots.nmi_heatmap(result, ["a", "b"])


def test_curves_are_the_history():
    history = History(steps=[10, 20, 30], terms={"total": [3.0, 2.0, 1.5], "kl_term": [0.5, 0.25]})
    fig = plots.training_curves(history)
    curves = {trace.name: trace for trace in fig.data}
    np.testing.assert_array_equal(curves["total"].y, [3.0, 2.0, 1.5])
    np.testing.assert_array_equal(curves["total"].x, [10, 20, 30])
    np.testing.assert_array_equal(curves["kl term"].x, [20, 30])  # a term that began later
    assert fig.layout.yaxis.type == "log"
    assert fig.layout.title.text == "Training: 30 steps, finished"


@pytest.mark.parametrize(("critic", "scale"), [([1.0, 2.0], "log"), ([1.0, -2.0], "linear"), ([1.0, 0.0], "linear")])
def test_logarithmic_only_where_all_that_is_shown_is_positive(critic, scale):
    history = History(steps=[1, 2], terms={"critic": critic, "gradient_norm": [-1.0, 0.0]})
    fig = plots.training_curves(history)
    assert fig.layout.yaxis.type == scale
    assert [trace.visible for trace in fig.data] == [True, "legendonly"]


def test_empty_history_is_refused():
    with pytest.raises(ValueError, match="no entries; train for at least one step"):
        plots.training_curves(History())


def test_figures_have_no_background_and_no_width_of_their_own():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = [
            plots.images(quadrants([1, 2, 3, 4])),
            plots.training_curves(History(steps=[1], terms={"total": [1.0]})),
            plots.nmi_heatmap(infomec(np.eye(4, dtype=int), np.eye(4), discrete=True)),
        ]
    for fig in figures:
        assert fig.layout.paper_bgcolor == fig.layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
        assert fig.layout.width is None
        assert len(fig.to_json()) < 5_000
