"""The trainings behind lesson 09: the face reader that trains swaps, the judge that scores them, and the swaps."""

import functools
import time
from pathlib import Path
from typing import Any

import numpy as np

from dlq.cli.cards import about, finished, save_scored

PEOPLE, IMAGES_EACH = {32: 3_000, 64: 6_000, 128: 2_000}, 10  # by the side of the images
READER_STEPS = {"face-reader": 4_500, "face-judge": 4_500, "face-reader-64": 9_000, "face-judge-64": 7_000}
FIRST, FIRM = [10.0, 1.0, 3.0, 10.0, 1.0, 0.5, 3.0, 0.3], [10.0, 1.0, 3.0, 10.0, 3.0, 1.0, 3.0, 0.3]
# the second keeps expression, gaze and light more firmly; both have a discriminator
STAGES: dict[int, list[dict[str, Any]]] = {  # by the side: what is built, and for how many steps it is trained
    64: [
        {"steps": 3_000, "learning_rate": 2e-3, "weights": FIRST, "composite": None},
        {"steps": 2_200, "learning_rate": 1e-3, "weights": FIRM, "composite": "surroundings"},
    ],
    128: [{"steps": 1_500, "learning_rate": 2e-3, "weights": FIRM, "composite": "surroundings"}],
}
SWAP_BATCH = {64: 16, 128: 8}
USED = 2  # masks are grown by half of training's most when it is used: more hair would be lost, and a rim would show
UNSEEN, UNSEEN_PEOPLE = 12_345, 250  # the seed of people that nothing is trained on, and how many score
SEED = 0


@functools.cache
def people(size: int, seed: int, number: int, each: int) -> Any:
    """Rendered people, kept for the next recipe or run in this process."""
    from dlq.datasets import swap_faces

    return swap_faces(number, each, size, seed=seed)


def face_reader(name: str, variant: str, seed: int, out: Path, progress: bool = True, size: int = 32) -> dict[str, Any]:
    """Trains a reader on random people and scores it on others."""
    from dlq.models import face_reader as build
    from dlq.models.face_reader import measure
    from dlq.training import fit

    start, data = time.perf_counter(), people(size, SEED, PEOPLE[size], IMAGES_EACH)
    model = build((3, size, size), variant=variant, seed=seed)
    finished(fit(model, data, steps=READER_STEPS[name], seed=seed, progress=progress))
    unseen = people(size, UNSEEN, UNSEEN_PEOPLE, 8)
    measure(model, unseen)
    card = about(name, source(size, PEOPLE[size], IMAGES_EACH), seed, start) | {"steps": READER_STEPS[name]}
    return save_scored(model, out, card, lambda reader: reading_scores(reader, unseen))


def source(size: int, number: int, each: int) -> dict[str, Any]:
    """What the card says of the data."""
    return {"name": "swap_faces", "size": size, "num_identities": number, "images_per_identity": each, "seed": SEED}


def reading_scores(reader: Any, data: Any) -> dict[str, Any]:
    """On people never seen: how well two images of one person are told from two of different people, and the share of
    variance explained (R2) of identity, pose, light and expression, a mean over their parameters."""
    import torch
    from sklearn.metrics import roc_auc_score

    from dlq.evaluation import encode
    from dlq.swaps.judges import columns

    read = encode(reader, data)
    true = reader.standardised(torch.from_numpy(data.parameters)).numpy()
    explained = 1 - np.square(read - true).mean(0) / true.var(0)
    names = (*reader.identity_names, *reader.other_names)
    who = read[:, : len(reader.identity_names)]
    cosines = (who := who / np.linalg.norm(who, axis=1, keepdims=True)) @ who.T
    pairs = np.triu_indices(len(who), 1)
    same = (data.identities[:, None] == data.identities)[pairs]
    found = {"auc": float(roc_auc_score(same, cosines[pairs])), "same_person": float(reader.same_person)}
    groups = {"identity": [*range(len(reader.identity_names))]}
    groups |= {group: columns(names, group) for group in ("pose", "light", "expression")}
    found |= {f"r2_{group}": float(explained[members].mean()) for group, members in groups.items()}
    return found | {"num_people": len(np.unique(data.identities)), "num_images": len(data)}


def swap_model(name: str, out: Path, progress: bool = True, size: int = 64, start: str | None = None) -> dict[str, Any]:
    """Trains the face swap, from a smaller one where ``start`` names it, and scores it by the judge on people never seen."""
    from dlq.checkpoints import load
    from dlq.swaps import evaluate_swaps

    began, data = time.perf_counter(), people(size, SEED, PEOPLE[size], IMAGES_EACH)
    model: Any = None if start is None else load(start)
    for stage in STAGES[size]:
        model = trained(model, data, stage, progress)
    card = about(name, source(size, PEOPLE[size], IMAGES_EACH), SEED, began)
    card |= {"stages": STAGES[size], "batch_size": SWAP_BATCH[size], "started_from": start}
    card["trained_dilation"] = model.dilation
    unseen = people(size, UNSEEN + 1, UNSEEN_PEOPLE, 4)
    return save_scored(as_used(model), out, card, lambda model: swap_scores(evaluate_swaps(model, unseen)))


def trained(start: Any, data: Any, stage: dict[str, Any], progress: bool) -> Any:
    """A swap of one stage, trained from ``start``: None, an earlier stage, or a smaller swap, which is left as it is while
    the finer stages learn what a larger picture shows."""
    from dlq import models
    from dlq.training import fit

    design = {key: value for key, value in stage.items() if key != "steps"}
    model: Any = models.build("wsc_swap", {"image_shape": data.image_shape, "seed": SEED, **design})
    if start is not None:
        model.start_from(start)
        if start.image_shape != model.image_shape:
            model.only_finer()
    batch_size = SWAP_BATCH[data.image_shape[1]]
    finished(fit(model, data, steps=stage["steps"], batch_size=batch_size, seed=SEED, progress=progress))
    return model


def as_used(model: Any) -> Any:
    """The trained swap, built to take narrower masks than in training."""
    from dlq import models

    found: Any = models.build(model.preset.name, model.preset.arguments | {"dilation": model.dilation // USED})
    found.load_state_dict(model.state_dict())
    return found.to(model.importance.device)


def swap_scores(found: Any) -> dict[str, Any]:
    """The model's row, and what can be read off its codes."""
    record = found.to_dict()
    return {key: value for part in (record["rows"]["model"], record["probes"]) for key, value in part.items()}
