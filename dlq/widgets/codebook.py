"""The values that each latent may take, how often it takes them, and what happens to a value on its way there.

Latent quantization: K. Hsu et al., "Disentanglement via Latent Quantization", NeurIPS 2023, arXiv 2305.18378,
section 3. Finite scalar quantization: F. Mentzer et al., 2023, arXiv 2309.15505.
"""

from collections.abc import Iterable
from typing import Any

import anywidget
import numpy as np
import traitlets

from dlq.widgets import drawing, page, snapping, words
from dlq.widgets.sliders import check_latents
from dlq.widgets.sliders import snap as snap_latents


class Codebook(page.Portable, anywidget.AnyWidget):
    """Shows every latent's values on a number line, and where a soft value snaps to.

    ``latent`` is the chosen one and ``position`` the stop of the soft value's slider; ``snap`` has the numbers there.
    The values are those of the moment the widget is made.
    """

    _title = "Codebook"
    _esm = page.module("codebook")
    _css = page.style("codebook")
    latent = traitlets.Int().tag(sync=True)
    position = traitlets.Int(snapping.POSITIONS // 3).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    values: traitlets.List = traitlets.List().tag(sync=True)  # the values of each latent
    counts: traitlets.List = traitlets.List().tag(sync=True)  # how often each occurs; empty where not known
    tables: traitlets.List = traitlets.List().tag(sync=True)  # a Snap a stop of the slider, for each kind of latent
    kinds = traitlets.List(traitlets.Int()).tag(sync=True)  # which table is each latent's
    bounded = traitlets.Bool().tag(sync=True)
    words: traitlets.Dict = traitlets.Dict(words.CODEBOOK).tag(sync=True)
    weights: traitlets.List = traitlets.List().tag(sync=True)  # of the quantization and the commitment loss, or None

    def __init__(self, model_or_quantizer: Any, latents: object = None, *, names: Iterable | None = None):
        """Reads the values of a model or a quantizer.

        ``latents`` (n, num_latents) are those of the data, ``dlq.encode(model, data)``: values that do not occur are
        drawn hollow. ``names`` has one name a latent. A model whose quantizer dlq does not know shows no losses.
        """
        self._codebook, self._rule = _read(model_or_quantizer)
        labels = page.check_labels(None if names is None else list(names), len(self._codebook), "latent", "the model")
        tables, kinds = _tables(self._codebook, self._rule)
        super().__init__(
            names=labels,
            values=[values.tolist() for values in self._codebook],
            counts=[] if latents is None else self._usage(latents),
            tables=tables,
            kinds=kinds,
            bounded=self._rule.bounded,
            weights=[self._rule.quantization_weight, self._rule.commitment_weight],
        )

    def _usage(self, latents):
        checked = check_latents(latents, len(self._codebook))
        narrow = [values.astype(np.float32) for values in self._codebook]
        return snapping.usage(snap_latents(checked, narrow), narrow)

    @property
    def snap(self) -> snapping.Snap:
        """What the quantizer does with the soft value that the slider stands on."""
        values = self._codebook[self.latent]
        return snapping.snap(snapping.positions(values, self._rule)[[self.position]], values, self._rule)

    def image(self) -> np.ndarray:
        """A still picture of all number lines, uint8 (3, H, W)."""
        return np.asarray(self._drawn().convert("RGB")).transpose(2, 0, 1).copy()

    def _drawn(self):
        return drawing.number_lines(self.names, self.values, self.counts)

    def _repr_mimebundle_(self, **kwargs):
        return page.with_picture(super()._repr_mimebundle_(**kwargs), drawing.png(self._drawn()))

    @traitlets.validate("latent")
    def _validate_latent(self, proposal):
        return page.check_index(proposal["value"], len(self._codebook), "latent")

    @traitlets.validate("position")
    def _validate_position(self, proposal):
        return page.check_index(proposal["value"], snapping.POSITIONS, "position")


def _read(source: Any) -> tuple[list[np.ndarray], snapping.Rule]:
    from dlq.quantizers import FSQ, LatentQuantizer, VectorQuantizer

    quantizer = source if hasattr(source, "values") else getattr(source, "bottleneck", None)
    if not hasattr(source, "values") and not hasattr(source, "codebook"):
        raise ValueError(
            f"a {type(source).__name__} has neither values() nor a codebook; give a model of dlq or a quantizer"
        )
    if isinstance(quantizer, VectorQuantizer):  # its values() are the numbers of the vectors, not what they hold
        raise ValueError(
            f"the values of this quantizer are vectors of {quantizer.dimension} numbers; only single numbers fit on a "
            "line, as those of LatentQuantizer and FSQ"
        )
    codebook = source.values() if hasattr(source, "values") else source.codebook
    arrays = None if codebook is None else [values.detach().cpu().numpy() for values in codebook]
    rule = snapping.Rule(isinstance(quantizer, FSQ), None, None)
    if isinstance(quantizer, LatentQuantizer):
        learned = quantizer.codebook.requires_grad
        rule = snapping.Rule(False, quantizer.quantization_weight if learned else None, quantizer.commitment_weight)
    return snapping.check_scalars(arrays), rule


def _tables(codebook, rule):
    """One table for latents with the same values: an FSQ has hundreds of them."""
    tables: list[dict[str, object]] = []
    kinds: list[int] = []
    known: dict[bytes, int] = {}
    for values in codebook:
        key = values.tobytes()
        if key not in known:
            known[key] = len(tables)
            found = snapping.snap(snapping.positions(values, rule), values, rule)
            tables.append({k: None if v is None else _rounded(v) for k, v in found._asdict().items() if k != "value"})
        kinds.append(known[key])
    return tables, kinds


def _rounded(column):
    return [float(f"{number:.5g}") for number in column] if column.dtype.kind == "f" else column.tolist()
