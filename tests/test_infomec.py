"""InfoMEC: small codes by hand, its laws, the authors' own numbers, and input it refuses.

The authors' numbers are in ``infomec.json``, computed with their stand-alone InfoMEC code (commit 9a420a3, with numpy
1.26.4 and scikit-learn 1.5.2). Another folder with that file can be named in the environment variable DLQ_PARITY.
"""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from dlq.metrics import infomec, iqr_above, nmi, one_hot, range_above, range_positive, standardised

PARITY = json.loads((Path(os.environ.get("DLQ_PARITY", Path(__file__).parent / "data")) / "infomec.json").read_text())
SQUARE = np.array(list(product(range(2), range(2))))  # every combination of two binary factors, once


def grid(*sizes, repeats=1):
    return np.repeat(np.array(list(product(*map(range, sizes)))), repeats, axis=0)


def authors_input(seed, discrete, n=2000, num_latents=6, sizes=(4, 5, 3, 6)):
    """The generator of the stored cases; the order of the draws matters."""
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(k, size=n) for k in sizes], 1)
    mask = rng.random((4, num_latents)) < 0.4
    mask[np.arange(4), rng.integers(num_latents - 1, size=4)] = True
    mixing = rng.normal(size=(4, num_latents)) * mask
    latents = (factors / (np.array(sizes) - 1) - 0.5) @ mixing + 0.15 * rng.normal(size=(n, num_latents))
    if seed % 2 == 0:
        latents[:, -1] = 0.0
    return factors, np.clip(np.round(latents * 4), -3, 3) * 0.25 if discrete else latents


def case_name(case):
    return f"{'discrete' if case['discrete_latents'] else 'continuous'}-{case['seed']}"


@pytest.mark.parametrize("case", PARITY["cases"], ids=case_name)
def test_authors_values(case):
    discrete = case["discrete_latents"]
    factors, latents = authors_input(case["seed"], discrete)
    assert factors.sum() == case["checksum"]["sources_sum"]
    assert np.abs(latents).sum() == pytest.approx(case["checksum"]["latents_abs_sum"], rel=1e-12)
    found = infomec(factors, latents, discrete=discrete)
    tolerance = 1e-9 if discrete else 0.01
    np.testing.assert_array_equal(found.active, case["active_latents"])
    np.testing.assert_allclose(found.nmi[:, found.active], np.array(case["nmi"])[:, found.active], atol=tolerance)
    assert found.modularity == pytest.approx(case["infom"], abs=tolerance)
    assert found.compactness == pytest.approx(case["infoc"], abs=tolerance)
    assert found.explicitness == pytest.approx(case["infoe"], abs=0.001)


def test_modularity_and_compactness_by_hand():
    # z0 = factor 0; z1 names the pair. NMI = [[1, 1], [0, 1]].
    # latents: largest share 1 and 1/2, mean 3/4, rescaled (3/4 - 1/2) / (1 - 1/2) = 1/2; factors: 1/2 and 1, the same
    found = infomec(SQUARE, np.stack([SQUARE[:, 0], 2 * SQUARE[:, 0] + SQUARE[:, 1]], axis=1), discrete=True)
    np.testing.assert_allclose(found.nmi, [[1, 1], [0, 1]], atol=1e-15)
    assert found.modularity == pytest.approx(0.5)
    assert found.compactness == pytest.approx(0.5)
    assert found.explicitness == pytest.approx(1, abs=1e-3)


def test_explicitness_of_an_exclusive_or_by_hand():
    # a linear classifier reads a from (a, b) and is at chance, log 2, on a xor b: (1 + 0) / 2
    a, b = SQUARE.T
    found = infomec(np.stack([a, a ^ b], axis=1), SQUARE, discrete=True)
    assert found.explicitness == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_allclose(found.explicitness_per_factor, [1, 0], atol=1e-3)


