"""Comparisons: intervals by hand, what is trained and what is kept, the controls, and choosing without factors."""

import json
import math
import signal
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats
from stand_in import Stripes

import dlq
from dlq.checkpoints import CheckpointError, card
from dlq.cli import main
from dlq.comparison import Comparison, Run, by_loss, by_psnr, by_udr, compared_scores
from dlq.comparison.table import Table
from dlq.metrics import binned, infomec, mean_interval

AE, QLAE = partial(dlq.autoencoder, num_latents=4, width=16), partial(dlq.qlae, num_latents=4, width=16)
TWO = {"plain": AE, "quantized": QLAE}


@pytest.fixture(scope="module")
def data():
    return dlq.datasets.rooms(16, (3, 3, 1, 1, 1, 3))


def quick(models, data, **more):
    return dlq.compare(models, data, **{"steps": 8, "seeds": (0, 1), "progress": False, "device": "cpu"} | more)


@pytest.fixture(scope="module")
def compared(data):
    return quick(TWO, data)


def made(**scores) -> Comparison:
    """A comparison with these scores: name -> {model: values by seed}."""
    models = next(iter(scores.values()))
    runs = [
        Run(model, seed, {name: rows[model][seed] for name, rows in scores.items()}, {}, 1.0)
        for model, values in models.items()
        for seed in range(len(values))
    ]
    return Comparison(tuple(runs))


# --- intervals


def test_a_t_interval_by_hand():
    """Mean 2, standard deviation 1, three numbers: the half is 4.3027 / sqrt(3)."""
    found = mean_interval([1, 2, 3])
    assert (found.mean, found.num) == (2, 3)
    assert found.high - 2 == pytest.approx(4.30265 / math.sqrt(3), rel=1e-5)
    assert 2 - found.low == pytest.approx(found.high - 2)


def test_an_interval_holds_the_true_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(5, 2, size=(2000, 4))
    share = np.mean([(i := mean_interval(row, level=0.8)).low <= 5 <= i.high for row in draws])
    assert share == pytest.approx(0.8, abs=0.03)


def test_one_number_has_no_interval_and_a_score_that_is_missing_does_not_count():
    assert mean_interval([4.0])[:1] == (4.0,)
    assert math.isnan(mean_interval([4.0]).low)
    assert mean_interval([1.0, math.nan, 3.0]).num == 2


def test_a_rounded_zero_has_no_sign():
    assert repr(mean_interval([-0.001, -0.002])).startswith("0.00 [")
    assert math.isnan(mean_interval([]).mean)
    with pytest.raises(ValueError, match=r"level is 95\.0; give the share"):
        mean_interval([1, 2], level=95.0)


def test_a_difference_is_paired_by_seed():
    """Both models move with the seed by far more than they differ: only pairing sees the difference."""
    comparison = made(psnr={"a": [10.0, 20.0, 30.0], "b": [9.0, 18.9, 28.9]})
    found = comparison.difference("a", "b")["psnr"]
    expected = stats.ttest_rel([10, 20, 30], [9, 18.9, 28.9]).confidence_interval()
    assert found.mean == pytest.approx(3.2 / 3)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.low > 0
    assert comparison.interval("a", "psnr").low < comparison.interval("b", "psnr").high


def test_unpaired_seeds_and_unknown_names_are_refused():
    one, other = Run("a", 0, {"psnr": 1.0}, {}, 1.0), Run("b", 1, {"psnr": 2.0}, {}, 1.0)
    with pytest.raises(ValueError, match="a and b have no seed in common"):
        Comparison((one, other)).difference("a", "b")
    with pytest.raises(ValueError, match="there is no 'c'; there are a, b"):
        Comparison((one, other)).values("c", "psnr")


# --- what compare trains


def test_every_run_is_the_model_that_fit_would_train(data, compared):
    model = QLAE(data.image_shape, seed=1)
    history = dlq.fit(model, data, steps=8, seed=1, progress=False, device="cpu")
    run = next(run for run in compared.runs if (run.model, run.seed) == ("quantized", 1))
    scores = dlq.evaluate(model, data)
    assert run.scores["modularity"] == pytest.approx(scores.infomec.modularity, nan_ok=True)
    assert run.scores["psnr"] == scores.psnr
    assert run.scores["loss"] == history.terms["total"][-1]
    rows = data.sample(len(run.latents), torch.Generator().manual_seed(0))
    assert np.array_equal(run.latents, dlq.encode(model, data, rows=rows))


