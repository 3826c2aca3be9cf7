import dataclasses
import json
import os
import subprocess
import sys
import time

import pytest
import torch

from dlq.checkpoints import CheckpointError
from dlq.cli import main
from dlq.cli.bench import browser, gpu, metrics, paper, report
from dlq.cli.bench.shards import read_shards, write_shards

CPU = torch.device("cpu")

# What a cluster's node looks like: no front end, no command line, no type checker, and dlq is not installed.
BARE = """
from importlib.machinery import PathFinder

MISSING = {"tyro", "plotly", "anywidget", "ipywidgets", "beartype"}
find_spec, find_distributions = PathFinder.find_spec, PathFinder.find_distributions


def spec(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in MISSING else find_spec(name, path, target)


def distributions(cls, *context):
    found = find_distributions(*context)
    return (each for each in found if each.metadata["Name"] not in MISSING | {"dlq"})


PathFinder.find_spec, PathFinder.find_distributions = classmethod(spec), classmethod(distributions)
"""


@pytest.fixture
def without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


# Measuring


def test_the_first_call_is_not_counted():
    calls = []
    assert len(report.timed(lambda: calls.append(1), 3)) == 3
    assert len(calls) == 4


def test_a_row_quotes_the_median_of_all_that_it_keeps():
    row = report.result("speed", "images/s", [5.0, 1.0, 9.0])
    assert (row["median"], row["repeats"]) == (5.0, [5.0, 1.0, 9.0])


def test_a_percentile_by_hand():
    assert browser.percentile([7.0], 95) == 7.0
    assert browser.percentile([float(n) for n in range(101)], 95) == pytest.approx(95.0)


def test_what_the_browser_section_lacks_is_a_sentence(monkeypatch):
    monkeypatch.setattr(browser, "CHROMIUM", "/nowhere/chromium")
    assert "/nowhere/chromium, so it is left out; install it" in browser.missing()


def test_ours_and_the_authors_way_are_the_same_numbers():
    rows = {row["name"]: row for row in metrics.measurements(1, 2000) if "largest_difference" in row}
    limits = {"NMI": 1e-9, "100 iterations": 1e-6, "optimum": 1e-3}
    assert len(rows) == 6
    for name, row in rows.items():
        assert row["largest_difference"] <= next(limit for words, limit in limits.items() if words in name), name


def test_the_cpu_bench_prints_what_it_writes(tmp_path, capsys):
    assert main(["bench", "--quick", "--out", str(tmp_path / "new")]) == 0
    found = json.loads((tmp_path / "new" / "cpu-quick.json").read_text())
    assert [row["unit"] for row in found["results"]] == [
        *("images/s", "steps/s"),
        *("s", "s", "times") * 6,
        "ms",
        *("images/s", "images/s", "times") * 2,
        *(("ms", "ms", "kB", "ms") if browser.missing() is None else ()),
    ]
    assert all(row["median"] > 0 for row in found["results"])
    assert found["threads"] == torch.get_num_threads()
    assert found["versions"]["torch"] == torch.__version__
    assert found["quick"] is True
    lines = capsys.readouterr().out.splitlines()
    for row, line in zip(found["results"], lines, strict=False):
        name, rest = row["name"].strip(), line.strip()
        assert rest.startswith(name)
        assert rest.removeprefix(name).partition(" (")[0].endswith(row["unit"])
        assert ("goal" in rest.removeprefix(name)) == ("goal" in row)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--parts", "speed"], "belong to --gpu"),
        (["--repeats", "0"], "not above zero"),
        (["--gpu", "--parts", "x"], "x"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["bench", "--out", str(tmp_path), *arguments])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


# Files of a bounded size


