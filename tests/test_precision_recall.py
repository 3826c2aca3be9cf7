"""Precision and recall of generated images: points on a line by hand, distributions in closed form, and laws."""

import numpy as np
import pytest

from dlq.metrics import knn_precision_recall, prd, precision_recall
from dlq.metrics.precision_recall import f_scores, prd_curve


def line(*values):
    return np.array(values, dtype=float)[:, None]


def blobs(centres, n=60, seed=0):
    """Points of spread 0.1 around each centre, n points in all."""
    rng = np.random.default_rng(seed)
    return np.repeat(line(*centres), n // len(centres), axis=0) + 0.1 * rng.normal(size=(n, 1))


def test_neighbour_precision_and_recall_by_hand():
    # k = 1. Real 0, 1, 3 reach 1, 1, 2: [-1, 1], [0, 2], [1, 5]. Generated 1.5, 6, 9 reach 4.5, 3, 3: [-3, 6], [3, 9],
    # [6, 12]. Of the generated only 1.5 is reached; 3 is at the rim of [3, 9], and 0, 1, 3 lie in [-3, 6]
    found = knn_precision_recall(line(0, 1, 3), line(1.5, 6, 9), features="by hand", num_neighbors=1)
    assert (found.precision, found.recall) == (pytest.approx(1 / 3), 1.0)
    turned = knn_precision_recall(line(1.5, 6, 9), line(0, 1, 3), features="by hand", num_neighbors=1)
    assert (turned.precision, turned.recall) == (1.0, pytest.approx(1 / 3))


def test_a_point_at_the_rim_is_inside_and_one_beyond_is_not():
    real = line(0, 1, 2, 4)  # k = 2: 0 reaches 2, 1 reaches 1, 2 reaches 2, 4 reaches 3
    for value, inside in ((7, 1.0), (7.01, 0.75), (-2, 1.0), (-2.01, 0.75)):
        found = knn_precision_recall(real, line(0, 1, 2, value), features="by hand", num_neighbors=2)
        assert found.precision == inside


def test_dropped_and_invented_modes():
    real = blobs([0, 10])
    dropped = knn_precision_recall(real, blobs([0, 0], seed=1), features="f")
    assert dropped.precision > 0.9
    assert 0.4 < dropped.recall <= 0.5
    invented = knn_precision_recall(real, blobs([0, 10, 20], seed=1), features="f")
    assert invented.recall > 0.9
    assert 0.55 < invented.precision <= 2 / 3


def test_neighbour_shares_of_equal_and_of_disjoint_sets():
    points = np.random.default_rng(0).normal(size=(200, 5)) + 1000  # far from zero, where distances lose digits
    same = knn_precision_recall(points, points[::-1], features="f")
    assert (same.precision, same.recall) == (1.0, 1.0)
    apart = knn_precision_recall(points, points + 100, features="f")
    assert (apart.precision, apart.recall) == (0.0, 0.0)
    copies = np.repeat(points[:10], 20, axis=0)  # every ball has radius 0
    repeated = knn_precision_recall(copies, copies[::-1], features="f")
    assert (repeated.precision, repeated.recall) == (1.0, 1.0)


@pytest.mark.parametrize("num_distances", [1, 300, 100_000])
def test_neighbour_shares_are_those_of_all_distances_however_many_are_held_at_once(monkeypatch, num_distances):
    monkeypatch.setattr(precision_recall, "DISTANCES", num_distances)
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(90, 4)), rng.normal(size=(110, 4)) * 0.7 + 0.5

    def share(points, centres):
        within = np.sort(np.linalg.norm(centres[:, None] - centres, axis=2), axis=1)[:, 3]
        return (np.linalg.norm(points[:, None] - centres, axis=2) <= within).any(axis=1).mean()

    found = knn_precision_recall(real, generated, features="f")
    assert (found.precision, found.recall) == (share(generated, real), share(real, generated))
    assert found.precision != found.recall


