"""One small widget of every kind, for the tests that hold for all of them: a new widget is one function and one line."""

import numpy as np
from stand_in import Learner, Stripes
from swap_stand_in import Copies, People

import dlq
from dlq.datasets.arrays import from_arrays
from dlq.widgets import (
    Codebook,
    CompareTraversal,
    FactorBrowser,
    NmiHeatmap,
    RelevanceBars,
    SwapGrid,
    TrainingView,
    Traversal,
)

NASTY = "</script><script>alert(1)</script>"
GREY = np.full((1, 4, 6), 128, np.uint8)
IMAGES = np.arange(12, dtype=np.uint8)[:, None, None, None].repeat(4, 2).repeat(6, 3) * 20
FACTORS = np.stack(np.divmod(np.arange(12), 4), 1)


def traversal():
    return Traversal(Stripes(), GREY, names=["red", NASTY, "blue"])


def factors():
    return FactorBrowser(from_arrays(IMAGES, FACTORS, factor_names=("tens", NASTY)))


def compare():
    return CompareTraversal({"first": Stripes(), NASTY: Stripes()}, GREY)


def codebook():
    latents = np.array([[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5]], np.float32)
    return Codebook(dlq.LatentQuantizer(2, 3), latents, names=["first", NASTY])


def heatmap():
    latents = FACTORS + 0.1 * np.random.default_rng(0).standard_normal(FACTORS.shape)
    shares = {"largest share": lambda factors, latents: float(np.clip(latents[:, 0].mean() / 3, 0, 1))}
    names = ["hue", NASTY]
    return NmiHeatmap(FACTORS, latents, discrete=False, rotate=(0, 1), num_angles=5, metrics=shares, factor_names=names)


def relevance():
    model = Stripes((1, 4, 8), num_latents=4, continuous=True)
    return RelevanceBars(model, [1, 6, 3, 0.5], IMAGES[:4, :, :, [0] * 8], names=["a", NASTY, "c", "d"])


def training():
    view = TrainingView(IMAGES, names=["red", "green", NASTY])
    dlq.fit(Learner(), IMAGES, steps=30, batch_size=8, watch=view.watch, device="cpu", progress=False)
    return view


def swaps():
    people = People(6, 1, 16, seed=2)
    names = (["Ada", NASTY], ["one", "two", "three"])
    return SwapGrid(Copies(people), people, [0, 1], [2, 3, 4], walks=("smile", "beard"), names=names)


WIDGETS = {
    "Traversal": traversal,
    "FactorBrowser": factors,
    "CompareTraversal": compare,
    "Codebook": codebook,
    "NmiHeatmap": heatmap,
    "RelevanceBars": relevance,
    "SwapGrid": swaps,
    "TrainingView": training,
}