def test_shards_are_bounded_and_read_back_bit_for_bit(tmp_path):
    generator = torch.Generator().manual_seed(0)
    tensors = {f"layer.{i}.weight": torch.randn(100, i + 1, generator=generator).half() for i in range(12)}
    tensors["count"] = torch.tensor(7)
    entries = write_shards(tmp_path, "weights", tensors, max_bytes=5_000)
    sizes = [(tmp_path / entry["file"]).stat().st_size for entry in entries]
    assert len(sizes) > 3
    assert max(sizes) <= 5_000
    back = read_shards(tmp_path, entries)
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name], tensor)


def test_the_papers_weights_in_half_precision_need_two_files(tmp_path):
    model, _ = paper.build(paper.PAPER)
    paper.save_slice(model, tmp_path, [])
    sizes = [path.stat().st_size for path in tmp_path.glob("weights-*")]
    assert len(sizes) == 2
    assert max(sizes) <= 15_000_000 < sum(sizes)


def test_a_tensor_that_fits_no_file_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"big takes 4,000 bytes, a file may have 4,000"):
        write_shards(tmp_path, "weights", {"big": torch.zeros(1000)}, max_bytes=4_000)


@pytest.mark.parametrize(("spoil", "said"), [("remove", "is missing; copy all 2 files"), ("change", "is damaged")])
def test_a_shard_that_is_not_what_was_written_is_an_error(spoil, said, tmp_path):
    entries = write_shards(tmp_path, "weights", {"a": torch.zeros(900), "b": torch.ones(900)}, max_bytes=5_000)
    path = tmp_path / entries[1]["file"]
    path.unlink() if spoil == "remove" else path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(CheckpointError, match=said):
        read_shards(tmp_path, entries)


# A slice of the paper's training


def train(model, data, folder, *, seconds, stops=()):
    deadline = time.monotonic() + seconds
    return paper.train_until(model, data, paper.TINY, folder, device=CPU, deadline=deadline, stops=[*stops])


def test_a_slice_ends_at_its_time_and_goes_on_from_its_files(tmp_path):
    model, data = paper.build(paper.TINY)
    assert train(model, data, tmp_path / "a", seconds=0) == "time"
    assert model.training_state.step == paper.TINY.chunk
    fresh, _ = paper.build(paper.TINY)
    assert paper.load_slice(fresh, tmp_path / "a") == [2]
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, model.state_dict()[name].half().float()), name
    assert train(fresh, data, tmp_path / "a", seconds=60, stops=[2]) == "finished"
    assert fresh.training_state.step == 2 + paper.TINY.at_once
    assert fresh.training_state.history.steps == [1, 2, 3, 4, 5, 6]
    again, _ = paper.build(paper.TINY)
    assert paper.load_slice(again, tmp_path / "a") == [2, 6]
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"slice.json", "weights-6-1.safetensors"}


def test_a_slice_that_leaves_the_finite_says_so_and_keeps_its_weights(tmp_path):
    model, data = paper.build(paper.TINY)
    model.learning_rate = 1e38
    reason = train(model, data, tmp_path, seconds=60)
    assert "before this step was taken" in reason
    kept, _ = paper.build(paper.TINY)
    paper.load_slice(kept, tmp_path)
    assert kept.training_state.step == model.training_state.step == 1


def test_a_slice_of_another_model_or_none_is_refused(tmp_path):
    model, _ = paper.build(paper.TINY)
    paper.save_slice(model, tmp_path, [])
    wider, _ = paper.build(paper.TINY._replace(width=4))
    with pytest.raises(CheckpointError, match="another model"):
        paper.load_slice(wider, tmp_path)
    with pytest.raises(CheckpointError, match=r"slice\.json cannot be read"):
        paper.load_slice(model, tmp_path / "nowhere")


def test_the_paper_plan_is_the_papers():
    model, data = paper.build(paper.PAPER)
    assert len(data) == 480_000
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(7.65e6, rel=0.01)
    recipe = dataclasses.asdict(model.recipe)
    assert (recipe["batch_size"], recipe["bf16"], recipe["steps"]) == (128, True, paper.PAPER.max_steps)


# The parts together