def test_runs_come_by_model_within_seed_and_say_what_they_are(compared):
    assert [(run.model, run.seed) for run in compared.runs] == [(m, s) for s in (0, 1) for m in TWO]
    assert compared.runs[1].settings["preset"]["arguments"]["num_latents"] == 4
    assert compared.missing == 0


def test_two_processes_find_what_one_finds(data, compared):
    found = quick(TWO, data, workers=2)
    assert [run.scores for run in found.runs] == [pytest.approx(run.scores, nan_ok=True) for run in compared.runs]


def test_a_list_of_presets_names_itself(data):
    found = quick([partial(AE, width=8), QLAE], data, steps=1, seeds=3)
    assert found.models == ["autoencoder(num_latents=4, width=8)", "qlae(num_latents=4, width=16)"]


def test_own_metrics_are_called_on_the_factors_and_the_latents(data):
    def rows(factors, latents):
        return len(factors) + latents.shape[1] / 10

    found = quick({"plain": AE}, data, steps=1, seeds=(0,), metrics={"rows": rows, "mec": mec})
    assert found.values("plain", "rows") == {0: len(data) + 0.4}
    assert found.values("plain", "mec") == found.values("plain", "modularity")
    assert found.metrics[-2:] == ["rows", "mec"]


def mec(factors, latents):
    return infomec(factors, latents, discrete=False)


# --- controls


