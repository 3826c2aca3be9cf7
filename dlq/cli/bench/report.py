"""The JSON of a benchmark: what was measured, on which machine, with which versions and threads, when."""

import datetime
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from dlq.atomic import write_atomic
from dlq.cli import machine


def now() -> str:
    """The date and time, in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def circumstances(device: torch.device) -> dict[str, Any]:
    """What numbers depend on."""
    found = {
        "date": now(),
        "device": machine.device_name(device),
        "processor": machine.processor(),
        "threads": torch.get_num_threads(),
        "versions": machine.versions(),
    }
    if device.type == "cuda":
        found["cuda"] = {
            "runtime": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "tf32_convolutions": torch.backends.cudnn.allow_tf32,
            "memory_gb": round(torch.cuda.get_device_properties(device).total_memory / 1e9, 1),
        }
    return found


def write(path: Path, content: dict[str, Any]) -> None:
    """Writes the JSON whole."""
    write_atomic(path, (json.dumps(content, indent=1) + "\n").encode())


def timed(action: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each of several calls, after one that is not counted."""
    action()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return seconds


def result(name: str, unit: str, values: list[float]) -> dict[str, Any]:
    """A row: the median, and all that it is the median of."""
    return {"name": name, "median": statistics.median(values), "unit": unit, "repeats": values}
