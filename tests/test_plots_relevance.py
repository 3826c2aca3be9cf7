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


def test_the_prior_is_drawn_update_by_update():
    model = ard_vae((1, 4, 4), 2, width=8)
    model.prior_history = [(0, np.array([1.0, 2.0])), (100, np.array([3.0, 0.5]))]
    fig = plots.prior_trace(model)
    assert [(list(line.x), list(line.y)) for line in fig.data] == [([0, 100], [1, 3]), ([0, 100], [2, 0.5])]
    assert fig.layout.yaxis.type == "log"


def test_a_model_without_a_learned_prior_is_refused():
    for model in (vae((1, 4, 4), 2, width=8), ard_vae((1, 4, 4), 2, width=8)):
        with pytest.raises(ValueError, match="this model has no record of its prior"):
            plots.prior_trace(model)
