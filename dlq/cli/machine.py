"""What this machine has: versions, processor, accelerator, memory. Loads torch only where a function says so."""

import contextlib
import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TRAINING: tuple[str, ...] = (
    "torch",
    "numpy",
    "scikit-learn",
    "einops",
    "jaxtyping",
    "tqdm",
    "safetensors",
    "filelock",
    "pillow",
)
TRAINING += ("lazy-loader",)

MEMORY = {"MemTotal": "total", "MemAvailable": "free"}


def version(package: str) -> str | None:
    """The installed version of a package; None where it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions(packages: Iterable[str] = ("torch", "numpy", "scikit-learn")) -> dict[str, str | None]:
    """Python and the packages that numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def processor() -> str:
    """The name of the CPU."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def device_name(device: Any) -> str:
    """A torch device in words; loads torch."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple MPS" if device.type == "mps" else processor()


def choose_device(name: str | None) -> Any:
    """The torch device of that name (default: the fastest there is); ValueError where there is none. Loads torch."""
    import torch

    from dlq.training import device

    if name is None:
        return device()
    try:
        chosen = torch.device(name)
    except RuntimeError:
        raise ValueError(f"there is no device {name!r}; give cpu, cuda, cuda:0 or mps") from None
    missing = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available(), "cpu": False}
    if missing.get(chosen.type, True):
        raise ValueError(f"this machine has no {name} device that torch can use; leave out --device, or give cpu")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"there is no {name}; the last CUDA device here is cuda:{torch.cuda.device_count() - 1}")
    return chosen


def cpus() -> int:
    """How many CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> dict[str, int]:
    """Bytes of memory, ``total`` and ``free`` where known; a container's limit counts as the total."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            key, _, rest = line.partition(":")
            if key in MEMORY:
                found[MEMORY[key]] = int(rest.split()[0]) * 1024
    if not found:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            found["total"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{name}").read_text()) for name in ("max", "current"))
        if limit < found.get("total", limit + 1):
            found = {"total": limit, "free": min(found.get("free", limit), limit - used)}
    return found
