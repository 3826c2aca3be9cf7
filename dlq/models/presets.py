"""Presets remember how they were built, so that a checkpoint can build the same model again."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np
import torch
from torch import nn

P = ParamSpec("P")
M = TypeVar("M", bound=nn.Module)


class Preset(NamedTuple):
    """The name of a preset function in ``dlq.models`` and the arguments it was called with (plain JSON values)."""

    name: str
    arguments: dict


def preset(function: Callable[P, M]) -> Callable[P, M]:
    """Marks a function that returns a model: the result carries ``model.preset``, unless it was made from a model that
    no preset built.

    The weights start from the argument ``seed``; torch's global random state is left as it was.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def build(*args: P.args, **kwargs: P.kwargs) -> M:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(bound.arguments["seed"]))  # torch.manual_seed reaches CUDA's too
            model = function(*bound.args, **bound.kwargs)
        parts = [value for value in bound.arguments.values() if isinstance(value, nn.Module)]
        if all(isinstance(getattr(part, "preset", None), Preset) for part in parts):
            record = Preset(function.__name__, {k: _plain(v) for k, v in bound.arguments.items()})
            model.preset = record  # type: ignore[assignment]
        return model

    build.is_preset = True  # type: ignore[attr-defined]
    return build


def _plain(value: object) -> object:
    """A JSON value for an argument; a model becomes the record of its own preset."""
    if isinstance(value, nn.Module):
        return {"preset": value.preset.name, "arguments": value.preset.arguments}  # type: ignore[union-attr]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def check_image_shape(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """(channels, height, width) as plain integers, or a ValueError that says what is expected."""
    try:
        channels, height, width = (int(n) for n in image_shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"image_shape is {image_shape!r}; give (channels, height, width), for instance data.image_shape"
        ) from None
    if min(channels, height, width) < 1:
        raise ValueError(f"image_shape is {image_shape!r}; all three numbers must be at least 1")
    return channels, height, width
