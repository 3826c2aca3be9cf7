"""The official Cars3D: Reed, Zhang, Zhang & Lee, "Deep Visual Analogy-Making", 2015, www.scottreed.info.

One MATLAB file a car, 183 of them, in the order of ``list.txt``. Some older code numbers the cars in the order in which
the file system lists them, which differs from one machine to the next. The archive that the files come in also holds
other sets; its ``sprites`` are not dSprites.
"""

from pathlib import Path

import numpy as np
from tqdm.std import tqdm

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import MissingFile, WrongFile
from dlq.datasets.files.checks import AGAIN, MATLAB, check_keys, guard, locate, looks_like, official, sniff
from dlq.datasets.grid import check_sizes
from dlq.datasets.images import Stored
from dlq.datasets.places import files_of

NAMES = ("elevation", "azimuth", "object_type")
OFFICIAL = (4, 24, 183)
SIDE = 128


@official("cars3d")
def cars3d(path=None, *, sizes=OFFICIAL, progress: bool = True) -> FactorDataset:
    """The official Cars3D from the folder ``data/cars`` of its archive, or from one around it; 863 MB in memory.

    Images are 128 x 128, colour: ``cars3d(path).resized(64)`` makes them smaller. sizes is for smaller folders of the
    same layout. Errors: MissingFile, WrongFile.
    """
    elevations, azimuths, cars = sizes = check_sizes(sizes, OFFICIAL, NAMES)
    files = _files(_folder(files_of("cars3d", path)), cars)
    images = np.empty((*sizes, 3, SIDE, SIDE), dtype=np.uint8)
    for car, file in enumerate(tqdm(files, desc="cars3d", unit=" cars", disable=not progress)):
        images[:, :, car] = guard(file, _views, (SIDE, SIDE, 3, azimuths, elevations)).transpose(4, 3, 2, 0, 1)
    return FactorDataset("cars3d", Stored(images.reshape(-1, 3, SIDE, SIDE)), factor_names=NAMES, factor_sizes=sizes)


def _folder(path: Path) -> Path:
    """The folder that holds ``list.txt``: the one given, or the cars of the unpacked archive."""
    if path.is_file():
        raise WrongFile(f"{path} is {looks_like(path)}; unpack the archive, and give its folder data/cars")
    for folder in (path, path / "cars", path / "data" / "cars"):
        if (folder / "list.txt").is_file():
            return folder
    raise MissingFile(f"{path} holds no list.txt; give the folder data/cars of the unpacked archive")


def _files(folder: Path, count: int) -> list[Path]:
    """The files of the cars in the published order."""
    path = folder / "list.txt"
    names = path.read_text(encoding="utf-8", errors="replace").split()
    if len(set(names)) != count or len(names) != count or any("/" in name or "\\" in name for name in names):
        raise WrongFile(f"{path} lists {len(names)} names, {count} different names of files are expected; {AGAIN}")
    return [locate(folder / f"{name}.mat", ("every car of list.txt",)) for name in names]


def _views(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The images of a car, uint8 (height, width, channel, azimuth, elevation)."""
    from scipy.io import loadmat, matlab, whosmat  # takes half a second, and no other dataset needs it

    sniff(path, (MATLAB,))
    try:
        held = {name: (kind, tuple(dims)) for name, dims, kind in whosmat(path)}
        if held.get("im") == ("uint8", shape):
            return loadmat(path, variable_names=["im"])["im"]
    except (matlab.MatReadError, NotImplementedError, IndexError, TypeError, OverflowError, MemoryError) as error:
        raise ValueError(error) from None
    check_keys(path, ("im",), list(held))
    raise WrongFile(f"{path}: im is {held['im'][0]} {held['im'][1]}, uint8 {shape} is expected; {AGAIN}")
