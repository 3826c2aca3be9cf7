"""What every widget is made of besides its own numbers: shared script and style, page export, fallback picture."""

import base64
import pathlib
from collections.abc import Sequence

import traitlets

from dlq import export

FOLDER = pathlib.Path(__file__).parent


def module(*names: str, inside: Sequence[str] = ()) -> str:
    """The ES module of a widget: what all of them share (controls.js), then its own files.

    A module ``inside`` is one that the widget renders itself: it stands there as a constant of its name.
    """
    parts = [_text(f"{name}.js").replace("export default { render };", "return { render };") for name in inside]
    whole = [f"const {name} = (() => {{\n{part}}})();" for name, part in zip(inside, parts, strict=True)]
    return "\n".join([*(_text(f"{name}.js") for name in ("controls", *names)), *whole])


def style(*names: str) -> str:
    """The style sheet of a widget: what all of them share (theme.css), then its own files."""
    return "\n".join(_text(f"{name}.css") for name in ("theme", *names))


def with_picture(bundle: object, picture: bytes) -> tuple[dict, dict]:
    """Adds a still picture (PNG bytes) to a widget's MIME bundle, for readers without a kernel."""
    assert isinstance(bundle, tuple)  # AnyWidget always makes one
    data, metadata = bundle
    return {**data, "image/png": base64.b64encode(picture).decode()}, metadata


class Portable(traitlets.HasTraits):
    """What leaves the notebook: the four forms of a widget's page, which needs no kernel and no network.

    ``title`` stands above the widget; the page's language is the trait ``lang``, its texts are the trait ``words``.
    A page that dlq exported is replaced, any other file only with ``overwrite=True``.
    """

    _title = ""
    lang = traitlets.Unicode("en")

    def to_html(self, path, *, title: str | None = None, overwrite: bool = False) -> pathlib.Path:
        """Writes one HTML file and returns its path."""
        return self._page(title).to_html(path, overwrite=overwrite)

    def to_dir(self, folder, *, title: str | None = None, overwrite: bool = False) -> pathlib.Path:
        """Writes a folder with ``index.html``, script, style, state and pictures, for any web server; returns it."""
        return self._page(title).to_dir(folder, overwrite=overwrite)

    def to_myst(self, folder, *, title: str | None = None, name: str | None = None, overwrite: bool = False):
        """Writes ``NAME.md``, a directive for a MyST page of that folder, with its module and style; returns its path."""
        return self._page(title).to_myst(folder, name=name, overwrite=overwrite)

    def to_iframe(self, height: int = 480, *, title: str | None = None) -> str:
        """Returns the page as an HTML ``<iframe>`` that may run its script and nothing else."""
        return self._page(title).to_iframe(height)

    def _page(self, title: str | None) -> export.Page:
        return export.page_of(self, title=title or self._title)


def check_index(value: int, count: int, what: str) -> int:
    """Returns a number from 0 to count - 1, or says which numbers there are."""
    if not 0 <= value < count:
        raise ValueError(f"{what} is {value}; give a number from 0 to {count - 1}")
    return int(value)


def check_labels(labels: Sequence[object] | None, count: int, what: str, of: str) -> list[str]:
    """Returns one text for each of ``count`` things: the given ones, or ``latent 0`` and so on for ``what="latent"``."""
    if labels is None:
        return [f"{what} {i}" for i in range(count)]
    texts = [str(label) for label in labels]
    if len(texts) != count:
        raise ValueError(f"found {len(texts)} names for {count} {what}s; give one for each {what} of {of}")
    return texts


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
