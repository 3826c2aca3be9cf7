"""Formulas as MathML, written when the site is built: browsers draw it themselves, without a script or a font to fetch."""

import re
from html import escape

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import wrap_displaymath

logger = logging.getLogger(__name__)
NAMES = re.compile(r"(?<!sub>)(?<!sup>)(?<!under>)<mi>(log|ln|exp|sin|cos|max|min|arg)</mi>")
THIN = '<mspace width="0.167em" />'


def mathml(latex: str, display: str, node: nodes.Node) -> str:
    """One formula as a ``<math>`` element that keeps its LaTeX for those who copy it; what cannot be read stays LaTeX."""
    try:
        made = convert(latex, display=display)
    except Exception as error:  # the package has no error of its own for what it cannot read
        logger.warning("no MathML for %r: %s", latex, error, location=node)
        return f"<code>{escape(latex)}</code>"
    made = NAMES.sub(
        rf"{THIN}\g<0>{THIN}", made
    )  # TeX's space around the name of a function, which the package forgets
    made = made.replace(f'{THIN}<mo stretchy="false">&#x00028;', '<mo stretchy="false">&#x00028;')
    return made.replace("<math ", f'<math alttext="{escape(latex)}" ', 1)


def visit_inline(translator, node) -> None:
    """Writes a formula within a line."""
    translator.body.append(mathml(node.astext(), "inline", node))
    raise nodes.SkipNode


def visit_block(translator, node) -> None:
    """Writes a formula on lines of its own, with its number where it has one."""
    latex = node.astext().strip()
    if "\\\\" in latex or "&" in latex:
        latex = wrap_displaymath(latex, None, False).strip() if "\\begin{" not in latex else latex
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    anchor = f' id="{node["ids"][0]}"' if node.get("ids") else ""
    translator.body.append(f'<div class="math-block"{anchor}>{mathml(latex, "block", node)}{number}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Registers the renderer ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
