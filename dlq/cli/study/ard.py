"""How many latents are relevant against how many there are, for ARD-VAE and for a VAE with the prior N(0, 1).

Both have the same beta; the data are sprites of which three factors vary (scale, x, y).
"""

import itertools
import time
from collections.abc import Sequence
from typing import Any

from dlq.cli.cards import finished

MODELS = ("ard_vae", "beta_vae")
NUM_LATENTS, BETAS = (8, 16, 32), (0.5, 1.0, 2.0)
SEEDS, STEPS = 3, 2_000
SIZE, SIZES, WIDTH, BATCH = 16, (1, 3, 1, 8, 8), 256, 100
SAID = 0.1  # nats: an axis whose KL is larger says something


def settings(steps: int) -> dict[str, Any]:
    """What all runs of one file have in common."""
    data = {"name": "sprites", "size": SIZE, "sizes": [*SIZES]}
    return {"data": data, "steps": steps, "batch_size": BATCH, "width": WIDTH, "likelihood": "bernoulli"}


def jobs(seeds: int, num_latents: Sequence[int] | None, betas: Sequence[float] | None) -> list[dict[str, Any]]:
    """What makes each run different from all others."""
    product = itertools.product(range(seeds), betas or BETAS, num_latents or NUM_LATENTS, MODELS)
    return [{"model": model, "num_latents": n, "beta": beta, "seed": seed} for seed, beta, n, model in product]


def run(job: dict[str, Any], steps: int, progress: bool) -> dict[str, Any]:
    """Trains the model of one job and counts its relevant latents."""
    return ard_run(job["model"], job["num_latents"], job["beta"], job["seed"], steps, progress)


def ard_run(model: str, num_latents: int, beta: float, seed: int, steps: int, progress: bool) -> dict[str, Any]:
    """Trains one model and counts its relevant latents; 0 and the reason where it has collapsed."""
    from dlq import models
    from dlq.axes import Collapsed, relevance
    from dlq.datasets import sprites
    from dlq.training import fit

    start, data = time.perf_counter(), sprites(size=SIZE, sizes=SIZES)
    arguments = {"num_latents": num_latents, "beta": beta, "width": WIDTH, "seed": seed}
    trained: Any = models.build(model, {"image_shape": list(data.image_shape), **arguments})
    finished(history := fit(trained, data, steps=steps, batch_size=BATCH, seed=seed, progress=progress))
    run: dict[str, Any] = {"model": model, "num_latents": num_latents, "beta": beta, "seed": seed}
    run |= {name: round(values[-1], 4) for name, values in history.terms.items() if name in ("reconstruction", "kl")}
    try:
        found = relevance(trained, data)
        run |= {"relevant": len(found.axes), "above_0.1_nat": int((found.kl > SAID).sum())}
        run["shares"] = [round(float(share), 5) for share in found.shares[found.order]]
    except Collapsed as reason:
        run |= {"relevant": 0, "above_0.1_nat": 0, "shares": [], "note": str(reason)}
    return run | {"seconds": round(time.perf_counter() - start, 1)}


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
