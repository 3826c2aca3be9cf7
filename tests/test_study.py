"""``dlq study``: its file grows run by run, goes on where it ended, and refuses what does not belong to it."""

import json

import pytest

from dlq.cli import main
from dlq.cli.study import ard

QUICK = ["study", "ard", "--num-latents", "2", "3", "--betas", "1", "--no-progress"]


def run(path, seeds=1, steps=3):
    return main([*QUICK, "--seeds", str(seeds), "--steps", str(steps), "--out", str(path)])


def test_every_combination_is_trained_once_and_recorded(tmp_path, capsys):
    path = tmp_path / "folder" / "ard.json"
    assert run(path) == 0
    record = json.loads(path.read_text())
    keys = [(r["model"], r["num_latents"], r["beta"], r["seed"]) for r in record["runs"]]
    assert sorted(keys) == [(m, n, 1.0, 0) for m in ("ard_vae", "beta_vae") for n in (2, 3)]
    assert record["settings"]["steps"] == 3
    assert all(r["relevant"] <= r["num_latents"] and len(r["shares"]) in (0, r["num_latents"]) for r in record["runs"])
    assert len([line for line in path.read_text().splitlines() if '"model"' in line]) == 4
    assert "has 4 runs" in capsys.readouterr().out


def test_it_goes_on_where_it_ended_and_trains_nothing_twice(tmp_path, monkeypatch):
    path = tmp_path / "ard.json"
    run(path)
    before = json.loads(path.read_text())["runs"]
    trained = []
    train = ard.ard_run

    def watched(*arguments):
        trained.append(arguments[:4])
        return train(*arguments)

    monkeypatch.setattr(ard, "ard_run", watched)
    assert run(path) == 0
    assert trained == []
    assert run(path, seeds=2) == 0
    assert sorted(trained) == [(m, n, 1.0, 1) for m in ("ard_vae", "beta_vae") for n in (2, 3)]
    assert json.loads(path.read_text())["runs"][:4] == before


def test_an_interrupted_study_keeps_what_is_finished(tmp_path, monkeypatch):
    path, train = tmp_path / "ard.json", ard.ard_run

    def interrupted(model, num_latents, *rest):
        if (model, num_latents) == ("ard_vae", 3):
            raise KeyboardInterrupt
        return train(model, num_latents, *rest)

    monkeypatch.setattr(ard, "ard_run", interrupted)
    assert run(path) == 130
    assert [(r["model"], r["num_latents"]) for r in json.loads(path.read_text())["runs"]] == [
        ("ard_vae", 2),
        ("beta_vae", 2),
    ]


def test_runs_with_other_settings_are_not_mixed(tmp_path, capsys):
    path = tmp_path / "ard.json"
    run(path)
    content = path.read_bytes()
    assert run(path, steps=4) == 2
    assert "choose another --out" in capsys.readouterr().err
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", ["no json", "[]", "{}"])
def test_a_foreign_file_is_left_alone(tmp_path, capsys, content):
    path = tmp_path / "ard.json"
    path.write_text(content)
    assert run(path) == 2
    assert "was not written by `dlq study ard`" in capsys.readouterr().err
    assert path.read_text() == content


def test_an_unknown_study_is_refused(capsys):
    assert main(["study", "bars"]) == 2
    assert "there is no study 'bars'; there are ard, infogan, infowgan, swap" in capsys.readouterr().err


def test_the_table_puts_seeds_side_by_side():
    runs = [
        {"model": "ard_vae", "num_latents": n, "beta": 1.0, "seed": seed, "relevant": 3 + seed}
        for n in (4, 16)
        for seed in (0, 1)
    ]
    assert ard.table(runs).splitlines()[1].split() == ["ard_vae", "beta", "1", "3", "4", "3", "4"]


@pytest.mark.parametrize(("name", "runs"), [("infogan", 3), ("infowgan", 4)])
def test_the_games_are_studied_too_and_go_on(name, runs, tmp_path, capsys):
    command = ["study", name, "--seeds", "1", "--steps", "4", "--no-progress", "--out", str(tmp_path / "file.json")]
    assert main(command) == 0
    record = json.loads((tmp_path / "file.json").read_text())
    assert len(record["runs"]) == runs
    assert main(command) == 0
    assert json.loads((tmp_path / "file.json").read_text()) == record
    assert "(n=1)" in capsys.readouterr().out


def test_options_of_one_study_are_refused_for_another(capsys):
    assert main(["study", "infogan", "--betas", "1"]) == 2
    assert "belong to the study ard" in capsys.readouterr().err