def test_both_encodings_differ_where_the_middle_value_is_the_answer():
    # the factor is "the latent is 1" of 0, 1, 2: one-hot reads it, one number with one threshold cannot
    latents = grid(3, 3, repeats=2)
    factors = (latents == 1).astype(int)
    found = infomec(factors, latents, discrete=True)
    assert found.explicitness == found.explicitness_one_hot == pytest.approx(1, abs=1e-3)
    assert found.explicitness_scalar < 0.1
    chosen = infomec(factors, latents, discrete=True, encoding=standardised)
    assert chosen.explicitness == chosen.explicitness_scalar == found.explicitness_scalar
    assert (found.encoding, chosen.encoding) == ("one_hot", "standardised")


@pytest.mark.parametrize("discrete", [True, False])
def test_perfect_code_scores_one(discrete):
    factors = grid(4, 3, 5, repeats=20)
    noise = 0 if discrete else 0.01 * np.random.default_rng(0).normal(size=factors.shape)
    found = infomec(factors, factors + noise, discrete=discrete)
    np.testing.assert_allclose(found[:3], 1, atol=0.03)
    assert repr(found) == f"InfoMEC(modularity={found[0]:.2f}, explicitness={found[1]:.2f}, compactness={found[2]:.2f})"


@pytest.mark.parametrize("discrete", [True, False])
def test_independent_code_carries_nothing(discrete):
    rng = np.random.default_rng(0)
    factors, latents = rng.integers(4, size=(4000, 3)), rng.normal(size=(4000, 5))
    found = infomec(factors, np.sign(latents) if discrete else latents, discrete=discrete)
    assert found.nmi.max() < 0.02
    assert abs(found.explicitness) < 0.01


@pytest.mark.parametrize("discrete", [True, False])
def test_order_of_latents_and_factors_does_not_matter(discrete):
    factors, latents = authors_input(1, discrete)
    rows, columns = [2, 0, 3, 1], [5, 1, 0, 3, 2, 4]
    first = infomec(factors, latents, discrete=discrete)
    moved = infomec(factors[:, rows], latents[:, columns], discrete=discrete)
    np.testing.assert_allclose(moved.nmi, first.nmi[np.ix_(rows, columns)], atol=1e-6)
    np.testing.assert_allclose(moved[:3], first[:3], atol=2e-3)  # the classifiers stop after 100 iterations


def test_names_of_values_do_not_matter_for_discrete_latents():
    factors, latents = authors_input(0, True)
    indices = np.round(latents * 4).astype(int)
    renamed = np.array([-7.5, 3, 0.1, 9, 2, -1, 4])[indices + 3]
    for other in (indices, renamed, latents.astype(np.float32)):
        found = nmi(factors * 10 - 3, other, discrete=True)
        np.testing.assert_allclose(found, nmi(factors, latents, discrete=True), atol=1e-12)


def test_constant_latent_is_pruned_and_said():
    latents = np.column_stack([SQUARE, np.full(4, 0.3)])
    found = infomec(SQUARE, latents, discrete=True)
    np.testing.assert_allclose(found[:3], 1, atol=1e-3)
    np.testing.assert_array_equal(found.active, [True, True, False])
    assert found.notes == ("latents 2 are inactive and not counted",)


def test_constant_factor_is_skipped_and_said():
    found = infomec(np.column_stack([SQUARE, np.full(4, 3)]), SQUARE, discrete=True)
    np.testing.assert_allclose(found[:3], 1, atol=1e-3)
    assert np.isnan(found.nmi[2]).all()
    assert found.notes == ("factors 2 are constant and skipped",)


def test_latent_without_information_is_left_out_and_said():
    factors = grid(2, 2, 2)
    found = infomec(factors[:, :2], factors, discrete=True)  # the third latent moves, with no factor
    np.testing.assert_allclose(found[:3], 1, atol=1e-3)
    assert found.notes == ("latents 2 carry no information and are left out of modularity",)


def test_factor_that_no_latent_reaches_is_left_out_and_said():
    factors = grid(2, 2, 2)
    found = infomec(factors, factors[:, :2], discrete=True)
    assert found.modularity == found.compactness == 1
    assert found.explicitness == pytest.approx(2 / 3, abs=1e-3)
    assert found.notes == ("factors 2 reach no active latent and are left out of compactness",)


