import numpy as np
import pytest
from stand_in import Stripes

from dlq.export import verify_export
from dlq.widgets import CompareTraversal, linking

IMAGE = np.array([0, 0, 255, 255, 128, 128], np.uint8)[None, None].repeat(4, 1)  # code 0, 2, 1 of Stripes
LATENTS = np.array([[-1, 0, 1], [-1, 0, 0], [1, 1, 0], [0, -1, -1]], np.float32)


@pytest.fixture
def view():
    latents = {"mixed": LATENTS}
    return CompareTraversal({"mixed": Stripes(continuous=True), "named": Stripes()}, IMAGE, latents=latents)


def row(view):
    return view.image()[0, 0].tolist()


def test_a_level_goes_with_what_the_same_images_take():
    own, other = np.array([0, 0, 0, 2, 2]), np.array([1, 1, 0, 3, 3])
    assert linking.linked_levels(own, other, 4, (2, 3)) == [1, 1, 3, 3]  # 1 lies between: the lower; 3 is nearest to 2
    assert linking.linked_levels(own, other, 3, (2, 0)) == [1, 1, 0]  # the image shown decides for its own level
    assert linking.linked_levels(own[:0], other[:0], 2, (1, 4)) == [4, 4]


def test_groups_are_the_same_when_their_names_are():
    assert linking.same_grouping({"a": {"x": [0], "y": [1]}, "b": {"y": [0], "x": []}})
    assert not linking.same_grouping({"a": {"x": [0]}, "b": {"y": [0]}})
    assert not linking.same_grouping({"a": {}, "b": {}})
    assert not linking.same_grouping({})


def test_every_model_decodes_its_own_code_of_the_same_image(view):
    assert row(view) == IMAGE[0, 0].tolist() * 2
    view.views["named"].set_code([2, 2, 1])
    assert row(view) == [*IMAGE[0, 0].tolist(), 255, 255, 255, 255, 128, 128]
    assert view.codes[1] == [2, 2, 1]
    view.reset()
    assert row(view) == IMAGE[0, 0].tolist() * 2
    assert view.errors == []


def test_codes_from_the_browser_reach_each_model(view):
    start = view.codes
    view.codes = [start[0], [0, 0, 0]]
    assert view.views["named"].code == [0, 0, 0]
    assert view.views["mixed"].code == start[0]
    view.codes = [[0, 0, 0], [1, 1, 1]]  # both at once
    assert [v.code for v in view.views.values()] == [[0, 0, 0], [1, 1, 1]]
    with pytest.raises(ValueError, match="found 1 codes for 2 models"):
        view.codes = [[0, 0, 0]]
    with pytest.raises(ValueError, match=r"code\[1\] is 7"):
        view.codes = [[0, 0, 0], [0, 7, 0]]


def test_atlases_follow_the_codes():
    many = Stripes((1, 4, 30), num_latents=15)  # too many codes for one atlas: a star around the current one
    view = CompareTraversal({"a": many, "b": many}, np.full((1, 4, 30), 128, np.uint8))
    code = [2] + [1] * 14
    view.codes = [view.codes[0], code]
    assert view.atlases["model1"]["anchor"] == code
    assert view.atlases["model0"]["anchor"] == [1] * 15
    assert view.image()[0, 0, 30:34].tolist() == [255, 255, 128, 128]


def test_the_same_groups_are_linked_by_the_images():
    models = {"a": Stripes(), "b": Stripes()}
    groups = {"a": {"hue": [0, 1], "rest": [2]}, "b": {"hue": [2], "rest": []}}
    view = CompareTraversal(models, IMAGE, latents={"a": LATENTS, "b": LATENTS}, groups=groups)
    links = {(link["from"], link["to"]): link for link in view.links}
    assert set(links) == {(0, 1), (1, 0)}  # 'rest' has no slider in b
    hue, start = view.views["a"], view.views["a"].start[0]
    for level, values in enumerate(hue._sliders[0].values.tolist()):
        taken = [row[2] for row in LATENTS.tolist() if row[:2] == values]
        if level == start:
            assert links[0, 1]["levels"][level] == view.views["b"].start[0]
        elif taken:
            target = view.views["b"]._sliders[0].values[links[0, 1]["levels"][level], 0]
            assert taken.count(target) == max(map(taken.count, taken))
    assert CompareTraversal(models, IMAGE, latents={"a": LATENTS}, groups={"a": groups["a"]}).links == []


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        ({"a": Stripes()}, {}, "found 1 models; give two or three"),
        (
            {"a": Stripes(), "b": Stripes()},
            {"latents": {"c": LATENTS}},
            "latents is given for 'c', the models are 'a', 'b'",
        ),
        ({"a": Stripes(), "b": Stripes(continuous=True)}, {}, "b: the latents of this model are continuous"),
        ({"a": Stripes(), "b": Stripes((1, 8, 8))}, {}, r"b: image has shape \(1, 4, 6\), the model takes \(1, 8, 8\)"),
        (
            {"a": Stripes(), "b": Stripes()},
            {"latents": {"a": LATENTS, "b": LATENTS[:3]}, "groups": {"a": {"g": [0]}, "b": {"g": [0]}}},
            "4 rows for 'a', 3 rows for 'b'; encode the same images",
        ),
    ],
)
def test_errors_name_the_model_and_the_remedy(models, options, message):
    with pytest.raises(ValueError, match=message):
        CompareTraversal(models, IMAGE, **options)


def test_a_page_opens_at_the_codes_shown(view, tmp_path):
    view.codes = [view.codes[0], [0, 0, 0]]
    state = view._page(None).state
    assert state["codes"] == view.codes
    assert state["live"] is False
    for path in (view.to_html(tmp_path / "page.html"), view.to_dir(tmp_path / "folder")):
        assert verify_export(path).manifest["widget"] == "CompareTraversal"


def test_a_still_picture_shows_both(view):
    bundle, _ = view._repr_mimebundle_()
    single, _ = view.views["named"]._repr_mimebundle_()  # of one model alone: no connection, so the picture only
    assert len(bundle["image/png"]) > len(single["image/png"])