def test_curve_by_hand():
    # at 45 degrees the slope is 1: the shared mass, min(.5, .1) + min(.5, .9) = .6, is precision and recall
    precision, recall = prd_curve(np.array([0.5, 0.5]), np.array([0.1, 0.9]), num_angles=3)
    np.testing.assert_allclose(precision, [0, 0.6, 1], atol=1e-9)
    np.testing.assert_allclose(recall, [1, 0.6, 0], atol=1e-9)


def test_half_of_the_modes_generated_in_closed_form():
    # real (1/2, 1/2), generated (1, 0): precision min(s/2, 1), recall min(1/2, 1/s). F_b^2 is largest at the corner
    # (1, 1/2): F_8 = 65 * 1/2 / (64 + 1/2), F_1/8 = (1 + 1/64) * 1/2 / (1/64 + 1/2)
    precision, recall = f_scores(*prd_curve(np.array([0.5, 0.5]), np.array([1.0, 0.0])))
    assert recall == pytest.approx(65 / 2 / 64.5, abs=1e-3)
    assert precision == pytest.approx((1 + 1 / 64) / 2 / (1 / 64 + 1 / 2), abs=1e-3)


def test_prd_of_separate_modes_is_the_closed_form():
    real, dropped = blobs([0, 10]), blobs([0, 0], seed=1)
    found = prd(real, dropped, features="f", num_clusters=2, num_runs=3)
    assert found.recall == pytest.approx(65 / 2 / 64.5, abs=1e-3)
    assert found.precision == pytest.approx(0.985, abs=1e-3)
    turned = prd(dropped, real, features="f", num_clusters=2, num_runs=3)
    assert (turned.precision, turned.recall) == (pytest.approx(found.recall), pytest.approx(found.precision))
    np.testing.assert_allclose(found.recall_per_run, found.recall, atol=1e-12)


def test_prd_of_equal_and_of_disjoint_sets():
    points = np.random.default_rng(0).normal(size=(300, 3))
    same = prd(points, points, features="f")
    assert (same.precision, same.recall) == (pytest.approx(1), pytest.approx(1))
    apart = prd(points, points + 100, features="f")
    assert apart.precision == apart.recall == 0
    assert apart.precision_curve.max() == 0


def test_prd_runs_differ_and_repeat_with_their_seeds():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(2, 400, 3)) * np.array([1, 0.5])[:, None, None]
    found = prd(real, generated, features="f", num_runs=4, seed=5)
    again = prd(real, generated, features="f", num_runs=4, seed=5)
    np.testing.assert_array_equal(found.recall_per_run, again.recall_per_run)
    assert len(set(found.recall_per_run)) > 1
    later = prd(real, generated, features="f", num_runs=1, seed=7)
    assert later.recall_per_run[0] == found.recall_per_run[2]
    assert found.recall < found.precision  # it draws the middle only


def test_results_say_what_they_rest_on():
    points = line(*range(10))
    found = prd(points, points, features="pixels", num_clusters=3, num_runs=1, seed=2)
    assert found.features == "pixels"
    assert (found.num_real, found.num_generated, found.num_clusters, found.seed) == (10, 10, 3, 2)
    assert repr(knn_precision_recall(points, points, features="pixels")) == (
        "PrecisionRecall(precision=1.000, recall=1.000, 10 real and 10 generated, 3 neighbours, features: pixels)"
    )


FIVE = line(0, 1, 2, 3, 4)
BAD = {
    "unequal": (lambda: prd(FIVE, FIVE[:3], features="f"), "5 real and 3 generated .*take the first 3 of each"),
    "clusters": (lambda: prd(FIVE, FIVE, features="f"), "num_clusters is 20 and num_runs 10 for 10 images"),
    "runs": (lambda: prd(FIVE, FIVE, features="f", num_clusters=2, num_runs=0), "num_runs 0"),
    "neighbours": (lambda: knn_precision_recall(FIVE, FIVE[:3], features="f"), "num_neighbors is 3, .*smaller set, 3"),
    "unnamed": (lambda: knn_precision_recall(FIVE, FIVE, features=""), "name the network and layer"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
