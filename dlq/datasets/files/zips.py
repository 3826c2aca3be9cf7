"""Files inside a zip that is not unpacked: found by name, opened one at a time, and never larger than expected."""

import io
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from dlq.datasets.errors import WrongFile
from dlq.datasets.files.checks import AGAIN, ZIP, looks_like


class Members(NamedTuple):
    """The names of the files in a zip, without their folders, and what opens one of them."""

    names: Collection[str]
    open: Callable[[str], io.BytesIO]


def members(path: Path, *, expected: str, most_bytes: int) -> Members:
    """The files of a zip; WrongFile, which says what is ``expected``, where it is none, or where one file is larger."""
    with path.open("rb") as file:
        if file.read(4) != ZIP:
            raise WrongFile(f"{path} is {looks_like(path)}; {expected}")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise WrongFile(f"{path} is damaged or cut short ({error}); {AGAIN}") from None
    held = {info.filename.rpartition("/")[2]: info for info in archive.infolist()}

    def unpacked(name: str) -> io.BytesIO:
        if held[name].file_size > most_bytes:
            raise WrongFile(f"{held[name].file_size:,} bytes, at most {most_bytes:,} are expected")
        return io.BytesIO(archive.read(held[name]))

    return Members(held.keys(), unpacked)
