"""The site: ``make site`` builds it into ``_site/``. Its lessons, reference and widget pages are made here, then read."""

import inspect
import os
import sys
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("DLQ_OFFLINE", "1")

import make_api
import make_lessons
import make_widgets

import dlq

project = "dlq"
author = "the authors of dlq"
copyright = "the authors of dlq, MIT licence"
release = version = dlq.__version__
language = "en"

extensions = ["myst_nb", "mathml", "docstrings", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["**.ipynb_checkpoints"]
suppress_warnings = ["myst.header", "config.cache"]  # a lesson may go from a title to a small heading

nb_execution_mode = "off"  # lessons are shown with the outputs that are stored in them
nb_ipywidgets_js = {}  # by default from a network
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

html_theme = "furo"
html_title = "dlq"
html_favicon = "assets/icon.svg"
html_static_path = ["assets", str(files("plotly") / "package_data" / "plotly.min.js")]
html_extra_path = [str(make_widgets.PAGES.parent)]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
highlight_language = "text"
pygments_style = "xcode"
pygments_dark_style = "github-dark"
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#0b65c2", "color-brand-content": "#0b65c2"},
    "dark_css_variables": {"color-brand-primary": "#6cb2ff", "color-brand-content": "#6cb2ff"},
}

autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
autoclass_content = "both"
autodoc_inherit_docstrings = False
autosummary_generate = False
python_maximum_signature_line_length = 90
add_module_names = False


def without_noise(app, what, name, value, skip, options) -> bool | None:
    """Leaves out the fields of named tuples (the signature has them) and what came from a widget's base class."""
    field = type(value).__name__ == "_tuplegetter" or type(value).__module__.startswith("traitlets")
    return True if field or inspect.ismodule(value) else None


def prepare(app, config) -> None:
    """Makes what is not written by hand."""
    make_lessons.make()
    make_widgets.make()
    make_api.make()


def setup(app) -> None:
    """Hooks the above into Sphinx."""
    app.connect("config-inited", prepare, priority=1)
    app.connect("autodoc-skip-member", without_noise)
