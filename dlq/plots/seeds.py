"""Models compared over seeds: every run is a point, so that a reader sees what the interval is made of."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dlq.plots import theme

LINE = 26  # pixels a model
GAP = 58  # pixels between panels: the numbers of the axis and the next panel's title


def seed_panels(panels: Mapping[str, Mapping[str, tuple[Sequence[float], Any]]], *, subtitle: str = "") -> go.Figure:
    """A panel for each score, one below the other, a line in it for each model: a point a seed, the mean, its interval.

    ``panels[score][model]`` is the values of all seeds and what ``dlq.metrics.mean_interval`` made of them.
    """
    models = [*next(iter(panels.values()))]
    part = LINE * len(models) + GAP
    height = theme.top_margin(subtitle) + part * len(panels) + 10
    fig = theme.figure(title="Models over seeds", subtitle=subtitle, height=height)
    axis = {"x": fig.layout.xaxis.to_plotly_json(), "y": fig.layout.yaxis.to_plotly_json()}
    for k, (label, rows) in enumerate(panels.items()):
        number = "" if k == 0 else str(k + 1)
        top, bottom = 1 - k / len(panels), 1 - (k + 1 - GAP / part) / len(panels)
        place = {"domain": [max(bottom, 0), top], "anchor": f"x{number}", "range": [len(models) - 0.5, -0.5]}
        names = {"tickvals": [*range(len(models))], "ticktext": [*map(theme.escaped, models)], "fixedrange": True}
        fig.update_layout({
            f"xaxis{number}": axis["x"] | {"anchor": f"y{number}", "fixedrange": True, "title": _title(label)},
            f"yaxis{number}": axis["y"] | place | names,
        })  # fmt: skip
        fig.add_traces([_means(rows, number), _points(rows, number)])  # points above the interval's line
    fig.update_layout(showlegend=False)
    return fig


def _title(label: str) -> dict[str, Any]:
    return {"text": theme.escaped(label), "standoff": 4, "font": {"size": 12}}


def _points(rows: Mapping[str, tuple[Sequence[float], Any]], number: str) -> go.Scatter:
    places = [(value, line) for line, (values, _) in enumerate(rows.values()) for value in values]
    return go.Scatter(
        x=[value for value, _ in places],
        y=[line for _, line in places],
        mode="markers",
        marker={"size": 8, "opacity": 0.85, "color": theme.LINES[0]},
        hovertemplate="%{x:.3f}<extra></extra>",
        xaxis=f"x{number}",
        yaxis=f"y{number}",
    )


def _means(rows: Mapping[str, tuple[Sequence[float], Any]], number: str) -> go.Scatter:
    found = [interval for _, interval in rows.values()]
    halves = [0.0 if math.isnan(each.high) else each.high - each.mean for each in found]
    return go.Scatter(
        x=[each.mean for each in found],
        y=[*range(len(found))],
        mode="markers",
        marker={"size": 14, "symbol": "line-ns-open", "line": {"width": 2}, "color": theme.MARK},
        error_x={"array": halves, "thickness": 1.5, "width": 4, "color": theme.MARK},
        hovertemplate="mean %{x:.3f}<extra></extra>",
        xaxis=f"x{number}",
        yaxis=f"y{number}",
    )
