"""Where files of datasets are looked for: the path given, else the folders of DLQ_DATA, else the user's cache folder.

In a folder of DLQ_DATA and in the cache folder each dataset has a folder of its own name, because MNIST and its cousins
share file names. Nothing here touches the network.
"""

import os
from pathlib import Path

from dlq.datasets.catalogue import ENTRIES, Entry
from dlq.datasets.errors import DataError, MissingFile

VARIABLE = "DLQ_DATA"


def cache_folder() -> Path:
    """Where downloads go: the folder ``dlq`` in $XDG_CACHE_HOME, which is ~/.cache where it is not set."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "dlq"


def search_paths(name, given=None) -> tuple[Path, ...]:
    """The folders in which a dataset is looked for, in order: only the given path where there is one."""
    if given is not None:
        return (Path(given).expanduser(),)
    listed = [each for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each]
    return tuple(root / name for root in (*(Path(each).expanduser() for each in listed), cache_folder()))


def find(name, given=None) -> Path:
    """The given path if it exists, else the first folder that holds the dataset's files; MissingFile where none does."""
    entry = describe(name)
    places = search_paths(name, given)
    for place in places:
        if place.exists() if given is not None else _holds(place, entry):
            return place
    raise MissingFile(_missing(entry, places))


def files_of(name, given=None) -> Path:
    """The given path as it is, else where the dataset's files are; MissingFile where nowhere."""
    return find(name) if given is None else Path(given).expanduser()


def on_disk(name) -> Path | None:
    """The folder that holds the dataset's files, or None."""
    entry = describe(name)
    return next((place for place in search_paths(name) if _holds(place, entry)), None)


def describe(name) -> Entry:
    """What is known of the dataset; DataError lists the names that exist."""
    if name not in ENTRIES:
        raise DataError(f"there is no dataset {name!r}; there are {', '.join(ENTRIES)}")
    return ENTRIES[name]


def _holds(place: Path, entry: Entry) -> bool:
    if entry.built_in or not place.is_dir():
        return False
    if entry.files:
        return any((place / name).exists() for name in entry.files)
    return any(not each.name.startswith(".") for each in place.iterdir())


def _missing(entry: Entry, places: tuple[Path, ...]) -> str:
    wanted = f" ({entry.files[0]})" if entry.files else ""
    text = f"no files of {entry.name}{wanted} at {' or '.join(map(str, places))}"
    how = [f"run: dlq datasets fetch {entry.name}"] if entry.fetchable else []
    if entry.address:
        how.append(f"put the files from {entry.address} there")
    how.append(f"give their path, or set {VARIABLE} to the folder that holds the folder {entry.name}")
    size = "" if entry.size == "-" else f" ({entry.size})"
    return f"{text}; {'; or '.join(how)}{size}"
