"""What is wrong with a generator, in words: the critic is too strong, the code is ignored, every picture is the same.

The three ways in which the game of a GAN usually fails, each with the number that shows it and what to try. It looks at
drawn samples, not at losses, whose size says little about a game. Works for models that have ``sample_codes``, ``decode``
and ``encode``, as InfoGAN and InfoWGAN-GP have.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from dlq.datasets.given import as_dataset
from dlq.evaluation import draw, infer

LITTLE_VARIANCE = 0.2  # of the real images' variance: fewer pictures than codes, or one
CODE_IGNORED = 0.15  # of the way from guessing to reading every code
FEW_VALUES = 32  # of a latent that counts as discrete
EASY_TO_TELL = 0.98  # of generated images are called generated, and real ones real


class Diagnosis(NamedTuple):
    """Three numbers and what they mean; ``problems`` is empty for a game that goes well.

    ``variance`` of drawn images per pixel, as a share of that of real ones; ``codes_read``: 0 where the encoder guesses, 1
    where it reads every code off the picture; ``told_apart``: the share of images that the discriminator calls rightly real
    or generated (NaN for a critic, whose values have no zero).
    """

    variance: float
    codes_read: float
    told_apart: float
    problems: tuple[str, ...]

    def __repr__(self) -> str:
        told = "" if np.isnan(self.told_apart) else f", told apart {self.told_apart:.0%}"
        numbers = f"variance {self.variance:.0%} of real, codes read {self.codes_read:.0%}{told}"
        return "\n".join([f"Diagnosis({numbers})", *(self.problems or ("The game goes well.",))])


def diagnose(model: Any, data: Any, *, num_samples: int = 256, seed: int = 0) -> Diagnosis:
    """Looks at images that the model draws, beside real ones of ``data``.

    Raises ValueError for a model that draws no samples or for data of another shape.
    """
    if not hasattr(model, "sample_codes"):
        raise ValueError(f"a {type(model).__name__} draws no samples; diagnose a generator, such as dlq.infogan(...)")
    data = as_dataset(data, model.image_shape)
    real = data.batch(data.sample(min(num_samples, len(data)), torch.Generator().manual_seed(seed)), "cpu").numpy()
    codes, drawn = draw(model, num_samples, seed=seed)
    read = infer(model, model.encode, drawn).cpu().numpy()
    variance = float(drawn.var(0).mean() / max(real.var(0).mean(), 1e-8))
    codes_read = _codes_read(codes, read)
    told_apart = _told_apart(model, real, drawn)
    return Diagnosis(variance, codes_read, told_apart, tuple(_problems(variance, codes_read, told_apart)))


def watch_for_collapse(data: Any, *, after: int = 500, seed: int = 0) -> Callable[[nn.Module, Any], None]:
    """Makes a ``watch`` for ``fit`` that warns, once a kind, when a game goes wrong; it looks after ``after`` steps, then
    at every doubling."""
    said: set[str] = set()
    due = [max(after, 1)]

    def watch(model: nn.Module, history: Any) -> None:
        if history.steps[-1] < due[0]:
            return
        due[0] = 2 * history.steps[-1]
        for problem in diagnose(model, data, seed=seed).problems:
            kind = problem.partition(":")[0]
            if kind not in said:
                said.add(kind)
                warnings.warn(f"step {history.steps[-1]:,}: {problem}", stacklevel=2)

    return watch


def _codes_read(codes: np.ndarray, read: np.ndarray) -> float:
    """The mean over latents of: share read rightly, from chance (0) to all (1); explained variance if continuous."""
    found = []
    for drawn, back in zip(codes.T, read.T, strict=True):
        num_values = len(np.unique(drawn))
        if num_values <= FEW_VALUES:
            right = np.isclose(drawn, back).mean()
            found.append(max(0.0, (right - 1 / num_values) / max(1 - 1 / num_values, 1e-8)))
        else:
            error = np.square(drawn - back).mean() / max(drawn.var(), 1e-8)
            found.append(max(0.0, 1 - error))
    return float(np.mean(found))


def _told_apart(model: Any, real: np.ndarray, drawn: np.ndarray) -> float:
    judge = getattr(model, "discriminator", None)
    if judge is None:
        return float("nan")
    called_real = [infer(model, lambda x: judge(x)[0], x).cpu().numpy() > 0 for x in (real, drawn)]
    return float((called_real[0].mean() + 1 - called_real[1].mean()) / 2)


def _problems(variance: float, codes_read: float, told_apart: float) -> list[str]:
    found = []
    if variance < LITTLE_VARIANCE:
        found.append(
            f"mode collapse: drawn images vary {variance:.0%} as much as real ones; try a lower learning rate of the "
            "generator, or begin again with another seed"
        )
    if codes_read < CODE_IGNORED:
        found.append(
            f"code ignored: the encoder reads {codes_read:.0%} of the codes that were drawn; train longer, or raise the "
            "weight of the latent term"
        )
    if told_apart > EASY_TO_TELL:
        found.append(
            f"critic too strong: {told_apart:.0%} of images are told apart, so the generator learns nothing; try a lower "
            "learning rate of the discriminator"
        )
    return found
