"""A widget outside the notebook: one HTML file, a folder for a web server, a MyST page, an iframe. No kernel, no network.

Every form holds the widget's state, its ES module and style sheet, a host of a few lines that gives the module what
Jupyter would, and a manifest that says what is in it; ``verify_export`` reads such a page back without a browser.
"""

from dlq.export.checking import Export, ExportError, verify_export
from dlq.export.pages import MAX_BYTES, Page, page_of, public_state, to_html
from dlq.export.reopening import open_page, retold

__all__ = [
    "MAX_BYTES",
    "Export",
    "ExportError",
    "Page",
    "open_page",
    "page_of",
    "public_state",
    "retold",
    "to_html",
    "verify_export",
]
