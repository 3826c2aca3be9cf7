"""Which latent knows which factor, and what becomes of it when two latents are turned against each other.

Normalised mutual information and InfoMEC: Hsu, Dorrell, Whittington, Wu and Finn, "Disentanglement via latent
quantization", NeurIPS 2023, arXiv 2305.18378, section 4. Everything is computed when the widget is made, so that an
exported page moves without a kernel.
"""

from collections.abc import Mapping, Sequence

import anywidget
import numpy as np
import traitlets

from dlq.widgets import drawing, page, words
from dlq.widgets.rotation import Metric, RotationTable, rotation_table


class NmiHeatmap(page.Portable, anywidget.AnyWidget):
    """A heat map of factor by latent, a bar a metric, and a slider for the angle where two latents are turned.

    ``angle`` is the stop of the slider; ``table`` has all numbers, ``scores`` and ``nmi`` those of the current angle.
    """

    _title = "Which latent knows which factor"
    _esm = page.module("nmi_heatmap")
    _css = page.style("nmi_heatmap")
    angle = traitlets.Int().tag(sync=True)
    degrees: traitlets.List = traitlets.List().tag(sync=True)
    cells: traitlets.List = traitlets.List().tag(sync=True)  # NMI by angle, factor, latent; None where not defined
    bars: traitlets.Dict = traitlets.Dict().tag(sync=True)  # for each metric its value at each angle
    factor_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    latent_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    pair = traitlets.List(traitlets.Int()).tag(sync=True)  # the latents that turn; empty if none do
    palette = traitlets.List(traitlets.Unicode()).tag(sync=True)
    words: traitlets.Dict = traitlets.Dict(words.HEATMAP).tag(sync=True)

    def __init__(
        self,
        factors: object,
        latents: object,
        *,
        discrete: bool,
        rotate: tuple[int, int] | None = None,
        metrics: Mapping[str, Metric] | None = None,
        num_angles: int = 19,
        factor_names: Sequence[str] | None = None,
    ):
        """Computes the map and the metrics of factors (n, num_factors) and latents (n, num_latents) at every angle.

        ``discrete`` says whether the latents take few values, as for ``dlq.metrics.infomec``. ``rotate`` names two
        latents to turn by 0 to 90 degrees in ``num_angles`` steps. ``metrics`` maps a label to
        ``function(factors, latents) -> float``; by default InfoM, InfoC, InfoE and MIG.
        """
        factors, latents = np.asarray(factors), np.asarray(latents)
        self.table: RotationTable = rotation_table(
            factors, latents, discrete=discrete, rotate=rotate, metrics=metrics, num_angles=num_angles
        )
        num_factors, num_latents = self.table.nmi.shape[1:]
        super().__init__(
            degrees=[round(float(degree), 2) for degree in self.table.degrees],
            cells=[[_numbers(row) for row in cells] for cells in self.table.nmi],
            bars={label: _numbers(values) for label, values in self.table.scores.items()},
            factor_names=page.check_labels(factor_names, num_factors, "factor", "the data"),
            latent_names=[f"z{j}" for j in range(num_latents)],
            pair=[] if rotate is None else [int(k) for k in rotate],
            palette=list(drawing.CIVIDIS),
        )

    @property
    def nmi(self) -> np.ndarray:
        """The map at the current angle, (num_factors, num_latents)."""
        return self.table.nmi[self.angle]

    @property
    def scores(self) -> dict[str, float]:
        """Every metric at the current angle."""
        return {label: float(values[self.angle]) for label, values in self.table.scores.items()}

    def image(self) -> np.ndarray:
        """A still picture of the map at the current angle, uint8 (3, H, W)."""
        return np.asarray(self._drawn().convert("RGB")).transpose(2, 0, 1).copy()

    def _drawn(self):
        return drawing.shaded_table(self.factor_names, self.latent_names, self.nmi)

    def _repr_mimebundle_(self, **kwargs):
        return page.with_picture(super()._repr_mimebundle_(**kwargs), drawing.png(self._drawn()))

    @traitlets.validate("angle")
    def _validate_angle(self, proposal):
        return page.check_index(proposal["value"], len(self.table.degrees), "angle")


def _numbers(values: np.ndarray) -> list[float | None]:
    """Floats for JSON, which has no NaN."""
    return [round(float(value), 5) if np.isfinite(value) else None for value in values]
