"""Widget pages for the site, made from models that come with dlq: ``python docs/make_widgets.py``.

Each is one file without a kernel and without a network, as your own are: see ``publish.md``.
"""

from pathlib import Path

import dlq

ROOT = Path(__file__).parents[1]
ROWS, COLUMNS = [119, 452, 463, 389, 270], [249, 425, 7, 490, 31, 226]  # of the grid of swaps
PAGES = ROOT / "build" / "pages" / "widgets"
SOURCES = [
    Path(__file__),
    *(path for path in (ROOT / "dlq").rglob("*") if path.suffix in (".js", ".css", ".safetensors")),
]
SOURCES += [*(ROOT / "dlq" / "widgets").glob("*.py"), *(ROOT / "dlq" / "export").glob("*.py")]


def fresh(path: Path) -> bool:
    """Is the page newer than all it is made from?"""
    return path.exists() and all(path.stat().st_mtime > source.stat().st_mtime for source in SOURCES)


def make() -> None:
    """Writes ``build/pages/widgets/``, unless it is there and up to date."""
    pages = [PAGES / f"{name}.html" for name in ("traversal", "factors", "nmi", "codebook", "swaps")]
    if all(map(fresh, pages)):
        return
    PAGES.mkdir(parents=True, exist_ok=True)
    for page in pages:
        page.unlink(missing_ok=True)
    data = dlq.course.teaching_rooms(size=64)
    model = dlq.load("qlae-rooms")
    latents = dlq.encode(model, data)
    scores = dlq.evaluate(model, data, num_samples=1_000, seed=0)
    view = dlq.widgets.Traversal(model, data.images[1234], latents=latents, groups=scores.groups())
    view.to_html(pages[0], title="One slider, one meaning: a trained QLAE")
    dlq.widgets.FactorBrowser(data, 1234).to_html(pages[1], title="The rooms and their factors")
    heatmap = dlq.widgets.NmiHeatmap(data.factors, latents, discrete=True, factor_names=data.factor_names)
    heatmap.to_html(pages[2], title="Which latent knows which factor")
    dlq.widgets.Codebook(model, latents).to_html(pages[3], title="The values each latent may take")
    faces = dlq.datasets.swap_faces(160, 4, size=64, seed=900)  # those of lesson 09
    walks = ("beard", "jaw_width", "mouth_open", "yaw")
    grid = dlq.widgets.SwapGrid(dlq.load("wsc-swap-faces"), faces, ROWS, COLUMNS, walks=walks)
    grid.to_html(pages[4], title="Who it is from the left, everything else from above")


if __name__ == "__main__":
    make()
