"""``dlq compare``: finished runs side by side, means over seeds with their intervals."""

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import tyro

from dlq.cli.arguments import File, Flag

Runs = Annotated[tuple[str, ...], tyro.conf.arg(metavar="RUN [RUN ...]", help_behavior_hint="(required)")]

EXAMPLES = """\
  dlq compare runs/*
  dlq compare runs/* --html comparison.html
  dlq compare runs/qlae-* --json > comparison.json"""


def compare(
    runs: Runs,
    /,
    *,
    html: File = None,
    json: Flag = False,
    num_samples: int = 10_000,
) -> int:
    """Compares finished runs: a row for each model, the mean over its seeds with half of its 95% interval.

    Runs that differ in nothing but their seed are one model. Quantized and continuous latents are compared under one
    estimator too. A run of `dlq train` is scored now; what dlq.compare kept has its scores.

    Args:
        runs: folders that `dlq train` or dlq.compare made; other folders and files among them are left out
        html: write the table and the figure as one page
        json: print JSON and nothing else
        num_samples: how many images a run is scored on, drawn without replacement
    """
    from dlq.comparison import Comparison

    folders = [folder for folder in runs if (Path(folder) / "model.json").exists()]
    if not folders:
        raise ValueError(
            f"there is no run among {', '.join(runs) or 'no names'}; give folders that `dlq train` made, such as runs/*"
        )
    found = [_read(folder, num_samples) for folder in folders]
    _check_alike(found)
    comparison = Comparison(tuple(_named(found)))
    if html is not None:
        _write_page(comparison, html)
    if json:
        print(json_text.dumps([run.to_dict() for run in comparison.runs], indent=1))
        return 0
    if len(folders) < len(runs):
        print(f"{len(runs) - len(folders)} of the names given hold no finished run and are left out\n")
    print(comparison)
    print(f"\nwrote {html}" if html is not None else "\nNext: the same with --html comparison.html")
    return 0


def _read(folder: str, num_samples: int) -> Any:
    """The run of a folder, scored now where it has no scores of a comparison."""
    from dlq.checkpoints import card
    from dlq.cli.runs import open_run
    from dlq.comparison import Run, compared_scores

    record = card(folder)
    if "compared" in record:
        return Run.from_dict(record["compared"])._replace(folder=folder)
    model, data, _ = open_run(folder)
    preset = None if getattr(model, "preset", None) is None else model.preset._asdict()
    state = getattr(model, "training_state", None)
    schedule = {"steps": None if state is None else state.step, "batch_size": record.get("batch_size")}
    source = {"name": data.name, "num_images": len(data), "image_shape": [*data.image_shape]}
    settings = {"preset": preset, "data": source, "factor_sizes": [*map(int, data.factor_sizes)], **schedule}
    scores = compared_scores(model, data, num_samples=num_samples)
    name, seed = preset["name"] if preset else Path(folder).name, record.get("seed", 0)
    return Run(name, seed, scores, settings, record.get("seconds", 0.0), folder=folder)


def _check_alike(runs: list[Any]) -> None:
    """Scores on different data say nothing about models."""
    first = runs[0]
    for run in runs:
        for key in ("data", "factor_sizes"):
            if run.settings.get(key) != first.settings.get(key):
                raise ValueError(
                    f"{first.folder} and {run.folder} have other data ({key}: {first.settings.get(key)} and "
                    f"{run.settings.get(key)}); compare runs on the same data"
                )


def _named(runs: list[Any]) -> list[Any]:
    """Runs under the name of their preset and, where runs of one preset differ, the arguments they differ in."""
    arguments = [_arguments(run) for run in runs]
    named: list[Any] = []
    taken: dict[tuple[str, int], str] = {}
    for run, own in zip(runs, arguments, strict=True):
        others = [other for each, other in zip(runs, arguments, strict=True) if _preset(each) == _preset(run)]
        differing = [key for key in own if any(other.get(key) != own[key] for other in others)]
        name = _preset(run) + (f" ({', '.join(f'{key} {own[key]}' for key in differing)})" if differing else "")
        if (name, run.seed) in taken:
            raise ValueError(
                f"{taken[name, run.seed]} and {run.folder} are the same model with the same seed; leave out one"
            )
        taken[name, run.seed] = run.folder
        named.append(run._replace(model=name))
    return named


def _preset(run: Any) -> str:
    return run.settings["preset"]["name"] if run.settings.get("preset") else run.model


def _arguments(run: Any) -> dict[str, Any]:
    """All that tells one run of a preset from another, except the seed."""
    preset = run.settings.get("preset")
    own = {} if preset is None else {k: v for k, v in preset["arguments"].items() if k not in ("seed", "image_shape")}
    return own | {key: run.settings.get(key) for key in ("steps", "batch_size")}


def _write_page(comparison: Any, path: Path) -> None:
    from dlq.atomic import write_atomic

    figure = comparison.figure().to_html(full_html=False, include_plotlyjs=True)
    style = "body{font-family:sans-serif;max-width:70em;margin:2em auto;padding:0 1em}td,th{padding:.2em .8em}"
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Comparison of models</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head>'
        f"<body><h1>Comparison of models</h1>{comparison._repr_html_()}{figure}</body></html>"
    )
    write_atomic(path, page.encode())
