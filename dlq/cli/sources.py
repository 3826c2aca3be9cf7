"""Which images a command works on: the name that is typed, the plain record a run folder keeps of it, and the dataset.

A record has ``name``, ``size`` (pixels a side), ``sizes`` (values of each factor; None: all there are) and ``path`` (of a
file or folder, else None). What is typed is a name, a path, or both as NAME:PATH.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlq.datasets import DataError, FactorDataset, digits, faces, files, places, rooms, sprites
from dlq.datasets.faces.grid import MOST as ALL_FACES
from dlq.datasets.faces.grid import TEACHING as FACES

BUILT_IN = ("rooms", "sprites", "faces", "digits")
TEACHING = {"rooms": (5, 5, 5, 4, 1, 5), "sprites": (3, 3, 1, 8, 8), "faces": FACES}  # thousands of images: learnt fast
GRIDS = ("dsprites", "shapes3d", "mpi3d", "isaac3d", "falcor3d", "smallnorb", "cars3d")  # readers that take sizes
LABELLED = ("mnist", "fashion_mnist", "kmnist", "cifar10")
PICTURES = ("image_folder", "celeba", "celeba_hq", "ffhq", "vggface2", "faceforensics")
MADE_AT_SIZE = {"isaac3d", "falcor3d", *LABELLED, *PICTURES} - {"cifar10"}  # the others are averaged to a smaller size
SIDES = {"digits": 28, "mnist": 28, "fashion_mnist": 28, "kmnist": 28} | dict.fromkeys(
    ("faces", "cifar10", *PICTURES), 32
)
PAPER_SIDE = 64
PAPER_SIDES = {"cifar10": 32}  # it has no more
ENDINGS = (".npz", ".h5", ".hdf5")
KNOWN = (
    "rooms, sprites, faces, digits, a folder of images, the path of a dsprites file (.npz, .hdf5) or of a shapes3d file "
    f"(.h5), or NAME:PATH with a NAME of {', '.join((*GRIDS, *LABELLED, *PICTURES))}"
)


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
    if name in (*LABELLED, *PICTURES) and (sizes is not None or full):
        raise ValueError(f"{name} is no grid of factors, and all its images are used; leave out --sizes and --full")
    if sizes is None and not (paper or full):
        sizes = TEACHING.get(name)
    side = PAPER_SIDES.get(name, PAPER_SIDE) if paper else SIDES.get(name, 16)
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
    if name not in (*BUILT_IN, *GRIDS, *LABELLED, *PICTURES):
        raise DataError(f"there is no data {name!r}; give {KNOWN}")
    if name == "faces":
        return faces(size, ALL_FACES if record["sizes"] is None else record["sizes"])
    make = {"rooms": rooms, "sprites": sprites}.get(name)
    if make is not None:
        return make(size) if record["sizes"] is None else make(size, record["sizes"])
    options: dict[str, Any] = {} if record["sizes"] is None else {"sizes": tuple(record["sizes"])}
    options |= {"size": size} if name in MADE_AT_SIZE else {}
    if name == "image_folder" and files.has_classes(record["path"]):
        options["classes"] = "class"
    data = getattr(files, name)(record["path"], **options)
    return data if data.image_shape[1] == size else data.resized(size)


def _name_and_path(data: str) -> tuple[str, str | None]:
    if data in BUILT_IN:
        return data, None
    name, colon, rest = data.partition(":")
    reader = "mpi3d" if name.startswith("mpi3d_") else name.replace("-", "_")
    if reader in (*GRIDS, *LABELLED, *PICTURES) and colon:
        return reader, str(Path(rest).expanduser().absolute())
    path = Path(data).expanduser()
    if path.is_dir():
        return "image_folder", str(path.absolute())
    if path.suffix.lower() in ENDINGS:
        is_dsprites = path.suffix.lower() == ".npz" or "dsprites" in path.name.lower()
        return "dsprites" if is_dsprites else "shapes3d", str(path.absolute())
    if reader in (*GRIDS, *LABELLED, *PICTURES):
        return reader, str(places.find(data.replace("-", "_")).absolute())
    raise DataError(f"there is no data {data!r}; give {KNOWN}")
