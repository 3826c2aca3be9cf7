"""Pictures of how many latents a model needs: relevance with its cut, and the prior while it was learned."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from dlq.plots import theme

LABELLED = 20  # with more bars, their names would not fit on a phone


def relevance_bars(relevance: Any) -> go.Figure:
    """The share of every latent in the relevance, the largest first, with a line behind the last relevant one.

    ``relevance`` is what ``dlq.relevance`` returns. Hovering shows the share reached so far and the other scores.
    """
    order = np.asarray(relevance.order)
    kept, total = len(relevance.axes), len(order)
    shares = np.asarray(relevance.shares)[order] * 100
    shown = np.stack([np.cumsum(shares), relevance.snr[order], relevance.kl[order]], axis=1)
    bars = go.Bar(
        x=np.arange(total),
        y=shares.astype(np.float32),
        customdata=shown.astype(np.float32),
        marker={"color": [theme.LINES[0]] * kept + [theme.LINES[6]] * (total - kept)},
        text=[f"z{axis}" for axis in order],
        textposition="none",
        hovertemplate="%{text}: %{y:.2f} %<br>so far %{customdata[0]:.2f} %<br>"
        "signal to noise %{customdata[1]:.3g}<br>KL %{customdata[2]:.3g} nats<extra></extra>",
    )
    summary = f"{kept} of {total} make up {relevance.share:.0%} of what the decoder responds to"
    fig = theme.figure(bars, title="Which latents are relevant", subtitle=summary, height=300)
    few = total <= LABELLED
    fig.update_xaxes(
        tickvals=list(range(total)) if few else [],
        ticktext=[f"z{axis}" for axis in order] if few else [],
        range=[-0.6, total - 0.4],
        title_text="" if few else "latents, the most relevant first",
        showgrid=False,
        fixedrange=True,
    )
    fig.update_yaxes(title_text="share of relevance, %", rangemode="tozero", fixedrange=True)
    if kept < total:
        fig.add_vline(x=kept - 0.5, line={"color": theme.MARK, "dash": "dash", "width": 2})
    return fig


def prior_trace(model: Any) -> go.Figure:
    """The variance of every latent's prior by training step, on a logarithmic axis, of an ARD-VAE trained just now.

    A latent that is not used keeps a variance, but an arbitrary one: only ``relevance_bars`` says which are used.
    """
    history = getattr(model, "prior_history", None)
    if not history:
        raise ValueError(
            "this model has no record of its prior: it is no ARD-VAE, or was not trained in this session; train it first"
        )
    steps = np.asarray([step for step, _ in history])
    values = np.stack([np.asarray(variance, np.float32) for _, variance in history])
    lines = [
        go.Scatter(
            x=steps, y=column, name=f"z{axis}", mode="lines" if len(steps) > 1 else "markers", line={"width": 1.5}
        )
        for axis, column in enumerate(values.T)
    ]
    fig = theme.figure(*lines, title="The prior's variance of every latent", height=340)
    fig.update_yaxes(type="log", title_text="variance", exponentformat="power").update_xaxes(title_text="step")
    fig.update_layout(showlegend=values.shape[1] <= LABELLED, hovermode="closest")
    return fig
