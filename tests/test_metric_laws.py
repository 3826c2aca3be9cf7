"""Every metric of factors and latents under the same laws: what it must say, what must not change it, what it refuses.

Where a law does not hold for a metric, the table says so and a test shows it: scores that depend on a latent's scale, or
on its order alone, are not interchangeable.
"""

import warnings
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

from dlq.metrics import (
    betavae_score,
    dci,
    factorvae_score,
    irs,
    mig,
    modularity_explicitness,
    quantile_edges,
    range_positive,
    sap,
    score,
    squared_correlation,
    svm_accuracy,
)

FEW = {"seed": 1}
METRICS = {
    "mig": mig,
    "mig quantile": partial(mig, edges=quantile_edges),
    "sap svm": partial(sap, form=svm_accuracy, **FEW),
    "sap correlation": partial(sap, form=squared_correlation, **FEW),
    "dci": partial(dci, **FEW),
    "ridgeway": partial(modularity_explicitness, **FEW),
    "factorvae": partial(factorvae_score, active=range_positive, num_votes=(600, 600), **FEW),
    "betavae": partial(betavae_score, num_points=(600, 600), **FEW),
    "irs": irs,
}


class Law(NamedTuple):
    """One score: where it is found, its value on a perfect code and the range allowed to an independent one."""

    metric: str
    field: str
    perfect: float
    independent: tuple[float, float]
    scale: bool = True  # does it not change when latents are rescaled, each by its own factor?
    monotone: bool = False  # does it not change when latents pass through increasing functions?
    duplicate: float | None = None  # on a perfect code, each latent twice; None: as on the perfect code
    dead: float | None = None  # on a perfect code and one constant latent; None: as on the perfect code


LAWS = [
    Law("mig", "score", 1, (0, 0.02), duplicate=0),
    Law("mig quantile", "score", 1, (0, 0.02), monotone=True, duplicate=0),
    # one-against-rest on one number cannot pick a middle value out, so the perfect code does not reach 1
    Law("sap svm", "score", 0.42, (0, 0.05), scale=False, duplicate=0),
    Law("sap correlation", "score", 1, (0, 0.01), duplicate=0),
    Law("dci", "disentanglement", 1, (0, 0.1), monotone=True),
    Law("dci", "completeness", 1, (0, 0.1), monotone=True, duplicate=0.61),  # 1 - log 2 / log 6
    Law("dci", "informativeness", 1, (0.2, 0.34), monotone=True),
    Law("ridgeway", "modularity", 1, (0.2, 0.9), dead=0.75),
    Law("ridgeway", "explicitness", 1, (0.44, 0.56)),
    Law("factorvae", "score", 1, (0.3, 0.55)),
    Law("betavae", "score", 1, (0.28, 0.45), scale=False),
    Law("irs", "score", 1, (0, 0.4)),
]
EACH = pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.metric} {law.field}")


def grid(*sizes, repeats=1):
    return np.repeat(np.array(list(product(*map(range, sizes)))), repeats, axis=0)


FACTORS = grid(4, 3, 5, repeats=15)
PERFECT = FACTORS / np.array([3, 2, 4]) - 0.5
RNG = np.random.default_rng(0)
INDEPENDENT = RNG.normal(size=(len(FACTORS), 3))
MIXED = PERFECT @ np.array([[1, 0, 0.3], [0, 1, -0.2], [0.3, 0.6, 1]]) + 0.05 * RNG.normal(size=PERFECT.shape)


FOUND = {}  # several laws look at the same code


def value(law, factors, latents):
    key = (law.metric, factors.tobytes(), latents.tobytes())
    if key not in FOUND:
        FOUND[key] = METRICS[law.metric](factors, latents)
    return getattr(FOUND[key], law.field)


@EACH
def test_perfect_code(law):
    assert value(law, FACTORS, PERFECT) == pytest.approx(law.perfect, abs=0.03)


@EACH
def test_independent_code(law):
    lowest, highest = law.independent
    assert lowest <= value(law, FACTORS, INDEPENDENT) <= highest


