import base64
import io

import numpy as np
import pytest
from PIL import Image

from dlq.datasets.base import FactorDataset
from dlq.datasets.images import Stored
from dlq.widgets import FactorBrowser, combinations
from dlq.widgets import tiles as tl
from dlq.widgets.sliders import Slider


def flat(rows, factors=None, sizes=(), names=(), values=None):
    """A dataset whose row k is a flat grey picture of brightness ``rows[k]``, 2 x 3 pixels."""
    images = Stored(np.broadcast_to(np.array(rows, np.uint8)[:, None, None, None], (len(rows), 1, 2, 3)).copy())
    return FactorDataset(
        "flat", images, factors=factors, factor_sizes=sizes, factor_names=names, factor_values=values
    )  # fmt: skip


@pytest.fixture
def grid():
    """Brightness 10 times the first factor, plus the second."""
    return flat(
        [0, 1, 2, 10, 11, 12], sizes=(2, 3), names=("tens", "ones"), values=(np.array([0.0, 0.5]), np.arange(3))
    )


@pytest.fixture
def holes():
    """The rows of that grid without (0, 1), and with (1, 2) twice."""
    factors = np.array([[0, 0], [0, 2], [1, 0], [1, 1], [1, 2], [1, 2]])
    return flat([0, 2, 10, 11, 12, 99], factors=factors, sizes=(2, 3), names=("tens", "ones"))


def test_every_combination_shows_its_row(grid):
    view = FactorBrowser(grid)
    assert (view.names, view.texts) == (["tens", "ones"], [["0", "0.5"], ["0", "1", "2"]])
    for row, code in enumerate(grid.factors.tolist()):
        view.set_code(code)
        assert view.row == row
        assert (view.image() == grid.images[row]).all()
    assert view.atlas["unseen"] == ""
    assert view.errors == []


def test_it_starts_at_a_row_or_at_a_combination(grid):
    assert FactorBrowser(grid, 4).code == [1, 1]
    assert FactorBrowser(grid, (1, 2)).row == 5
    assert FactorBrowser(grid).code == [0, 0]


def test_a_missing_combination_shows_the_nearest_row_and_says_so(holes):
    view = FactorBrowser(holes)
    view.set_code([0, 1])  # half a range of ones away from (0, 0) and from (0, 2), a whole range of tens from (1, 1)
    assert view.row in (0, 1)
    codes = tl.codes_within([2, 3], view.atlas["anchor"], 2).tolist()
    assert [code for code, off in zip(codes, view.atlas["unseen"], strict=True) if off == "1"] == [[0, 1]]
    note = view.atlas["notes"][codes.index([0, 1])]
    assert note.startswith(f"No image has these factors: the nearest one is shown, row {view.row}: tens 0, ones ")
    assert view.atlas["notes"][codes.index([1, 2])] == "The first of 2 images with these factors: row 4."
    assert view.atlas["notes"][codes.index([1, 1])] == ""


def test_random_draws_rows_that_exist(holes):
    view, drawn = FactorBrowser(holes), set()
    for seed in range(40):
        view.random(seed)
        drawn.add(tuple(view.code))
    assert drawn == {(0, 0), (0, 2), (1, 0), (1, 1), (1, 2)}


def test_combinations_that_are_not_in_the_data_are_not_counted_as_here(grid, holes):
    assert FactorBrowser(grid).words["all"] == "combinations are here."
    assert FactorBrowser(holes).words["all"] == "combinations can be set; the data have 5 of them."


def test_nearest_counts_steps_as_shares_of_each_range():
    found = combinations.Combinations(np.array([[0, 0], [9, 1], [3, 0]]), (10, 2)).nearest(np.array([[6, 1], [2, 0]]))
    # From (6, 1): 6/9 + 1, 3/9 + 0 and 3/9 + 1; from (2, 0): 2/9, 7/9 + 1 and 1/9.
    assert found.rows.tolist() == [1, 2]
    assert found.exact.tolist() == [False, False]
    assert found.counts.tolist() == [1, 1]


