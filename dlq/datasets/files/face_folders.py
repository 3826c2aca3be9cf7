"""Folders of faces: CelebA-HQ (Karras, Aila, Laine & Lehtinen, 2018, arxiv.org/abs/1710.10196), FFHQ (Karras, Laine &
Aila, 2019, arxiv.org/abs/1812.04948), VGGFace2 (Cao et al., 2018, arxiv.org/abs/1710.08092) and frames of FaceForensics++
(Rössler et al., 2019, arxiv.org/abs/1901.08971).

None of these comes as one file with a checksum, so the folder is taken as it is; of the first two the number of images
and their common size are checked. dlq never downloads them: mind their licences, and the people in the pictures.
"""

import functools
import re
from pathlib import Path

from PIL import Image

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError, WrongFile
from dlq.datasets.files.checks import looks_like, official
from dlq.datasets.files.gallery import decoded, image_files, some
from dlq.datasets.files.labelled import labelled
from dlq.datasets.files.pictures import COLOUR, picture
from dlq.datasets.grid import check_size
from dlq.datasets.places import files_of

REMEDY = "replace them by undamaged copies, or remove them"
VIDEO = re.compile(r"(\d+)(?:_(\d+))?")


def celeba_hq(path=None, *, size=64, progress: bool = True, num_images=30_000) -> FactorDataset:
    """CelebA-HQ from a folder of its 30,000 images, square and of one size, in natural order of their names; no factors.

    size         pixels a side, 4 to 1024
    num_images   for a part of the set; None takes what is there
    The images are decoded once into the cache folder and mapped into memory from then on. Errors: MissingFile, WrongFile.
    """
    return _faces("celeba_hq", _inside(files_of("celeba_hq", path), "CelebA-HQ-img"), size, progress, num_images)


@official("ffhq")
def ffhq(path=None, *, size=64, progress: bool = True, num_images=70_000) -> FactorDataset:
    """FFHQ from a folder of its 70,000 images or thumbnails, as ``celeba_hq``; thumbnails are taken if both are there.

    The thumbnails have 128 x 128 pixels, which is what a size up to 128 needs.
    """
    names = ("thumbnails128x128", "images1024x1024")
    return _faces(
        "ffhq", _inside(files_of("ffhq", path), *(names if size <= 128 else names[::-1])), size, progress, num_images
    )


@official("vggface2")
def vggface2(path=None, *, split="train", size=64, progress: bool = True) -> FactorDataset:
    """VGGFace2 from the folder that holds ``train`` and ``test``, or folders of persons; the factor is ``identity``.

    split   "train" or "test", where there are such folders
    An image's identity is the folder in which it lies; the largest centred square of each is resized.
    Errors: MissingFile, WrongFile.
    """
    if split not in ("train", "test"):
        raise DataError(f'split is {split!r}; give "train" or "test"')
    folder = _inside(files_of("vggface2", path), split)
    files = image_files(folder)
    loose = [file.name for file in files if file.parent == folder]
    if loose:
        raise WrongFile(f"{folder} has {len(loose):,} images outside folders of persons ({some(loose)}); move them")
    images = _decoded("vggface2", files, size, None, progress)
    return labelled("vggface2", images, {"identity": [file.parent.name for file in files]})


@official("faceforensics")
def faceforensics(path=None, *, size=64, progress: bool = True) -> FactorDataset:
    """Frames of FaceForensics++ that you extracted, a folder for each video, named as the video: 071 or 071_054.

    The factors are ``target`` and ``source`` (numbers of the videos; of an original both are its own) and ``method``:
    the folder under manipulated_sequences, otherwise "original". A manipulated video is named target_source: the frames
    are of the target, and a face that was swapped is the source's. Folders called masks are left out.
    A split must keep all frames that share a target or a source together, or the parts share faces.
    Errors: MissingFile, WrongFile.
    """
    folder = files_of("faceforensics", path)
    files = [file for file in image_files(folder) if "masks" not in file.relative_to(folder).parts]
    columns: dict[str, list] = {"target": [], "source": [], "method": []}
    for file in files:
        video = VIDEO.fullmatch(file.parent.name)
        if video is None:
            raise WrongFile(f"{file} lies in no folder named as a video, such as 071 or 071_054; give each one its own")
        parts = file.parts
        known = "manipulated_sequences" in parts[:-2]
        columns["target"].append(int(video[1]))
        columns["source"].append(int(video[2] or video[1]))
        columns["method"].append(parts[parts.index("manipulated_sequences") + 1] if known else "original")
    return labelled("faceforensics", _decoded("faceforensics", files, size, None, progress), columns)


def _inside(folder: Path, *names: str) -> Path:
    """The first of these folders in the folder, or the folder itself."""
    return next((folder / name for name in names if (folder / name).is_dir()), folder)


def _faces(name: str, folder: Path, size, progress: bool, num_images) -> FactorDataset:
    files = image_files(folder)
    if num_images is not None and len(files) != num_images:
        raise WrongFile(
            f"{folder} holds {len(files):,} images, {num_images:,} are expected; complete it, or give num_images"
        )
    return labelled(name, _decoded(name, files, size, _side(files[0]), progress), {})


def _side(file: Path) -> tuple[int, int]:
    """Width and height that all images must have: those of the first, which is square."""
    try:
        with Image.open(file) as image:
            width, height = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        what = looks_like(file).replace("of another kind", "damaged")
        raise WrongFile(f"{file} is {what}; an image is expected: replace it") from None
    if width != height:
        raise WrongFile(f"{file} has {width} x {height} pixels, a square is expected; image_folder reads any images")
    return width, height


def _decoded(name: str, files: list[Path], size, expected: tuple[int, int] | None, progress: bool):
    size = check_size(size, 4, 1024)
    read = functools.partial(picture, size=size, expected=expected)
    return decoded(name, files, files, (COLOUR, size, size), read, remedy=REMEDY, progress=progress)
