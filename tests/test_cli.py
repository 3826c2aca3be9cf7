import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dlq
from dlq.atomic import WriteError
from dlq.checkpoints import card, load
from dlq.cli import COMMANDS, doctor, main, reproduce, runs, sources
from dlq.cli.signals import signals_held, sigterm_as_interrupt
from dlq.datasets import DataError

SMALL = ["--sizes", "3", "3", "2", "2", "1", "2", "--batch-size", "8", "--no-progress", "--device", "cpu"]


@pytest.fixture
def run(tmp_path):
    """A folder in which six steps of a small QLAE were saved by the command line."""
    folder = tmp_path / "run"
    assert main(["train", "qlae", "rooms", "--steps", "6", "--out", str(folder), *SMALL]) == 0
    return folder


@pytest.fixture
def said(run, capsys):
    """What a command says after ``run`` was made: call it with the command; (exit code, stdout, stderr)."""

    def say(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return say


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


# Finding a command


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_all_of_them_are_listed(arguments, capsys):
    assert main(arguments) == 0
    listed = re.findall(r"^  (\w+) {2,}\S", capsys.readouterr().out, re.M)
    assert listed == [*COMMANDS]


def test_the_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"dlq {dlq.__version__}\n"


def test_an_unknown_command_is_one_line_that_says_what_exists(capsys):
    assert main(["trian"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("dlq: there is no command 'trian'")
    assert error.count("\n") == 1
    assert all(name in error for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_of_itself(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert re.search(rf"^  dlq {name}\b", capsys.readouterr().out, re.M)


def test_help_loads_neither_torch_nor_a_front_end():
    lines = ["import sys; from dlq.cli import main; main(['--help'])", "try: main(['train', '--help'])"]
    code = "\n".join([*lines, "except SystemExit: print(*sys.modules, file=sys.stderr)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert {"dlq", "tyro"} <= loaded
    assert not loaded & {"torch", "numpy", "sklearn", "plotly", "anywidget"}


# dlq train


def test_the_run_folder_says_all_that_later_commands_need(run):
    record = card(run)
    assert record["data"] == {"name": "rooms", "size": 16, "sizes": [3, 3, 2, 2, 1, 2], "path": None}
    assert record["model"]["name"] == "qlae"
    assert (record["batch_size"], record["seed"]) == (8, 0)
    assert record["command"].startswith("dlq train qlae rooms --steps 6 --out ")
    assert "--sizes 3 3 2 2 1 2" in record["command"]
    assert record["versions"]["torch"] == torch.__version__
    assert load(run).training_state.step == 6


def test_the_last_line_has_the_scores_that_evaluate_finds(tmp_path, capsys):
    folder = tmp_path / "run"
    main(["train", "qlae", "rooms", "--steps", "6", "--out", str(folder), *SMALL])
    line = capsys.readouterr().out.splitlines()[-1]
    scores = dlq.evaluate(load(folder), dlq.datasets.rooms(16, (3, 3, 2, 2, 1, 2)))
    assert line.startswith(f"saved {folder} after 6 steps in ")
    assert f"{scores.infomec!r}, PSNR {scores.psnr:.1f} dB" in line
    assert line.endswith(f"Next: dlq evaluate {folder}")
    assert card(folder)["scores"]["modularity"] == scores.infomec.modularity


def test_going_on_is_the_same_as_training_at_once(run, tmp_path, said):
    code, out, _ = said("train", "qlae", "rooms", "--steps", "11", "--out", run, *SMALL)
    assert code == 0
    assert f"{run} has had 6 steps; going on" in out
    once = tmp_path / "once"
    main(["train", "qlae", "rooms", "--steps", "11", "--out", str(once), *SMALL])
    there, here = (load(folder) for folder in (once, run))
    assert there.training_state.step == here.training_state.step == 11
    for name, value in there.state_dict().items():
        assert torch.equal(value, here.state_dict()[name]), name


def test_a_finished_run_is_left_alone(run, said):
    before = files_in(run)
    code, out, _ = said("train", "qlae", "rooms", "--steps", "6", "--out", run, *SMALL)
    assert code == 0
    assert "has had 6 steps; ask for more --steps" in out
    assert files_in(run) == before


@pytest.mark.parametrize(
    ("model", "data", "more", "named"),
    [
        ("autoencoder", "rooms", [], "model qlae, this command asks for autoencoder"),
        ("qlae", "sprites", ["--sizes", "3", "1", "2", "2", "2"], "data rooms, this command asks for sprites"),
        ("qlae", "rooms", ["--sizes", "3", "3", "2", "2", "1", "3"], "sizes 3 3 2 2 1 2, .* 3 3 2 2 1 3"),
        ("qlae", "rooms", ["--size", "20"], "size 16, this command asks for 20"),
        ("qlae", "rooms", ["--num-latents", "9"], "num_latents 15, this command asks for 9"),
        ("qlae", "rooms", ["--weight-decay", "0.5"], "weight_decay 0.3, this command asks for 0.5"),
        ("qlae", "rooms", ["--seed", "4"], "seed 0, this command asks for 4"),
        ("qlae", "rooms", ["--batch-size", "4"], "batch_size 8, this command asks for 4"),
    ],
)
def test_a_run_that_was_begun_otherwise_is_refused_and_untouched(run, said, model, data, more, named):
    before = files_in(run)
    code, out, error = said("train", model, data, "--steps", "9", "--out", run, *SMALL, *more)
    assert (code, out) == (2, "")
    assert re.search(named, error)
    assert "choose another --out" in error
    assert error.count("\n") == 1
    assert files_in(run) == before


def test_a_checkpoint_made_elsewhere_is_not_trained_on(tmp_path, capsys):
    dlq.save(dlq.qlae((3, 16, 16)), tmp_path / "mine")
    assert main(["train", "qlae", "rooms", "--out", str(tmp_path / "mine"), *SMALL]) == 2
    assert "did not begin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said_so"),
    [
        (["gan", "rooms"], r"no model 'gan'; there are .*autoencoder_paper.*qlae_paper"),
        (["qlae", "cats"], r"no data 'cats'; give rooms, sprites, faces, digits, a folder of images"),
        (["qlae", "ffhq:nowhere"], r".*nowhere does not exist; give the path of a folder of images"),
        (["qlae", "ffhq:x", "--full"], "ffhq is no grid of factors"),
        (["qlae", "missing.npz"], r"missing\.npz does not exist"),
        (["autoencoder", "rooms", "--num-values", "4"], "autoencoder has no num_values; leave out --num-values"),
        (["qlae", "digits", "--full"], "leave out --sizes and --full"),
        (["qlae", "rooms", "--full", "--sizes", "1", "1", "1", "1", "1", "1"], "leave out one of the two"),
        (["qlae", "rooms", "--sizes", "5", "5"], "sizes has 2 numbers, 6 are needed"),
        (["qlae", "rooms", "--steps", "3", "--settle", "4"], "settle between 0 and steps"),
        (["qlae", "rooms", "--batch-size", "0"], "a batch_size of at least 1"),
        (["qlae", "rooms", "--device", "toaster"], "there is no device 'toaster'; give cpu"),
        (["qlae-paper", "rooms", "--size", "24"], "the authors' network needs squares"),
    ],
)
def test_a_wrong_argument_is_one_line_that_says_what_is_right(arguments, said_so, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["train", *arguments, "--out", str(out), "--no-progress"]) == 2
    error = capsys.readouterr().err
    assert re.match(f"dlq: .*{said_so}", error)
    assert error.count("\n") == 1
    assert not (out / "model.json").exists()


def test_a_result_that_cannot_be_kept_is_noticed_before_training(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr("dlq.training.fit", lambda *_, **__: pytest.fail("it trained"))
    assert main(["train", "qlae", "rooms", "--out", str(tmp_path / "file"), *SMALL]) == 2
    assert re.match(
        r"dlq: cannot make the folder .*file: it is a file; choose another --out\n$", capsys.readouterr().err
    )
    assert (tmp_path / "file").read_text() == "mine"


def test_hyphens_paper_models_and_their_defaults(tmp_path):
    asked = ["--sizes", "2", "2", "1", "1", "1", "2", "--num-latents", "3", "--batch-size", "1", "--no-progress"]
    assert main(["train", "qlae-paper", "rooms", "--steps", "1", "--out", str(tmp_path), *asked, "--size", "32"]) == 0
    assert card(tmp_path)["model"]["name"] == "qlae_paper"
    assert sources.describe("rooms", paper=True) == {"name": "rooms", "size": 64, "sizes": None, "path": None}
    assert sources.describe("rooms", full=True) == {"name": "rooms", "size": 16, "sizes": None, "path": None}
    assert sources.describe("digits")["size"] == 28


def test_weights_that_leave_the_finite_are_an_error_and_the_last_good_ones_are_kept(tmp_path, capsys):
    asked = ["train", "qlae", "rooms", "--learning-rate", "1e38", "--steps", "50", "--out", str(tmp_path), *SMALL]
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert "lower the learning rate" in error
    step = int(re.search(r"at step (\d+)", error)[1])
    assert load(tmp_path).training_state.step == step > 0


def test_a_long_run_is_saved_on_the_way_and_a_full_disk_does_not_end_it(tmp_path, capsys, monkeypatch):
    steps, genuine = [], runs.save

    def save(model, *args, **kwargs):
        steps.append(model.training_state.step)
        if len(steps) == 2:
            raise WriteError("no room")
        return genuine(model, *args, **kwargs)

    monkeypatch.setattr(runs, "AUTOSAVE", 0.0)
    monkeypatch.setattr(runs, "save", save)
    assert main(["train", "qlae", "rooms", "--steps", "3", "--out", str(tmp_path), *SMALL]) == 0
    assert steps == [1, 2, 3, 3, 3]  # each step, then the end, then with the scores
    assert "dlq: note: no room" in capsys.readouterr().err


def test_keep_best_ends_with_the_lowest_loss(tmp_path):
    asked = ["train", "qlae", "rooms", "--steps", "12", "--learning-rate", "0.1", "--keep-best", "--out", str(tmp_path)]
    assert main([*asked, *SMALL]) == 0
    model = load(tmp_path)
    assert model.training_state.best[0] == min(model.training_state.history.terms["total"])
    for name, value in model.training_state.best[1].items():
        assert torch.equal(value, model.state_dict()[name]), name


def small_dsprites(path):
    """A file of the official layout with 2 shapes, 1 scale, 1 orientation, 2 x 2 places."""
    rng, sizes = np.random.default_rng(0), (1, 2, 1, 1, 2, 2)
    classes = np.stack(np.unravel_index(np.arange(8), sizes), 1)
    images = (rng.random((8, 64, 64)) < 0.5).astype(np.uint8)
    np.savez(path, imgs=images, latents_classes=classes, latents_values=classes.astype(float) + 1)


def test_a_file_is_remembered_by_its_whole_path(tmp_path, monkeypatch, capsys):
    small_dsprites(tmp_path / "sprites.npz")
    monkeypatch.chdir(tmp_path)
    asked = ["--steps", "2", "--sizes", "2", "1", "1", "2", "2", "--batch-size", "4", "--no-progress", "--out", "run"]
    assert main(["train", "qlae", "sprites.npz", *asked]) == 0
    record = card(tmp_path / "run")["data"]
    assert (record["name"], record["size"], record["path"]) == ("dsprites", 16, str(tmp_path / "sprites.npz"))
    monkeypatch.chdir("/")
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert "qlae on dsprites, 8 of 8 images" in capsys.readouterr().out


def squares_of_two_greys(folder):
    """Sixteen images, eight in each of two sub-folders."""
    for name, grey in (("dark", 20), ("light", 200)):
        (folder / name).mkdir(parents=True)
        for k in range(8):
            Image.new("L", (40, 40), grey + k).save(folder / name / f"{k}.png")


def test_a_folder_of_images_is_trained_on_and_opened_again_from_anywhere(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    squares_of_two_greys(tmp_path / "pictures")
    monkeypatch.chdir(tmp_path)
    asked = ["--steps", "2", "--batch-size", "4", "--num-latents", "4", "--no-progress", "--out", "run"]
    assert main(["train", "autoencoder", "pictures", *asked]) == 0
    record = card(tmp_path / "run")["data"]
    assert record == {"name": "image_folder", "size": 32, "sizes": None, "path": str(tmp_path / "pictures")}
    monkeypatch.chdir("/")
    data = sources.open_source(record)
    assert data.images[:][:, 0, 0, 0].tolist() == [*range(20, 28), *range(200, 208)]
    assert (data.factor_names, data.factors[:, 0].tolist()) == (("class",), [0] * 8 + [1] * 8)
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert "autoencoder on image_folder, 16 of 16 images" in capsys.readouterr().out


def test_a_reader_is_named_before_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    squares_of_two_greys(tmp_path / "train")
    record = sources.describe("vggface2:.")
    assert record == {"name": "vggface2", "size": 32, "sizes": None, "path": str(tmp_path)}
    assert sources.open_source(record | {"size": 16}).factor_values[0].tolist() == ["dark", "light"]
    assert sources.describe("celeba:x", paper=True)["size"] == 64
    assert sources.describe("fashion-mnist:x")["size"] == 28
    assert sources.describe("mpi3d_toy:a.npz", sizes=(2,))["name"] == "mpi3d"
    small_dsprites(tmp_path / "any.name.npz")
    same = sources.open_source(sources.describe("dsprites:any.name.npz", sizes=(2, 1, 1, 2, 2)))
    assert same.image_shape == (1, 16, 16)
    with pytest.raises(DataError, match="no data 'nothing:x'; give rooms, sprites, faces, digits, a folder of images"):
        sources.describe("nothing:x")
    with pytest.raises(ValueError, match=r"celeba is no grid of factors.*leave out --sizes and --full"):
        sources.describe("celeba:x", full=True)


def test_a_name_alone_is_looked_for_where_data_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DLQ_DATA", str(tmp_path))
    with pytest.raises(DataError, match="no files of mnist"):
        sources.describe("mnist")
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte").touch()
    assert sources.describe("mnist")["path"] == str(tmp_path / "mnist")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_between_two_steps_and_the_same_command_goes_on(number, code, tmp_path, capsys):
    folder = tmp_path / "run"
    asked = ["train", "qlae", "rooms", "--out", str(folder), *SMALL[:-3], "--device", "cpu", "--steps"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dlq", *asked, "40000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    bar = b""
    while b"reconstruction" not in bar:  # the first entry of the bar: training is under way
        bar += process.stderr.read1()
        assert process.poll() is None, bar
    process.send_signal(number)
    out, error = process.communicate(timeout=30)
    assert process.returncode == code
    step = load(folder).training_state.step
    assert f"interrupted: saved {folder} after {step:,} of 40,000 steps; the same command goes on" in out.decode()
    assert b"Traceback" not in error
    assert main([*asked, str(step + 1), "--no-progress"]) == 0
    assert f"has had {step:,} steps; going on" in capsys.readouterr().out


@pytest.fixture
def ctrl_c():
    """Python's own answer to Ctrl-C, also where the tests run as a background job, for which shells ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_signal_waits_until_the_file_is_written(ctrl_c):
    ended = []

    def write():
        with signals_held():
            signal.raise_signal(signal.SIGINT)
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        write()
    assert ended
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigterm_counts_once_and_reaches_a_job_for_which_the_shell_ignores_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with sigterm_as_interrupt() as came:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
            assert came.is_set()
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)


# dlq evaluate


def test_evaluate_prints_what_dlq_evaluate_finds(run, said):
    scores = dlq.evaluate(load(run), dlq.datasets.rooms(16, (3, 3, 2, 2, 1, 2)), num_samples=50, seed=3)
    code, out, _ = said("evaluate", run, "--num-samples", 50, "--seed", 3)
    assert code == 0
    assert f"{run}: qlae on rooms, 50 of 72 images" in out
    assert f"modularity    {scores.infomec.modularity:.2f}\n" in out
    assert f"PSNR          {scores.psnr:.1f} dB\n" in out
    best = int(scores.infomec.nmi[1].argmax())
    assert re.search(rf"wall_hue +z\[{best}\] +{scores.infomec.nmi[1].max():.2f}\n", out)
    assert re.search(r"shape +constant +-\n", out)
    assert out.splitlines()[-1] == (
        f"{scores.infomec!r}, PSNR {scores.psnr:.1f} dB. Next: dlq export {run} --html page.html"
    )


def test_evaluate_json_is_json_alone(run, said):
    _, out, _ = said("evaluate", run, "--json")
    found = json.loads(out)
    scores = dlq.evaluate(load(run), dlq.datasets.rooms(16, (3, 3, 2, 2, 1, 2)))
    assert found["explicitness"] == scores.infomec.explicitness
    assert found["factors"]["shape"] == {"latent": None, "nmi": None}
    assert found["num_available"] == 72


def test_other_data_can_be_named(run, said):
    code, out, _ = said("evaluate", run, "--data", "rooms", "--sizes", 2, 2, 2, 1, 4, 1)
    assert code == 0
    assert "32 of 32 images" in out


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_a_model_that_does_not_know_its_data_asks_for_them(command, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dlq.save(dlq.autoencoder((3, 16, 16)), "mine")
    assert main([command, "mine"]) == 2
    assert re.match(r"dlq: mine does not say which data .*; add --data with rooms", capsys.readouterr().err)
    assert main([command, "mine", "--data", "rooms", "--sizes", "3", "3", "3", "1", "1", "2"]) == 0
    if command == "export":
        assert (tmp_path / "mine.html").stat().st_size > 10_000


def test_a_missing_run_is_one_line(capsys):
    assert main(["evaluate", "nowhere"]) == 2
    assert re.match(r"dlq: there is no checkpoint folder nowhere; .*\n$", capsys.readouterr().err)


# dlq export


def page_state(path):
    return json.loads(
        re.search(r'<script type="application/json" id="state">(.*?)</script>', path.read_text(), re.S)[1]
    )


def test_the_page_starts_from_the_image_asked_for_and_marks_unseen_codes(run, said, tmp_path):
    path = tmp_path / "page.html"
    code, out, _ = said("export", run, "--html", path, "--title", "What they <mean>", "--image", 5)
    assert code == 0
    assert f"wrote {path}: {path.stat().st_size / 1e6:.2f} MB" in out.splitlines()[-1]
    assert "<title>What they &lt;mean&gt;</title>" in path.read_text()
    state, model, data = page_state(path), load(run), dlq.datasets.rooms(16, (3, 3, 2, 2, 1, 2))
    z = dlq.encode(model, data, rows=[5])[0]
    levels = [int((values.sort().values - z[i]).abs().argmin()) for i, values in enumerate(model.codebook)]
    assert state["code"] == levels
    assert state["live"] is False
    assert state["atlas"]["unseen"].count("1") > 0
    assert state["atlas"]["unseen"].count("0") > 0


def test_a_page_made_from_some_of_the_images_says_so(run, said, tmp_path):
    _, out, _ = said("export", run, "--html", tmp_path / "page.html", "--num-samples", 9)
    assert "do not occur in 9 of the 72 images" in out


def test_export_names_what_is_wrong(run, said, tmp_path):
    code, _, error = said("export", run, "--html", tmp_path / "page.html", "--image", 72)
    assert (code, error) == (2, "dlq: there is no image 72; give --image a number from 0 to 71\n")
    code, _, error = said("export", run, "--html", tmp_path / "no" / "page.html")
    assert code == 2
    assert "there is no folder" in error


# dlq doctor


def test_the_doctor_is_content_here(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"^  torch +{re.escape(torch.__version__)}$", out, re.M)
    assert re.search(r"^  memory +[\d.]+ GiB total", out, re.M)
    assert "MISSING" not in out


def test_the_doctor_names_what_is_missing_and_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "REQUIRED", (*doctor.REQUIRED, "dlq-needs-this"))
    monkeypatch.setattr(doctor, "OPTIONAL", {"dlq-likes-this": ("joy", '"dlq[joy]"')})
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"^  dlq-needs-this +MISSING, required$", out, re.M)
    assert "missing: pip install dlq-needs-this\n" in out
    assert 'pip install "dlq[joy]"\n' in out


def test_the_doctor_finds_a_shipped_model_that_does_not_load(tmp_path, capsys, monkeypatch):
    dlq.save(dlq.qlae((3, 16, 16)), tmp_path / "good")
    dlq.save(dlq.qlae((3, 16, 16)), tmp_path / "bad")
    next((tmp_path / "bad").glob("weights*")).write_bytes(b"<html>")
    monkeypatch.setattr("dlq.checkpoints.SHIPPED", tmp_path)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "good loads" in out
    assert re.search(r"bad does NOT load: .*damaged", out)


# dlq reproduce


@pytest.fixture
def quick_recipe(monkeypatch):
    for name, value in {"STEPS": 4, "SETTLE": 2, "SHARPEN_STEPS": 1, "SIZES": (2, 2, 2, 1, 1, 2)}.items():
        monkeypatch.setattr(reproduce, name, value)
    monkeypatch.setattr(reproduce, "SHARP_SIZE", 32)


def test_a_reproduced_model_is_small_and_its_card_tells_the_truth(quick_recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "qlae-rooms", "--no-progress"]) == 0
    folder, data = tmp_path / "qlae-rooms", dlq.datasets.rooms(32, (2, 2, 2, 1, 1, 2))
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
    model, record = load(folder), card(folder)
    assert model.training_state is None
    assert all(torch.equal(v, v.half().float()) for v in model.state_dict().values() if v.is_floating_point())
    assert record["scores"]["psnr"] == pytest.approx(dlq.evaluate(model, data).psnr, abs=1e-5)
    assert record["steps"] == {"fit": 4, "of them settle": 2, "sharpen": 1}
    assert main(["evaluate", "qlae-rooms"]) == 0
    assert "sharpened on rooms, 16 of 16 images" in capsys.readouterr().out
    assert main(["reproduce", "qlae-rooms"]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_nothing_is_reproduced_into_the_package_or_by_an_unknown_name(quick_recipe, capsys):
    inside = Path(dlq.__file__).parent / "shipped" / "nothing-of-this-name"
    assert main(["reproduce", "qlae-rooms", "--out", str(inside)]) == 2
    assert "lies inside the package" in capsys.readouterr().err
    assert not inside.exists()
    assert main(["reproduce", "vae-rooms"]) == 2
    assert "there are qlae-rooms" in capsys.readouterr().err


# Errors


def test_a_bug_keeps_its_traceback(monkeypatch):
    def broken(arguments):
        raise RuntimeError("a bug")

    monkeypatch.setattr(doctor, "doctor", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["doctor"])


def test_without_tyro_a_command_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tyro", None)
    assert main(["evaluate", "runs/first"]) == 2
    assert capsys.readouterr().err == "dlq: this command needs the package tyro; install it with: pip install tyro\n"