def test_a_dataset_without_factors_is_browsed_by_row():
    view = FactorBrowser(flat([5, 6, 7], np.empty((3, 0), int)), 1)
    assert (view.names, view.code, view.row) == (["row"], [1], 1)
    view.set_code([2])
    assert (view.image() == 7).all()


def test_a_long_slider_holds_the_rows_near_by_and_a_page_holds_some_of_all(tmp_path):
    view = FactorBrowser(flat(np.arange(2000) % 256, np.empty((2000, 0), int)), 1000)
    assert (view.atlas["window"], len(view.atlas["notes"])) == (64, 0)
    view.code = [1500]  # as the browser sets it
    assert view.atlas["anchor"] == [1500]
    assert (view.image() == 1500 % 256).all()
    text = view.to_html(tmp_path / "page.html").read_text()
    assert "64 of the 2,000 values of row are on this page." in text
    assert "row 1500" in text
    assert view.code == [1500]


def test_a_slider_is_thinned_evenly_and_keeps_its_level():
    slider = Slider("a", (0,), np.arange(101)[:, None])
    short, places = combinations.thinned(slider, [37], most=11)
    assert short.values[:, 0].tolist() == [0, 10, 20, 30, 37, 50, 60, 70, 80, 90, 100]
    assert places == [4]
    both, places = combinations.thinned(slider, [37, 36], most=11)
    assert both.values[:, 0].tolist() == [0, 10, 20, 30, 36, 37, 50, 60, 70, 80, 90, 100]
    assert places == [5, 4]
    assert combinations.thinned(slider, [37, 5], most=101) == (slider, [37, 5])


def test_value_texts_of_numbers_words_and_nothing():
    assert combinations.value_texts(np.array([0.0, 1 / 3]), 2) == ["0", "0.333"]
    assert combinations.value_texts(np.array(["cube", "ball"]), 2) == ["cube", "ball"]
    assert combinations.value_texts(np.array([3, 5]), 2) == ["3", "5"]
    assert combinations.value_texts(None, 2) == ["0", "1"]


@pytest.mark.parametrize(("level", "expected"), [(0, (0, 4)), (5, (3, 7)), (9, (6, 10))])
def test_a_window_stays_inside(level, expected):
    assert tl.window_of(10, level, 4) == expected
    assert tl.window_of(3, 0, 4) == (0, 3)


def test_windowed_codes_are_the_star_without_the_far_levels():
    assert tl.codes_within([9, 2], [4, 0], 1, window=3).tolist() == [[3, 0], [4, 0], [4, 1], [5, 0]]
    assert tl.largest_window([9, 2], 4) == 3  # three levels of the first, one more of the second
    assert tl.largest_window([9, 2], 100) == 9


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (6, "start is row 6; flat has rows 0 to 5"),
        ((0, 3), r"code\[1\] is 3, but 'ones' has levels 0 to 2"),
        ((0,), "code has 1 entries"),
    ],
)
def test_a_wrong_start_is_named_with_what_there_is(grid, start, message):
    with pytest.raises(ValueError, match=message):
        FactorBrowser(grid, start)


def test_images_that_cannot_be_shown_are_refused():
    data = FactorDataset("two", Stored(np.zeros((3, 2, 4, 4), np.uint8)), factors=np.empty((3, 0), np.int64))
    with pytest.raises(ValueError, match="the images of two have 2 channels; 1 or 3 can be shown"):
        FactorBrowser(data)


def test_images_too_large_for_a_sheet_ask_for_smaller_ones():
    data = FactorDataset(
        "big", Stored(np.zeros((4, 1, 4096, 4096), np.uint8)), factor_sizes=(2, 2), factor_names=("a", "b")
    )
    with pytest.raises(ValueError, match=r"browse data.resized\(64\)"):
        FactorBrowser(data)


def test_the_output_has_a_picture_for_readers_without_a_kernel(grid):
    bundle, _ = FactorBrowser(grid)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).format == "PNG"
    assert "application/vnd.jupyter.widget-view+json" in bundle
