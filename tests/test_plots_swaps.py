"""Slopes of identity: a filled point for the source and an open one for the target, for every factor that is read."""

import types

import numpy as np
import pytest

from dlq import plots
from dlq.metrics import Transfer


def scores(on_source, on_target):
    transfer = Transfer(np.array(on_source), np.array(on_target))
    return types.SimpleNamespace(transfer=transfer, factor_names=("face_width", "beard", "age"))


def test_every_factor_that_both_models_show_has_its_points():
    full, skip = scores([1, np.nan, 0.9], [0, np.nan, 0.1]), scores([0.5, 0.2, 0.4], [0.4, 0.1, 0.6])
    fig = plots.identity_slopes({"full": full, "skip": skip})
    assert [trace.name for trace in fig.data] == ["full, source", "full, target", "skip, source", "skip, target"]
    assert list(fig.layout.yaxis.ticktext) == ["face width", "age"]
    np.testing.assert_allclose([trace.x for trace in fig.data], [[1, 0.9], [0, 0.1], [0.5, 0.4], [0.4, 0.6]])
    np.testing.assert_allclose(fig.data[2].y[0] - fig.data[0].y[0], 0.3)
    assert fig.data[0].marker.color != fig.data[2].marker.color
    assert [shape.x0 for shape in fig.layout.shapes] == [0, 1]


def test_scores_without_slopes_are_refused():
    with pytest.raises(ValueError, match="there are no scores"):
        plots.identity_slopes({})
    with pytest.raises(ValueError, match="the scores of photographs have no slopes"):
        plots.identity_slopes({"photographs": types.SimpleNamespace(transfer=None, factor_names=())})
