"""Continuous against quantized codes: InfoWGAN-GP on rooms, same networks, same steps.

Scored as any encoder is: InfoMEC of what it reads off real images. A discrete and a continuous code are compared under one
estimator twice: neighbours (quantized codes before quantization) and counts (continuous ones in as many bins as values).
"""

import itertools
import time
from typing import Any

from dlq.cli.cards import finished
from dlq.cli.study.record import mean_and_interval

MODELS = ("info_wgan_gp", "ql_info_wgan_gp")
DATA = {"colours": (5, 5, 5, 1, 1, 1), "five factors": (5, 5, 5, 4, 1, 5)}
LATENTS = {"colours": 9, "five factors": 15}
SEEDS, STEPS, SIZE, NUM_VALUES = 5, 6_000, 16, 3
SCORES = ("modularity", "neighbours", "counted", "explicitness", "psnr", "codes_read")


def settings(steps: int) -> dict[str, Any]:
    """What all runs of one file have in common."""
    data = {name: {"name": "rooms", "size": SIZE, "sizes": [*sizes]} for name, sizes in DATA.items()}
    return {"data": data, "num_latents": LATENTS, "num_values": NUM_VALUES, "steps": steps}


def jobs(seeds: int) -> list[dict[str, Any]]:
    """What makes each run different from all others."""
    product = itertools.product(range(seeds), DATA, MODELS)
    return [{"model": model, "data": data, "seed": seed} for seed, data, model in product]


def run(job: dict[str, Any], steps: int, progress: bool) -> dict[str, Any]:
    """Trains the model of one job and scores its encoder and its drawings."""
    from dlq import models
    from dlq.cli.games import code_scores
    from dlq.datasets import rooms
    from dlq.training import fit

    start, data = time.perf_counter(), rooms(SIZE, DATA[job["data"]])
    arguments = {"image_shape": data.image_shape, "num_latents": LATENTS[job["data"]], "seed": job["seed"]}
    model: Any = models.build(job["model"], arguments)
    finished(fit(model, data, steps=steps, seed=job["seed"], progress=progress))
    scores = code_scores(model, data) | same_estimator(model, data)
    return job | scores | {"seconds": round(time.perf_counter() - start, 1)}


def same_estimator(model: Any, data: Any) -> dict[str, float]:
    """Modularity of a model's codes by neighbours, before any quantization, and counted, after it or in bins."""
    from dlq.evaluation import encode, evaluate
    from dlq.metrics import binned, nmi
    from dlq.metrics.infomec import modularity_compactness, usual_rule

    before = evaluate(model, data, latents=model.encoder, discrete=False).infomec
    assert before is not None
    codes = encode(model, data)
    codes = binned(codes, NUM_VALUES) if model.codebook is None else codes
    return {
        "neighbours": before.modularity,
        "counted": modularity_compactness(nmi(data.factors, codes, discrete=True), usual_rule(True)(codes))[0],
    }


def table(runs: list[dict[str, Any]]) -> str:
    """Means and intervals over seeds, a block for each data set, a line for each score."""
    lines = []
    for data in DATA:
        lines.append(f"  {data:14}" + "".join(f"{model:28}" for model in MODELS).rstrip())
        for score in SCORES:
            cells = [[r[score] for r in runs if (r["model"], r["data"]) == (m, data)] for m in MODELS]
            lines.append(f"  {score:14}" + "".join(f"{mean_and_interval(c) if c else '-':28}" for c in cells).rstrip())
    return "\n".join(lines)
