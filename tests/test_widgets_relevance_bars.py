import types

import numpy as np
import pytest
from stand_in import Stripes

from dlq.widgets import RelevanceBars, axes

SCORES = [1.0, 6.0, 3.0]


def stripes(*values):
    """The picture of three latents: each stripe is two pixels wide."""
    return np.repeat(np.repeat(np.array(values, np.uint8), 2)[None, None], 4, axis=1)


IMAGES = np.stack([stripes(0, 255, 0), stripes(255, 255, 0)])


@pytest.fixture
def view():
    return RelevanceBars(Stripes(continuous=True), SCORES, IMAGES)


def test_ranking_by_hand():
    found = axes.ranking(SCORES, 0.9)
    assert found.order.tolist() == [1, 2, 0]
    assert found.scores.tolist() == [6, 3, 1]
    np.testing.assert_allclose(found.cumulative, [0.6, 0.9, 1])
    assert found.needed == 2
    assert axes.ranking(SCORES, 0.91).needed == 3
    assert axes.ranking([1, 0, 0], 1).needed == 1
    assert axes.ranking([2, 5, 2]).order.tolist() == [1, 0, 2]  # equal scores keep their order


def test_switched_off_axes_take_the_mean():
    z, mean = np.array([[1, 2, 3], [4, 5, 6]], np.float32), np.array([7, 8, 9], np.float32)
    assert axes.switched_off(z, [0, 2], mean).tolist() == [[7, 2, 9], [7, 5, 9]]
    assert z.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_page_holds_the_top_axes_and_each_alone():
    assert axes.page_sets(np.array([1, 2, 0])) == [[], [0], [0, 2], [0, 1, 2], [1], [2]]


def test_pictures_by_hand(view):
    assert (view.pictures() == IMAGES).all()
    view.off = [0]  # the first latents are -1 and 1, their mean 0 is grey
    assert (view.pictures() == np.stack([stripes(128, 255, 0)] * 2)).all()
    view.off = [0, 1, 2]
    assert (view.pictures() == np.stack([stripes(128, 255, 0)] * 2)).all()
    view.keep(1)  # axis 1 alone
    assert view.off == [0, 2]
    view.keep(3)
    assert (view.pictures() == IMAGES).all()
    assert view.errors == []


def test_the_mean_is_that_of_the_latents_given():
    latents = np.array([[1.0, -1, 1]] * 4)
    view = RelevanceBars(Stripes(continuous=True), SCORES, IMAGES, latents=latents)
    view.off = [1]
    assert (view.pictures()[0] == stripes(0, 0, 0)).all()


def test_samples_are_decoded_below_the_images():
    view = RelevanceBars(Stripes(continuous=True), SCORES, IMAGES, samples=[[0, 0, 0], [1, 1, 1], [-1, -1, 1]])
    assert view.counts == [2, 3]
    assert (view.pictures()[3] == stripes(255, 255, 255)).all()
    view.off = [2]
    assert (view.pictures()[4] == stripes(0, 0, 0)).all()  # both images have -1 there


def test_the_image_has_originals_reconstructions_and_what_is_left(view):
    view.off = [0]
    rows = view.image().reshape(1, 3, 4, 12)
    assert (rows[:, 0] == np.concatenate(list(IMAGES), axis=2)).all()
    assert (rows[:, 1] == rows[:, 0]).all()
    assert (rows[:, 2] == np.concatenate([stripes(128, 255, 0)] * 2, axis=2)).all()


def test_scores_may_come_with_a_result():
    view = RelevanceBars(Stripes(continuous=True), types.SimpleNamespace(scores=np.array(SCORES)), IMAGES)
    assert (view.order, view.scores, view.needed) == ([1, 2, 0], [6, 3, 1], 3)


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([[1.0]], {}, r"the relevance has shape \(1, 1\); give one score a latent"),
        ([1.0, -2, 3], {}, "the relevance has the score -2.0; all must be >= 0"),
        ([1.0, np.nan, 3], {}, "the relevance has the score nan"),
        ([0.0, 0, 0], {}, "every relevance score is 0"),
        ([1.0, 2], {}, "the relevance has 2 scores, the model has 3 latents"),
        (SCORES, {"share": 0}, "share is 0; give a number above 0"),
        (SCORES, {"images": []}, "there are no images"),
        (SCORES, {"samples": np.zeros((2, 5))}, r"latents has shape \(2, 5\)"),
        (SCORES, {"names": ["a"]}, "found 1 names for 3 latents"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_found(scores, options, message):
    with pytest.raises(ValueError, match=message):
        RelevanceBars(Stripes(continuous=True), scores, **{"images": IMAGES, **options})


def test_an_axis_that_is_not_there_is_refused(view):
    with pytest.raises(ValueError, match="off is 3; give a number from 0 to 2"):
        view.off = [3]
    with pytest.raises(ValueError, match="count is 4; give a number from 0 to 3"):
        view.keep(4)


def test_an_error_while_following_the_browser_is_kept_and_shown(view):
    view._model.decode = lambda z: 1 / 0
    view.off = [1]
    assert [type(error) for error in view.errors] == [ZeroDivisionError]
    assert view.problem == "Python could not decode these axes: division by zero"


def test_a_page_of_many_axes_shows_fewer_images(tmp_path):
    model = Stripes((1, 64, 128), num_latents=128, continuous=True)
    view = RelevanceBars(model, np.arange(1, 129), np.zeros((40, 1, 64, 128), np.uint8))
    text = view.to_html(tmp_path / "page.html").read_text()
    assert '"counts":[2,0]' in text  # 256 sets of axes; a page holds 512 pictures of this size
    assert view.counts == [40, 0]
