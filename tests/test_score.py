"""The table of all metrics: its numbers are the metrics' own, and it says what it did."""

import json
import subprocess
import sys
import tracemalloc
from itertools import product

import numpy as np
import pytest

import dlq
from dlq.metrics import betavae_score, dci, infomec, irs, mig, modularity_explicitness, sap, score, udr
from dlq.metrics.table import Row, ScoreTable

FACTORS = np.repeat(np.array(list(product(range(3), range(4)))), 25, axis=0)
RNG = np.random.default_rng(0)
LATENTS = FACTORS / [2, 3] @ [[1, 0.2, 0.5], [0.1, 1, 0.5]] + 0.05 * RNG.normal(size=(300, 3))
WITH_DEAD = np.column_stack([LATENTS, np.full(300, 0.1)])
QUICK = (mig, modularity_explicitness, irs)


def by_name(table):
    return {row.name: row for row in table.rows}


def test_numbers_are_the_metrics_own():
    table = score(FACTORS, LATENTS)
    rows = by_name(table)
    info = infomec(FACTORS, LATENTS, discrete=False)
    assert rows["InfoMEC modularity"].value == rows["InfoMEC modularity"].active == info.modularity
    assert rows["InfoMEC explicitness"].value == info.explicitness
    assert rows["MIG"].value == rows["MIG"].active == mig(FACTORS, LATENTS).score
    assert rows["SAP (SVM accuracy)"].value == sap(FACTORS, LATENTS).score
    assert rows["DCI completeness"].value == dci(FACTORS, LATENTS).completeness
    assert rows["beta-VAE score"].value == betavae_score(FACTORS, LATENTS).score
    assert rows["IRS"].value == pytest.approx(irs(FACTORS, LATENTS).score)
    assert table.results["mig"].score == rows["MIG"].value
    assert len(table.rows) == 14


def test_active_latents_score_as_if_the_dead_one_were_not_there():
    without, table = (by_name(score(FACTORS, z, metrics=(*QUICK, sap, dci))) for z in (LATENTS, WITH_DEAD))
    for name, row in table.items():
        if row.active is not None:
            assert row.active == pytest.approx(without[name].value, abs=0.01), name
    assert table["Modularity (Ridgeway)"].value == pytest.approx(0.75 * without["Modularity (Ridgeway)"].value)
    assert table["DCI completeness"].value > without["DCI completeness"].value + 0.01  # its base is log 4 and not log 3
    assert table["MIG"].value == without["MIG"].value


def test_infomec_has_no_score_on_all_latents_where_it_leaves_some_out():
    row = by_name(score(FACTORS, WITH_DEAD, metrics=[infomec]))["InfoMEC compactness"]
    assert row.value is None
    assert row.active == infomec(FACTORS, WITH_DEAD, discrete=False).compactness


def test_few_values_are_taken_as_discrete_and_said():
    few, many = score(FACTORS, np.round(LATENTS * 8), metrics=QUICK), score(FACTORS, LATENTS, metrics=QUICK)
    assert few.discrete
    assert few.kind.startswith("taken as discrete: a column has up to ")
    assert few.results["mig"].num_bins is None
    assert not many.discrete
    assert many.kind == "taken as continuous: a column has up to 300 different values"
    assert many.results["mig"].num_bins == 20
    given = score(FACTORS, np.round(LATENTS * 8), metrics=QUICK, discrete=False)
    assert (given.discrete, given.kind) == (False, "given as continuous")


def test_thirty_two_values_are_few_and_thirty_three_are_not():
    column = np.arange(330)[:, None]
    assert score(column % 3, column % 32, metrics=[mig]).discrete
    assert not score(column % 3, column % 33, metrics=[mig]).discrete


def test_quantized_values_given_as_continuous_are_a_note_and_no_warning(recwarn):
    table = score(FACTORS, np.round(LATENTS * 4), discrete=False, metrics=[infomec])
    assert any(note.startswith("infomec: ") and "repeat a value" in note for note in table.notes)
    assert not recwarn.list


def test_rows_are_limited_drawn_by_the_seed_and_said():
    first, again, other = (score(FACTORS, LATENTS, metrics=[mig], max_samples=100, seed=s) for s in (1, 1, 2))
    assert (first.num_samples, first.num_available) == (100, 300)
    assert first.rows == again.rows != other.rows
    assert "100 of 300 rows, 3 of 3 latents active, seed 1" in repr(first)


def test_progress_and_choice_of_metrics():
    said = []
    table = score(FACTORS, LATENTS, metrics=(irs, mig, irs), progress=said.append)
    assert said == ["irs", "mig"]
    assert [row.name for row in table.rows] == ["IRS", "MIG"]
    with pytest.raises(ValueError, match="found udr; metrics are functions among infomec, mig, sap"):
        score(FACTORS, LATENTS, metrics=[mig, udr])
    with pytest.raises(ValueError, match="found no metric"):
        score(FACTORS, LATENTS, metrics=[])
    with pytest.raises(ValueError, match="max_samples is 3"):
        score(FACTORS, LATENTS, max_samples=3)


TABLE = ScoreTable(
    rows=(Row("first", 0.5, None, np.nan, "a < b"), Row("the second", np.nan, 0.123, 0, "more")),
    results={},
    active=np.array([True, False]),
    discrete=True,
    kind="given as discrete",
    num_samples=1200,
    num_available=5000,
    seed=3,
    notes=("mig: z & w",),
)


def test_table_by_hand():
    assert repr(TABLE).splitlines() == [
        "metric      all latents  1 active  chance  what 1 means",
        "first              0.50         -       -  a < b",
        "the second            -      0.12    0.00  more",
        "",
        "1,200 of 5,000 rows, 1 of 2 latents active, seed 3; latents given as discrete",
        "note: mig: z & w",
    ]


def test_html_is_escaped():
    text = TABLE._repr_html_()
    assert '<td style="text-align:left">a &lt; b</td>' in text
    assert "<li>mig: z &amp; w</li>" in text
    assert text.count("<tr>") == 3


def test_plain_json_has_null_for_what_cannot_be_computed():
    record = json.loads(json.dumps(TABLE.to_dict(), allow_nan=False))
    assert record["scores"] == {
        "first": {"value": 0.5, "active": None, "chance": None},
        "the second": {"value": None, "active": 0.123, "chance": 0.0},
    }
    assert (record["active_latents"], record["num_latents"], record["notes"]) == ([0], 2, ["mig: z & w"])
    json.dumps(score(FACTORS[:60], LATENTS[:60]).to_dict(), allow_nan=False)


def test_two_hundred_thousand_rows_stay_within_memory():
    rng = np.random.default_rng(0)
    factors, latents = rng.integers(10, size=(200_000, 2)), rng.normal(size=(200_000, 20))
    tracemalloc.start()
    try:
        score(factors, latents, metrics=[mig])
        mig(factors, latents)
        irs(factors, latents)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 300e6  # bytes; the latents alone are 32e6


def test_public_name():
    assert dlq.score is score


def test_importing_metrics_loads_numpy_alone():
    code = "import sys, dlq, dlq.metrics; dlq.score; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"dlq", "numpy"} <= loaded
    assert not loaded & {"sklearn", "scipy", "torch", "joblib"}
