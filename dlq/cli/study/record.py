"""The file of a study: what all its runs have in common, then one line a run."""

import datetime
import json
from pathlib import Path
from typing import Any


def begun(path: Path, name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The record of an earlier command, or a new one; a ValueError where the earlier one was set otherwise."""
    from dlq.cli import machine
    from dlq.training import device

    if path.exists():
        try:
            record = json.loads(path.read_text())
            found, command = record["settings"], record["command"]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{path} was not written by `dlq study {name}`; choose another --out") from None
        if (found, command) != (settings, f"dlq study {name}"):
            raise ValueError(
                f"{path} holds runs of `{command}` with {found}, these have {settings}; choose another --out"
            )
        return record
    about = {"device": machine.device_name(device()), "versions": machine.versions()}
    date = datetime.date.today().isoformat()
    return {"command": f"dlq study {name}", "settings": settings, "date": date, **about, "runs": []}


def write(path: Path, record: dict[str, Any]) -> None:
    """One run a line, so that a difference between two files can be read."""
    from dlq.atomic import write_atomic

    path.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps({k: v for k, v in record.items() if k != "runs"}, indent=1)[:-2]
    runs = ",\n".join(f"  {json.dumps(run)}" for run in record["runs"])
    write_atomic(path, f'{head},\n "runs": [\n{runs}\n ]\n}}\n'.encode())


def mean_and_interval(values: list[float]) -> str:
    """``0.91 ± 0.03 (n=5)``: the mean and half the 95 % t-interval."""
    from dlq.metrics import mean_interval

    found = mean_interval(values)
    return f"{found.mean:.3f} ± {found.high - found.mean:.3f} (n={len(values)})"
