"""Pages outside the notebook: what is in each form, what a manifest says, and what is refused."""

import html.parser
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from every_widget import WIDGETS
from stand_in import Learner, Stripes

import dlq
from dlq.cli import main
from dlq.cli.bench.browser import star_of_twelve
from dlq.datasets.arrays import from_arrays
from dlq.export import Page, verify_export
from dlq.widgets import (
    Codebook,
    CompareTraversal,
    FactorBrowser,
    NmiHeatmap,
    RelevanceBars,
    TrainingView,
    Traversal,
    codec,
    words,
)
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl

NASTY = "</script><script>alert(1)</script>"
IMAGE = np.full((1, 4, 6), 128, np.uint8)


class Elements(html.parser.HTMLParser):
    """Collects what a browser would see: (tag, attributes, text)."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append([tag, dict(attributes), ""])

    def handle_data(self, data):
        if self.found:
            self.found[-1][2] += data

    def texts(self, tag):
        return [text.strip() for name, _, text in self.found if name == tag]


def test_names_and_title_stay_text(tmp_path):
    view = Traversal(Stripes(), IMAGE, names=[NASTY, "<!--<script>", "a&b"])
    path = view.to_html(tmp_path / "page.html", title=NASTY)
    elements = Elements(path.read_text())
    assert elements.texts("title") == [NASTY]
    assert elements.texts("h1") == [NASTY]
    scripts = [(attributes.get("type"), text) for tag, attributes, text in elements.found if tag == "script"]
    assert [kind for kind, _ in scripts] == ["application/json", "text/plain", "module", "application/json"]
    assert json.loads(scripts[0][1])["names"] == [NASTY, "<!--<script>", "a&b"]


def test_the_page_holds_the_state_at_the_current_code(tmp_path):
    view = Traversal(Stripes(), IMAGE)
    view.set_code([0, 2, 1])
    path = view.to_html(tmp_path / "page.html", max_tiles=7)  # a star only
    state = json.loads(Elements(path.read_text()).texts("script")[0])
    assert (state["code"], state["start"], state["live"]) == ([0, 2, 1], [0, 2, 1], False)
    assert (state["atlas"]["anchor"], state["atlas"]["reach"]) == ([0, 2, 1], 1)
    assert not [key for key in state if key.startswith("_") or key == "layout"]
    assert view.live
    assert view.code == [0, 2, 1]


def test_nothing_in_the_page_points_at_the_network(tmp_path):
    text = Traversal(Stripes(), IMAGE).to_html(tmp_path / "page.html").read_text()
    assert "http:" not in text
    assert "https:" not in text


@pytest.mark.parametrize(("where", "message"), [("nowhere/page.html", "create it first"), (".", "is a folder")])
def test_a_path_that_cannot_be_written_is_one_sentence(tmp_path, where, message):
    with pytest.raises(OSError, match=message):
        Traversal(Stripes(), IMAGE).to_html(tmp_path / where)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_page(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    target = tmp_path / "page.html"
    target.write_text("old")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match=r"cannot write .*page.html .*Permission denied"):
        Traversal(Stripes(), IMAGE).to_html(target, overwrite=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("page.html", "old")]


# Every widget, every form


HAVE_A_MODEL = {"Traversal", "RelevanceBars", "TrainingView", "SwapGrid"}


def traversal(**options):
    return Traversal(dlq.qlae((3, 16, 16), 4, seed=0), code=[1, 1, 1, 1], **options)


@pytest.mark.parametrize("name", WIDGETS)
def test_every_form_of_every_widget_is_whole_and_needs_nothing_else(name, tmp_path):
    view = WIDGETS[name]()
    found = [verify_export(view.to_html(tmp_path / "page.html")), verify_export(view.to_dir(tmp_path / "site"))]
    found.append(verify_export(view.to_myst(tmp_path / "book")))
    (tmp_path / "frame.html").write_text(frame := view.to_iframe(300))
    assert frame.startswith('<iframe sandbox="allow-scripts" title=')
    (tmp_path / "inner.html").write_text(Elements(frame).found[0][1]["srcdoc"])
    found.append(verify_export(tmp_path / "inner.html"))
    assert {each.manifest["widget"] for each in found} == {name}
    assert {each.manifest["dlq"] for each in found} == {dlq.__version__}
    assert [each.size for each in found[:2]] == [
        (tmp_path / "page.html").stat().st_size,
        sum(path.stat().st_size for path in (tmp_path / "site").iterdir()),
    ]
    assert (found[0].manifest["model"] is not None) == (name in HAVE_A_MODEL)
    assert f"{name}" in str(found[0])


@pytest.mark.parametrize("name", WIDGETS)
def test_every_widget_refuses_to_replace_what_it_did_not_write_and_keeps_names_as_text(name, tmp_path):
    target = tmp_path / "page.html"
    target.write_text("mine")
    view = WIDGETS[name]()
    with pytest.raises(OSError, match="is no page that dlq exported"):
        view.to_html(target)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("page.html", "mine")]
    elements = Elements(view.to_html(target, title=NASTY, overwrite=True).read_text())
    assert elements.texts("title") == elements.texts("h1") == [NASTY]
    kinds = [attributes.get("type") for tag, attributes, _ in elements.found if tag == "script"]
    assert kinds == ["application/json", "text/plain", "module", "application/json"]


@pytest.mark.parametrize("grid", ["star", "pairs", "full", "decoder"])
def test_every_grid_says_what_it_holds(grid, tmp_path):
    found = verify_export(traversal().to_html(tmp_path / "page.html", grid=grid)).manifest
    count = {"star": 1 + 4 * 2, "pairs": 1 + 4 * 2 + 6 * 4, "full": 3**4, "decoder": 1}[grid]
    assert (found["grid"], found["pictures"], found["tile"]) == (grid, count, [16, 16])
    assert found["worst"] == (1 if grid == "decoder" else 0)


def test_the_manifest_names_the_model_by_its_weights(tmp_path):
    pages = [Traversal(dlq.qlae((3, 16, 16), 4, seed=seed), code=[1] * 4) for seed in (0, 0, 1)]
    hashes = [verify_export(each.to_html(tmp_path / "page.html", grid="star")).manifest["model"] for each in pages]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_folder_needs_no_script_in_its_page_and_holds_pictures_as_files(tmp_path):
    folder = traversal().to_dir(tmp_path / "site")
    page = Elements((folder / "index.html").read_text())
    scripts = [(a.get("src", "")[:6], a.get("type")) for tag, a, _ in page.found if tag == "script"]
    assert scripts == [("state-", None), ("widget", None), ("", "application/json")]
    state = next(folder.glob("state-*.js")).read_text()
    image = json.loads(state.removeprefix("globalThis.dlqState = ").removesuffix(";\n"))["atlas"]["image"]
    assert (folder / image).read_bytes()[8:12] == b"WEBP"


def test_a_new_page_in_a_folder_takes_the_place_of_the_old_one(tmp_path):
    before = verify_export(traversal().to_dir(tmp_path / "site"))
    (tmp_path / "site" / "notes.txt").write_text("mine")
    view = traversal(names=["a", "b", "c", "d"])
    after = verify_export(view.to_dir(tmp_path / "site"))
    kept = {path.name for path in (tmp_path / "site").iterdir()}
    assert kept == {"index.html", "notes.txt", *after.files}
    assert set(before.files) - set(after.files)


def test_the_myst_snippet_names_files_that_are_there(tmp_path):
    text = traversal().to_myst(tmp_path, name="two", title="A </script> title").read_text()
    form = r"```{anywidget} \./(two-\w+\.mjs)\n:css: \./(two-\w+\.css)\n\n\{.*\}\n```\n"
    module, style = re.fullmatch(form, text).groups()
    assert (tmp_path / module).read_text().count("export default") == 1
    assert ".dlq-widget" in (tmp_path / style).read_text()


# The weight of pictures


def noisy(n):
    rng = np.random.default_rng(0)
    return np.clip(128 + 40 * rng.normal(size=(1, 3, 64, 64)) + 6 * rng.normal(size=(n, 3, 64, 64)), 0, 255).astype(
        np.uint8
    )


def test_heavy_pictures_are_off_by_no_more_than_is_said():
    tiles = noisy(60)
    found = codec.encode(tiles, 7, light=True)
    assert 0 < found.worst == found.step // 2
    stored = unpacked(found, tiles.shape)
    restored = np.clip(tiles[7].astype(int) + (stored.astype(int) - 128) * found.step, 0, 255)
    restored[7] = stored[7]
    gap = np.abs(restored - tiles)
    assert gap[7].max() == 0
    assert (gap.max(), round(gap.mean(), 2)) == (found.worst, found.mean)
    assert len(found.url) < len(codec.encode(tiles, 7).url) / 2


def unpacked(found, shape):
    import base64
    import io

    from PIL import Image

    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(found.url.partition(",")[2]))).convert("RGB"))
    rows = sheet.reshape(-1, shape[2], found.columns, shape[3], 3).transpose(0, 2, 4, 1, 3)
    return rows.reshape(-1, *shape[1:])[: shape[0]]


def test_a_star_of_twelve_latents_of_ten_values_at_64_pixels_is_light(tmp_path):
    found = verify_export(Traversal(star_of_twelve(), code=[4] * 12).to_html(tmp_path / "page.html", grid="star"))
    assert found.manifest["pictures"] == 109
    assert found.size < 150_000
    assert found.manifest["worst"] <= 10
    assert found.manifest["mean"] < 4


def test_light_pictures_are_exact():
    tiles = np.zeros((9, 3, 16, 16), np.uint8)
    assert codec.encode(tiles, 0, light=True)[2:] == (0, 0, 0.0)


# What is refused


@pytest.mark.parametrize("write", ["to_html", "to_dir", "to_myst"])
def test_a_file_that_dlq_did_not_write_is_left_alone(write, tmp_path):
    name = {"to_html": "page.html", "to_dir": "index.html", "to_myst": "traversal.md"}[write]
    target = tmp_path / name if write == "to_html" else tmp_path
    (tmp_path / name).write_text("mine")
    view = traversal()
    with pytest.raises(OSError, match=rf"{name} exists and is no page that dlq exported; .*overwrite=True"):
        getattr(view, write)(target)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]
    getattr(view, write)(target, overwrite=True)
    first = verify_export(tmp_path / name).manifest["sha256"]
    getattr(view, write)(target)  # its own page may be replaced, so that a cell can be run again
    assert verify_export(tmp_path / name).manifest["sha256"] == first


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    import dlq.export.pages as pages

    def full(path, content):
        if path.name == "index.html":
            raise OSError(28, "No space left on device")
        path.write_bytes(content)

    monkeypatch.setattr(pages, "write_atomic", full)
    with pytest.raises(OSError, match="No space left"):
        traversal().to_dir(tmp_path / "site")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="create it first"):
        traversal().to_dir(tmp_path / "no" / "site")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"grid": "stars"}, "it can be 'star', 'pairs', 'full' or 'decoder'"),
        ({"grid": "star", "max_tiles": 9}, "give one"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(options, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        traversal().to_html(tmp_path / "page.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_grid_that_no_sheet_holds_offers_those_that_fit():
    said = "holds 1,000,000,000,000 pictures of 64 x 64 pixels, one sheet holds 4,096"
    with pytest.raises(ValueError, match=said) as error:
        tl.grid_reach([10] * 12, [64, 64], "full")
    assert str(error.value).endswith("take grid='star' (109 pictures) or grid='decoder'")


@pytest.mark.parametrize(("grid", "atlases"), [("star", 3), ("decoder", 3), ("full", 1), (None, 1)])
def test_anchors_are_more_places_to_start_from(grid, atlases, tmp_path):
    image = np.full((3, 16, 16), 255, np.uint8)
    view = traversal()
    path = view.to_html(tmp_path / "page.html", grid=grid, anchors=[[0, 2, 1, 1], image])
    found, state = verify_export(path).manifest, json.loads(Elements(path.read_text()).texts("script")[0])
    assert (found["anchors"], [each["code"] for each in state["anchors"][:2]]) == (3, [[1, 1, 1, 1], [0, 2, 1, 1]])
    z = view._model.encode(image.astype(np.float32) / 255)
    assert state["anchors"][2]["code"] == sl.code_of(z[None], view._sliders)[0].tolist()
    assert found["pictures"] == atlases * {"star": 9, "decoder": 1}.get(grid, 81)
    assert sum(each["atlas"] is not None for each in state["anchors"]) == atlases - 1
    folder = view.to_dir(tmp_path / "site", grid="star", anchors=[[0, 2, 1, 1]])
    assert "data:image" not in next(folder.glob("state-*.js")).read_text()
    verify_export(folder)


def test_rows_of_data_are_anchors_of_a_browser(tmp_path):
    view = FactorBrowser(from_arrays(np.arange(200, dtype=np.uint8)[:, None, None, None].repeat(6, 2).repeat(6, 3)))
    state = json.loads(Elements(view.to_html(tmp_path / "a.html", anchors=[77, 199]).read_text()).texts("script")[0])
    rows = [state["texts"][0][each["code"][0]] for each in state["anchors"]]
    assert rows == ["row 0", "row 77", "row 199"]


def test_anchors_over_the_budget_say_their_size_and_how_many_fit(tmp_path, monkeypatch):
    one = verify_export(traversal().to_html(tmp_path / "page.html", grid="star"))
    monkeypatch.setattr(dlq.export, "MAX_BYTES", one.size)
    codes = list(np.random.default_rng(0).integers(3, size=(60, 4)))
    with pytest.raises(
        ValueError, match=r"the 549 pictures around 61 codes take .* MB, a page may have .*; give at most"
    ):
        traversal().to_html(tmp_path / "other.html", grid="star", anchors=codes)
    assert not (tmp_path / "other.html").exists()
    with pytest.raises(ValueError, match="code has 2 entries, this widget has 4 sliders"):
        traversal().to_html(tmp_path / "other.html", anchors=[[0, 1]])


def test_an_atlas_over_the_budget_says_its_size_and_what_is_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(dlq.export, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"the 81 pictures take 0\.1 MB, .* take grid='star' \(9 pictures\), fewer"):
        traversal().to_html(tmp_path / "page.html", grid="full")


def test_a_decoder_that_is_too_large_offers_a_smaller_one(tmp_path):
    model = dlq.qlae((3, 64, 64), 4, width=256)
    with pytest.raises(ValueError, match=r"weights, 8\.\d MB of a page that may have 4; .*convolutional=True"):
        Traversal(model, code=[1] * 4).to_html(tmp_path / "page.html", grid="decoder")


def test_data_have_no_decoder():
    with pytest.raises(ValueError, match="are not decoded; grid can be 'star'"):
        WIDGETS["FactorBrowser"]().to_iframe(grid="decoder")


TWO = ["a", "b"]
MISNAMED = {
    "Traversal": (lambda: traversal(names=TWO), "names has 2 entries, the model has 4 latents"),
    "CompareTraversal": (
        lambda: CompareTraversal({"m": Stripes(), "n": Stripes()}, IMAGE, names={"n": TWO}),
        "n: names has 2 entries, the model has 3 latents",
    ),
    "Codebook": (lambda: Codebook(dlq.LatentQuantizer(3, 3), names=TWO), "2 names for 3 latents"),
    "RelevanceBars": (
        lambda: RelevanceBars(Stripes(continuous=True), [3, 2, 1], IMAGE[None], names=TWO),
        "2 names for 3 latents",
    ),
    "NmiHeatmap": (
        lambda: NmiHeatmap(np.eye(4, 3, dtype=int), np.eye(4), discrete=True, metrics={}, factor_names=TWO),
        "2 names for 3 factors",
    ),
    "FactorBrowser": (
        lambda: from_arrays(np.zeros((4, 1, 4, 6)), np.zeros((4, 3)), factor_names=TWO),
        "give 3 different names",
    ),
}


@pytest.mark.parametrize("name", MISNAMED)
def test_names_must_be_those_of_what_is_shown(name):
    make, said = MISNAMED[name]
    with pytest.raises(ValueError, match=said):
        make()


def test_a_training_view_whose_names_do_not_fit_says_so_and_training_goes_on():
    view = TrainingView(np.zeros((8, 1, 4, 6), np.uint8), names=TWO)
    history = dlq.fit(
        Learner(), np.zeros((8, 1, 4, 6), np.uint8), steps=5, watch=view.watch, device="cpu", progress=False
    )
    assert history.steps[-1] == 5
    assert "2 names" in view.problem or "names has 2" in view.problem


@pytest.mark.parametrize("height", [0, -5, 10**6])
def test_a_frame_has_a_height(height):
    with pytest.raises(ValueError, match="height in pixels"):
        WIDGETS["Codebook"]().to_iframe(height)


# Texts, without a model


WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(lambda cls, name, *where: None if name == "torch" else find(name, *where))
import numpy as np
from dlq import export
from dlq.widgets import NmiHeatmap
page = export.open_page(sys.argv[1])
red = "\\n.dlq-widget { color: red; }"
german = export.retold(page, {"reset": "Zurück </script>"}, title="Drei Streifen", lang="de", style=red)
german.to_html(sys.argv[2])
german.to_dir(sys.argv[3])
known = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 9)
view = NmiHeatmap(known, known, discrete=True)
view.words, view.lang = {**view.words, "metrics": "Maße"}, "de"
view.to_html(sys.argv[4])
"""


