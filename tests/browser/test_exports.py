"""What leaves the notebook, in a real browser: decoded in the page, in a folder, in frames, as a module on another page."""

import contextlib
import functools
import http.server
import io
import itertools
import threading

import numpy as np
import pytest
import torch
from stand_in import Stripes
from torch import nn

import dlq
from dlq.widgets import Codebook, Traversal
from dlq.widgets import layers as ly
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl

pytestmark = pytest.mark.browser
MOVE = "(all, levels) => all.forEach((e, i) => { e.value = levels[i]; e.dispatchEvent(new Event('input')); })"
IMAGE = np.full((1, 4, 6), 128, np.uint8)
PIXELS = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"


class Mixed(nn.Module):
    """A model whose decoder has every kind of layer that a page knows."""

    image_shape, num_latents = (3, 16, 16), 3

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.decoder = nn.Sequential(
                *(nn.Linear(3, 20), nn.LayerNorm(20), nn.ReLU(), nn.Linear(20, 128), nn.BatchNorm1d(128)),
                *(nn.Unflatten(1, (8, 4, 4)), nn.ConvTranspose2d(8, 6, 4, 2, 1), nn.BatchNorm2d(6), nn.LeakyReLU(0.2)),
                *(nn.Conv2d(6, 6, 3, 1, 1), nn.ReLU(), nn.ConvTranspose2d(6, 4, 5, 1, 2), nn.Conv2d(4, 4, 4, 2, 1)),
                *(nn.Flatten(), nn.Linear(64, 192), nn.Unflatten(1, (3, 8, 8)), nn.ConvTranspose2d(3, 3, 4, 2, 1)),
            )
            nn.init.normal_(self.decoder[-1].weight, std=3)
        self.codebook = [torch.tensor([-1.0, 0.1, 1.2]) for _ in range(3)]

    def encode(self, x):
        return x.new_full((len(x), 3), 0.1)

    def decode(self, z):
        return torch.sigmoid(self.decoder(z))


def code(page):
    return page.locator(".dlq-pictures canvas").first.get_attribute("data-code")


def pixels(page, shape):
    flat = np.array(page.locator(".dlq-pictures canvas").first.evaluate(PIXELS), np.uint8)
    return flat.reshape(*shape[1:], 4)[..., : shape[0]].transpose(2, 0, 1)


def stripes(**options):
    return Traversal(Stripes(), IMAGE, names=["red", "green", "blue"], **options)


def strong(model):
    """The model with larger weights in what draws, so that untrained pictures differ."""
    drawing = getattr(model, "decoder", None) or model.generator
    for layer in drawing.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.weight.data *= 2 / layer.weight[0].numel() ** 0.5 / layer.weight.data.std()
    return model


