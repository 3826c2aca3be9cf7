"""Which images a command works on: the name that is typed, the plain record a run folder keeps of it, and the dataset.

A record has ``name``, ``size`` (pixels a side), ``sizes`` (values of each factor; None: all there are) and ``path`` (of a
file, else None).
"""

from collections.abc import Sequence
from pathlib import Path

from dlq.datasets import DataError, FactorDataset, digits, dsprites, rooms, shapes3d, sprites

TEACHING = {"rooms": (5, 5, 5, 4, 1, 5), "sprites": (3, 3, 1, 8, 8)}  # a few thousand images: learnt in seconds
SIDES = {"digits": 28}  # of the teaching networks; 16 elsewhere
PAPER_SIDE = 64
ENDINGS = (".npz", ".h5", ".hdf5")
KNOWN = "rooms, sprites, digits, or the path of a dsprites file (.npz, .hdf5) or of a shapes3d file (.h5)"


def describe(
    data: str,
    *,
    paper: bool = False,
    size: int | None = None,
    sizes: Sequence[int] | None = None,
    full: bool = False,
) -> dict:
    """The record of what was typed; ``paper`` asks for all combinations at the paper's size unless told otherwise."""
    name, path = _name_and_path(data)
    if sizes is not None and full:
        raise ValueError("--full asks for all values of each factor and --sizes for some; leave out one of the two")
    if name == "digits" and (sizes is not None or full):
        raise ValueError("digits has one factor with ten values and no others; leave out --sizes and --full")
    if sizes is None and not (paper or full):
        sizes = TEACHING.get(name)
    side = PAPER_SIDE if paper else SIDES.get(name, 16)
    return {
        "name": name,
        "size": side if size is None else size,
        "sizes": None if sizes is None else [*sizes],
        "path": path,
    }


def open_source(record: dict) -> FactorDataset:
    """The dataset of a record; DataError says what is wrong with it."""
    name, size = record["name"], record["size"]
    if name == "digits":
        return digits(size)
    if name not in ("rooms", "sprites", "dsprites", "shapes3d"):
        raise DataError(f"there is no data {name!r}; give {KNOWN}")
    make = {"rooms": rooms, "sprites": sprites}.get(name)
    if make is not None:
        return make(size) if record["sizes"] is None else make(size, record["sizes"])
    read = {"dsprites": dsprites, "shapes3d": shapes3d}[name]
    data = read(record["path"]) if record["sizes"] is None else read(record["path"], sizes=tuple(record["sizes"]))
    return data if data.image_shape[1] == size else data.resized(size)


def _name_and_path(data: str) -> tuple[str, str | None]:
    if data in ("rooms", "sprites", "digits"):
        return data, None
    path = Path(data).expanduser()
    if path.is_dir():
        raise DataError(f"{data} is a folder, and folders of images cannot be trained on yet; give {KNOWN}")
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"there is no data {data!r}; give {KNOWN}")
    is_dsprites = path.suffix.lower() == ".npz" or "dsprites" in path.name.lower()
    return "dsprites" if is_dsprites else "shapes3d", str(path.absolute())
