"""Interactive widgets; the pure half (numbers and tiles) needs numpy, scikit-learn and Pillow alone, never torch."""

import lazy_loader

_PURE = ["axes", "combinations", "rotation", "sliders", "snapping", "tiles"]
_WIDGETS = {
    "codebook": ["Codebook"],
    "factor_browser": ["FactorBrowser"],
    "nmi_heatmap": ["NmiHeatmap"],
    "relevance_bars": ["RelevanceBars"],
    "traversal": ["Traversal"],
}

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, _PURE, _WIDGETS)
