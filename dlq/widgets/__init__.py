"""Interactive widgets; the pure half (numbers and tiles) needs numpy, scikit-learn and Pillow alone, never torch."""

import lazy_loader

_PURE = ["axes", "codec", "combinations", "layers", "linking", "progress", "rotation", "sliders", "snapping", "tiles"]
_WIDGETS = {
    "codebook": ["Codebook"],
    "compare": ["CompareTraversal"],
    "factor_browser": ["FactorBrowser"],
    "nmi_heatmap": ["NmiHeatmap"],
    "relevance_bars": ["RelevanceBars"],
    "swap_grid": ["SwapGrid"],
    "training_view": ["TrainingView"],
    "traversal": ["Traversal"],
}

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, _PURE, _WIDGETS)
