"""How well InfoGAN's category names the digit: the game of 2016, the game with consistency, consistency alone.

On the 5,000 real digits, without labels. Generated digits are judged by the classifier that comes with dlq, real ones are
read by Q; both are matched with the digits one to one, as well as possible.
"""

import itertools
import time
from typing import Any

from dlq.cli.cards import finished
from dlq.cli.study.record import mean_and_interval

MODELS = ("consistency", "consistency alone", "plain")
SEEDS, STEPS = 5, 4_000
ALONE = 5  # the control without a game has a fifth of the steps, and has learnt by then


def settings(steps: int) -> dict[str, Any]:
    """What all runs of one file have in common."""
    return {"data": {"name": "digits", "size": 28}, "steps": steps, "steps_alone": max(1, steps // ALONE)}


def jobs(seeds: int) -> list[dict[str, Any]]:
    """What makes each run different from all others."""
    return [{"model": model, "seed": seed} for model, seed in itertools.product(MODELS, range(seeds))]


def run(job: dict[str, Any], steps: int, progress: bool) -> dict[str, Any]:
    """Trains the model of one job and matches its categories with the digits."""
    import numpy as np

    from dlq import models
    from dlq.cli.games import category_scores
    from dlq.datasets import digits
    from dlq.evaluation import encode
    from dlq.metrics import match_codes
    from dlq.training import fit

    start, data = time.perf_counter(), digits()
    alone = job["model"] == "consistency alone"
    arguments = {} if alone else {"consistency": float(job["model"] == "consistency")}
    name = "consistency_only" if alone else "infogan"
    model: Any = models.build(name, {"image_shape": data.image_shape, "seed": job["seed"], **arguments})
    finished(fit(model, data, steps=max(1, steps // ALONE) if alone else steps, seed=job["seed"], progress=progress))
    if alone:
        codes = encode(model, data)[:, 0].astype(np.int64)
        scores = {"match_real": match_codes(data.factors[:, 0], codes).accuracy}
    else:
        scores = category_scores(model, data)
    return job | scores | {"seconds": round(time.perf_counter() - start, 1)}


def table(runs: list[dict[str, Any]]) -> str:
    """Means and intervals over seeds, a line for each model."""
    lines = [f"  {'':20}{'generated digits':26}real digits"]
    for model in MODELS:
        found = [run for run in runs if run["model"] == model]
        cells = [[run[key] for run in found if key in run] for key in ("match_generated", "match_real")]
        lines.append(f"  {model:20}" + "".join(f"{mean_and_interval(c) if c else '-':26}" for c in cells).rstrip())
    return "\n".join(lines)
