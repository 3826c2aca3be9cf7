"""A page without a kernel in a headless Chromium: its weight, its opening, and from a key press to the picture.

The clock starts with the time stamp that the browser gives the key and stops when a pixel of the new picture has been
read back from the canvas. That leaves out only the wait for the screen's next frame, up to 17 ms at 60 frames a second.
Opening counts from the start of the navigation to a file until the picture of the starting code stands.
"""

import importlib.util
import random
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlq.cli.bench import report

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
GOALS = {"star": 16.0, "decoder": 33.0}  # ms, 95 of 100 presses
WEIGHT, OPENING, OPENINGS = 150.0, 500.0, 20  # kB; ms; how often a page is opened
WATCH = """new MutationObserver(() => {
    if (document.querySelector("canvas[data-code]")) window.opened ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-code"] });"""
LISTEN = """() => {
    const canvas = document.querySelector(".dlq-pictures canvas");
    window.spent = [];
    let pressed = null;
    addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
    new MutationObserver(() => {
        if (pressed === null) return;
        canvas.getContext("2d").getImageData(0, 0, 1, 1);
        window.spent.push(performance.now() - pressed);
        pressed = null;
    }).observe(canvas, { attributeFilter: ["data-code"] });
}"""


def missing() -> str | None:
    """What this section needs and does not find, as a sentence; None where all is there."""
    if importlib.util.find_spec("playwright") is None:
        return "the browser section needs the package playwright, so it is left out; install it with: pip install playwright"
    if not Path(CHROMIUM).exists():
        return f"the browser section needs {CHROMIUM}, so it is left out; install it with: apt-get install chromium"
    return None


def star_of_twelve() -> Any:
    """The decoder of qlae-rooms behind twelve latents of ten values, the others at rest: a star of 109 pictures."""
    import torch
    from torch import nn

    from dlq.checkpoints import load

    class Twelve(nn.Module):
        image_shape, num_latents = (3, 64, 64), 12

        def __init__(self) -> None:
            super().__init__()
            self.model = load("qlae-rooms")
            values = [each.detach() for each in self.model.codebook]
            self.codebook = [torch.linspace(float(each.min()), float(each.max()), 10) for each in values[:12]]
            self.rest = torch.stack([each[1] for each in values[12:]])

        def decode(self, z: torch.Tensor) -> torch.Tensor:
            return self.model.decode(torch.cat([z, self.rest.expand(len(z), -1)], 1))

    return Twelve()


def measurements(presses: int) -> Iterator[dict[str, Any]]:
    """A row for pictures made ahead, one for the decoder of qlae-rooms (383,619 weights, 64 px) in the page, and two of
    a page with a star of twelve latents of ten values: its weight, and how long it takes to open.
    """
    from playwright.sync_api import sync_playwright

    from dlq.checkpoints import load
    from dlq.widgets import Traversal

    model = load("qlae-rooms")
    view = Traversal(model, code=[1] * model.num_latents)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for grid, what in (("star", "tiles"), ("decoder", "decoder in the page")):
            path = view.to_html(Path(folder) / f"{grid}.html", grid=grid)
            spent = _spent(browser, path, presses)
            row = report.result(f"key press to new pixels, {what}, 64 px", "ms", spent)
            yield row | {"p95": percentile(spent, 95), "goal": GOALS[grid]}
        path = Traversal(star_of_twelve(), code=[4] * 12).to_html(Path(folder) / "twelve.html", grid="star")
        yield report.result("page of 12 latents x 10 values, 64 px", "kB", [path.stat().st_size / 1e3]) | {
            "goal": WEIGHT
        }
        opening = [_opened(browser, path) for _ in range(min(presses, OPENINGS))]
        row = report.result("opening that page from the disk", "ms", opening)
        yield row | {"p95": percentile(opening, 95), "goal": OPENING}
        browser.close()


def percentile(values: list[float], percent: int) -> float:
    """The value that so many of 100 do not exceed."""
    return values[0] if len(values) < 2 else statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _opened(browser: Any, path: Path) -> float:
    page = browser.new_page(offline=True)
    page.add_init_script(WATCH)
    page.goto(path.as_uri())
    page.wait_for_function("() => window.opened")
    milliseconds = float(page.evaluate("window.opened"))
    page.close()
    return milliseconds


def _spent(browser: Any, path: Path, presses: int) -> list[float]:
    """Milliseconds of each press on a slider drawn at random, so that hardly a code comes twice."""
    page = browser.new_page(offline=True)
    page.goto(path.as_uri())
    page.wait_for_selector("canvas[data-code]")
    page.evaluate(LISTEN)
    sliders, rng = page.get_by_role("slider").all(), random.Random(0)
    for press in range(presses):
        slider = rng.choice(sliders)
        level, last = int(slider.input_value()), int(slider.get_attribute("max"))
        slider.press("ArrowRight" if level == 0 or (level < last and rng.random() < 0.5) else "ArrowLeft")
        page.wait_for_function("count => window.spent.length >= count", arg=press + 1)
    spent = [float(ms) for ms in page.evaluate("window.spent")]  # a whole number comes as an int
    page.close()
    return spent
