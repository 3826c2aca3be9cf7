"""A table that shows itself: aligned text in a terminal, HTML in a notebook."""

import html
from typing import NamedTuple


class Table(NamedTuple):
    """Cells as text, one tuple a row, under a header; notes say how to read them."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
        return "\n".join([*text, *([""] if self.notes else []), *self.notes])

    def _repr_html_(self) -> str:
        head, body = _line(self.header, "th"), "".join(_line(row, "td") for row in self.rows)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f'<div style="overflow-x:auto"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
            f'<div style="max-width:60em;font-size:smaller">{notes}</div>'
        )


def _line(cells: tuple[str, ...], tag: str) -> str:
    wrap = ";white-space:nowrap" if tag == "td" else ""  # a number and its interval stay on one line
    styles = ["left" + wrap, *["right" + wrap] * (len(cells) - 1)]
    shown = (f'<{tag} style="text-align:{s}">{html.escape(c)}</{tag}>' for s, c in zip(styles, cells, strict=True))
    return f"<tr>{''.join(shown)}</tr>"
