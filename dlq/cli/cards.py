"""The card of a model that comes with dlq: the command that trained it, on what, with which seed, where and when."""

import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def about(name: str, data: dict[str, Any], seed: int, start: float) -> dict[str, Any]:
    """What every card says; ``data`` is the record of a source, ``start`` the ``time.perf_counter`` of the beginning."""
    from dlq.cli import machine
    from dlq.training import device

    return {
        "command": f"dlq reproduce {name}",
        "data": data,
        "seed": seed,
        "device": machine.device_name(device()),
        "versions": machine.versions(),
        "date": datetime.date.today().isoformat(),
        "seconds": round(time.perf_counter() - start, 1),
    }


def save_scored(model: Any, out: Path, card: dict[str, Any], score: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Saves a model in half precision and returns its card, with the scores of the model read back from that file."""
    from dlq import checkpoints

    checkpoints.save(model, out, half=True, training=False, card=card)
    card["scores"] = score(checkpoints.load(out))
    checkpoints.save(model, out, half=True, training=False, card=card)
    return card


def finished(history: Any) -> None:
    """``fit`` returns where it is interrupted; half a recipe is no model."""
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
