"""What every widget is made of besides its own numbers: shared script and style, page export, fallback picture."""

import base64
import pathlib
from collections.abc import Sequence

FOLDER = pathlib.Path(__file__).parent


def module(name: str) -> str:
    """The ES module of a widget: what all of them share (controls.js), then its own file."""
    return _text("controls.js") + "\n" + _text(f"{name}.js")


def style(*names: str) -> str:
    """The style sheet of a widget: what all of them share (theme.css), then its own files."""
    return "\n".join(_text(f"{name}.css") for name in ("theme", *names))


def with_picture(bundle: object, picture: bytes) -> tuple[dict, dict]:
    """Adds a still picture (PNG bytes) to a widget's MIME bundle, for readers without a kernel."""
    assert isinstance(bundle, tuple)  # AnyWidget always makes one
    data, metadata = bundle
    return {**data, "image/png": base64.b64encode(picture).decode()}, metadata


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
