"""``dlq reproduce``: the models that come with dlq, trained again by the recipe written here."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlq.cli import faces, games
from dlq.cli.arguments import Flag, Folder, Model
from dlq.cli.cards import about, finished, save_scored

EXAMPLES = """\
  dlq reproduce qlae-rooms
  dlq reproduce qlae-rooms --out models/qlae-rooms"""

SEED = 1
STEPS, SETTLE = 15_500, 2_000  # the last ones at a tenth of the learning rate
SHARPEN_STEPS = 3_000
NUM_LATENTS, NUM_VALUES = 15, 3
SIZE, SIZES, SHARP_SIZE = 16, (5, 5, 5, 4, 1, 5), 64


def reproduce(name: Model, /, *, out: Folder = None, progress: Flag = True) -> int:
    """Trains a model that comes with dlq again and saves it, with a card that says how and what it scores.

    Args:
        name: qlae-rooms, digits-judge, infogan-digits, info-wgan-rooms, ql-info-wgan-rooms, face-reader, face-judge,
            face-reader-64, face-judge-64, wsc-swap-faces or wsc-swap-faces-128
        out: the folder to write (default: one of the model's name in the current folder)
        progress: no progress bars
    """
    recipe = RECIPES.get(name)
    if recipe is None:
        raise ValueError(f"there is no recipe for {name!r}; there are {', '.join(RECIPES)}")
    folder = out or Path(name)
    if folder.resolve().is_relative_to(Path(__file__).resolve().parents[1]):
        raise ValueError(f"{folder} lies inside the package itself; choose another --out")
    if (folder / "model.json").exists():
        raise ValueError(f"{folder} holds a model already, and nothing is overwritten; choose another --out")
    scores = recipe(folder, progress)["scores"]
    numbers = [f"{key.replace('_', ' ')} {value:.3g}" for key, value in scores.items() if isinstance(value, float)]
    print(f"saved {folder}: {', '.join(numbers)}; load it with dlq.load({str(folder)!r})")
    return 0


def qlae_rooms(out: Path, progress: bool = True) -> dict[str, Any]:
    """Trains the small QLAE on 16-pixel rooms, gives it a decoder for 64 pixels, saves it and returns its card.

    The scores are those of the model read back from its half-precision file.
    """
    from dlq.cli import scores
    from dlq.datasets import rooms
    from dlq.evaluation import evaluate
    from dlq.models import qlae
    from dlq.training import fit, sharpen

    start, data = time.perf_counter(), rooms(size=SIZE, sizes=SIZES)
    model = qlae(data.image_shape, NUM_LATENTS, NUM_VALUES, seed=SEED)
    finished(fit(model, data, steps=STEPS, settle=SETTLE, seed=SEED, progress=progress))
    sharp = sharpen(model, data, size=SHARP_SIZE, convolutional=True, steps=SHARPEN_STEPS, seed=SEED, progress=progress)
    finished(sharp.training_state.history)
    card = about("qlae-rooms", {"name": "rooms", "size": SHARP_SIZE, "sizes": [*SIZES], "path": None}, SEED, start)
    card["steps"] = {"fit": STEPS, "of them settle": SETTLE, "sharpen": SHARPEN_STEPS}
    large = data.resized(SHARP_SIZE)
    return save_scored(sharp, out, card, lambda model: scores.as_record(evaluate(model, large)))


RECIPES: dict[str, Callable[[Path, bool], dict[str, Any]]] = {
    "qlae-rooms": qlae_rooms,
    "digits-judge": games.digits_judge,
    "infogan-digits": games.infogan_digits,
    "info-wgan-rooms": functools.partial(games.wgan_rooms, "info_wgan_gp"),
    "ql-info-wgan-rooms": functools.partial(games.wgan_rooms, "ql_info_wgan_gp"),
    "face-reader": functools.partial(faces.face_reader, "face-reader", "strided", 0),
    "face-judge": functools.partial(faces.face_reader, "face-judge", "wide_kernels", 7),
    "face-reader-64": functools.partial(faces.face_reader, "face-reader-64", "strided", 0, size=64),
    "face-judge-64": functools.partial(faces.face_reader, "face-judge-64", "wide_kernels", 7, size=64),
    "wsc-swap-faces": functools.partial(faces.swap_model, "wsc-swap-faces"),
    "wsc-swap-faces-128": functools.partial(faces.swap_model, "wsc-swap-faces-128", size=128, start="wsc-swap-faces"),
}
