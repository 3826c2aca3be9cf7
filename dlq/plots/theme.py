"""What all figures share: colours that read on white and on black, no background of their own, little margin."""

import html

import plotly.graph_objects as go

TEXT = "#7a7a7a"  # contrast 4.3 on white and 4.4 on #111
FAINT = "rgba(128, 128, 128, 0.3)"
MARK = "#e8710a"
LINES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c")  # Okabe and Ito's, for any eye


def figure(*traces, title: str, subtitle: str = "", height: int) -> go.Figure:
    """A figure as wide as the page lets it be, ``height`` pixels high, that a finger on a phone scrolls past."""
    axis: dict[str, object] = {
        "gridcolor": FAINT,
        "zeroline": False,
        "ticks": "",
        "ticklabelstandoff": 4,
        "automargin": True,
    }
    axis["title"] = {"font": {"size": 12}, "standoff": 6}
    heading: dict[str, object] = {
        "text": title,
        "subtitle": {"text": subtitle, "font": {"size": 12}},
        "font": {"size": 15},
    }
    heading |= {"x": 0, "y": 1, "yanchor": "top", "pad": {"l": 10, "t": 12}}
    return go.Figure(
        traces,
        {
            "template": "none",  # the default one is 7 kB in every notebook
            "title": heading,
            "font": {"color": TEXT, "size": 12},
            "paper_bgcolor": "rgba(0, 0, 0, 0)",
            "plot_bgcolor": "rgba(0, 0, 0, 0)",
            "colorway": LINES,
            "margin": {"l": 10, "r": 10, "t": top_margin(subtitle), "b": 10},
            "height": height,
            "autosize": True,
            "dragmode": False,
            "xaxis": axis,
            "yaxis": axis,
        },
    )


def top_margin(subtitle: str) -> int:
    """Pixels above the plot, for the title and perhaps a second line."""
    return 62 if subtitle else 42


def escaped(text: str) -> str:
    """A label in which the browser finds no markup."""
    return html.escape(str(text), quote=False)
