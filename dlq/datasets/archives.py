"""Unpacks zip and tar archives that may be hostile: member by member, and nothing outside the folder.

Refused are absolute names, "..", links, devices, what is encrypted, names that occur twice, and archives that unpack to
more than they should. The safe filter of Python's tarfile is not relied on: some supported versions lack it.
"""

import contextlib
import functools
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from dlq.datasets.errors import WrongFile

MAX_BYTES = 16 * 10**9
MAX_RATIO = 200  # unpacked bytes for each packed one; pictures and arrays stay far below
FREE_BYTES = 10**6  # up to this size the ratio says nothing
PIECE = 2**20


class Member(NamedTuple):
    """One file in an archive: its name there, its declared bytes, and how to open it."""

    name: str
    size: int
    open: Callable[[], Any]


def unpack(archive, folder, *, keep=("",), max_bytes=MAX_BYTES, max_ratio=MAX_RATIO) -> list[Path]:
    """Unpacks the members whose names begin as ``keep`` says into the folder; returns the top-level paths made.

    All or nothing: members go to a hidden folder beside, and are renamed into place when every one was written.
    WrongFile says which member is refused and why; what is already in the folder is never replaced.
    """
    archive, folder = Path(archive), Path(folder)
    limit = min(max_bytes, max(FREE_BYTES, max_ratio * archive.stat().st_size))
    folder.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
    try:
        with _plain_errors(archive):
            _write(archive, part, tuple(keep), limit)
        made = sorted(part.iterdir())
        if not made:
            raise WrongFile(f"{archive} has nothing that begins with {' or '.join(keep)}; give the official file")
        for each in made:
            if (folder / each.name).exists():
                raise WrongFile(f"{folder / each.name} exists already; move it away, then unpack {archive.name} again")
        return [each.rename(folder / each.name) for each in made]
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def _plain_errors(archive: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise WrongFile(f"{archive} is damaged or cut short ({error}); download it again") from None


def _write(archive: Path, folder: Path, keep: tuple[str, ...], limit: int) -> None:
    total = 0
    for member in members(archive):
        total += member.size
        if total > limit:
            raise WrongFile(
                f"{archive} unpacks to more than {limit / 1e6:,.0f} MB, which is refused; is it the right file?"
            )
        if not member.name.startswith(keep):
            continue
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as source, _create(archive, target) as out:
            left = member.size
            while piece := source.read(min(PIECE, left + 1)):
                left -= len(piece)
                if left < 0:
                    raise WrongFile(f"{archive}: {member.name} is longer than the archive says; download it again")
                out.write(piece)
        if left:
            raise WrongFile(f"{archive}: {member.name} is cut short; download it again")


def _create(archive: Path, target: Path) -> Any:
    try:
        return target.open("xb")
    except FileExistsError:
        raise WrongFile(f"{archive} holds {target.name} twice; give the official file") from None


def members(archive: Path) -> Iterator[Member]:
    """The plain files in a zip or tar, in order; WrongFile at the first member that is neither a file nor a folder."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                _check(archive, info.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR) and not info.flag_bits & 1)
                if not info.is_dir():
                    yield Member(info.filename, info.file_size, functools.partial(opened.open, info))
        return
    with tarfile.open(archive) as packed:
        for entry in packed:
            _check(archive, entry.name, entry.isreg() or entry.isdir())
            if entry.isreg():
                yield Member(entry.name, entry.size, functools.partial(packed.extractfile, entry))


def _check(archive: Path, name: str, plain: bool) -> None:
    """WrongFile unless the member is a plain file or folder, whose name stays inside the folder on every system."""
    if not plain:
        raise WrongFile(f"{archive}: {name} is a link, a device or encrypted, which is refused; give the official file")
    bad = not name or "\\" in name or ":" in name or "\0" in name or PurePosixPath(name).is_absolute()
    if bad or ".." in PurePosixPath(name).parts:
        raise WrongFile(f"{archive}: the member {name!r} would land outside the folder; give the official file")