def test_pages_are_translated_and_dressed_where_there_is_no_torch(tmp_path):
    first = Traversal(Stripes(), IMAGE).to_html(tmp_path / "page.html")
    paths = [first, tmp_path / "de.html", tmp_path / "de", tmp_path / "map.html"]
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *map(str, paths)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = (dlq.export.open_page(path) for path in paths[:2])
    assert (after.title, after.lang, after.state["words"]["reset"]) == ("Drei Streifen", "de", "Zurück </script>")
    assert after.style == before.style + "\n.dlq-widget { color: red; }"
    assert after.state["atlas"] == before.state["atlas"]
    models = [verify_export(path).manifest["model"] for path in paths]
    assert models[0] == models[1] == models[2]
    assert 'lang="de"' in paths[3].read_text()
    assert "Maße" in dlq.export.open_page(paths[3]).state["words"]["metrics"]


@pytest.mark.parametrize("name", WIDGETS)
def test_a_page_that_is_opened_and_written_again_is_the_same(name, tmp_path):
    path = WIDGETS[name]().to_html(tmp_path / "page.html", title=NASTY)
    assert dlq.export.open_page(path).to_html(tmp_path / "again.html").read_bytes() == path.read_bytes()


def test_a_text_that_a_page_does_not_have_is_named(tmp_path):
    page = dlq.export.open_page(traversal().to_html(tmp_path / "page.html"))
    with pytest.raises(ValueError, match="no text 'rest'; its texts are all, back_more, back_one"):
        dlq.export.retold(page, {"rest": "x"})
    both = dlq.export.open_page(WIDGETS["CompareTraversal"]().to_html(tmp_path / "both.html"))
    told = dlq.export.retold(both, {"reset": "Zurück", "together": "Zusammen"}).state
    assert [told["words"]["together"], *(side["words"]["reset"] for side in told["sides"])] == [
        "Zusammen",
        "Zurück",
        "Zurück",
    ]
    assert "reset" not in told["words"]
    with pytest.raises(ValueError, match="not a page of one file"):
        dlq.export.open_page(traversal().to_dir(tmp_path / "site"))