@pytest.fixture(scope="module")
def shades():
    """Images of three stripes, each of one of three shades and a little noise: stripe i is factor i."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 3, size=(300, 3))
    shade = np.clip(0.1 + 0.4 * factors + rng.normal(0, 0.05, size=(300, 3)), 0, 1)
    images = np.repeat(shade, 2, axis=1)[:, None, None].repeat(4, axis=2)
    return dlq.datasets.from_arrays((255 * images).astype(np.uint8), factors)


def with_encoder(continuous):
    model = Stripes(continuous=continuous)
    model.encoder = Stripes(continuous=True)
    model.encoder.forward = model.encoder.encode
    return model


def test_a_quantized_model_is_scored_before_quantization_by_nearest_neighbours(shades):
    found = compared_scores(with_encoder(continuous=False), shades)
    z = dlq.encode(
        Stripes(continuous=True), shades, rows=(rows := shades.sample(300, torch.Generator().manual_seed(0)))
    )
    assert found["modularity_neighbors"] == infomec(shades.factors[rows], z, discrete=False).modularity
    assert found["modularity_counted"] == found["modularity"] > 0.95


def test_a_continuous_model_is_counted_in_bins(shades):
    found = compared_scores(with_encoder(continuous=True), shades, num_bins=3)
    z = dlq.encode(
        Stripes(continuous=True), shades, rows=(rows := shades.sample(300, torch.Generator().manual_seed(0)))
    )
    own, bins = infomec(shades.factors[rows], z, discrete=False), binned(z, 3).astype(float)
    assert found["modularity_neighbors"] == found["modularity"] == own.modularity
    assert found["modularity_counted"] == infomec(shades.factors[rows], bins, discrete=True).modularity
    assert found["explicitness_scalar"] == own.explicitness


def test_what_has_no_number_before_quantization_has_no_such_control(shades):
    assert math.isnan(compared_scores(Stripes(), shades)["modularity_neighbors"])
    vectors = dlq.vq_vae(shades.image_shape, 3, 4, dimension=2, width=8)
    assert math.isnan(compared_scores(vectors, shades)["modularity_neighbors"])


def test_without_factors_there_is_psnr_alone(shades):
    images = np.stack([shades.images[i] for i in range(20)])
    assert list(compared_scores(Stripes(), images)) == ["psnr"]


# --- results


def test_the_table_has_half_of_the_interval_and_says_so():
    table = made(
        psnr={"a": [1.0, 2.0, 3.0], "b": [5.0, 5.0, 5.0]}, modularity={"a": [0.5] * 3, "b": [math.nan] * 3}
    ).table()
    assert table.header == ("model", "InfoM", "PSNR", "seeds")
    assert table.rows == (("a", "0.50 ± 0.00", "2.0 ± 2.5", "3"), ("b", "-", "5.0 ± 0.0", "3"))
    assert "95% t interval" in repr(table)
    assert "does not compare one kind with the other" in repr(table)


def test_a_table_lines_up_and_a_name_is_text_and_never_markup():
    table = Table(("model", "x"), (("a<b>", "1.00"), ("long name", "-")))
    assert repr(table).splitlines() == ["model         x", "a<b>       1.00", "long name     -"]
    assert "<b>" not in table._repr_html_()


def test_an_interrupted_comparison_says_what_is_missing():
    assert "2 runs are missing" in repr(Comparison(made(psnr={"a": [1.0]}).runs, missing=2))


def test_the_figure_shows_every_run_its_mean_and_its_interval(compared):
    fig = compared.figure(["psnr", "explicitness"])
    assert len(fig.data) == 4
    means, points = fig.data[0], fig.data[1]
    plain, quantized = ([*compared.values(m, "psnr").values()] for m in TWO)
    assert [*points.x] == plain + quantized
    assert [*means.x] == pytest.approx([np.mean(plain), np.mean(quantized)])
    interval = compared.interval("plain", "psnr")
    assert means.error_x.array[0] == pytest.approx(interval.high - interval.mean)
    assert [*fig.layout.yaxis2.ticktext] == [*TWO]
    with pytest.raises(ValueError, match="there is no dci; there are"):
        compared.figure(["dci"])


def test_json_keeps_everything_but_the_latents(compared, tmp_path):
    path = compared.to_json(tmp_path / "comparison.json")
    again = Comparison.from_json(path)
    assert repr(again) == repr(compared)
    assert again.runs[0] == compared.runs[0]._replace(latents=None)
    assert again.to_json(tmp_path / "again.json").read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="UDR compares the latents of several seeds"):
        again.select(by_udr)


def test_json_of_something_else_is_explained(tmp_path):
    path = tmp_path / "other.json"
    for text in ("[1]", '{"format": 9, "runs": [], "missing": 0}', "nothing"):
        path.write_text(text)
        with pytest.raises(ValueError, match="is no comparison of format 1"):
            Comparison.from_json(path)


# --- choosing


def test_a_run_is_chosen_by_loss_by_psnr_or_by_the_users_own_function():
    comparison = made(loss={"a": [3.0, 1.0], "b": [2.0, 4.0]}, psnr={"a": [5.0, 6.0], "b": [9.0, 7.0]})
    chosen = [
        comparison.select(rule).run[:2] for rule in (by_loss, by_psnr, lambda runs: [run.seed - 1 for run in runs])
    ]
    assert chosen == [("a", 1), ("b", 0), ("a", 1)]
    assert comparison.select(by_psnr, model="a").run[:2] == ("a", 1)
    assert comparison.select().values == {("a", 0): -3.0, ("a", 1): -1.0, ("b", 0): -2.0, ("b", 1): -4.0}
    with pytest.raises(ValueError, match="there is no 'c'; there are a, b"):
        comparison.select(model="c")


def test_udr_chooses_a_run_whose_latents_others_find_again():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(200, 3))
    turned = true @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    latents = {0: true, 1: true[:, [2, 0, 1]] * [1, -2, 1], 2: turned, 3: -true}
    runs = tuple(Run("a", seed, {"psnr": 1.0}, {}, 1.0, z.astype(np.float32)) for seed, z in latents.items())
    selection = Comparison(runs).select(by_udr)
    assert selection.run.seed in (0, 1, 3)
    assert min(selection.values["a", seed] for seed in (0, 1, 3)) > selection.values["a", 2]


# --- a folder that keeps finished runs


def test_what_is_finished_is_read_and_not_trained_again(data, tmp_path, monkeypatch):
    first = quick(TWO, data, out=tmp_path, seeds=(0,))
    monkeypatch.setattr("dlq.comparison.runs.fit", lambda *a, **k: pytest.fail("a finished run is trained again"))
    again = quick(TWO, data, out=tmp_path, seeds=(0,))
    assert repr(again) == repr(first)
    assert np.array_equal(again.runs[0].latents, first.runs[0].latents)
    model = dlq.load(again.runs[1].folder)
    assert dlq.evaluate(model, data).psnr == pytest.approx(again.runs[1].scores["psnr"])
    assert card(again.runs[1].folder)["seed"] == 0


@pytest.mark.parametrize("change", [{"steps": 9}, {"num_bins": 4}, {"metrics": {"mec": mec}}])
def test_kept_runs_of_other_settings_are_not_mixed_in(data, tmp_path, change):
    quick({"plain": AE}, data, out=tmp_path, seeds=(0,))
    with pytest.raises(CheckpointError, match=f"plain-seed0 was made with {next(iter(change))} .*repeat the same"):
        quick({"plain": AE}, data, out=tmp_path, seeds=(0,), **change)


def test_a_model_that_compare_did_not_train_is_not_taken_for_a_run(data, tmp_path):
    dlq.save(AE(data.image_shape), tmp_path / "plain-seed0")
    with pytest.raises(CheckpointError, match=r"holds a model that `dlq\.compare` did not train"):
        quick({"plain": AE}, data, out=tmp_path, seeds=(0,))


def test_an_interrupt_costs_the_run_under_way_and_nothing_else(data, tmp_path):
    """The third run is interrupted while it trains, as by the stop button."""

    def stopping(image_shape, seed):
        model = AE(image_shape, seed=seed)
        if seed == 2:
            loss, count = model.loss, iter(range(100))

            def interrupted(x, generator=None):
                if next(count) == 3:
                    signal.raise_signal(signal.SIGINT)
                return loss(x, generator)

            model.loss = interrupted
        return model

    found = quick({"plain": stopping}, data, out=tmp_path, seeds=(0, 1, 2, 3))
    assert [run.seed for run in found.runs] == [0, 1]
    assert found.missing == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain-seed0", "plain-seed1"]
    assert quick({"plain": AE}, data, out=tmp_path, seeds=(0, 1, 2, 3)).missing == 0


# --- what is refused


@pytest.mark.parametrize(
    ("models", "more", "message"),
    [
        ([], {}, "there are no models to compare"),
        ([AE, AE], {}, "two models are called autoencoder"),
        (["qlae"], {}, "str is no function that builds a model"),
        ({"a b": AE, "a/b": QLAE}, {}, "make the same folder"),
        (TWO, {"seeds": ()}, r"seeds are \[\]; give at least one"),
        (TWO, {"seeds": (1, 1)}, r"seeds are \[1, 1\]; give at least one, each once"),
        ({"own": lambda shape, seed: None}, {"workers": 2}, "own is defined in this notebook or inside a function"),
    ],
)
def test_what_cannot_be_compared_is_explained_before_anything_trains(data, models, more, message):
    with pytest.raises(ValueError, match=message):
        quick(models, data, **more)


# --- dlq compare


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    small = [
        "--sizes",
        "3",
        "3",
        "1",
        "1",
        "1",
        "2",
        "--batch-size",
        "8",
        "--no-progress",
        "--device",
        "cpu",
        "--steps",
        "4",
    ]
    for name, model, more in [
        ("a0", "qlae", []),
        ("a1", "qlae", ["--seed", "1"]),
        ("b0", "qlae", ["--weight-decay", "0.1"]),
        ("c0", "bio-ae", []),
    ]:
        assert main(["train", model, "rooms", "--out", str(folder / name), *small, *more]) == 0
    return folder


def test_runs_of_the_command_line_are_grouped_by_all_but_their_seed(runs, capsys):
    capsys.readouterr()
    (runs / "notes.txt").write_text("not a run")
    assert main(["compare", *(str(path) for path in sorted(runs.iterdir()))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 of the names given hold no finished run")
    names = {line.split("  ")[0]: line.split()[-1] for line in lines[3:6]}
    assert names == {"qlae (weight_decay 0.3)": "2", "qlae (weight_decay 0.1)": "1", "bio_ae": "1"}


def test_the_json_of_the_command_has_the_scores_of_the_library(runs, capsys):
    capsys.readouterr()
    assert main(["compare", str(runs / "c0"), "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    expected = compared_scores(dlq.load(runs / "c0"), dlq.datasets.rooms(16, (3, 3, 1, 1, 1, 2)))
    assert record["scores"] == {k: pytest.approx(v) if math.isfinite(v) else None for k, v in expected.items()}


def test_the_page_of_the_command_has_the_table_and_the_figure(runs, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["compare", str(runs / "a0"), str(runs / "c0"), "--html", str(page)]) == 0
    text = page.read_text()
    assert "<td" in text
    assert "Plotly.newPlot" in text
    assert 'src="http' not in text


def test_runs_on_other_data_or_twice_the_same_are_refused(runs, tmp_path, capsys):
    other = ["--sizes", "3", "3", "2", "1", "1", "2", "--no-progress", "--device", "cpu", "--steps", "1"]
    main(["train", "qlae", "rooms", "--out", str(tmp_path / "other"), *other])
    assert main(["compare", str(runs / "a0"), str(tmp_path / "other")]) == 2
    assert "have other data" in capsys.readouterr().err
    assert main(["compare", str(runs / "a0"), str(runs / "a0")]) == 2
    assert "are the same model with the same seed; leave out one" in capsys.readouterr().err
    assert main(["compare", str(tmp_path / "nothing")]) == 2
    assert "there is no run among" in capsys.readouterr().err