def test_one_active_latent_has_no_compactness():
    found = infomec(SQUARE, np.column_stack([SQUARE[:, 0], np.zeros(4)]), discrete=True)
    assert found.modularity == 1
    assert np.isnan(found.compactness)
    assert "compactness needs two active latents, found 1" in found.notes


def test_one_factor_has_only_explicitness():
    found = infomec(SQUARE[:, :1], SQUARE, discrete=True)
    assert np.isnan([found.modularity, found.compactness]).all()
    assert found.explicitness == pytest.approx(1, abs=1e-3)
    assert "modularity and compactness need two factors that vary, found 1" in found.notes


@pytest.mark.parametrize("discrete", [True, False])
def test_nothing_varies(discrete):
    found = infomec(np.ones((20, 2)), np.ones((20, 3)), discrete=discrete)
    assert np.isnan(found[:3]).all()
    assert not found.active.any()
    assert "explicitness needs a factor that varies, found none" in found.notes


def test_rules_for_active_latents_by_hand():
    latents = np.array([[0, 0, 0, 0], [0, 10, 100, 0], [0, 10, 100, 0], [0, 10, 100, 0], [0, 10, 100, 30.0]])
    rules = {  # ranges 0, 10, 100, 30; interquartile ranges 0, 0, 0, 0 of five rows with one odd one out
        range_positive: [0, 1, 1, 1],
        range_above(1 / 20): [0, 1, 1, 1],
        range_above(1 / 8): [0, 0, 1, 1],
        range_above(1 / 3): [0, 0, 1, 0],
        iqr_above(0.1): [0, 0, 0, 0],
    }
    for rule, expected in rules.items():
        np.testing.assert_array_equal(rule(latents), np.array(expected, bool))
    np.testing.assert_array_equal(iqr_above(0.2)(latents[[0, 0, 4, 4]]), [False, False, True, True])


def test_rule_decides_and_is_named_in_the_result():
    factors, latents = authors_input(1, False)
    found = infomec(factors, latents, discrete=False, active=range_above(0.7))
    assert found.active_rule == "range_above(0.7)"
    assert infomec(factors, latents, discrete=False).active_rule == "range_above(0.05)"
    counted = found.nmi[:, found.active]
    assert 2 <= found.active.sum() < 6
    assert found.modularity == pytest.approx(((counted.max(0) / counted.sum(0)).mean() - 1 / 4) / (1 - 1 / 4))


def test_classifiers_that_stop_early_are_reported_without_a_warning(recwarn):
    factors, latents = authors_input(0, True)
    found = infomec(factors, latents, discrete=True, max_iter=3)
    assert not found.converged
    assert any("classifiers stopped at 3 iterations" in note for note in found.notes)
    assert infomec(SQUARE, SQUARE, discrete=True).converged
    assert not recwarn.list


@pytest.mark.parametrize("encoding", [one_hot, standardised])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_optimum_is_where_scikit_learn_ends_after_many_iterations(seed, encoding):
    factors, latents = authors_input(seed, True)
    found = infomec(factors, latents, discrete=True, encoding=encoding, max_iter=None)
    assert (found.converged, found.max_iter) == (True, None)
    for share, factor in zip(found.explicitness_per_factor, factors.T, strict=True):
        classifier = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=20_000, tol=1e-7)
        features = encoding(latents)
        loss = log_loss(factor, classifier.fit(features, factor).predict_proba(features))
        assert share == pytest.approx(1 - loss / np.log(len(np.unique(factor))), abs=2e-5)
    stopped = infomec(factors, latents, discrete=True, encoding=encoding, max_iter=5)
    assert stopped.explicitness < found.explicitness
    assert "raise max_iter, or pass max_iter=None" in " ".join(stopped.notes)


def test_separable_classes_reach_one_at_the_optimum():
    found = infomec(grid(4, 3, repeats=5), grid(4, 3, repeats=5), discrete=True, max_iter=None)
    assert found.explicitness == pytest.approx(1, abs=1e-6)
    assert found.converged


