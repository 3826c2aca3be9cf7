"""``dlq train``: a model, a data set, and a folder that holds the result and all that is needed to go on."""

import datetime
import shlex
from pathlib import Path
from typing import Any

from dlq.cli.arguments import Count, Counts, Data, Flag, Folder, Model, Name, Number
from dlq.cli.signals import signals_held

EXAMPLES = """\
  dlq train qlae rooms --steps 2000 --out runs/first
  dlq train qlae rooms --steps 6500 --out runs/first         goes on from there
  dlq train autoencoder digits --num-latents 10
  dlq train qlae rooms --full --size 32 --num-latents 18 --settle 1000
  dlq train qlae-paper 3dshapes.h5 --device cuda --out runs/shapes3d"""


def train(
    model: Model,
    data: Data,
    /,
    *,
    steps: Count = None,
    out: Folder = None,
    size: Count = None,
    sizes: Counts = None,
    full: Flag = False,
    num_latents: Count = None,
    num_values: Count = None,
    learning_rate: Number = None,
    weight_decay: Number = None,
    batch_size: Count = None,
    seed: int = 0,
    device: Name = None,
    settle: int = 0,
    keep_best: Flag = False,
    progress: Flag = True,
) -> int:
    """Trains a model and saves it in a folder. Run the same command again with more steps to go on.

    Ctrl-C and SIGTERM save what there is between two steps.

    Args:
        model: qlae, autoencoder, bio_ae, vq_vae, fsq_autoencoder, tripod or another preset (small, learn in seconds),
            qlae_paper or another one of that ending (for a GPU)
        data: rooms, sprites, faces, digits, a folder of images, a dsprites (.npz, .hdf5) or shapes3d (.h5) file, or
            NAME:PATH, such as celeba:/data/celeba
        steps: steps in all, those of earlier commands too (default: the model's own number)
        out: the run folder (default: runs/MODEL-DATA)
        size: pixels a side (default: 16, digits 28, folders of images 32, paper models 64)
        sizes: number of values of each factor (default: 5 5 5 4 1 5 of rooms, 3 3 1 8 8 of sprites; paper models: all)
        full: all values of each factor
        num_latents: number of latents
        num_values: number of values of each latent, for quantized models
        learning_rate: learning rate
        weight_decay: decoupled weight decay
        batch_size: images a step
        seed: of the first weights and the order of the data
        device: cpu, cuda, cuda:1, mps (default: the fastest there is)
        settle: how many of the last steps run at a tenth of the learning rate
        keep_best: finish with the weights that had the lowest loss
        progress: no progress bar
    """
    command = _command(locals())
    from dlq.cli import machine, runs, sources

    name, chosen = model.replace("-", "_"), machine.choose_device(device)
    source = sources.describe(data, paper=name.endswith("_paper"), size=size, sizes=sizes, full=full)
    given: dict[str, Any] = {"num_latents": num_latents, "num_values": num_values}
    given |= {"learning_rate": learning_rate, "weight_decay": weight_decay}
    given = {key: value for key, value in given.items() if value is not None}
    folder = out or Path("runs") / f"{name}-{source['name']}"
    run = runs.begin(folder, name, source, given, batch_size=batch_size, seed=seed)
    run.card |= {"command": command, "date": datetime.date.today().isoformat()}
    run.card |= {"device": machine.device_name(chosen), "versions": machine.versions()}
    return _train(run, steps, {"settle": settle, "keep_best": keep_best, "progress": progress, "device": chosen})


def _command(asked: dict[str, Any]) -> str:
    """The command line that asks for this, without what is left at its default."""
    words = ["dlq", "train", asked.pop("model"), asked.pop("data")]
    for name, value in asked.items():
        if name == "progress" or value is None or value is False or value == 0:
            continue
        words.append(f"--{name.replace('_', '-')}")
        words += [] if value is True else map(str, value if isinstance(value, tuple) else [value])
    return shlex.join(words)


def _train(run: Any, steps: int | None, options: dict[str, Any]) -> int:
    from dlq.cli.runs import autosave
    from dlq.training import NonFiniteError, fit

    before, batch_size, seed = run.step, run.card["batch_size"], run.card["seed"]
    asked = run.model.recipe.steps if steps is None else steps
    if before and before >= asked:
        print(f"{run.folder} has had {before:,} steps; ask for more --steps to go on. Next: dlq evaluate {run.folder}")
        return 0
    if before:
        print(f"{run.folder} has had {before:,} steps; going on from there")
    try:
        history = fit(
            run.model, run.data, steps=asked, batch_size=batch_size, seed=seed, watch=autosave(run), **options
        )
    except NonFiniteError:
        if run.step > before:
            run.save()  # the weights are those before the step that failed
        raise
    with signals_held():
        run.save(seconds=history.seconds)
        if history.stopped == "interrupted":
            print(f"interrupted: saved {run.folder} after {run.step:,} of {asked:,} steps; the same command goes on")
            return 130
    return _score(run, history.seconds)


def _score(run: Any, seconds: float) -> int:
    from dlq.cli.scores import as_record, in_short
    from dlq.evaluation import evaluate

    scores = evaluate(run.model, run.data)
    with signals_held():
        run.save(seconds=seconds, scores=as_record(scores))
    print(
        f"saved {run.folder} after {run.step:,} steps in {seconds:.0f} s: {in_short(scores)}. "
        f"Next: dlq evaluate {run.folder}"
    )
    return 0
