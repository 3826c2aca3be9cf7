"""A folder of photographs as training data for a face swap, with the interface of ``swap_faces``: images, masks, who it is.

No photograph comes with dlq and none is downloaded. Whoever trains on people's faces needs their consent, or a licence that
says so; the reader asks for that. The pictures must be aligned stills: it does not look for faces.
"""

import functools
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from dlq.datasets.errors import DataError, MissingFile, WrongFile
from dlq.datasets.files.gallery import decoded, image_files, some
from dlq.datasets.files.pictures import COLOUR, GREY, picture
from dlq.datasets.grid import check_size
from dlq.datasets.images import scaled

NOTICE = (
    "these are pictures of people: train on them only with their consent or a licence that covers it, make no swap of "
    "anyone who did not agree to it, and pass swaps on only with their tag (see docs/responsible_use.md)"
)
OVAL = (0.5, 0.55, 0.32, 0.42)  # centre and half axes of a face in a crop that it fills, in shares of the side
FAINT = 32  # of 255: a JPEG's black is not quite black
REMEDY = "replace them, or remove them"


class ConsentMissing(DataError):
    """Nobody said that the people in a folder agreed."""


def swap_folder(
    path,
    size: int = 64,
    *,
    i_have_consent: bool = False,
    masks=OVAL,
    images_per_identity: int = 2,
    progress: bool = True,
) -> "PhotographedFaces":
    """Images of people in a folder: a sub-folder for each person, or all in one folder, where each image is a person.

    size                  pixels a side, 16 to 256; the largest centred square of each image is resized
    i_have_consent        must be True: everyone shown has agreed, or the licence of the set allows it
    masks                 a folder with a mask for each image under the same name (any ending; white is the face, of the same
                          size as the image), or an oval: centre x and y and half axes, in shares of the side
    images_per_identity   how many each person must have; pairs of one person need 2. Not asked of a flat folder
    Errors: ConsentMissing, MissingFile, WrongFile, DataError.
    """
    if i_have_consent is not True:
        raise ConsentMissing(f"{NOTICE[0].upper()}{NOTICE[1:]}; if that is so, say i_have_consent=True")
    folder, size = Path(path).expanduser(), check_size(size, high=256)
    files = [file for file in image_files(folder) if not _is_inside(file, masks)]
    if not files:
        raise MissingFile(f"{folder} holds nothing but masks; give the folder of the images, and masks= beside it")
    people = _people(folder, files, images_per_identity)
    read = functools.partial(picture, size=size, channels=COLOUR)
    images = decoded("swap_folder", files, files, (COLOUR, size, size), read, remedy=REMEDY, progress=progress)
    found = _oval(masks, size, len(files)) if _is_oval(masks) else _masks(Path(masks), folder, files, size, progress)
    empty = [str(file) for file, mask in zip(files, found, strict=True) if not mask.any()]
    if empty:
        raise DataError(
            f"{len(empty):,} images have no face region ({some(empty)}): their masks are empty; draw them, or leave these "
            "images out"
        )
    warnings.warn(NOTICE, stacklevel=2)
    return PhotographedFaces(images, found, people, tuple(file.relative_to(folder).as_posix() for file in files))


class PhotographedFaces:
    """What ``dlq.fit`` needs to train a face swap; there are no exact swaps and no parameters of photographs.

    images      uint8 (N, 3, size, size)
    masks       uint8 (N, size, size), 255 where the face is
    identities  int64 (N,), the number of the person, in the order of ``people``
    files       the name of each image
    """

    name, notice = "swap_folder", NOTICE

    def __init__(self, images: np.ndarray, masks: np.ndarray, people: Sequence[str], files: tuple[str, ...]) -> None:
        self.images, self.masks, self.files = images, masks, files
        self.image_shape = tuple(images.shape[1:])
        self.people, self.identities = np.unique(np.asarray(people), return_inverse=True)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        _, height, width = self.image_shape
        return f"{self.name}: {len(self):,} images of {len(self.people):,} people, {height} x {width} pixels; {self.notice}"

    def batch(self, indices, device="cpu") -> Tensor:
        """Images of these rows as x in [0, 1], float32 (B, 3, H, W) on the device."""
        return scaled(self.images, indices, device)

    def mask_batch(self, indices, device="cpu") -> Tensor:
        """Face masks of these rows, float32 (B, 1, H, W) in [0, 1] on the device."""
        return scaled(self.masks[:, None], indices, device)


def _people(folder: Path, files: list[Path], least: int) -> list[str]:
    """The person of each image: its sub-folder, or in a flat folder its own name."""
    parts = [file.relative_to(folder).parts for file in files]
    if all(len(within) == 1 for within in parts):
        return [within[0] for within in parts]
    loose = [within[0] for within in parts if len(within) == 1]
    if loose:
        raise WrongFile(
            f"{len(loose):,} images of {folder} lie in no sub-folder ({some(loose)}) and the others do; move each into the "
            "sub-folder of its person"
        )
    people = ["/".join(within[:-1]) for within in parts]
    few = [f"{person} has {count}" for person, count in Counter(people).items() if count < least]
    if few:
        raise DataError(
            f"{len(few):,} people have fewer than {least} images ({some(few)}); pairs of one person need 2: add images, "
            "remove these folders, or say images_per_identity=1"
        )
    return people


def _is_oval(masks) -> bool:
    return isinstance(masks, tuple | list)


def _is_inside(file: Path, masks) -> bool:
    """Whether a file is one of the masks, whose folder may lie within that of the images."""
    return not _is_oval(masks) and Path(masks).expanduser().absolute() in file.absolute().parents


def _oval(oval: Sequence[float], size: int, count: int) -> np.ndarray:
    if len(oval) != 4 or min(oval) <= 0:
        raise DataError(f"masks is {oval}; give an oval as centre x, centre y and two half axes above 0, or a folder")
    x, y, half_x, half_y = oval
    place = (np.arange(size) + 0.5) / size
    inside = ((place[None] - x) / half_x) ** 2 + ((place[:, None] - y) / half_y) ** 2 <= 1
    return np.broadcast_to((255 * inside).astype(np.uint8), (count, size, size))


def _masks(masks: Path, folder: Path, files: list[Path], size: int, progress: bool) -> np.ndarray:
    masks = masks.expanduser()
    known = {file.relative_to(masks).with_suffix("").as_posix(): file for file in image_files(masks)}
    names = [file.relative_to(folder).with_suffix("").as_posix() for file in files]
    missing = [name for name in names if name not in known]
    if missing:
        raise MissingFile(
            f"{len(missing):,} of {len(names):,} images have no mask in {masks} ({some(missing)}); give each one of its name"
        )
    image_of = {known[name]: file for name, file in zip(names, files, strict=True)}

    def read(mask: Path) -> np.ndarray:
        with Image.open(mask) as own, Image.open(image_of[mask]) as image:
            if own.size != image.size:
                raise WrongFile("{} x {} pixels, its image has {} x {}".format(*own.size, *image.size))
        pixels = picture(mask, size, channels=GREY).copy()
        pixels[pixels < FAINT] = 0
        return pixels

    paths = list(image_of)
    remedy = "make masks of the same size as their images"
    found = decoded(
        "swap_folder masks", paths, [*paths, *files], (GREY, size, size), read, remedy=remedy, progress=progress
    )
    return found[:, 0]
