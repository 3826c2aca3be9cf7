"""Pictures of relevance: the bars are the shares in order, the line stands at the cut."""

import numpy as np
import pytest

from dlq import plots
from dlq.axes import Relevance
from dlq.models import ard_vae, vae


def relevance(shares, axes):
    shares = np.asarray(shares)
    snr = np.arange(len(shares), dtype=float)
    return Relevance(10 * shares, shares, axes, 0.9, snr, snr + 0.5, snr, snr, 100)


def test_bars_stand_in_order_with_the_cut_behind_the_last_relevant_latent():
    fig = plots.relevance_bars(relevance([0.1, 0.6, 0.0, 0.3], (1, 3)))
    bars = fig.data[0]
    np.testing.assert_allclose(bars.y, [60, 30, 10, 0])
    assert list(fig.layout.xaxis.ticktext) == ["z1", "z3", "z0", "z2"]
    np.testing.assert_allclose(bars.customdata, [[60, 1, 1.5], [90, 3, 3.5], [100, 0, 0.5], [100, 2, 2.5]])
    assert len(set(bars.marker.color[:2])) == len(set(bars.marker.color[2:])) == 1
    assert bars.marker.color[0] != bars.marker.color[2]
    assert [shape.x0 for shape in fig.layout.shapes] == [1.5]
    assert fig.layout.title.subtitle.text.startswith("2 of 4 make up 90%")


def test_there_is_no_cut_where_every_latent_is_relevant():
    assert not plots.relevance_bars(relevance([0.4, 0.6], (1, 0))).layout.shapes


def test_many_bars_are_not_labelled():
    assert not plots.relevance_bars(relevance(np.full(30, 1 / 30), tuple(range(28)))).layout.xaxis.ticktext


def runs(*rows):
    return [dict(zip(("model", "beta", "num_latents", "seed", "relevant"), row, strict=True)) for row in rows]


def test_counts_have_a_panel_a_beta_and_a_line_through_the_medians():
    found = runs(*[("ard", beta, n, seed, n // 4 + seed) for beta in (1.0, 0.5) for n in (8, 16) for seed in (0, 1, 2)])
    fig = plots.relevant_counts(found, expected=3)
    assert [fig.layout[name].title.text for name in ("xaxis", "xaxis2")] == ["latents, beta 0.5", "latents, beta 1"]
    assert fig.layout.xaxis.domain[1] < fig.layout.xaxis2.domain[0]
    medians = [trace for trace in fig.data if trace.mode == "lines"]
    assert [(trace.xaxis, list(trace.y)) for trace in medians] == [("x", [3, 5]), ("x2", [3, 5])]
    assert [shape.y0 for shape in fig.layout.shapes] == [3, 3]
    assert [shape.xref for shape in fig.layout.shapes] == ["x domain", "x2 domain"]


def test_equal_runs_and_models_stand_beside_each_other():
    fig = plots.relevant_counts(runs(*[(model, 1, 8, seed, 3) for model in ("ard", "vae") for seed in (0, 1)]))
    x = np.concatenate([trace.x for trace in fig.data if trace.mode == "markers"]).astype(float)
    assert len(set(x.round(6))) == 4
    np.testing.assert_allclose(x.mean(), 0, atol=1e-12)
    assert not fig.layout.shapes
    assert [trace.name for trace in fig.data if trace.showlegend] == ["ard", "vae"]


def test_a_study_that_has_just_begun_lacks_runs():
    fig = plots.relevant_counts(runs(("ard", 0.5, 8, 0, 3), ("vae", 0.5, 8, 0, 5), ("ard", 1.0, 16, 0, 3)))
    assert [len(trace.x) for trace in fig.data if trace.mode == "markers"] == [1, 1, 1, 0]
    with pytest.raises(ValueError, match="there are no runs"):
        plots.relevant_counts([])


def test_the_prior_is_drawn_update_by_update():
    model = ard_vae((1, 4, 4), 2, width=8)
    model.prior_history = [(0, np.array([1.0, 2.0])), (100, np.array([3.0, 0.5]))]
    fig = plots.prior_trace(model)
    assert [(list(line.x), list(line.y)) for line in fig.data] == [([0, 100], [1, 3]), ([0, 100], [2, 0.5])]
    assert fig.layout.yaxis.type == "log"


def test_the_prior_of_latents_that_are_not_relevant_is_grey_and_behind():
    model = ard_vae((1, 4, 4), 3, width=8)
    model.prior_history = [(0, np.array([1.0, 2.0, 3.0])), (100, np.array([3.0, 0.5, 1.0]))]
    fig = plots.prior_trace(model, relevance([0.9, 0.0, 0.1], (0, 2)))
    assert [line.name for line in fig.data] == ["z1", "z0", "z2"]
    assert [line.line.color is None for line in fig.data] == [False, True, True]


def test_a_model_without_a_learned_prior_is_refused():
    for model in (vae((1, 4, 4), 2, width=8), ard_vae((1, 4, 4), 2, width=8)):
        with pytest.raises(ValueError, match="this model has no record of its prior"):
            plots.prior_trace(model)
