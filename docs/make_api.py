"""Pages of the API reference: one for each part of dlq, with every public name of it."""

import importlib
import inspect
import re
from pathlib import Path

from make_lessons import write

import dlq

API = Path(__file__).parent / "api"
PARTS = ["dlq", "dlq.datasets", "dlq.metrics", "dlq.plots", "dlq.widgets", "dlq.export", "dlq.models", "dlq.course"]
ROOMS = {  # headings of the page of `dlq`; a room that is not listed comes last, under its own name
    "models": "Models",
    "quantizers": "Quantizers",
    "training": "Training",
    "recipe": "Recipes",
    "checkpoints": "Saving and loading",
    "evaluation": "Encoding and scoring",
    "metrics": "Scoring arrays",
    "comparison": "Comparing",
    "axes": "Which latents matter",
    "diagnosis": "When training goes wrong",
    "swaps": "Face swaps",
}
COMMANDS = """The ``dlq`` command
===================

Each command has ``--help``.

"""


def public(part: str) -> list[str]:
    """The public names of a part that are not modules, in alphabetical order."""
    module = importlib.import_module(part)
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    members = {name: getattr(module, name) for name in names}
    home = part + "."
    mine = [
        name
        for name, value in members.items()
        if (inspect.isclass(value) or inspect.isroutine(value))
        and (part == "dlq" or (value.__module__ + ".").startswith(home))
    ]
    if part == "dlq.models":  # those that `dlq` itself offers are on its page
        mine = [name for name in mine if name not in dlq.__all__]
    return sorted(mine, key=str.lower)


def entry(part: str, name: str) -> str:
    """The directive that documents one name."""
    value = getattr(importlib.import_module(part), name)
    if not inspect.isclass(value):
        return f".. autofunction:: {part}.{name}\n"
    kind = "autoexception" if issubclass(value, Exception) else "autoclass"
    # A widget has its pages from its own parents, and much from ipywidgets that nobody needs here.
    parents = "   :inherited-members: AnyWidget,DOMWidget,Widget,LoggingHasTraits,HasTraits\n"
    return f".. {kind}:: {part}.{name}\n   :members:\n" + (parents if part == "dlq.widgets" else "")


def section(part: str, names: list[str]) -> str:
    """A table of the names with a sentence each, then each in full."""
    table = "".join(f"   ~{part}.{name}\n" for name in names)
    return f".. autosummary::\n   :nosignatures:\n\n{table}\n" + "\n".join(entry(part, name) for name in names) + "\n"


def heading(text: str, line: str) -> str:
    """A heading of reStructuredText."""
    return f"{text}\n{line * len(text)}\n\n"


def page(part: str) -> str:
    """The page of one part, under the first paragraph of its docstring."""
    about = inspect.cleandoc(importlib.import_module(part).__doc__ or "").split("\n\n")[0]
    top = heading(f"``{part}``", "=") + ("What ``import dlq`` offers." if part == "dlq" else about) + "\n\n"
    names = public(part)
    if part != "dlq":
        return top + section(part, names)
    rooms: dict[str, list[str]] = {room: [] for room in ROOMS}
    for name in names:
        rooms.setdefault(getattr(dlq, name).__module__.split(".")[1], []).append(name)
    parts = [heading(ROOMS.get(room, room), "-") + section(part, members) for room, members in rooms.items() if members]
    return top + "\n".join(parts)


def commands() -> str:
    """The page of the command line: what each command does, with its examples."""
    from dlq.cli import COMMANDS as LIST

    text = COMMANDS
    for name, what in LIST.items():
        module = importlib.import_module(f"dlq.cli.{name}")
        text += heading(f"dlq {name}", "-") + what[0].upper() + what[1:] + ".\n\n"
        examples = inspect.cleandoc(getattr(module, "EXAMPLES", ""))
        if examples:
            lines = [re.sub(r" {2,}", "  # ", line.strip(), count=1) for line in examples.splitlines()]
            text += ".. code-block:: shell\n\n" + "".join(f"   {line}\n" for line in lines) + "\n"
    return text


def make() -> None:
    """Writes ``docs/api/``."""
    for part in PARTS:
        write(API / f"{part}.rst", page(part))
    write(API / "commands.rst", commands())
    listing = "".join(f"   {name}\n" for name in [*PARTS, "commands"])
    write(API / "index.rst", heading("Reference", "=") + ".. toctree::\n   :maxdepth: 1\n\n" + listing)


if __name__ == "__main__":
    make()
