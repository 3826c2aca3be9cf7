"""What a GPU does with the paper's model: the tests marked gpu, steps a second in float32 and bfloat16, and a slice of
the paper's training, all within the minutes asked for. Results are written after each part."""

import json
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from dlq.cli.bench import paper, report
from dlq.cli.scores import as_record, in_short
from dlq.evaluation import evaluate
from dlq.training import fit

ROOT = Path(__file__).resolve().parents[3]  # of a checkout


def measure(out: Path, *, minutes: float, parts: Sequence[str], resume: Path | None) -> int:
    """Runs the parts and returns 1 where a test failed; without CUDA the same code runs, tiny, on the CPU."""
    deadline = time.monotonic() + 60 * minutes
    cuda = torch.cuda.is_available()
    device, plan = torch.device("cuda" if cuda else "cpu"), paper.PAPER if cuda else paper.TINY
    if not cuda:
        print("there is no CUDA device here: the same code runs, tiny, on the CPU; its numbers say nothing")
    name = "" if cuda else "-on-cpu"
    path, found = out / f"gpu{name}.json", report.circumstances(device) | {"plan": plan._asdict()}
    found = _kept(path, found) | found
    steps = {
        "tests": lambda: run_tests(timeout=60 * minutes / 3),
        "speed": lambda: [speed(plan, device, bf16) for bf16 in (False, True)],
        "train": lambda: train(plan, device, out / f"paper-slice{name}", resume, deadline),
    }
    for part in parts:
        found[part] = steps[part]()
        found["measured"] = found.get("measured", {}) | {part: report.now()}
        report.write(path, found)
        print(_in_words(part, found[part]), flush=True)
    print(f"wrote {path}")
    tests = found["tests"] if "tests" in parts else {}
    return 1 if tests.get("failed") or tests.get("problem") else 0


def run_tests(*, timeout: float) -> dict[str, Any]:
    """Runs the tests marked gpu of this checkout in another process and counts them; ``failed`` counts errors too."""
    files = [path for path in sorted(ROOT.glob("tests/**/test_*.py")) if re.search(r"mark\.gpu\b", path.read_text())]
    if not files:
        return {"problem": f"{ROOT} has no tests marked gpu; run this in a checkout"}
    with tempfile.TemporaryDirectory() as folder:
        xml_path = Path(folder) / "tests.xml"
        options = ["-m", "gpu", "-p", "no:cacheprovider", "--continue-on-collection-errors", f"--junitxml={xml_path}"]
        start = time.monotonic()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *map(str, files)],
                cwd=ROOT, timeout=timeout, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"problem": f"the tests took more than {timeout:.0f} s"}
        seconds = time.monotonic() - start
        if not xml_path.exists():
            return {"problem": (done.stdout + done.stderr)[-2000:]}
        suite = xml.etree.ElementTree.parse(xml_path).getroot().find("testsuite")
        assert suite is not None
        count = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    output = done.stdout[-4000:] if failed else ""
    return {"passed": passed, "failed": failed, "skipped": count["skipped"], "seconds": seconds, "output": output}


def speed(plan: paper.Plan, device: torch.device, bf16: bool) -> dict[str, Any]:
    """Steps a second of the paper's QLAE, data rendered on the device, and the most memory that torch held."""
    model, data = paper.build(plan, bf16=bf16)
    warm = max(1, plan.timed_steps // 10)
    fit(model, data, steps=warm, device=device, progress=False)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    history = fit(model, data, steps=warm + plan.timed_steps, device=device, progress=False)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    seconds = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else None
    return {
        "precision": "bfloat16" if bf16 else "float32",
        "steps_per_second": plan.timed_steps / seconds,
        "steps": plan.timed_steps,
        "peak_memory_mb": peak,
        "last_loss": history.terms["total"][-1],
    }


def train(plan: paper.Plan, device: torch.device, folder: Path, resume: Path | None, deadline: float) -> dict[str, Any]:
    """Trains the paper's QLAE from scratch or from ``resume`` until little time is left, scores and saves it."""
    model, data = paper.build(plan)
    stops = [] if resume is None else paper.load_slice(model, resume)
    before, start = paper.training_state(model).step, time.monotonic()
    deadline -= min(plan.reserve, (deadline - start) / 4)
    stopped = paper.train_until(model, data, plan, folder, device=device, deadline=deadline, stops=stops)
    seconds = time.monotonic() - start
    scores = evaluate(model, data, num_samples=plan.num_samples, seed=0)
    state = paper.training_state(model)
    print(f"  {in_short(scores)}", flush=True)
    return {
        "model": model.preset._asdict(),  # type: ignore[union-attr, operator]
        "stopped": stopped,
        "step": state.step,
        "steps_this_time": state.step - before,
        "seconds_this_time": seconds,
        "seconds": state.history.seconds,
        "resumed_at": stops,
        "scores": as_record(scores),
        "folder": folder.name,
    }


def _kept(path: Path, now: dict[str, Any]) -> dict[str, Any]:
    """The parts that an earlier command measured on the same device with the same versions."""
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    same = all(before.get(key) == json.loads(json.dumps(now[key])) for key in ("device", "versions", "plan"))
    return {key: before[key] for key in ("tests", "speed", "train", "measured") if same and key in before}


def _in_words(part: str, found: Any) -> str:
    if part == "speed":
        rates = ", ".join(f"{row['precision']} {row['steps_per_second']:.1f} steps/s" for row in found)
        peaks = [f"{row['peak_memory_mb']:,.0f} MB" for row in found if row["peak_memory_mb"] is not None]
        return f"  paper's QLAE: {rates}" + (f"; at most {', '.join(peaks)}" if peaks else "")
    if part == "tests":
        counts = ", ".join(f"{found[key]} {key}" for key in ("passed", "failed", "skipped") if key in found)
        return f"  tests marked gpu: {counts or found['problem']}"
    return f"  slice ended ({found['stopped']}) at step {found['step']:,}, saved in {found['folder']}"
