"""Face swaps in charts: from whom each factor of identity comes."""

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from dlq.plots import theme

ROW = 30  # pixels a factor


def identity_slopes(scores: Mapping[str, Any]) -> go.Figure:
    """For each factor of identity how far it follows the source (filled) and the target (open), a colour for each model.

    ``scores[name]`` is what ``dlq.evaluate_swaps`` returned. An exact swap has 1 and 0, a copy of the target 0 and 1. A
    factor that the judge cannot read is left out.
    """
    if not scores:
        raise ValueError("there are no scores; give what dlq.evaluate_swaps returned, by the model's name")
    if missing := [name for name, each in scores.items() if each.transfer is None]:
        raise ValueError(
            f"the scores of {missing[0]} have no slopes; score rendered faces with a judge that reads factors"
        )
    names = [*next(iter(scores.values())).factor_names]
    slopes = [each.transfer.on_source for each in scores.values()]
    seen = [k for k in range(len(names)) if not any(math.isnan(each[k]) for each in slopes)]
    fig = theme.figure(
        title="From whom each factor of identity comes",
        subtitle="filled: the source, 1 is exact; open: the target, 0 is exact",
        height=120 + ROW * len(seen),
    )
    for m, (name, each) in enumerate(scores.items()):
        height = [row + 0.3 * (m - (len(scores) - 1) / 2) / max(1, len(scores) - 1) for row in range(len(seen))]
        for kind, symbol in (("on_source", "circle"), ("on_target", "circle-open")):
            values = [float(getattr(each.transfer, kind)[k]) for k in seen]
            whose = kind.removeprefix("on_")
            fig.add_trace(
                go.Scatter(
                    x=values,
                    y=height,
                    mode="markers",
                    marker={
                        "symbol": symbol,
                        "size": 9,
                        "color": theme.LINES[m % len(theme.LINES)],
                        "line": {"width": 2},
                    },
                    name=theme.escaped(f"{name}, {whose}"),
                    hovertemplate=f"{theme.escaped(name)}, {whose}: %{{x:.2f}}<extra></extra>",
                )
            )
    for x in (0, 1):
        fig.add_vline(x=x, line={"color": theme.MARK, "dash": "dash", "width": 1.5}, layer="below")
    labels = [theme.escaped(names[k].replace("_", " ")) for k in seen]
    fig.update_yaxes(tickvals=[*range(len(seen))], ticktext=labels, range=[len(seen) - 0.5, -0.5], fixedrange=True)
    fig.update_xaxes(title_text="slope", fixedrange=True)
    return fig.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.12, "yanchor": "top", "x": 0})
