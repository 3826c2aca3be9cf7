"""The manifest of an exported page: a line of JSON in the page itself that says what it is, how large, and its checksum.

``sha256`` is that of the page's text with the manifest left out, ``size`` counts all bytes of the page and its files.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

MARK = "dlq-manifest"
IN_PAGE = re.compile(f'(<script type="application/json" id="{MARK}">)(.*?)(</script>)', re.DOTALL)
IN_SNIPPET = re.compile(f'^()(\\{{"{MARK}":.*\\}})()$', re.MULTILINE)


def digest(content: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def as_json(value: object) -> str:
    """JSON on one line in which nothing can end an HTML element; NaN is an error."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def stamped(text: str, manifest: Mapping[str, object], files: Mapping[str, bytes]) -> bytes:
    """Writes the manifest into the empty place for it in ``text``; the result includes its own size."""
    parts = {name: {"bytes": len(content), "sha256": digest(content)} for name, content in files.items()}
    facts = {**manifest, "sha256": digest(text.encode()), **({"files": parts} if parts else {}), "size": 0}
    others, size = sum(map(len, files.values())), -1
    page = text.encode()
    while size != len(page) + others:  # writing the size may make the page longer, once or twice
        facts["size"] = size = len(page) + others
        page = _filled(text, facts).encode()
    return page


def _filled(text: str, facts: Mapping[str, object]) -> str:
    if IN_PAGE.search(text):
        return IN_PAGE.sub(lambda found: found[1] + as_json(facts) + found[3], text, count=1)
    return IN_SNIPPET.sub(lambda found: as_json({MARK: facts}), text, count=1)


def read(text: str) -> tuple[dict, str] | None:
    """The manifest of a page or a snippet, and its text with the manifest left out; None where there is none."""
    found = IN_PAGE.search(text)
    if found:
        return json.loads(found[2]), text[: found.start(2)] + text[found.end(2) :]
    found = IN_SNIPPET.search(text)
    if found is None:
        return None
    return json.loads(found[2])[MARK], text[: found.start(2)] + as_json({MARK: {}}) + text[found.end(2) :]


def read_file(path: Path) -> dict | None:
    """The manifest of the page or snippet at a path; None where dlq wrote no such file."""
    try:
        found = read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return None if found is None else found[0]
