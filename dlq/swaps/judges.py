"""Judges: networks that say who is shown, other than the one that a swap was trained with."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from dlq.checkpoints import load
from dlq.swaps.pairs import on_device

CHUNK = 256  # images read at once
GROUPS = {  # what a swap must take over, by the judge's names
    "shape": ("face_", "jaw_", "eye_size", "eye_distance", "nose_", "mouth_width", "lip_"),
    "expression": ("smile", "mouth_open", "blink", "brow_raise"),
    "gaze": ("gaze_",),
    "pose": ("yaw", "pitch", "roll"),
    "light": ("light_", "ambient", "direct", "warmth"),
    "skin": ("skin",),
}


class Read(NamedTuple):
    """What a judge says of some images: unit embeddings (..., d), and parameters (..., P) or None."""

    identity: np.ndarray
    parameters: np.ndarray | None


def find_judge(judge: Any, model: Any, side: int) -> Any:
    """The judge itself, the shipped one of that name, or for None the shipped one that suits images of ``side`` pixels;
    ValueError where the model was trained with the same network."""
    if judge is None:
        judge = "face-judge-64" if side >= 64 else "face-judge"
    judge = load(judge) if isinstance(judge, str) else judge
    if not hasattr(judge, "embed"):
        raise ValueError(
            f"a {type(judge).__name__} cannot say who is shown; give a judge with embed(x), such as "
            'dlq.load("face-judge")'
        )
    if isinstance(judge, nn.Module) and isinstance(model, nn.Module):
        own = _fingerprint(judge)
        if any(type(part) is type(judge) and _fingerprint(part) == own for part in model.modules()):
            raise ValueError(
                "the judge is the network that this model was trained with, which it may have learnt to please; give "
                'another one, such as dlq.load("face-judge")'
            )
    return judge


def read(judge: Any, x: np.ndarray) -> Read:
    """What the judge says of images (..., C, H, W); larger ones are averaged down to its size by a whole factor."""
    flat = fitted(x.reshape(-1, *x.shape[-3:]), getattr(judge, "image_shape", None))
    who, rest = [], []
    with torch.no_grad():
        for start in range(0, len(flat), CHUNK):
            part: Any = flat[start : start + CHUNK]
            part = on_device(judge, part) if isinstance(judge, nn.Module) else part
            who.append(_numpy(judge.embed(part)))
            if isinstance(judge, nn.Module) and hasattr(judge, "identity_names"):
                reading = judge(part)
                rest.append(np.concatenate([_numpy(reading.identity), _numpy(reading.others)], 1))
    identity, parameters = np.concatenate(who), np.concatenate(rest) if rest else None
    shape = x.shape[:-3]
    return Read(identity.reshape(*shape, -1), None if parameters is None else parameters.reshape(*shape, -1))


def names_of(judge: Any) -> tuple[str, ...]:
    """The parameters that the judge reads, in the order of ``Read.parameters``; empty where it reads none."""
    return (*getattr(judge, "identity_names", ()), *getattr(judge, "other_names", ()))


def columns(names: tuple[str, ...], group: str) -> list[int]:
    """Which of the names belong to a group."""
    return [k for k, name in enumerate(names) if name.startswith(GROUPS[group])]


def fitted(x: np.ndarray, image_shape: tuple[int, int, int] | None) -> np.ndarray:
    """Images (n, C, H, W) of the judge's shape, averaged over whole blocks where they are larger."""
    if image_shape is None or x.shape[1:] == tuple(image_shape):
        return x
    channels, height, width = image_shape
    factor = x.shape[2] // height
    if x.shape[1] != channels or factor < 1 or x.shape[2:] != (factor * height, factor * width):
        raise ValueError(
            f"the images have shape {x.shape[1:]}, the judge takes {tuple(image_shape)} or a whole multiple of that; give "
            "a judge of this size, or images of another"
        )
    return x.reshape(len(x), channels, height, factor, width, factor).mean((3, 5))


def _fingerprint(module: nn.Module) -> tuple:
    """Equal for equal weights: shapes and sums."""
    return tuple((tuple(p.shape), float(p.detach().double().sum())) for p in module.parameters())


def _numpy(values: Any) -> np.ndarray:
    return values.float().cpu().numpy() if hasattr(values, "detach") else np.asarray(values, np.float32)
