"""``dlq study``: the trainings behind a lesson's figure, as a file of numbers that grows run by run.

``ard``: how many latents are relevant against how many there are, for ARD-VAE and for a VAE with the prior N(0, 1) and the
same beta, on sprites of which three factors vary (scale, x, y). The command goes on where an earlier one ended.
"""

import datetime
import itertools
import json
import time
from pathlib import Path
from typing import Any

from dlq.cli.arguments import Count, Counts, File, Flag, Model, Numbers

EXAMPLES = """\
  dlq study ard
  dlq study ard --num-latents 8 16 --betas 1 --seeds 1 --out quick.json"""

MODELS = ("ard_vae", "beta_vae")
NUM_LATENTS, BETAS, SEEDS, STEPS = (4, 8, 16, 32), (0.5, 1.0, 2.0), 3, 4_000
SIZE, SIZES, WIDTH, BATCH = 16, (1, 3, 1, 8, 8), 256, 100
SAID = 0.1  # nats: an axis whose KL is larger says something


def study(
    name: Model,
    /,
    *,
    num_latents: Counts = None,
    betas: Numbers = None,
    seeds: int = SEEDS,
    steps: Count = None,
    out: File = None,
    progress: Flag = True,
) -> int:
    """Trains the models of a study one by one and writes what a figure needs; stop it and start it as you like.

    Args:
        name: ard
        num_latents: how many latents the models have (default: 4 8 16 32)
        betas: weights of the KL (default: 0.5 1 2)
        seeds: how many seeds, 0 and up
        steps: training steps of each model (default: 4000)
        out: the file to write and to go on from (default: benchmarks/ard.json)
        progress: no progress bars
    """
    if name != "ard":
        raise ValueError(f"there is no study {name!r}; there is ard")
    path = out or Path("benchmarks/ard.json")
    jobs = [*itertools.product(range(seeds), betas or BETAS, num_latents or NUM_LATENTS, MODELS)]
    record = begun(path, STEPS if steps is None else steps)
    done = {key(run) for run in record["runs"]}
    for seed, beta, latents, model in jobs:
        if (model, latents, beta, seed) not in done:
            record["runs"].append(ard_run(model, latents, beta, seed, record["settings"]["steps"], progress))
            write(path, record)
    found = [run for run in record["runs"] if (run["seed"], run["beta"], run["num_latents"], run["model"]) in set(jobs)]
    print(table(found))
    print(f"{path} has {len(record['runs'])} runs")
    return 0


def begun(path: Path, steps: int) -> dict[str, Any]:
    """The record of an earlier command, or a new one; a ValueError where the earlier one was set otherwise."""
    from dlq.cli import machine
    from dlq.training import device

    data = {"name": "sprites", "size": SIZE, "sizes": [*SIZES]}
    settings = {"data": data, "steps": steps, "batch_size": BATCH, "width": WIDTH, "likelihood": "bernoulli"}
    if path.exists():
        try:
            record = json.loads(path.read_text())
            found = record["settings"]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{path} was not written by `dlq study ard`; choose another --out") from None
        if found != settings:
            raise ValueError(f"{path} holds runs with {found}, these have {settings}; choose another --out")
        return record
    about = {"device": machine.device_name(device()), "versions": machine.versions()}
    return {
        "command": "dlq study ard",
        "settings": settings,
        "date": datetime.date.today().isoformat(),
        **about,
        "runs": [],
    }


def key(run: dict[str, Any]) -> tuple[str, int, float, int]:
    """What makes a run different from all others."""
    return run["model"], run["num_latents"], run["beta"], run["seed"]


def ard_run(model: str, num_latents: int, beta: float, seed: int, steps: int, progress: bool) -> dict[str, Any]:
    """Trains one model and counts its relevant latents; 0 and the reason where it has collapsed."""
    from dlq import models
    from dlq.axes import Collapsed, relevance
    from dlq.datasets import sprites
    from dlq.training import fit

    start, data = time.perf_counter(), sprites(size=SIZE, sizes=SIZES)
    arguments = {"num_latents": num_latents, "beta": beta, "width": WIDTH, "seed": seed}
    trained: Any = models.build(model, {"image_shape": list(data.image_shape), **arguments})
    history = fit(trained, data, steps=steps, batch_size=BATCH, seed=seed, progress=progress)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    run: dict[str, Any] = {"model": model, "num_latents": num_latents, "beta": beta, "seed": seed}
    run |= {name: round(values[-1], 4) for name, values in history.terms.items() if name in ("reconstruction", "kl")}
    try:
        found = relevance(trained, data)
        run |= {"relevant": len(found.axes), "above_0.1_nat": int((found.kl > SAID).sum())}
        run["shares"] = [round(float(share), 5) for share in found.shares[found.order]]
    except Collapsed as reason:
        run |= {"relevant": 0, "above_0.1_nat": 0, "shares": [], "note": str(reason)}
    return run | {"seconds": round(time.perf_counter() - start, 1)}


def write(path: Path, record: dict[str, Any]) -> None:
    """One run a line, so that a difference between two files can be read."""
    from dlq.atomic import write_atomic

    path.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps({k: v for k, v in record.items() if k != "runs"}, indent=1)[:-2]
    runs = ",\n".join(f"  {json.dumps(run)}" for run in record["runs"])
    write_atomic(path, f'{head},\n "runs": [\n{runs}\n ]\n}}\n'.encode())


def table(runs: list[dict[str, Any]]) -> str:
    """Relevant latents over seeds: a line for each model and beta, a column for each number of latents."""
    columns = sorted({run["num_latents"] for run in runs})
    lines = [f"  {'relevant of':18}" + "".join(f"{n:>9}" for n in columns)]
    for model, beta in sorted({(run["model"], run["beta"]) for run in runs}):
        cells = []
        for n in columns:
            counts = [
                run["relevant"] for run in runs if (run["model"], run["beta"], run["num_latents"]) == (model, beta, n)
            ]
            cells.append(f"{' '.join(map(str, counts)):>9}")
        lines.append(f"  {model:9} beta {beta:<4g}" + "".join(cells))
    return "\n".join(lines)