def test_optimum_by_hand():
    # the latent is the factor in 3 of 4 rows of each class: the classifier answers 3/4, log-loss H(1/4)
    factors, latents = np.repeat([[0], [1]], 4, axis=0), np.array([[0, 0, 0, 1, 1, 1, 1, 0]]).T
    found = infomec(factors, latents, discrete=True, max_iter=None)
    expected = 1 + (0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(2)
    assert found.explicitness == pytest.approx(expected, abs=1e-7)
    # classes of 4 and 1 rows, a latent that says nothing: balanced, it answers 1/2 to all, which is no information
    silent = infomec(np.array([[0], [0], [0], [0], [1]]), np.zeros((5, 1)), discrete=True, max_iter=None)
    assert silent.explicitness == pytest.approx(0, abs=1e-7)


def test_repeated_latents_are_noted_and_warned_of():
    factors, latents = authors_input(0, True)
    with pytest.warns(UserWarning, match="repeat a value more than 10 times") as caught:
        found = infomec(factors, latents, discrete=False)
    assert [each.filename for each in caught] == [__file__]
    assert any("repeat a value" in note for note in found.notes)


F, Z = grid(3, 3, repeats=3), grid(3, 3, repeats=3) / 2


def broken(value):
    latents = Z.copy()
    latents[[2, 5], 1] = value
    return latents


BAD = {
    "lengths": (F, Z[:-1], True, "factors has 27 rows, latents has 26; they must describe the same images"),
    "nan": (F, broken(np.nan), True, r"2 NaN or infinite values in column\(s\) 1"),
    "inf": (F, broken(np.inf), False, r"2 NaN or infinite values in column\(s\) 1"),
    "nan factor": (broken(np.nan), Z, True, r"factors must be finite, found 2 NaN"),
    "one sample": (F[:1], Z[:1], True, "found 1 rows, this metric needs at least 2"),
    "too few": (F[:11], Z[:11], False, "found 11 rows, this metric needs at least 12"),
    "rank": (F[:, 0], Z, True, r"found shape \(27,\); a single column is factors\[:, None\]"),
    "latent rank": (F, Z[:, 0], True, r"found shape \(27,\); a single column is latents\[:, None\]"),
    "not whole": (Z, F, True, "must be whole numbers .*found 0.5 in column 1; .*swapped"),
    "empty": (F[:0], Z[:0], True, r"factors is empty, found shape \(0, 2\)"),
    "no latents": (F, Z[:, :0], True, r"latents is empty, found shape \(27, 0\)"),
    "words": (F.astype(str), Z, True, "factors must be real numbers"),
    "continuous": (
        np.tile(F, (9, 1)),
        np.random.default_rng(0).normal(size=(243, 2)),
        True,
        "takes 243 different .*bin",
    ),
    "identity": (np.arange(100)[:, None], np.zeros((100, 1)), True, "factor 0 takes 100 different .*leave this factor"),
}


@pytest.mark.parametrize(("factors", "latents", "discrete", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_one_sentence(factors, latents, discrete, message):
    with pytest.raises(ValueError, match=message) as caught:
        infomec(factors, latents, discrete=discrete)
    assert "\n" not in str(caught.value)


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="num_neighbors is 0"):
        infomec(F, Z, discrete=False, num_neighbors=0)
    with pytest.raises(ValueError, match="encoding=one_hot needs discrete=True"):
        infomec(F, Z + np.random.default_rng(0).random(Z.shape), discrete=False, encoding=one_hot)
    with pytest.raises(ValueError, match="one bool per latent"):
        infomec(F, Z, discrete=True, active=lambda latents: np.ones(5, bool))
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        range_above(20.0)
    with pytest.raises(TypeError, match="discrete"):
        infomec(F, Z)


def test_metrics_import_no_torch_and_nothing_else_of_dlq():
    code = (
        "import sys, dlq.metrics; "
        "print([m for m in sys.modules if m == 'torch' or m.startswith('dlq.') and not m.startswith('dlq.metrics')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
