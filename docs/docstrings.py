"""Docstrings of dlq are prose; this reads their few conventions for Sphinx, which would take them for markup."""

import re
import sys

ARGUMENT = re.compile(r"^(\w+(?:, \w+)*) {2,}(\S.*)$")


def plain(text: str) -> str:
    """Takes ``|``, ``*`` and a final ``_`` literally, outside of ````code````."""
    parts = re.split(r"(``.*?``)", text)
    return "".join(part if k % 2 else re.sub(r"([|*]|(?<=\w)_(?!\w))", r"\\\1", part) for k, part in enumerate(parts))


def readable(lines: list[str]) -> list[str]:
    """Rows of "name    meaning" become a list of parameters, and what follows them a paragraph of its own."""
    made: list[str] = []
    listed = False
    for line in lines:
        if line.startswith("Create new instance of "):  # Python's own words in every named tuple
            continue
        found = ARGUMENT.match(line)
        if found:
            made += [] if listed or not made or not made[-1] else [""]
            made.append(f":param {found[1]}: {plain(found[2])}")
        elif listed and line.startswith(" "):
            made.append("    " + plain(line.strip()))
        else:
            made += [""] if listed or line.startswith("Errors:") else []
            made.append(plain(line))
        listed = bool(found) or (listed and line.startswith(" "))
    return made


def process(app, what, name, value, options, lines: list[str]) -> None:
    """The hook of autodoc: changes the lines in place."""
    lines[:] = readable(lines)


def shorter(app, what, name, value, options, signature: str | None, result: str | None) -> tuple | None:
    """Defaults come as their values where those are short, and functions as their names."""
    if signature is None:
        return None
    if signature.startswith("(*args: t.Any"):  # traitlets hides how a widget is made
        from sphinx.util import inspect as sphinx_inspect

        made = sphinx_inspect.signature(value.__init__, bound_method=True)
        signature = sphinx_inspect.stringify_signature(made, unqualified_typehints=True)
    home = vars(sys.modules.get(getattr(value, "__module__", None) or "", sys))

    def short(found: re.Match) -> str:
        known = home.get(found[2])
        text = repr(known)
        return found[1] + (text if isinstance(known, int | float | str | tuple) and len(text) < 60 else found[2])

    signature = re.sub(r"( = |(?<=\w)=)([A-Z][A-Z_0-9]+)\b", short, signature)
    signature = re.sub(r"<function (\w+)>", r"\1", signature.replace("<factory>", "..."))
    return re.sub(r"~(?:\w+\.)+", "", signature), result


def setup(app) -> dict:
    """Registers the hooks."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-process-signature", shorter)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
