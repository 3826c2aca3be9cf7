"""Downloads the files of a dataset, when asked to and never otherwise; needs the package pooch (extra ``data``).

A file gets its name only when it is whole and its published checksum is right. DLQ_OFFLINE=1 forbids the network.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dlq.datasets.archives import unpack
from dlq.datasets.errors import DownloadError, WrongFile
from dlq.datasets.places import describe, search_paths
from dlq.datasets.published import Download, Entry

OFFLINE = "DLQ_OFFLINE"
WAIT = 3600.0  # seconds to wait for another process that downloads the same dataset
PARTS = ".downloading"  # a folder beside the target: renaming works on one file system only


def fetch(name, folder=None, *, progress=True) -> Path:
    """Downloads what is missing of a dataset, checks it, unpacks archives; returns the folder that holds the files.

    folder   its parent: the files go to folder/name (default: the first of DLQ_DATA, else the user's cache folder)
    Two processes may call this at once: one waits for the other. An archive stays beside what was unpacked from it.
    Errors: DownloadError where it cannot be downloaded, WrongFile where what came or what is there is not the dataset.
    """
    entry = describe(name)
    target = search_paths(name)[0] if folder is None else Path(folder).expanduser() / name
    if entry.built_in:
        raise DownloadError(f"{name} is not downloaded, it comes with dlq: dlq.datasets.{name}()")
    if not entry.fetchable:
        raise DownloadError(_by_hand(entry, target))
    try:
        target.mkdir(parents=True, exist_ok=True)
        with _alone(entry, target):
            for each in entry.downloads:
                _one(entry, each, target, progress)
    except OSError as error:
        raise DownloadError(f"cannot write to {target} ({error.strerror or error}); choose another folder") from error
    return target


def _by_hand(entry: Entry, target: Path) -> str:
    where = f"from {entry.address}" if entry.address else "from its authors"
    wanted = f" ({entry.files[0]})" if entry.files else ""
    return (
        f"{entry.name} is not downloaded by dlq, which has no address with a checksum for it; get it {where} by hand "
        f"and put the files{wanted} into {target}; size: {entry.size}, licence: {entry.licence}"
    )


@contextlib.contextmanager
def _alone(entry: Entry, target: Path) -> Iterator[None]:
    """Only one process at a time; what a killed one left half-written is removed."""
    try:
        with FileLock(target / ".lock", timeout=WAIT):
            shutil.rmtree(target / PARTS, ignore_errors=True)
            try:
                yield
            finally:
                shutil.rmtree(target / PARTS, ignore_errors=True)
    except Timeout:
        raise DownloadError(f"another process has been downloading {entry.name} for an hour; try again later") from None


def _one(entry: Entry, wanted: Download, target: Path, progress: bool) -> None:
    path = target / wanted.name
    if not path.exists():
        _get(entry, wanted, target, progress)
    elif not _matches(path, wanted.checksum):
        raise WrongFile(
            f"{path} is not the published {wanted.name}: its checksum is not {wanted.checksum}; "
            "move it away, then fetch it again"
        )
    if wanted.unpack and not all((target / name).exists() for name in wanted.unpack):
        unpack(path, target, keep=wanted.unpack)


def _get(entry: Entry, wanted: Download, target: Path, progress: bool) -> None:
    if os.environ.get(OFFLINE, "0") not in ("", "0"):
        raise DownloadError(
            f"{OFFLINE} forbids the network; get {wanted.address} by hand and put it into {target}, or unset {OFFLINE}"
        )
    free = shutil.disk_usage(target).free
    if wanted.bytes is not None and wanted.bytes > free:
        raise DownloadError(
            f"{wanted.name} takes {wanted.bytes / 1e6:,.0f} MB, {target} has {free / 1e6:,.0f} MB free; "
            "make room, or choose another folder"
        )
    part = target / PARTS
    part.mkdir(exist_ok=True)
    _retrieve(wanted, part, progress)
    with (part / wanted.name).open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part / wanted.name, target / wanted.name)


def _retrieve(wanted: Download, part: Path, progress: bool) -> None:
    pooch, failure = _pooch()

    def download(address: str, output_file: str, caller: Any) -> None:
        pooch.HTTPDownloader(progressbar=progress, timeout=30)(address, output_file, caller)
        with open(output_file, "rb") as file:
            if file.read(64).lstrip().startswith(b"<"):
                raise WrongFile(
                    f"{address} answered with a web page instead of {wanted.name}: open it by hand, it may ask for consent"
                )

    try:
        pooch.retrieve(wanted.address, wanted.checksum, fname=wanted.name, path=part, downloader=download)
    except WrongFile:
        raise
    except ValueError:
        raise WrongFile(
            f"what came from {wanted.address} does not have the published checksum {wanted.checksum}; it was not kept; "
            "try again later, or get the file by hand"
        ) from None
    except failure as error:
        raise DownloadError(
            f"{wanted.address} could not be downloaded ({_short(error)}); try again, or get the file by hand"
        ) from None


def _short(error: Exception) -> str:
    """The cause in a few words: the messages of requests nest one in another."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the host says {response.status_code} {response.reason}"
    return type(error).__name__.removesuffix("Error") + ": " + str(error).rpartition(": ")[2].strip("()'\"")[:80]


def _matches(path: Path, checksum: str) -> bool:
    algorithm, _, expected = checksum.partition(":")
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == expected


def _pooch() -> tuple[Any, type[Exception]]:
    """The package, and what it raises where the network fails."""
    try:
        import pooch
        from requests import RequestException
    except ImportError:
        raise ImportError('downloading needs pooch; install it with: pip install "dlq[data]"') from None
    pooch.get_logger().setLevel("WARNING")  # otherwise it prints each address
    return pooch, RequestException
