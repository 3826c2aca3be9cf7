"""``dlq datasets``: which data sets there are, which are on disk, where they are looked for; and downloads, when asked."""

import textwrap
from typing import Annotated, Any, Literal

import tyro

from dlq.cli.arguments import Folder, Name

EXAMPLES = """\
  dlq datasets                        a table of all
  dlq datasets show shapes3d          all that is known of one
  dlq datasets fetch shapes3d         download it, check it, put it where dlq looks for it
  dlq datasets fetch mnist --to /data"""

Action = Annotated[Literal["list", "show", "fetch"], tyro.conf.arg(metavar="{list,show,fetch}")]


def datasets(action: Action = "list", name: Name = None, /, *, to: Folder = None) -> int:
    """Lists the data sets, shows one, or downloads one; only `fetch` uses the network, and DLQ_OFFLINE=1 forbids it.

    Args:
        action: list, show or fetch
        name: of the data set, for show and fetch
        to: for fetch: the folder in which the data set gets its own (default: the first of DLQ_DATA, else the cache)
    """
    if to is not None and action != "fetch":
        raise ValueError("--to belongs to fetch: dlq datasets fetch NAME --to FOLDER")
    if action == "list":
        if name is not None:
            raise ValueError(f"list takes no name; say: dlq datasets show {name}")
        return _list()
    if name is None:
        raise ValueError(f"{action} needs the name of a data set; `dlq datasets` lists them")
    return _show(name) if action == "show" else _fetch(name, to)


def _list() -> int:
    from dlq.datasets.catalogue import ENTRIES
    from dlq.datasets.places import on_disk

    rows = [("name", "", "images", "size of files", "licence")]
    for entry in ENTRIES.values():
        state = "built in" if entry.built_in else "on disk" if on_disk(entry.name) else _how(entry)
        rows.append((entry.name, state, _count(entry), entry.size, entry.licence))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, state, count, size, licence in rows:
        line = f"  {name:{widths[0]}}  {state:{widths[1]}}  {count:>{widths[2]}}  {size:{widths[3]}}  {licence}"
        print(line.rstrip())
    print(f"\nlooked for in: {_places('NAME')}")
    print("fetch: dlq datasets fetch NAME downloads it; by hand: dlq datasets show NAME says where it is found")
    return 0


def _show(name: str) -> int:
    from dlq.datasets.places import describe, on_disk

    entry, there = describe(name), on_disk(name)
    facts = {
        "what": entry.summary,
        "factors": entry.factors,
        "images": f"{_count(entry)}, {entry.image_size}",
        "licence": entry.licence,
    }
    if entry.built_in:
        facts["use"] = f"dlq.datasets.{name}(): no file is needed"
    else:
        facts |= {
            "files": f"{', '.join(each.name for each in entry.downloads) or ', '.join(entry.files) or 'images'}",
            "size": entry.size,
            "from": entry.address or "its authors",
            "checksum": "; ".join(each.checksum for each in entry.downloads) or "none is published: get it by hand",
            "on disk": str(there or "no"),
            "looked for": _places(name),
        }
    print(name)
    for key, text in facts.items():
        lines = textwrap.wrap(text, 104, break_long_words=False, break_on_hyphens=False)
        print(f"  {key:12}" + f"\n{'':14}".join(lines))
    return 0


def _fetch(name: str, to: Folder) -> int:
    from dlq.datasets.download import fetch
    from dlq.datasets.places import describe, search_paths

    folder = fetch(name, to)
    print(f"{name} is in {folder}; licence: {describe(name).licence}")
    if folder not in search_paths(name):
        print(f"dlq finds it there with DLQ_DATA={folder.parent}")
    return 0


def _how(entry: Any) -> str:
    return "fetch" if entry.fetchable else "by hand"


def _count(entry: Any) -> str:
    return "-" if entry.num_images is None else f"{entry.num_images:,}"


def _places(name: str) -> str:
    from dlq.datasets.places import VARIABLE, search_paths

    return ", then ".join(map(str, search_paths(name))) + f" ({VARIABLE} names more folders)"