@pytest.mark.parametrize("name", WIDGETS)
def test_every_text_of_a_module_is_among_the_words(name):
    view = WIDGETS[name]()
    used = set(re.findall(r'\bsay\("(\w+)"', str(view._esm)))
    assert used
    assert used - set(view.words) - set(words.TRAVERSAL) == set()  # a comparison's traversals have their own


# Checking without a browser


def page(tmp_path, *, module="function render() {}", style="", state=None):
    facts = {"widget": "Test", "model": None}
    made = Page("A page", state or {}, f"{module}\nexport default {{ render }};\n", style, facts)
    return made.to_html(tmp_path / "page.html")


@pytest.mark.parametrize(
    "parts",
    [
        {"module": 'import { x } from "https://example.org/x.js";'},
        {"module": "const x = await import('//example.org/x.js');"},
        {"module": "image.src = `http://example.org/x.png`;"},
        {"style": "p { background: url(https://example.org/x.png) }"},
        {"style": '@import "//example.org/x.css";'},
        {"state": {"atlas": {"image": "https://example.org/x.webp"}}},
    ],
)
def test_what_would_leave_the_page_is_found(parts, tmp_path):
    with pytest.raises(ValueError, match=r"it would fetch (https?:)?//example.org/x"):
        verify_export(page(tmp_path, **parts))


