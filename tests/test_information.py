"""Mutual information: tables worked out by hand, and scikit-learn as the oracle."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif
from sklearn.metrics import mutual_info_score
from sklearn.preprocessing import StandardScaler

from dlq.metrics import binned, equal_width_edges, information, mutual_information, nmi


def blobs(seed, n=600, sizes=(4, 7)):
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(size, size=n) for size in sizes], axis=1)
    return factors, factors @ rng.normal(size=(len(sizes), 3)) + rng.normal(size=(n, 3))


def test_two_by_two_table_by_hand():
    # table [[2, 0], [1, 1]] of 4: H(factor) = log 2, H(latent) = 2 log 2 - 3/4 log 3, H(both) = 3/2 log 2,
    # so I = log 2 + 2 log 2 - 3/4 log 3 - 3/2 log 2 = 3/2 log 2 - 3/4 log 3
    factors, latents = np.array([[0], [0], [1], [1]]), np.array([[0.5], [0.5], [0.5], [-0.5]])
    expected = 1.5 * np.log(2) - 0.75 * np.log(3)
    assert mutual_information(factors, latents, discrete=True)[0, 0] == pytest.approx(expected, abs=1e-15)
    assert nmi(factors, latents, discrete=True)[0, 0] == pytest.approx(expected / np.log(2), abs=1e-15)


def test_exactly_independent_table_has_exactly_no_information():
    factors, latents = np.divmod(np.arange(21 * 5), 7)  # 15 x 7 combinations, each once
    assert mutual_information(factors[:, None], latents[:, None], discrete=True)[0, 0] == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_counted_information_is_scikit_learns(seed):
    factors, latents = blobs(seed)
    codes = np.round(latents) / 4
    expected = [[mutual_info_score(f, np.unique(c, return_inverse=True)[1]) for c in codes.T] for f in factors.T]
    np.testing.assert_allclose(mutual_information(factors, codes, discrete=True), expected, atol=1e-12)


@pytest.mark.parametrize("num_neighbors", [1, 3, 10])
@pytest.mark.parametrize("seed", range(3))
def test_neighbour_information_is_scikit_learns(seed, num_neighbors):
    factors, latents = blobs(seed)
    factors[:5, 1] = np.arange(5) + 100  # labels that occur once
    scaled = StandardScaler().fit_transform(latents)
    options = {"n_neighbors": num_neighbors, "random_state": seed}
    expected = [mutual_info_classif(scaled, factor, **options) for factor in factors.T]
    found = mutual_information(factors, latents, discrete=False, num_neighbors=num_neighbors, seed=seed)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_rare_labels_follow_the_definition():
    # scikit-learn rounds distances (to 1e-8) in groups this small, so here the definition is the oracle
    factors, latents = blobs(0, n=60, sizes=(20,))
    x = StandardScaler().fit_transform(latents[:, :1])[:, 0]
    distance, same = np.abs(x[:, None] - x), factors[:, 0] == factors
    terms = []
    for i in np.flatnonzero(same.sum(axis=1) > 1):
        group = np.sort(distance[i, same[i]])  # starts with the point itself
        k = min(10, len(group) - 1)
        inside = (distance[i, same.sum(axis=1) > 1] < group[k]).sum()
        terms.append(digamma(k) - digamma(len(group)) - digamma(inside))
    expected = digamma(len(terms)) + np.mean(terms)
    assert expected > 0.1
    assert mutual_information(factors, latents, discrete=False)[0, 0] == pytest.approx(expected, abs=1e-12)


def test_neighbour_information_of_quantized_values_is_scikit_learns():
    factors, latents = blobs(0)
    latents = np.round(latents)
    with pytest.warns(UserWarning, match="repeat a value more than 10 times"):
        found = mutual_information(factors, latents, discrete=False)
    scaled = StandardScaler().fit_transform(latents)
    expected = [mutual_info_classif(scaled, f, n_neighbors=10, random_state=0) for f in factors.T]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_latent_that_orders_the_factor_carries_its_whole_entropy():
    rng = np.random.default_rng(0)
    factor = rng.integers(3, size=3000)
    latents = np.stack([factor + 0.1 * rng.random(3000), rng.normal(size=3000)], axis=1)
    np.testing.assert_allclose(nmi(factor[:, None], latents, discrete=False), [[1, 0]], atol=0.02)


def test_repeated_images_are_called_out_and_really_break_the_estimator():
    rng = np.random.default_rng(0)
    rows = rng.integers(40, size=2000)  # 40 images, each drawn about fifty times
    factors, latents = rng.integers(4, size=(40, 2))[rows], rng.normal(size=(40, 2))[rows]
    with pytest.warns(UserWarning, match="draw images without replacement"):
        found = nmi(factors, latents, discrete=False)
    np.testing.assert_allclose(found, 1, atol=0.01)


def test_continuous_latents_and_a_constant_one_warn_of_nothing():
    factors, latents = blobs(1)
    latents[:, 0] = 3.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = nmi(factors, latents, discrete=False)
    assert (found[:, 0] < 0.05).all()
    assert (found[:, 1:].max(axis=0) > 0.05).all()


def test_row_of_a_constant_factor_is_nan():
    found = nmi(np.array([[0, 5], [1, 5], [0, 5], [1, 5]]), np.array([[1], [2], [1], [2]]), discrete=True)
    np.testing.assert_array_equal(found, [[1.0], [np.nan]])


def test_same_seed_same_numbers():
    factors, latents = blobs(2)
    first, again = (mutual_information(factors, latents, discrete=False, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_two_hundred_thousand_rows_stay_within_memory():
    rng = np.random.default_rng(0)
    factors, latents = rng.integers(10, size=(200_000, 1)), rng.normal(size=(200_000, 20))
    tracemalloc.start()
    try:
        mutual_information(factors, latents, discrete=False)
        mutual_information(factors, binned(latents, 10), discrete=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400e6  # bytes; the latents alone are 32e6


def test_bins_by_hand():
    latents = np.array([[0.0], [1.0], [2.0], [10.0]])
    np.testing.assert_array_equal(binned(latents, 2), [[0], [0], [1], [1]])  # the median is 1.5
    np.testing.assert_array_equal(binned(latents, 2, edges=equal_width_edges), [[0], [0], [0], [1]])  # the middle is 5


def test_quantile_bins_are_equally_full_and_equal_widths_are_not():
    latents = np.random.default_rng(0).exponential(size=(1000, 2))
    np.testing.assert_array_equal(np.bincount(binned(latents, 5)[:, 0]), [200] * 5)
    assert np.bincount(binned(latents, 5, edges=equal_width_edges)[:, 0])[0] > 400


def test_constant_latent_falls_into_one_bin():
    assert len(np.unique(binned(np.full((10, 1), 2.5), 4))) == 1


def test_one_bin_is_refused():
    with pytest.raises(ValueError, match="num_bins is 1, at least 2"):
        binned(np.ones((4, 1)), 1)


@pytest.mark.parametrize("values_at_once", [1, 700, 10**9])
def test_working_on_some_latents_at_once_changes_no_bit(monkeypatch, values_at_once):
    factors, latents = blobs(0)
    factors[:5, 1] = np.arange(5) + 100  # labels that occur once
    expected = mutual_information(factors, latents, discrete=False)
    monkeypatch.setattr(information, "AT_ONCE", values_at_once)
    np.testing.assert_array_equal(mutual_information(factors, latents, discrete=False), expected)


def test_warnings_point_at_the_callers_line():
    factors, latents = blobs(0)
    for metric in (mutual_information, nmi):
        with pytest.warns(UserWarning, match="repeat a value") as caught:
            metric(factors, np.round(latents), discrete=False)
        assert [each.filename for each in caught] == [__file__]