@EACH
def test_order_of_latents_and_of_factors_does_not_matter(law):
    first = value(law, FACTORS, MIXED)
    assert value(law, FACTORS, MIXED[:, [2, 0, 1]]) == pytest.approx(first, abs=0.05)
    assert value(law, FACTORS[:, [1, 2, 0]], MIXED) == pytest.approx(first, abs=0.05)


@EACH
def test_sign_of_latents_does_not_matter(law):
    flipped = MIXED * [1, -1, -1]
    assert value(law, FACTORS, flipped) == pytest.approx(value(law, FACTORS, MIXED), abs=0.02)


@EACH
def test_scale_of_latents_matters_where_it_is_said_to(law):
    changed = abs(value(law, FACTORS, MIXED * [0.1, 1e-4, 1e-3]) - value(law, FACTORS, MIXED))
    if law.metric == "irs":  # the latents' scale is their weight in the mean
        assert changed > 0.01
    elif law.scale:
        assert changed < 0.02
    else:
        assert changed > 0.01


@EACH
def test_increasing_functions_of_latents_matter_where_it_is_said(law):
    bent = np.exp(4 * MIXED)
    changed = abs(value(law, FACTORS, bent) - value(law, FACTORS, MIXED))
    if law.monotone:
        assert changed < (0.01 if law.field == "informativeness" else 1e-9)  # where between two values a tree splits
    elif law.metric in ("mig", "sap correlation", "ridgeway", "irs") and law.field != "explicitness":
        assert changed > 0.01


@EACH
def test_latents_twice(law):
    expected = law.perfect if law.duplicate is None else law.duplicate
    assert value(law, FACTORS, np.hstack([PERFECT, PERFECT])) == pytest.approx(expected, abs=0.03)


@EACH
def test_a_dead_latent(law):
    latents = np.column_stack([PERFECT, np.full(len(PERFECT), 0.1)])
    expected = law.perfect if law.dead is None else law.dead
    found = METRICS[law.metric](FACTORS, latents)
    assert getattr(found, law.field) == pytest.approx(expected, abs=0.03)
    assert any(note.startswith("latents 3 are constant and ") for note in found.notes)


@EACH
def test_a_constant_factor_is_skipped_and_said(law):
    factors = np.column_stack([FACTORS, np.full(len(FACTORS), 7)])
    found = METRICS[law.metric](factors, MIXED)
    assert getattr(found, law.field) == pytest.approx(value(law, FACTORS, MIXED), abs=0.03)
    assert found.notes[0] == "factors 3 are constant and skipped"


@EACH
def test_names_of_values_do_not_matter(law):
    if law.metric != "sap correlation":  # the one that takes values as numbers
        renamed = np.choose(FACTORS, [40, -3, 17, 5, 9])
        assert value(law, renamed, MIXED) == pytest.approx(value(law, FACTORS, MIXED), abs=0.05)


MATRIX = {
    "mig": "information",
    "sap svm": "predictability",
    "dci": "importance",
    "ridgeway": "information",
    "factorvae": "votes",
    "betavae": "differences",
    "irs": "robustness",
}


@pytest.mark.parametrize(("metric", "field"), MATRIX.items(), ids=MATRIX)
def test_the_matrix_has_a_row_a_factor_and_a_column_a_latent(metric, field):
    latents = np.column_stack([PERFECT[:, 1], PERFECT[:, 0], np.zeros(len(PERFECT)), PERFECT[:, 2]])
    matrix = np.nan_to_num(getattr(METRICS[metric](FACTORS, latents), field))
    assert matrix.shape == (3, 4)
    if field == "differences":  # pairs that share a factor do not differ in its latent
        matrix = -matrix[:, [0, 1, 3]]
        np.testing.assert_array_equal(matrix.argmax(axis=1), [1, 0, 2])
    else:
        np.testing.assert_array_equal(matrix.argmax(axis=1), [1, 0, 3])


# What cannot be scored is NaN or 0, with a reason, and without a warning

