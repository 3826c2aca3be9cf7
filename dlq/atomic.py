"""Files that are either the old one or the new one, whole, whatever happens while they are written."""

import contextlib
import os
from pathlib import Path


class WriteError(OSError):
    """A file could not be written; what was there before is still there."""


def write_atomic(path: str | os.PathLike, content: bytes) -> Path:
    """Writes ``content`` beside ``path``, makes it durable, and renames it into place; returns the path.

    Raises WriteError with the path, the size needed and the cause; then nothing has changed.
    """
    path = Path(path)
    if path.is_dir():
        raise WriteError(f"{path} is a folder; give the name of a file in it, such as {path / 'page.html'}")
    if not path.parent.is_dir():
        raise WriteError(f"there is no folder {path.parent}; create it first, or choose another place for {path.name}")
    part = path.with_name(
        f".{path.name}.{os.getpid()}.part"
    )  # beside the target: renaming works on one file system only
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):  # on a read-only file system even removing what is not there fails
            part.unlink()
        size = f"{len(content) / 1e6:.1f} MB"
        raise WriteError(
            f"cannot write {path} ({size}): {error.strerror or error}; choose a place with room and permission"
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


def _sync(folder: Path) -> None:
    """Makes a rename in the folder survive a power cut, on the systems that can."""
    with contextlib.suppress(OSError, AttributeError):  # some file systems refuse; Windows has no O_DIRECTORY
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
