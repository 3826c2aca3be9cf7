"""Pictures of how many latents a model needs: relevance with its cut, counts over runs, and the prior as it was learned."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dlq.plots import theme

LABELLED = 20  # with more bars, their names would not fit on a phone
BETWEEN = 0.05  # of the figure's width, between two panels
COLOURS = (theme.LINES[0], *theme.LINES[2:])  # the second is too near to the mark's orange
APART, SPREAD = 0.3, 0.16  # of a step along the axis: from one model to the next, and from a run to the next


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


def prior_trace(model: Any, relevance: Any = None) -> go.Figure:
    """The variance of every latent's prior by training step, on a logarithmic axis, of an ARD-VAE trained just now.

    With what ``dlq.relevance`` returned, the relevant latents are drawn in colour and the others in grey. A latent that is
    not used keeps a variance, but an arbitrary one: only relevance says which are used.
    """
    history = getattr(model, "prior_history", None)
    if not history:
        raise ValueError(
            "this model has no record of its prior: it is no ARD-VAE, or was not trained in this session; train it first"
        )
    steps = np.asarray([step for step, _ in history])
    values = np.stack([np.asarray(variance, np.float32) for _, variance in history])
    used = set(range(values.shape[1]) if relevance is None else relevance.axes)
    mode = "lines" if len(steps) > 1 else "markers"
    lines = [
        go.Scatter(x=steps, y=column, name=f"z{axis}", mode=mode, line={"width": 1.5} | _line(axis in used))
        for axis, column in sorted(enumerate(values.T), key=lambda pair: pair[0] in used)  # the used ones on top
    ]
    fig = theme.figure(*lines, title="The prior's variance of every latent", height=340)
    fig.update_yaxes(type="log", title_text="variance", dtick=1, exponentformat="power").update_xaxes(title_text="step")
    fig.update_layout(showlegend=values.shape[1] <= LABELLED, hovermode="closest")
    return fig


def _line(is_used: bool) -> dict[str, Any]:
    return {} if is_used else {"color": theme.FAINT}


def relevant_counts(runs: Sequence[Mapping[str, Any]], *, expected: int | None = None) -> go.Figure:
    """How many latents are relevant against how many there are: a panel for each beta, a point a run, lines at medians.

    A run has "model", "beta", "num_latents", "seed" and "relevant", as in the file that ``dlq study ard`` writes. A dashed
    line marks what is ``expected``, such as the number of factors that vary.
    """
    if not runs:
        raise ValueError("there are no runs; give at least one, such as those that `dlq study ard` writes")
    betas, models = sorted({run["beta"] for run in runs}), sorted({run["model"] for run in runs})
    sizes = sorted({run["num_latents"] for run in runs})
    fig = theme.figure(title="How many latents are relevant", height=340)
    styles = fig.layout.xaxis.to_plotly_json(), fig.layout.yaxis.to_plotly_json()
    top = max([run["relevant"] for run in runs] + [expected or 0]) + 0.7
    for k, beta in enumerate(betas):
        number, domain = "" if k == 0 else str(k + 1), [k / len(betas), (k + 1) / len(betas) - BETWEEN]
        x, y = _axes(sizes, beta, top)
        fig.layout[f"xaxis{number}"] = styles[0] | x | {"domain": domain}
        fig.layout[f"yaxis{number}"] = styles[1] | y | {"anchor": f"x{number}", "showticklabels": k == 0}
        for m, model in enumerate(models):
            chosen = [run for run in runs if (run["beta"], run["model"]) == (beta, model)]
            fig.add_traces(_counted(model, chosen, sizes, (m - (len(models) - 1) / 2) * APART, COLOURS[m], number))
        if expected is not None:
            place = {"x0": 0, "x1": 1, "xref": f"x{number} domain", "yref": f"y{number}"}
            fig.add_shape(
                **place,
                y0=expected,
                y1=expected,
                layer="below",
                line={"color": theme.MARK, "dash": "dash", "width": 1.5},
            )
    return fig.update_layout(hovermode="closest", legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0})


def _axes(sizes: list[int], beta: float | int, top: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the axes of a panel add to the theme's: a step for each size, whole numbers of latents."""
    ticks = {"tickvals": [*range(len(sizes))], "ticktext": [*map(str, sizes)], "range": [-0.5, len(sizes) - 0.5]}
    title = {"text": f"latents, beta {beta:g}", "standoff": 6, "font": {"size": 12}}
    x = ticks | {"fixedrange": True, "showgrid": False, "title": title}
    return x, {"range": [0, top], "fixedrange": True, "dtick": 1 if top < 12 else None}


def _counted(model: str, runs: list[Any], sizes: list[int], shift: float, colour: str, number: str) -> list[go.Scatter]:
    """The runs of one model at one beta: points that stand beside each other where they are equal, and their medians."""
    seeds = sorted({run["seed"] for run in runs})
    middle = (len(seeds) - 1) / 2
    counts = {n: [run["relevant"] for run in runs if run["num_latents"] == n] for n in sizes}
    found = {n: values for n, values in counts.items() if values}
    points = go.Scatter(
        x=[sizes.index(run["num_latents"]) + shift + (seeds.index(run["seed"]) - middle) * SPREAD / 2 for run in runs],
        y=[run["relevant"] for run in runs],
        text=[f"{model}, {run['num_latents']} latents, seed {run['seed']}: {run['relevant']} relevant" for run in runs],
        hovertemplate="%{text}<extra></extra>",
        mode="markers",
        marker={"size": 8, "opacity": 0.6, "color": colour},
    )
    medians = go.Scatter(
        x=[sizes.index(n) + shift for n in found],
        y=[float(np.median(values)) for values in found.values()],
        mode="lines",
        line={"color": colour, "width": 1.5},
        hoverinfo="skip",
    )
    return [
        trace.update(xaxis=f"x{number}", yaxis=f"y{number}", name=str(model), legendgroup=str(model), showlegend=shown)
        for trace, shown in ((medians, False), (points, number == ""))
    ]
