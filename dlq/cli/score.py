"""``dlq score``: every metric on two files of numbers, from whatever program wrote them; needs no torch."""

import json as json_text
import sys
import zipfile
from pathlib import Path
from typing import Any

from dlq.cli.arguments import File, Flag

EXAMPLES = """\
  dlq score factors.npy latents.npy
  dlq score factors.csv latents.csv --discrete
  dlq score codes.npz codes.npz --json scores.json    one file with the arrays factors and latents"""


def score(
    factors: Path,
    latents: Path,
    /,
    *,
    discrete: Flag = False,
    continuous: Flag = False,
    json: File = None,
    max_samples: int = 10_000,
    seed: int = 0,
) -> int:
    """Scores latents against known factors: InfoMEC, MIG, SAP, DCI, FactorVAE and beta-VAE scores, and others.

    Args:
        factors: .npy, .npz or .csv with a row for each image and a whole number for each factor
        latents: .npy, .npz or .csv with a row for each image, in the same order, and a number for each latent
        discrete: the latents take few values (default: found out by counting)
        continuous: they do not
        json: also write the scores to this file
        max_samples: how many rows are drawn, without replacement, where there are more
        seed: of all draws
    """
    from dlq.atomic import write_atomic
    from dlq.metrics import score as score_arrays

    if discrete and continuous:
        raise ValueError("found --discrete and --continuous; latents are one or the other, give at most one of them")
    kind = True if discrete else False if continuous else None
    tables = read_array(factors, "factors"), read_array(latents, "latents")
    table = score_arrays(*tables, discrete=kind, max_samples=max_samples, seed=seed, progress=_tell)
    _tell("")
    print(table)
    if json is not None:
        text = json_text.dumps({"factors": str(factors), "latents": str(latents), **table.to_dict()}, indent=1)
        write_atomic(json, text.encode())
    return 0


def _tell(sentence: str) -> None:
    """Shows what is being computed, on a terminal alone, in place of what was shown before."""
    if sys.stderr.isatty():
        print(f"\r\033[K{sentence}", end="", file=sys.stderr, flush=True)


def read_array(path: Path, name: str) -> Any:
    """The array in a file; every error is one sentence."""
    import numpy as np

    if not path.is_file():
        raise ValueError(f"there is no file {path}; give the {name} as .npy, .npz or .csv")
    if path.suffix not in (".npy", ".npz", ".csv"):
        raise ValueError(f"{path} ends in {path.suffix or 'nothing'}; save the {name} as .npy, .npz or .csv")
    try:
        if path.suffix == ".csv":
            return _csv(path)
        found = np.load(path, allow_pickle=False)
        return found if path.suffix == ".npy" else _member(found, path, name)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read: {error}; save a plain numeric array with numpy.save") from None


def _csv(path: Path) -> Any:
    """Numbers separated by commas, under a line of names or not."""
    import numpy as np

    with path.open(encoding="utf-8-sig") as lines:
        first = lines.readline()
    try:
        [float(cell) for cell in first.split(",")]
        skip = 0
    except ValueError:
        skip = 1
    return np.loadtxt(path, delimiter=",", skiprows=skip, ndmin=2, encoding="utf-8-sig")


def _member(found: Any, path: Path, name: str) -> Any:
    with found:
        if name in found.files:
            return found[name]
        if len(found.files) == 1:
            return found[found.files[0]]
        raise ValueError(f"it holds {', '.join(found.files) or 'nothing'} and no array named {name}")
