"""Speed on the CPU: rendering, training, mutual information, the quantizer, batches. Medians of several repeats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dlq.cli.bench import browser, data, metrics, report
from dlq.cli.bench.metrics import FACTOR_SIZES
from dlq.datasets import rooms
from dlq.models import qlae
from dlq.quantizers import LatentQuantizer
from dlq.training import fit


def measure(out: Path, *, repeats: int = 9, quick: bool = False) -> Path:
    """Prints a table and writes ``cpu.json`` (``cpu-quick.json``: numbers that are not worth quoting) in ``out``."""
    path = out / ("cpu-quick.json" if quick else "cpu.json")
    rows: list[dict[str, Any]] = []
    for row in measurements(1 if quick else repeats, quick=quick):
        rows.append(row)
        print(f"  {row['name']:52}{_shown(row['median']):>10} {row['unit']}{_against(row)}", flush=True)
    report.write(path, report.circumstances(torch.device("cpu")) | {"quick": quick, "results": rows})
    print(f"wrote {path}: medians of {1 if quick else repeats} repeats")
    return path


def _against(row: dict[str, Any]) -> str:
    """What is said of a goal, and of the value that 95 of 100 do not exceed."""
    most = f"95 of 100 within {_shown(row['p95'])}" if "p95" in row else ""
    goal = f"goal {_shown(row['goal'])}" if "goal" in row else ""
    return f" ({', '.join(filter(None, (most, goal)))})" if most or goal else ""


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def measurements(repeats: int, *, quick: bool = False) -> Iterator[dict[str, Any]]:
    """One row after the other; ``quick`` makes each tiny."""
    yield _rooms(repeats, sizes=(2, 2, 2, 2, 1, 2) if quick else FACTOR_SIZES, batches=1 if quick else 20)
    yield _training(repeats, steps=5 if quick else 400)
    yield from metrics.measurements(repeats, 200 if quick else 10_000)
    yield _quantizer(repeats, calls=2 if quick else 200)
    yield from data.measurements(repeats, num_images=64 if quick else 4096)
    if lacking := browser.missing():
        print(f"  {lacking}")
    else:
        yield from browser.measurements(2 if quick else 200)


def _rooms(repeats: int, *, sizes: tuple[int, ...], batches: int) -> dict[str, Any]:
    scene, rng = rooms(64, sizes), np.random.default_rng(0)
    rows = rng.integers(len(scene), size=(batches, 128))

    def render() -> None:
        for each in rows:
            scene.batch(each)

    rates = [batches * 128 / seconds for seconds in report.timed(render, repeats)]
    return report.result("rooms, 64 px, float batches of 128", "images/s", rates)


def _training(repeats: int, *, steps: int) -> dict[str, Any]:
    small = rooms(16, (5, 5, 5, 4, 1, 5))
    model = qlae(small.image_shape)
    taken = 0

    def train() -> None:
        nonlocal taken
        taken += steps
        fit(model, small, steps=taken, device="cpu", progress=False)

    rates = [steps / seconds for seconds in report.timed(train, repeats)]
    return report.result("teaching QLAE, rooms at 16 px, batch 32", "steps/s", rates)


def _quantizer(repeats: int, *, calls: int) -> dict[str, Any]:
    quantizer = LatentQuantizer(12, 10)
    soft = torch.rand(128, 12, generator=torch.Generator().manual_seed(0)).sub_(0.5).requires_grad_()

    def forward_and_backward() -> None:
        for _ in range(calls):
            quantized = quantizer(soft)
            (quantized.z.sum() + torch.stack([*quantized.losses.values()]).sum()).backward()

    milliseconds = [1e3 * seconds / calls for seconds in report.timed(forward_and_backward, repeats)]
    return report.result("quantizer, 12 latents of 10 values, batch 128", "ms", milliseconds)
