"""``dlq study``: the trainings behind a lesson's figure, as a file of numbers that grows run by run.

The command goes on where an earlier one ended. Each study is a file here with its settings, jobs, one run, and a table.
"""

import functools
from pathlib import Path
from typing import Any

from dlq.cli.arguments import Count, Counts, File, Flag, Model, Numbers
from dlq.cli.study import ard, infogan, infowgan, swap
from dlq.cli.study.record import begun, write

EXAMPLES = """\
  dlq study ard
  dlq study ard --num-latents 8 16 --betas 1 --seeds 1 --out quick.json
  dlq study infogan
  dlq study infowgan --seeds 2 --out quick.json
  dlq study swap"""

STUDIES: dict[str, Any] = {"ard": ard, "infogan": infogan, "infowgan": infowgan, "swap": swap}


def study(
    name: Model,
    /,
    *,
    num_latents: Counts = None,
    betas: Numbers = None,
    seeds: Count = None,
    steps: Count = None,
    out: File = None,
    progress: Flag = True,
) -> int:
    """Trains the models of a study one by one and writes what a figure needs; stop it and start it as you like.

    Args:
        name: ard (relevant latents), infogan (digits named by a category), infowgan (continuous and quantized codes),
            swap (what each part of WSC-swap does)
        num_latents: of ard: how many latents the models have (default: 8 16 32)
        betas: of ard: weights of the KL (default: 0.5 1 2)
        seeds: how many seeds, 0 and up (default: 3 of ard and swap, 5 of the others)
        steps: training steps of each model (default: the study's own)
        out: the file to write and to go on from (default: benchmarks/NAME.json)
        progress: no progress bars
    """
    if name not in STUDIES:
        raise ValueError(f"there is no study {name!r}; there are {', '.join(STUDIES)}")
    if name != "ard" and (num_latents or betas):
        raise ValueError(f"--num-latents and --betas belong to the study ard; leave them out for {name}")
    plan, path = STUDIES[name], out or Path("benchmarks") / f"{name}.json"
    steps, seeds = plan.STEPS if steps is None else steps, plan.SEEDS if seeds is None else seeds
    jobs = functools.partial(plan.jobs, num_latents=num_latents, betas=betas) if plan is ard else plan.jobs
    record, wanted = begun(path, name, plan.settings(steps)), jobs(seeds)
    for job in wanted:
        if not any(done(job, run) for run in record["runs"]):
            record["runs"].append(plan.run(job, steps, progress))
            write(path, record)
    print(plan.table([run for run in record["runs"] if any(done(job, run) for job in wanted)]))
    print(f"{path} has {len(record['runs'])} runs")
    return 0


def done(job: dict[str, Any], run: dict[str, Any]) -> bool:
    """Whether a run is that of a job."""
    return job.items() <= {key: run[key] for key in job}.items()
