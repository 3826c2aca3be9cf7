"""What each part of WSC-swap does: the full model and four that lack a part, same width, steps and pairs.

Scored on people that nothing was trained on, a fresh draw for each seed, by a judge that no model was trained with.
"""

import itertools
import time
from typing import Any

from dlq.cli.cards import finished
from dlq.cli.study.record import mean_and_interval

ROWS: dict[str, dict[str, Any]] = {
    "skip connections": {"skip": True, "encoders": 1, "identity_removal": None, "preservation": False},
    "one encoder": {"encoders": 1, "identity_removal": None, "preservation": False},
    "no identity removal": {"identity_removal": None, "composite": "surroundings"},
    "no preservation": {"preservation": False, "composite": "surroundings"},
    "full": {"composite": "surroundings"},
}
SEEDS, STEPS, BATCH, SIZE = 3, 700, 16, 32
TEST_PEOPLE, TEST_IMAGES, TEST_SEED = 250, 3, 50_000
SCORES = (
    *("leak_over_exact", "retrieval", "to_source", "to_target", "on_source", "on_target", "correlation"),
    *("psnr_inside", "l1_outside", "consistency", "shape", "expression", "pose", "light", "skin"),
    *("attributes linear", "attributes MLP", "background linear"),
)


def settings(steps: int) -> dict[str, Any]:
    """What all runs of one file have in common."""
    from dlq.cli.faces import IMAGES_EACH, PEOPLE, source

    test = {"num_identities": TEST_PEOPLE, "images_per_identity": TEST_IMAGES, "seed": f"{TEST_SEED} + seed"}
    return {
        "data": source(SIZE, PEOPLE[SIZE], IMAGES_EACH),
        "test": test,
        "steps": steps,
        "batch_size": BATCH,
        "rows": ROWS,
    }


def jobs(seeds: int) -> list[dict[str, Any]]:
    """What makes each run different from all others."""
    return [{"model": model, "seed": seed} for seed, model in itertools.product(range(seeds), ROWS)]


def run(job: dict[str, Any], steps: int, progress: bool) -> dict[str, Any]:
    """Trains the model of one job and scores its swaps."""
    from dlq import models
    from dlq.cli import faces
    from dlq.swaps import evaluate_swaps
    from dlq.training import fit

    start, data = time.perf_counter(), faces.people(SIZE, faces.SEED, faces.PEOPLE[SIZE], faces.IMAGES_EACH)
    design = {"image_shape": data.image_shape, "seed": job["seed"], **ROWS[job["model"]]}
    model: Any = models.build("wsc_swap", design)
    finished(fit(model, data, steps=steps, batch_size=BATCH, seed=job["seed"], progress=progress))
    unseen = faces.people(SIZE, TEST_SEED + job["seed"], TEST_PEOPLE, TEST_IMAGES)
    return (
        job | scores(evaluate_swaps(model, unseen, seed=job["seed"])) | {"seconds": round(time.perf_counter() - start)}
    )


def scores(found: Any) -> dict[str, Any]:
    """The model's row, what can be read off its codes, slopes by factor, and the rows to compare with; five digits."""
    record = found.to_dict()
    rows = {name: _short(row) for name, row in record["rows"].items()}
    return rows.pop("model") | _short(record["probes"]) | {"slopes": record["slopes"], "beside": rows}


def table(runs: list[dict[str, Any]]) -> str:
    """Means and intervals over seeds, a block for each score, a line for each model."""
    lines = []
    for score in SCORES:
        lines.append(f"  {score}")
        for model in ROWS:
            cells = [run[score] for run in runs if run["model"] == model and run.get(score) is not None]
            lines.append(f"    {model:22}{mean_and_interval(cells) if len(cells) > 1 else cells or '-'}")
    return "\n".join(lines)


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {key: None if value is None else round(value, 5) for key, value in row.items()}
