"""Which code names which class: the table behind a matching, drawn so that a permutation shows as one bright cell a row."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from dlq.plots import theme

CELL = 30  # pixels high


def code_table(matching: Any, *, title: str = "Which code draws which class") -> go.Figure:
    """The share of each class (column) among the images of each code (row), 0 dark to 1 bright.

    ``matching`` is what ``dlq.metrics.match_codes`` returns. Rows are ordered by the class they are matched with; a frame
    marks the match.
    """
    order = sorted(range(len(matching.codes)), key=lambda r: _place(matching, r))
    table = matching.table[order]
    share = table / table.sum(axis=1, keepdims=True)
    few = share.shape[1] <= 12
    cells = go.Heatmap(
        z=share,
        zmin=0,
        zmax=1,
        colorscale="Cividis",
        texttemplate="%{z:.0%}" if few else None,
        textfont={"size": 10},
        xgap=1,
        ygap=1,
        showscale=not few,
        hovertemplate="code %{y}, class %{x}: %{z:.1%}<extra></extra>",
    )
    subtitle = f"{matching.accuracy:.0%} agree after the best one-to-one match; {matching.used} codes occur"
    fig = theme.figure(cells, title=title, subtitle=subtitle, height=130 + CELL * len(order))
    fig.update_xaxes(
        tickvals=list(range(share.shape[1])), ticktext=[str(c) for c in matching.classes], title_text="class"
    )
    fig.update_yaxes(tickvals=list(range(len(order))), ticktext=[f"code {matching.codes[r]}" for r in order])
    fig.update_xaxes(showgrid=False, fixedrange=True)
    fig.update_yaxes(showgrid=False, fixedrange=True, range=[len(order) - 0.5, -0.5])
    for line, row in enumerate(order):
        name = matching.names[int(matching.codes[row])]
        if name is not None:
            column = int(np.flatnonzero(matching.classes == name)[0])
            frame = {"x0": column - 0.5, "x1": column + 0.5, "y0": line - 0.5, "y1": line + 0.5}
            fig.add_shape(type="rect", line={"color": theme.MARK, "width": 2}, **frame)
    return fig


def _place(matching: Any, row: int) -> tuple[bool, int]:
    name = matching.names[int(matching.codes[row])]
    return name is None, row if name is None else name
