"""SwapGrid: its pictures by hand, its walks, and the tag that a still picture carries."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from swap_stand_in import Copies, Exact, Half, People

from dlq.export import manifest
from dlq.widgets import SwapGrid


class Still(Half):
    """Copies the target, also of faces that it has not seen."""

    def swap(self, source, target, mask=None):
        return target.clone()


@pytest.fixture(scope="module")
def people():
    return People(12, 1, 16, seed=2)


@pytest.fixture(scope="module")
def view(people):
    return SwapGrid(Half(people), people, [0, 1], [5, 6, 7])


def tiles(view):
    """The atlas as pictures."""
    data = base64.b64decode(view.atlas["image"].partition(",")[2])
    sheet = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    side, columns = view.shape[0], view.atlas["columns"]
    rows = sheet.reshape(sheet.shape[0] // side, side, columns, side, 3)
    return rows.transpose(0, 2, 4, 1, 3).reshape(-1, 3, side, side)


def test_the_atlas_holds_sources_targets_swaps_and_exact_swaps(view, people):
    found = tiles(view)
    np.testing.assert_array_equal(found[:5], people.images[[0, 1, 5, 6, 7]])
    exact = people.faces.swap([1], [6]).images[0].numpy()
    np.testing.assert_array_equal(found[5 + 6 + 4], exact)  # after six swaps, in row 1 and column 1
    half = (exact.astype(float) + people.images[6]) / 2
    assert np.abs(found[5 + 4] - half).max() <= 0.5
    view.chosen = [1, 1]
    np.testing.assert_array_equal(view.image(), found[5 + 4])
    np.testing.assert_array_equal(view.difference_image(), np.minimum(4 * np.abs(found[9].astype(int) - exact), 255))


def test_walks_follow_in_the_atlas(people):
    view = SwapGrid(Still(people), people, [0, 1], [5, 6], walks=("smile", "beard"))
    assert [(walk["name"], walk["moves"], walk["first"]) for walk in view.walks] == [
        ("smile", "target", 4 + 8),
        ("beard", "source", 4 + 8 + 27),
    ]
    found = tiles(view)
    first = view.walks[0]["first"]
    np.testing.assert_array_equal(
        found[first : first + 9], found[first + 9 : first + 18]
    )  # copies of the moving target
    view.walk, view.step = 1, 8
    with pytest.raises(ValueError, match="step is 9; give a number from 0 to 8"):
        view.step = 9


def test_the_still_picture_is_tagged(people):
    bundles = [
        SwapGrid(Copies(people), people, [0, 1], [5, 6], tag=tag)._repr_mimebundle_()[0] for tag in (True, False)
    ]
    tagged, bare = (np.asarray(Image.open(io.BytesIO(base64.b64decode(b["image/png"]))).convert("L")) for b in bundles)
    assert tagged.shape == bare.shape
    assert (tagged[:24] < 40).sum() > 500 > (bare[:24] < 40).sum()


def test_an_exported_page_says_that_it_is_synthetic(view, tmp_path):
    path = view.to_html(tmp_path / "page.html")
    facts = manifest.read_file(path)
    assert (facts["synthetic"], facts["swaps"], len(facts["model"])) == (True, 6, 64)
    assert '"tag":"SYNTHETIC"' in path.read_text()


def test_five_and_six_people_by_default(people):
    view = SwapGrid(Still(people), people)
    assert (len(view.sources), len(view.targets)) == (5, 6)
    assert len(np.unique(people.identities[[*view._pairs.source_rows, *view._pairs.target_rows]])) == 11


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, people: SwapGrid(model, people, [], [1]), "there are no sources or no targets"),
        (
            lambda model, people: SwapGrid(model, people, [0], [1], names=(["a", "b"], ["c"])),
            "found 2 names for 1 sources",
        ),
        (lambda model, people: SwapGrid(model, people, [0], [1], walks=("joy",)), "a face has no parameter 'joy'"),
    ],
)
def test_a_wrong_argument_is_named(people, call, message):
    with pytest.raises(ValueError, match=message):
        call(Exact(people), people)


def test_a_choice_that_is_not_there_is_refused(view):
    with pytest.raises(ValueError, match="the source is 2; give a number from 0 to 1"):
        view.chosen = [2, 0]
    with pytest.raises(ValueError, match="the target is 3; give a number from 0 to 2"):
        view.chosen = [0, 3]
    with pytest.raises(ValueError, match="walk is 1; give a number from 0 to 0"):
        view.walk = 1
