"""The command line. ``main`` finds the command; each has a file here that loads when it is used, so that help is quick.

Exit codes: 0 done, 1 a check failed, 2 a wrong argument or an error with its remedy, 130 interrupted, 143 terminated.
"""

import contextlib
import importlib
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from dlq.cli.signals import sigterm_as_interrupt

COMMANDS = {
    "train": "train a model on a data set; interrupt it whenever you like, the same command goes on",
    "evaluate": "score a trained model: InfoMEC, PSNR, and which latent holds which factor",
    "score": "score latents against factors in two files by every metric; needs no torch",
    "compare": "put finished runs side by side: means over seeds with intervals",
    "export": "write one web page with a slider for each latent, which needs no kernel and no network",
    "datasets": "list the data sets: what is on disk, what can be downloaded, where they are looked for",
    "reproduce": "train a model that comes with dlq again, by its committed recipe",
    "study": "run the trainings behind a lesson's figure; stop it and start it as you like",
    "bench": "measure speed on this machine; --gpu trains a slice of the paper's run",
    "doctor": "say what is installed, what is missing, and how to get it",
}
PLAIN = ("bench", "doctor")  # parse their own arguments with argparse: they must run where little is installed
OVERVIEW = """dlq: learn, teach and analyse disentangled representations

commands:
{commands}

examples:
  dlq train qlae rooms --steps 2000 --out runs/first
  dlq evaluate runs/first
  dlq export runs/first --html page.html

`dlq COMMAND --help` shows the options of a command and more examples; `dlq --version` the version."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command (default: the one that was typed) and returns its exit code."""
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    if name in ("-h", "--help", "help"):
        print(OVERVIEW.format(commands="\n".join(f"  {key:10} {text}" for key, text in COMMANDS.items())))
        return 0
    if name in ("-V", "--version"):
        print(f"dlq {sys.modules['dlq'].__version__}")
        return 0
    if name not in COMMANDS:
        return _complain(f"there is no command {name!r}; there are {', '.join(COMMANDS)}")
    return _guarded(name, rest)


def _guarded(name: str, arguments: list[str]) -> int:
    """Errors that name their remedy become one line; anything else is a bug, and keeps its traceback."""
    with sigterm_as_interrupt() as terminated, _notes_as_lines():
        try:
            code = _run(name, arguments)
        except KeyboardInterrupt:
            code = 130
            _complain("interrupted")
        except BrokenPipeError:  # the reader of a pipe has seen enough; what Python flushes at its end goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 141
        except (ValueError, OSError) as error:
            code = _complain(str(error))
        except ImportError as error:
            code = _complain(f"{error}; `dlq doctor` says what is missing" if error.name else str(error))
    return 143 if code == 130 and terminated.is_set() else code


def _run(name: str, arguments: list[str]) -> int:
    if name in PLAIN:
        return getattr(importlib.import_module(f"dlq.cli.{name}"), name)(arguments)
    tyro = _tyro()
    module = importlib.import_module(f"dlq.cli.{name}")
    function: Callable[..., int] = getattr(module, name)
    about = (inspect.getdoc(function) or "").partition("Args:")[0].strip()
    return tyro.cli(
        function,
        args=arguments,
        prog=f"dlq {name}",
        description=f"{about}\n\nExamples:\n{module.EXAMPLES}",
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def _tyro() -> Any:
    try:
        return importlib.import_module("tyro")
    except ImportError:
        raise ImportError("this command needs the package tyro; install it with: pip install tyro") from None


@contextlib.contextmanager
def _notes_as_lines() -> Any:
    """Warnings meant for the reader come as one line, without the source line that Python adds."""

    def show(message: Warning | str, category: type[Warning], *where: object) -> None:
        print(f"dlq: note: {_one_line(str(message))}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _complain(text: str) -> int:
    print(f"dlq: {_one_line(text)}", file=sys.stderr)
    return 2


def _one_line(text: str) -> str:
    return " ".join(text.split())