def test_addresses_that_are_only_text_are_not_faults(tmp_path):
    path = page(tmp_path, module="// see https://example.org", state={"names": ["https://example.org", "//a"]})
    assert verify_export(path).manifest["title"] == "A page"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text.replace("A page", "B page"), "not as it was written"),
        (
            lambda text: text.replace("</h1>", '</h1><img src="https://example.org/x">'),
            "would fetch https://example.org/x",
        ),
        (lambda text: text[: len(text) // 2], "no manifest"),
        (lambda text: text.replace('"size":', '"size":1'), "its manifest says"),
        (lambda text: text.replace('"widget":', '"wodget":'), "lacks widget"),
        (lambda text: text.replace('{"dlq"', '{{"dlq"'), "is damaged"),
    ],
)
def test_a_page_that_was_changed_is_found(spoil, said, tmp_path):
    path = page(tmp_path)
    assert verify_export(path).size == path.stat().st_size
    path.write_text(spoil(path.read_text()))
    with pytest.raises(ValueError, match=said):
        verify_export(path)


def test_a_file_that_is_missing_or_changed_is_named(tmp_path):
    folder = traversal().to_dir(tmp_path / "site")
    style, widget = next(folder.glob("style-*.css")), next(folder.glob("widget-*.js"))
    style.write_text(style.read_text() + " ")
    widget.unlink()
    with pytest.raises(ValueError, match=rf"{widget.name} is missing; {style.name} was changed"):
        verify_export(folder)
    with pytest.raises(ValueError, match="cannot be read"):
        verify_export(tmp_path / "nothing.html")


# dlq export


def test_the_command_writes_a_page_that_decodes_and_a_folder(tmp_path, capsys):
    few = ["--num-samples", "20", "--grid", "decoder"]
    assert main(["export", "qlae-rooms", "--html", str(tmp_path / "page.html"), *few]) == 0
    assert verify_export(tmp_path / "page.html").manifest["grid"] == "decoder"
    star = [*few[:3], "star", "--anchors", "7", "99"]
    assert main(["export", "qlae-rooms", "--dir", str(tmp_path / "site"), *star]) == 0
    assert "a folder of 13 files that needs no kernel and no network" in capsys.readouterr().out
    found = verify_export(tmp_path / "site").manifest
    assert (found["grid"], found["anchors"]) == ("star", 3)
    assert main(["export", "qlae-rooms", "--anchors", "99999999"]) == 2
    assert "give --anchors a number from 0 to" in capsys.readouterr().err
    assert main(["export", "qlae-rooms", "--dir", "a", "--html", "b"]) == 2
    assert "give one of them" in capsys.readouterr().err
