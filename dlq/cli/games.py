"""The trainings behind lesson 07: generators that name what they draw, and the classifier that judges them."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from dlq.cli.cards import about, finished, save_scored

SEED, INFOGAN_SEED = 0, 2
DIGITS = {"name": "digits", "size": 28, "sizes": None, "path": None}
ROOMS = {"name": "rooms", "size": 16, "sizes": [5, 5, 5, 1, 1, 1], "path": None}
JUDGE_STEPS, HELD_OUT = 2_500, 0.2
INFOGAN_STEPS = 6_000
WGAN_STEPS = 6_000
NUM_DRAWN = 2_000  # generated images that are judged


def digits_judge(out: Path, progress: bool = True) -> dict[str, Any]:
    """Trains the classifier on four fifths of the digits and scores it on the rest."""
    from dlq.datasets import digits
    from dlq.models import judge
    from dlq.training import fit

    start, (train, test) = time.perf_counter(), digits().split(1 - HELD_OUT, HELD_OUT, seed=SEED)
    model = judge(train.image_shape, seed=SEED)
    finished(fit(model, train, steps=JUDGE_STEPS, seed=SEED, progress=progress))
    card = about("digits-judge", DIGITS, SEED, start) | {"steps": JUDGE_STEPS}
    return save_scored(model, out, card, lambda judge: accuracy(judge, test))


def infogan_digits(out: Path, progress: bool = True) -> dict[str, Any]:
    """Trains InfoGAN with consistency on the digits; the judge that comes with dlq says what its categories draw."""
    from dlq.datasets import digits
    from dlq.models import infogan
    from dlq.training import fit

    start, data = time.perf_counter(), digits()
    model = infogan(data.image_shape, consistency=1.0, seed=INFOGAN_SEED)
    finished(fit(model, data, steps=INFOGAN_STEPS, seed=INFOGAN_SEED, progress=progress))
    card = about("infogan-digits", DIGITS, INFOGAN_SEED, start) | {"steps": INFOGAN_STEPS}
    return save_scored(model, out, card, lambda model: category_scores(model, data))


def wgan_rooms(preset: str, out: Path, progress: bool = True) -> dict[str, Any]:
    """Trains InfoWGAN-GP, with continuous or quantized codes, on rooms in which the three colours vary."""
    from dlq import models
    from dlq.cli.sources import open_source
    from dlq.training import fit

    start, data = time.perf_counter(), open_source(ROOMS)
    model: Any = models.build(preset, {"image_shape": data.image_shape, "seed": SEED})
    finished(fit(model, data, steps=WGAN_STEPS, seed=SEED, progress=progress))
    name = preset.replace("_gp", "").replace("_", "-") + "-rooms"
    card = about(name, ROOMS, SEED, start) | {"steps": WGAN_STEPS}
    return save_scored(model, out, card, lambda model: code_scores(model, data))


def accuracy(judge: Any, data: Any) -> dict[str, Any]:
    """The share of images that the judge classifies rightly, and how many there were."""
    right = classes(judge, data.images[:]) == data.factors[:, 0]
    return {"accuracy_held_out": float(right.mean()), "num_held_out": len(data)}


def classes(judge: Any, images: Any) -> np.ndarray:
    """The class of each image, uint8 or in [0, 1], as the judge sees it; int64 (n,)."""
    from torch import nn

    from dlq.evaluation import features

    return features(nn.Sequential(judge.trunk, judge.head), images).argmax(1)


def category_scores(model: Any, data: Any, *, seed: int = 1) -> dict[str, Any]:
    """How InfoGAN's category goes with the digit: drawn ones judged by the shipped judge, real ones read by Q."""
    from dlq.checkpoints import load
    from dlq.evaluation import draw, encode
    from dlq.metrics import match_codes

    codes, images = draw(model, NUM_DRAWN, seed=seed)
    generated = match_codes(classes(load("digits-judge"), images), codes[:, 0].astype(np.int64))
    real = match_codes(data.factors[:, 0], encode(model, data)[:, 0].astype(np.int64))
    return {
        "match_generated": generated.accuracy,
        "match_real": real.accuracy,
        "num_generated": NUM_DRAWN,
        "digits_drawn": int((generated.table.sum(0) > NUM_DRAWN / 100).sum()),
    }


def code_scores(model: Any, data: Any) -> dict[str, Any]:
    """InfoMEC of the codes that the encoder reads off real images, PSNR of drawing them again, and codes read back."""
    from dlq.cli.scores import as_record
    from dlq.diagnosis import diagnose
    from dlq.evaluation import evaluate

    found = as_record(evaluate(model, data))
    looked = diagnose(model, data)
    keep = ("modularity", "explicitness", "compactness", "psnr", "num_images")
    return {name: found[name] for name in keep} | {"codes_read": looked.codes_read, "variance": looked.variance}