MODELS = {
    "every layer": Mixed,
    "qlae-rooms": lambda: dlq.load("qlae-rooms"),
    "style": lambda: strong(dlq.qlae_paper((3, 32, 32), 4, 3, width=2)),
    "vectors": lambda: strong(dlq.vq_vae((3, 16, 16), 4, 5, width=16)),
    "infogan": lambda: strong(dlq.infogan((1, 28, 28), width=4)),
    "strided": lambda: strong(dlq.models.ard_vae_mnist((1, 32, 32), 5, width=8)),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_page_decodes_as_python_does_within_what_it_says(show, tmp_path, make):
    model = make()
    home = [1] * model.num_latents
    latents = None if model.codebook else np.random.default_rng(1).normal(size=(99, len(home)))
    view = Traversal(model, code=home, latents=latents)
    path = view.to_html(tmp_path / "page.html", grid="decoder")
    within, page = dlq.verify_export(path).manifest["worst"], show(path)
    assert "The picture of the starting code is the model's own output." in page.locator(".dlq-note").last.inner_text()
    assert page.locator(".dlq-pictures figcaption").inner_text() == "Decoded, exact"
    codes = np.random.default_rng(0).integers(3, size=(5, len(home)))
    z = sl.latents_of(codes, view._sliders)
    rounded, own = ly.half(view._model.layers(z)), view._model.decode(z).astype(int)
    for levels, drawn, exact in zip(codes.tolist(), tl.to_pixels(ly.forward(rounded, z)), own, strict=True):
        page.locator("input[type=range]").evaluate_all(MOVE, levels)
        assert code(page) == ",".join(map(str, levels))
        found = pixels(page, view._model.image_shape).astype(int)
        assert np.abs(found - drawn).max() <= 1  # two orders of adding, one rounding to whole numbers
        assert np.abs(found - exact).max() <= within
        assert page.locator(".dlq-pictures figcaption").inner_text() == f"Decoded, within {within}/255"
    assert np.ptp(own, axis=0).max() > 3 * within  # the codes differ by more than the error


def test_thumbnails_of_a_decoder_page_come_by_themselves(show, tmp_path):
    view = Traversal(Mixed(), code=[1, 1, 1])
    page = show(view.to_html(tmp_path / "page.html", grid="decoder"))
    filled = "(c) => c.getContext('2d').getImageData(3, 3, 1, 1).data[3]"
    page.wait_for_function(f"() => [...document.querySelectorAll('.dlq-strip canvas')].every({filled})")
    thumb = page.locator(".dlq-row", has_text="latent 2").locator("canvas").nth(2)
    shown = np.array(thumb.evaluate(PIXELS), np.uint8).reshape(16, 16, 4)[..., :3].transpose(2, 0, 1).astype(int)
    view.set_code([1, 1, 2])
    assert np.abs(shown - view.image()).max() <= dlq.verify_export(tmp_path / "page.html").manifest["worst"]


def test_codes_that_are_not_in_the_data_are_marked_in_a_decoder_page_too(show, tmp_path):
    latents = np.array([[0.1, 0.1, 0.1], [1.2, 0.1, 0.1]], np.float32)
    page = show(Traversal(Mixed(), code=[1, 1, 1], latents=latents).to_html(tmp_path / "page.html", grid="decoder"))
    page.get_by_role("slider", name="latent 0").press("End")
    assert page.get_by_role("status").inner_text() == ""
    page.get_by_role("slider", name="latent 1").press("End")
    assert code(page) == "2,2,1"  # both moved: nothing goes back
    assert page.get_by_role("status").inner_text() == "Not seen in the data."
    for _ in range(5):
        page.get_by_role("button", name="Random").click()
        assert code(page) in ("1,1,1", "2,1,1")


@pytest.mark.parametrize("grid", ["star", "full", "decoder"])
def test_another_place_to_start_from_is_chosen_by_keyboard_and_brings_its_own_pictures(show, tmp_path, grid):
    model, image = Stripes(), np.array([255, 255, 0, 0, 128, 128], np.uint8)[None, None].repeat(4, 1)
    view, last = (
        (Traversal(Mixed(), code=[1] * 3), [2, 0, 1]) if grid == "decoder" else (Traversal(model, IMAGE), image)
    )
    page = show(view.to_html(tmp_path / "page.html", grid=grid, anchors=[[2, 2, 2], last]))
    within = 0 if grid != "decoder" else dlq.verify_export(tmp_path / "page.html").manifest["worst"]
    place = page.get_by_role("button", name="Start 3 of 3")
    place.press("Enter")
    page.locator(".dlq-pictures canvas[data-code='2,0,1']").wait_for()
    pressed = [button.get_attribute("aria-pressed") for button in page.locator(".dlq-starts button").all()]
    assert pressed == ["false", "false", "true"]
    page.get_by_role("slider", name="latent 2").press("End")
    assert code(page) == "2,0,2"  # a move from the new place: nothing goes back
    view.set_code([2, 0, 2])
    gap = np.abs(pixels(page, view._model.image_shape).astype(int) - view.image())
    assert gap.max() <= within
    page.get_by_role("button", name="Reset").click()
    assert code(page) == "2,0,1"
    if grid != "decoder":
        shown = page.locator(".dlq-pictures img").evaluate("e => e.src")
        assert shown == page.locator(".dlq-starts img").nth(2).evaluate("e => e.src")


def test_compressed_pictures_are_within_what_the_page_says(show, tmp_path, monkeypatch):
    monkeypatch.setattr("dlq.widgets.codec.LIGHT", 1)
    monkeypatch.setattr("dlq.widgets.codec.SMALL", 1)
    view = Traversal(Mixed(), code=[1, 1, 1])
    path = view.to_html(tmp_path / "page.html", grid="star")
    within, page = dlq.verify_export(path).manifest["worst"], show(path)
    assert 0 < within <= 10
    assert page.locator(".dlq-pictures figcaption").inner_text() == "Decoded, exact"  # the code that it starts from
    for i, level in itertools.product(range(3), (0, 2)):
        page.get_by_role("slider", name=f"latent {i}").fill(str(level))
        view.set_code([level if j == i else 1 for j in range(3)])
        gap = np.abs(pixels(page, (3, 16, 16)).astype(int) - view.image())
        assert 0 < gap.max() <= within
        assert page.locator(".dlq-pictures figcaption").inner_text() == f"Decoded, within {within}/255"
        page.get_by_role("button", name="Reset").click()


@pytest.mark.parametrize("grid", ["star", "decoder"])
def test_a_folder_works_from_the_disk(show, tmp_path, grid):
    page = show(Traversal(Mixed(), code=[1, 1, 1]).to_dir(tmp_path / "site", grid=grid) / "index.html")
    page.get_by_role("slider", name="latent 1").press("End")
    assert code(page) == "1,2,1"


@contextlib.contextmanager
def served(folder, policy=""):
    """The folder on a web server of this machine, with a content policy."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self):
            if policy:
                self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def log_message(self, *arguments):
            pass

    Handler.extensions_map = {**Handler.extensions_map, ".mjs": "text/javascript", ".webp": "image/webp"}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_folder_works_on_a_server_that_forbids_all_but_its_own_files(browser, tmp_path):
    view = stripes()
    view.to_dir(tmp_path / "site")
    faults = io.StringIO()
    with served(
        tmp_path / "site", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:"
    ) as url:
        page = browser.new_page()
        page.on("pageerror", lambda error: faults.write(str(error)))
        page.on("console", lambda message: faults.write(message.text) if message.type == "error" else None)
        page.goto(f"{url}/index.html")
        page.wait_for_selector("canvas[data-code]")
        page.get_by_role("slider", name="green").press("End")
        view.set_code([1, 2, 1])
        assert (pixels(page, (1, 4, 6)) == view.image()).all()
        page.close()
    assert faults.getvalue() == ""


def test_two_frames_on_a_page_do_not_disturb_each_other(show, tmp_path):
    second = Traversal(Mixed(), code=[1] * 3)
    frames = [stripes().to_iframe(400, title='A "title" & more'), second.to_iframe(400, grid="decoder")]
    outer = tmp_path / "outer.html"
    outer.write_text("<!DOCTYPE html><canvas data-code></canvas>" + "".join(frames))
    page = show(outer)
    assert [frame.get_attribute("sandbox") for frame in page.locator("iframe").all()] == ["allow-scripts"] * 2
    first, second = (page.frame_locator(f"iframe >> nth={k}") for k in range(2))
    first.get_by_role("slider", name="red").press("End")
    second.get_by_role("slider", name="latent 2").press("Home")
    codes = [frame.locator(".dlq-pictures canvas").first.get_attribute("data-code") for frame in (first, second)]
    assert codes == ["2,1,1", "1,1,0"]


def test_a_module_for_myst_can_be_shown_twice_in_shadow_roots(browser, tmp_path):
    stripes().to_myst(tmp_path, name="stripes")
    Codebook(dlq.LatentQuantizer(2, 3)).to_myst(tmp_path)
    modules = [next(tmp_path.glob(f"{name}-*.mjs")).name for name in ("stripes", "codebook")]
    (tmp_path / "page.html").write_text(f"""<!DOCTYPE html><link rel="icon" href="data:,"><script type="module">
        const names = {[modules[0], modules[0], modules[1]]}, given = [{{}}, {{ code: [0, 0, 0] }}, {{}}];
        for (const [k, name] of names.entries()) {{
          const root = document.body.appendChild(document.createElement("div")).attachShadow({{ mode: "open" }});
          const {{ default: widget }} = await import("./" + name);
          const el = root.appendChild(document.createElement("div"));
          await widget.render({{ model: {{ get: (key) => given[k][key] }}, el }});
        }}
        document.body.dataset.ready = "1";
        </script>""")
    faults = []
    with served(tmp_path) as url:
        page = browser.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{url}/page.html")
        page.wait_for_selector("body[data-ready]")
        page.locator("canvas[data-code]").nth(1).wait_for()
        page.get_by_role("slider", name="red").nth(0).press("End")
        canvases = page.locator(".dlq-pictures canvas")
        assert [each.get_attribute("data-code") for each in canvases.all()] == ["2,1,1", "0,0,0"]
        assert page.get_by_role("slider", name="soft value").count() == 1
        page.close()
    assert faults == []
