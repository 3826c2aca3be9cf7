"""Charts of numbers: the matrix behind InfoMEC, and what happened in training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dlq.plots import theme

FEW_LATENTS = 10  # with more, the numbers in the cells would not fit on a phone


def nmi_heatmap(infomec: Any, factor_names: Sequence[str] | None = None) -> go.Figure:
    """The normalised mutual information (NMI) of every factor (row) with every latent (column), 0 dark to 1 bright.

    ``infomec`` is what ``dlq.metrics.infomec`` returns. An inactive latent is greyed and in brackets; the row of a
    constant factor is empty.
    """
    num_factors, num_latents = infomec.nmi.shape
    names = [f"factor {i}" for i in range(num_factors)] if factor_names is None else list(factor_names)
    if len(names) != num_factors:
        raise ValueError(f"found {len(names)} factor names for {num_factors} factors; give one for each row of nmi")
    scores = " · ".join(f"{name} {_number(getattr(infomec, name))}" for name in infomec._fields[:3])
    height = 110 + 34 * num_factors
    fig = theme.figure(_cells(infomec.nmi), title="Which latent knows which factor", subtitle=scores, height=height)
    columns = [f"z{j}" if infomec.active[j] else f"(z{j})" for j in range(num_latents)]
    constant = np.isnan(infomec.nmi).all(axis=1)
    rows = [theme.escaped(name) + (" (constant)" if constant[i] else "") for i, name in enumerate(names)]
    fig.update_xaxes(tickvals=list(range(num_latents)), ticktext=columns, range=[-0.5, num_latents - 0.5])
    fig.update_yaxes(tickvals=list(range(num_factors)), ticktext=rows, range=[num_factors - 0.5, -0.5])
    fig.update_xaxes(showgrid=False, fixedrange=True).update_yaxes(showgrid=False, fixedrange=True)
    for j in np.flatnonzero(~infomec.active):
        fig.add_vrect(x0=j - 0.5, x1=j + 0.5, fillcolor="#808080", opacity=0.75, line_width=0)
    if not infomec.active.all():
        fig.update_xaxes(title_text="grey, in brackets: inactive, not counted")
    return fig


def _cells(nmi: np.ndarray) -> go.Heatmap:
    few = nmi.shape[1] <= FEW_LATENTS  # then the numbers stand in the cells and need no colour bar
    return go.Heatmap(
        z=nmi,
        zmin=0,
        zmax=1,
        colorscale="Cividis",
        texttemplate="%{z:.2f}" if few else None,
        textfont={"size": 10},
        xgap=1,
        ygap=1,
        hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
        hoverongaps=False,
        showscale=not few,
        colorbar={"thickness": 12, "outlinewidth": 0},
    )


def training_curves(history: Any) -> go.Figure:
    """Every term of a ``History`` by step, on a logarithmic axis where all values shown are positive.

    The total is drawn thick; the norm of the gradient waits in the legend until it is clicked.
    """
    if not history.steps:
        raise ValueError("the history has no entries; train for at least one step first")
    traces = []
    for name, values in history.terms.items():
        traces.append(
            go.Scatter(
                x=np.asarray(history.steps[-len(values) :]),
                y=np.asarray(values, np.float32),
                name=theme.escaped(name.replace("_", " ")),
                mode="lines" if len(values) > 1 else "markers",
                line={"width": 3 if name == "total" else 1.5},
                visible="legendonly" if name == "gradient_norm" else True,
            )
        )
    shown = np.concatenate([trace.y for trace in traces if trace.visible is True])
    fig = theme.figure(*traces, title=f"Training: {history.steps[-1]:,} steps, {history.stopped}", height=340)
    fig.update_yaxes(type="log" if (shown > 0).all() else "linear", title_text="weighted loss", exponentformat="power")
    fig.update_xaxes(title_text="step")
    fig.update_layout(
        hovermode="x unified", showlegend=True, legend={"orientation": "h", "y": -0.22, "yanchor": "top", "x": 0}
    )
    return fig


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"
