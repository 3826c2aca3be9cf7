"""Interactive widgets; the pure half (``sliders``, ``tiles``) needs numpy and Pillow alone, never torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["sliders", "tiles"], {"traversal": ["Traversal"]})
