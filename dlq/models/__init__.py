"""Models, one file a family. A model has ``encode``, ``decode`` and ``loss``; presets build ready-made ones."""

from torch import nn

from dlq.models.autoencoder import AutoEncoder, autoencoder, autoencoder_paper, qlae, qlae_paper, sharpened

__all__ = ["AutoEncoder", "autoencoder", "autoencoder_paper", "build", "qlae", "qlae_paper", "sharpened"]


def build(name: str, arguments: dict) -> nn.Module:
    """Builds the model that a checkpoint records: the preset ``name`` called with ``arguments``.

    An argument that is itself such a record is built first. Raises ValueError for a name that is no preset.
    """
    function = globals().get(name)
    if not getattr(function, "is_preset", False):
        known = sorted(key for key, value in globals().items() if getattr(value, "is_preset", False))
        raise ValueError(f"{name!r} is no preset of this version of dlq; known are {', '.join(known)}")
    nested = {k: build(v["preset"], v["arguments"]) if isinstance(v, dict) else v for k, v in arguments.items()}
    return function(**nested)  # type: ignore[misc]
