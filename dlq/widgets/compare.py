"""Two or three models side by side on the same image: what each makes of its own latents."""

import itertools
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets

from dlq import export
from dlq.widgets import drawing, linking, page, words
from dlq.widgets import sliders as sl
from dlq.widgets import tiles as tl
from dlq.widgets.traversal import Traversal

STATIC = ("names", "levels", "texts", "shape", "tile", "start", "samples", "words")


class _Side(Traversal):
    """The traversal of one model, shown by the comparison: it opens no connection of its own."""

    def open(self) -> None:
        pass

    def _repr_mimebundle_(self, **kwargs):
        return page.with_picture(({"text/plain": repr(self)}, {}), tl.contact_sheet(self._rows()))


class CompareTraversal(page.Portable, anywidget.AnyWidget):
    """Shows what two or three models decode, each with its own sliders, under one row of pictures.

    ``views`` maps each model's name to its ``Traversal``; ``codes`` holds their codes. Where all models have groups of the
    same names (the factors, say), a slider moved in one also moves its namesakes, to what the same images take there.
    """

    _esm = page.module("atlas", "compare", inside=("traversal",))
    _css = page.style("traversal", "compare")
    _title = "Models side by side"
    sides: traitlets.List = traitlets.List().tag(sync=True)  # what stays the same of each model's traversal
    codes = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    atlases: traitlets.Dict = traitlets.Dict().tag(sync=True)  # by model, "model0" and so on
    problems = traitlets.List(traitlets.Unicode()).tag(sync=True)
    titles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    links: traitlets.List = traitlets.List().tag(sync=True)  # from, slider, to, target, levels
    linked = traitlets.Bool(True).tag(sync=True)
    original = traitlets.Unicode().tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)
    words: traitlets.Dict = traitlets.Dict(words.COMPARE).tag(sync=True)

    def __init__(
        self,
        models: Mapping[str, Any],
        image: Any,
        *,
        latents: Mapping[str, object] | None = None,
        groups: Mapping[str, Mapping[str, Iterable]] | None = None,
        names: Mapping[str, Iterable] | None = None,
        tile: int | None = None,
    ):
        """Encodes ``image`` with every model of ``models`` (name to model) and decodes the tiles around its code.

        ``latents``, ``groups`` and ``names`` map a model's name to what ``Traversal`` takes; ``latents`` are those of the
        same images in the same order, which is how sliders are linked.
        """
        if not 2 <= len(models) <= 3:
            raise ValueError(f"found {len(models)} models; give two or three, as a dict of names and models")
        given = {"latents": latents or {}, "groups": groups or {}, "names": names or {}}
        for what, of in given.items():
            if unknown := [name for name in of if name not in models]:
                raise ValueError(f"{what} is given for {unknown[0]!r}, the models are {', '.join(map(repr, models))}")
        self._lock = threading.RLock()
        self._following = False
        self.views: dict[str, Traversal] = {
            str(name): _side(name, model, image, {what: of.get(name) for what, of in given.items()}, tile)
            for name, model in models.items()
        }
        views = list(self.views.values())
        super().__init__(
            sides=[{**{key: getattr(view, key) for key in STATIC}, "original": ""} for view in views],
            codes=[view.code for view in views],
            atlases=self._atlases(),
            problems=[view.problem for view in views],
            titles=list(self.views),
            links=_links(self.views, given["latents"], given["groups"]),
            original=views[0].original,
        )
        self.observe(self._on_codes, "codes")
        for view in views:
            view.observe(lambda change: self._mirror(), ["code", "atlas", "problem"])

    @property
    def errors(self) -> list[Exception]:
        """What went wrong in callbacks, of all models."""
        return [error for view in self.views.values() for error in view.errors]

    def reset(self) -> None:
        """Returns every model to the code of the image."""
        for view in self.views.values():
            view.reset()

    def image(self) -> np.ndarray:
        """Returns the decoded pictures of the current codes side by side, uint8 (C, H, num_models W)."""
        return np.concatenate([view.image() for view in self.views.values()], axis=2)

    def _page(self, title: str | None) -> export.Page:
        """Holds of each model what its own page would."""
        with self._lock:
            pages = [view._page(None) for view in self.views.values()]
            sides: list[dict[str, Any]] = [dict(found.state) for found in pages]
            for name, side in zip(self.views, sides, strict=True):
                side["words"] = {**side["words"], **_words(name)}
            state = {
                "sides": [{key: v for key, v in side.items() if key not in ("atlas", "original")} for side in sides],
                "codes": [side["code"] for side in sides],
                "atlases": {f"model{k}": side["atlas"] for k, side in enumerate(sides)},
                "problems": [""] * len(sides),
                "live": False,
            }
            facts = {"models": {name: p.facts["model"] for name, p in zip(self.views, pages, strict=True)}}
            return export.page_of(self, title=title or self._title, state=state, facts=facts)

    def _repr_mimebundle_(self, **kwargs):
        sheets = [tl.contact_sheet(view._rows()) for view in self.views.values()]
        picture = drawing.png(drawing.stacked(list(self.views), sheets))
        return page.with_picture(super()._repr_mimebundle_(**kwargs), picture)

    def _atlases(self):
        return {f"model{k}": view.atlas for k, view in enumerate(self.views.values())}

    def _mirror(self):
        with self._lock:
            if self._following:
                return
            views = list(self.views.values())
            self.atlases = self._atlases()
            self.problems = [view.problem for view in views]
            self.codes = [list(view.code) for view in views]

    @traitlets.validate("codes")
    def _validate_codes(self, proposal):
        views = list(self.views.values())
        if len(proposal["value"]) != len(views):
            raise ValueError(f"found {len(proposal['value'])} codes for {len(views)} models; give one code a model")
        return [sl.check_code(code, view._sliders) for code, view in zip(proposal["value"], views, strict=True)]

    def _on_codes(self, change):
        # As in TileView, on any thread; each view keeps its own errors.
        with self._lock:
            if self._following:
                return
            self._following = True
            try:
                for view, code in zip(self.views.values(), self.codes, strict=True):
                    view.code = code
            finally:
                self._following = False
            self._mirror()


def _side(name: str, model: Any, image: Any, options: dict[str, Any], tile: int | None) -> _Side:
    try:
        view = _Side(model, image, **options, tile=tile)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    view.words = {**view.words, **_words(str(name))}
    return view


def _words(name: str) -> dict[str, str]:
    return {"caption": name, "said": f"Decoded by {name}", "legend": name}


def _links(views: Mapping[str, Traversal], latents: Mapping[str, Any], groups: Mapping[str, Any]) -> list[dict]:
    """How a move of one model's slider is followed in the others, for every pair of models and every shared group."""
    if set(groups) != set(views) or not linking.same_grouping(groups):
        return []
    counts = {name: len(rows) for name, rows in latents.items()}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{n:,} rows for {name!r}" for name, n in counts.items())
        raise ValueError(f"latents has {found}; encode the same images with every model, so that groups can be linked")
    codes = {name: sl.code_of(np.asarray(latents[name], np.float32), view._sliders) for name, view in views.items()}
    links = []
    for (a, (first, own)), (b, (second, other)) in itertools.permutations(enumerate(views.items()), 2):
        for name in set(groups[first]) & set(own.names) & set(other.names):
            i, j = own.names.index(name), other.names.index(name)
            start = own.start[i], other.start[j]
            levels = linking.linked_levels(codes[first][:, i], codes[second][:, j], own.levels[i], start)
            links.append({"from": a, "slider": i, "to": b, "target": j, "levels": levels})
    return sorted(links, key=lambda link: (link["from"], link["slider"], link["to"]))