EDGES = {
    "constant factors": (np.ones((30, 2)), MIXED[:30]),
    "constant latents": (FACTORS[::30], np.full((30, 3), 0.1)),
    "everything constant": (np.ones((30, 2)), np.ones((30, 3))),
    "one factor": (FACTORS[::30, :1], MIXED[::30]),
    "one latent": (FACTORS[::30], MIXED[::30, :1]),
    "one of each": (FACTORS[::30, :1], MIXED[::30, :1]),
    "six rows": (FACTORS[::150], MIXED[::150]),
    "no value twice": (np.arange(12)[:, None] + [0, 5], MIXED[::75]),
    "a rare value": (np.column_stack([np.arange(30) == 7, np.arange(30) % 2]), MIXED[::30]),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("factors", "latents"), EDGES.values(), ids=EDGES)
def test_edges_give_a_number_or_a_reason(metric, factors, latents):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = METRICS[metric](factors, latents)
    for law in LAWS:
        if law.metric == metric:
            number = getattr(found, law.field)
            assert found.notes if np.isnan(number) else -1e-9 <= number <= 1


F, Z = grid(3, 3, repeats=3), grid(3, 3, repeats=3) / 2


def broken(bad):
    latents = Z.copy()
    latents[[2, 5], 1] = bad
    return latents


BAD = {
    "lengths": (F, Z[:-1], "factors has 27 rows, latents has 26; they must describe the same images"),
    "nan": (F, broken(np.nan), r"2 NaN or infinite values in column\(s\) 1"),
    "inf": (F, broken(np.inf), r"2 NaN or infinite values in column\(s\) 1"),
    "nan factor": (broken(np.nan), Z, "factors must be finite, found 2 NaN"),
    "one row": (F[:1], Z[:1], "found 1 rows, this metric needs at least"),
    "rank": (F[:, 0], Z, r"found shape \(27,\); a single column is factors\[:, None\]"),
    "latent rank": (F, Z[:, :, None], r"latents must have two axes"),
    "swapped": (Z, F, "must be whole numbers .*found 0.5 in column 1; .*swapped"),
    "transposed": (F.T, Z.T, r"factors has 2 rows and 27 columns: is it transposed\? Rows are images"),
    "factors transposed": (F.T, Z, r"factors has 2 rows, latents has 27; .* is factors transposed\? Rows are images"),
    "latents transposed": (F, Z.T, r"factors has 27 rows, latents has \d+; .* is latents transposed\? Rows are images"),
    "empty": (F[:0], Z[:0], r"factors is empty, found shape \(0, 2\)"),
    "words": (
        F.astype(str),
        Z,
        r"factors must be real numbers, found an array of <U21; .* np\.unique\(words, return_inverse",
    ),
    "objects": (F, Z.astype(object), "latents must be real numbers, found an array of object"),
    "complex": (F, Z + 1j, "latents must be real numbers, found an array of complex128"),
    "nothing": (None, Z, "factors must be real numbers"),
    "identity": (np.arange(100)[:, None], np.zeros((100, 1)), "factor 0 takes 100 different .*leave this factor"),
}


@pytest.mark.parametrize("metric", [*METRICS.values(), score], ids=[*METRICS, "score"])
@pytest.mark.parametrize(("factors", "latents", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_one_sentence(metric, factors, latents, message):
    with pytest.raises(ValueError, match=message) as caught:
        metric(factors, latents)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("metric", METRICS)
def test_lists_integers_and_single_precision_are_taken(metric):
    found = METRICS[metric](FACTORS[::10].tolist(), MIXED[::10].astype(np.float32))
    again = METRICS[metric](FACTORS[::10].astype(np.uint8), MIXED[::10].astype(np.float32).astype(float))
    for law in LAWS:
        if law.metric == metric:
            assert getattr(found, law.field) == getattr(again, law.field)


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_that_was_given_is_changed(metric):
    factors, latents = FACTORS[::10].copy(), MIXED[::10].copy()
    METRICS[metric](factors, latents)
    np.testing.assert_array_equal(factors, FACTORS[::10])
    np.testing.assert_array_equal(latents, MIXED[::10])