def test_parts_are_kept_on_the_same_machine_only(tmp_path, without_cuda):
    assert main(["bench", "--gpu", "--parts", "speed", "--out", str(tmp_path)]) == 0
    assert main(["bench", "--gpu", "--parts", "train", "--out", str(tmp_path)]) == 0
    path = tmp_path / "gpu-on-cpu.json"
    found = json.loads(path.read_text())
    assert [row["precision"] for row in found["speed"]] == ["float32", "bfloat16"]
    assert set(found["measured"]) == {"speed", "train"}
    path.write_text(json.dumps(found | {"device": "another"}))
    assert main(["bench", "--gpu", "--parts", "train", "--out", str(tmp_path)]) == 0
    assert "speed" not in json.loads(path.read_text())


def test_failures_and_errors_of_gpu_tests_are_counted_and_are_the_exit_code(tmp_path, without_cuda, monkeypatch):
    (tmp_path / "tests").mkdir()
    marked = "import pytest\n@pytest.mark.gpu\ndef test_{0}(): assert {1}\n"
    (tmp_path / "tests" / "test_a.py").write_text(marked.format("good", 1) + marked.format("bad", 0))
    (tmp_path / "tests" / "test_b.py").write_text("import nothing_of_this_name\n" + marked.format("lost", 1))
    (tmp_path / "tests" / "test_c.py").write_text("import nothing_of_this_name_either\n")
    monkeypatch.setattr(gpu, "ROOT", tmp_path)
    assert main(["bench", "--gpu", "--parts", "tests", "--out", str(tmp_path)]) == 1
    found = json.loads((tmp_path / "gpu-on-cpu.json").read_text())["tests"]
    assert (found["passed"], found["failed"], found["skipped"]) == (1, 2, 0)
    assert "nothing_of_this_name" in found["output"]


@pytest.mark.parametrize(("have_tests", "said"), [(False, "no tests marked gpu"), (True, "took more than")])
def test_tests_that_cannot_be_counted_are_a_problem(have_tests, said, tmp_path, monkeypatch):
    (tmp_path / "tests").mkdir()
    if have_tests:
        (tmp_path / "tests" / "test_a.py").write_text("import time, pytest\npytest.mark.gpu\ntime.sleep(60)\n")
    monkeypatch.setattr(gpu, "ROOT", tmp_path)
    assert said in gpu.run_tests(timeout=0.5)["problem"]


def test_it_all_runs_from_a_bare_checkout(tmp_path, without_cuda):
    (tmp_path / "sitecustomize.py").write_text(BARE)
    bare = os.environ | {"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    lacks = (
        "import importlib.util as u; print(u.find_spec('tyro'), u.find_spec('beartype'), bool(u.find_spec('torch')))"
    )
    out = subprocess.run([sys.executable, "-c", lacks], env=bare, capture_output=True, text=True, check=True).stdout
    assert out.split() == ["None", "None", "True"]
    done = subprocess.run(
        [sys.executable, "-m", "dlq", "bench", "--gpu", "--minutes", "5", "--out", str(tmp_path / "out")],
        env=bare, cwd=gpu.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("there is no CUDA device here: the same code runs, tiny, on the CPU")
    found = json.loads((tmp_path / "out" / "gpu-on-cpu.json").read_text())
    assert (found["tests"]["passed"], found["tests"]["failed"]) == (0, 0)
    assert found["tests"]["skipped"] >= 8
    assert found["train"]["step"] == 4
    assert found["train"]["scores"]["num_images"] == 64
    resume = ["--resume", str(tmp_path / "out" / "paper-slice-on-cpu"), "--out", str(tmp_path / "more")]
    assert main(["bench", "--gpu", *resume]) == 0
    again = json.loads((tmp_path / "more" / "gpu-on-cpu.json").read_text())
    assert (again["train"]["step"], again["train"]["steps_this_time"], again["train"]["resumed_at"]) == (8, 4, [4])
    assert "tests" not in again
