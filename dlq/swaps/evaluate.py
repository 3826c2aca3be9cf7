"""A face swap against the right answer, which rendered faces have: X. Ren et al., "Reinforced Disentanglement for Face
Swapping without Skip Connection", ICCV 2023, arXiv 2307.07928, is what is measured here; the measures are ours.

Every source goes into every target, all of them people the model has not seen, and the model's pictures, the exact swaps
and two copies (of the target, of the source) pass the same judge. It is another network than the one trained with: a
generator pleases its own encoder more easily than a second one.
"""

import math
from typing import Any

import numpy as np
import torch.nn.functional as F

from dlq.datasets.faces import IDENTITY, NAMES
from dlq.evaluation import for_inference
from dlq.metrics import Probe, Transfer, change_correlation, linear_probe, mlp_probe, swap_identity, transfer
from dlq.metrics.images import decibels
from dlq.swaps.judges import GROUPS, Read, columns, find_judge, names_of, read
from dlq.swaps.pairs import Pairs, choose, look_at, on_device, pairs_of, swapped
from dlq.swaps.result import TONES, SwapScores

SIDE = 4  # of the averaged background map that is probed
CHUNK = 128  # images encoded at once
FEWEST_PEOPLE = 12  # for a probe with people held out


def evaluate_swaps(
    model: Any,
    faces: Any,
    *,
    judge: Any = None,
    num_sources: int = 16,
    num_targets: int = 16,
    num_probe: int = 1_000,
    seed: int = 0,
) -> SwapScores:
    """Scores ``num_sources`` x ``num_targets`` swaps of people in ``faces``, none of whom the model may have seen.

    faces       ``dlq.datasets.identity_faces(...)`` or ``swap_faces(...)`` of a seed of its own; a folder has no exact
                swaps and no parameters, so that most scores are NaN
    judge       the name of a shipped face reader, or a network with ``embed(x)``, other than the model's own; None takes
                "face-judge", for images of 64 pixels or more "face-judge-64"
    num_probe   images on which the identity factors are read off the model's codes; 0: none
    Raises ValueError for too few people, and for a judge that the model was trained with.
    """
    rows = choose(faces, num_sources, num_targets, seed)
    judge = find_judge(judge, model, faces.image_shape[-1])
    pairs = pairs_of(faces, *rows)
    pictures, names = _pictures(model, pairs), names_of(judge)
    seen = {name: read(judge, x) for name, x in pictures.items()}
    who = read(judge, pairs.sources).identity, read(judge, pairs.targets).identity
    found = {name: _pixels(x, pairs) | _people(seen[name], *who) for name, x in pictures.items()}
    truth, slopes = _truth(judge, faces, pairs), None
    for name, row in found.items():
        row["leak_over_exact"] = row["leak"] - found["exact"]["leak"] if "exact" in found else math.nan
        if truth is not None:
            moved = _slopes(seen[name], seen["exact"], truth, names)
            row |= dict(zip(("on_source", "on_target"), moved.means, strict=True)) | _errors(seen[name], truth, names)
            slopes = moved if name == "model" else slopes
    probes, notes = _probes(model, faces, num_probe, seed) if num_probe else ({}, [])
    by_skin = {} if truth is None else _by_skin(pictures["model"], seen["model"], who[0], faces, pairs)
    factors = tuple(name for name in names if name in IDENTITY)
    notes += _size_note(judge, pairs)
    return SwapScores(found, slopes, factors, probes, by_skin, *pairs.shape, seed, tuple(notes))


def _pictures(model: Any, pairs: Pairs) -> dict[str, np.ndarray]:
    """What is scored, (S, K, C, H, W) each."""
    shape = (*pairs.shape, *pairs.sources.shape[1:])
    found = {"model": swapped(model, pairs)} | ({} if pairs.exact is None else {"exact": pairs.exact})
    copies = {"copy of target": pairs.targets[None], "copy of source": pairs.sources[:, None]}
    return found | {name: np.broadcast_to(x, shape) for name, x in copies.items()}


def _pixels(x: np.ndarray, pairs: Pairs) -> dict[str, float]:
    """Errors to the exact swap inside the union of both faces, and to the target outside it."""
    inside = pairs.union()
    found = _error(x, pairs.targets[None], ~inside, "outside")
    if pairs.exact is None:
        return found
    found = _error(x, pairs.exact, inside, "inside") | found
    found["correlation"] = change_correlation(x, pairs.exact, inside)
    found["change"], found["spread"] = (
        float(amount(x, pairs, inside) / amount(pairs.exact, pairs, inside)) for amount in (_change, _spread)
    )
    return found


def _change(x: np.ndarray, pairs: Pairs, inside: np.ndarray) -> float:
    """The mean distance from the target inside the face."""
    return float((np.abs(x - pairs.targets[None]).mean(2) * inside).sum())


def _spread(x: np.ndarray, pairs: Pairs, inside: np.ndarray) -> float:
    """How far results of one target lie apart inside the face."""
    return float(np.sqrt((x.var(0).mean(1) * inside.any(0)).sum()))


def _error(x: np.ndarray, truth: np.ndarray, where: np.ndarray, name: str) -> dict[str, float]:
    gap, weight = x - truth, where / where.sum((2, 3), keepdims=True).clip(1)
    l1, squared = ((each.mean(2) * weight).sum((2, 3)) for each in (np.abs(gap), np.square(gap)))
    return {f"l1_{name}": float(l1.mean()), f"psnr_{name}": float(np.minimum(decibels(squared), 99).mean())}


def _people(seen: Read, sources: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    found = swap_identity(seen.identity, sources, targets)
    return {name: getattr(found, name) for name in found._fields if name != "by_source"}


def _truth(judge: Any, faces: Any, pairs: Pairs) -> tuple[np.ndarray, np.ndarray] | None:
    """The parameters of sources and targets in the judge's units, (S, P) and (K, P), where both are known."""
    if pairs.exact is None or not hasattr(faces, "parameters") or not hasattr(judge, "standardised"):
        return None
    tables = (on_device(judge, faces.parameters[rows]) for rows in (pairs.source_rows, pairs.target_rows))
    sources, targets = (judge.standardised(table).cpu().numpy() for table in tables)
    return sources, targets


def _errors(seen: Read, truth: tuple[np.ndarray, np.ndarray], names: tuple[str, ...]) -> dict[str, float]:
    """Root mean squares of the judge's read-outs against the truth: the source's for the shape, else the target's."""
    assert seen.parameters is not None
    found = {}
    for group in GROUPS:
        which = columns(names, group)
        true = truth[0][:, None, which] if group == "shape" else truth[1][None][..., which]
        found[group] = float(np.sqrt(np.square(seen.parameters[..., which] - true).mean()))
    return found


def _slopes(seen: Read, exact: Read, truth: tuple[np.ndarray, np.ndarray], names: tuple[str, ...]) -> Transfer:
    assert seen.parameters is not None
    assert exact.parameters is not None
    which = [k for k, name in enumerate(names) if name in IDENTITY]
    sources, targets = (part[:, which] for part in truth)
    return transfer(seen.parameters[..., which], exact.parameters[..., which], sources, targets)


def _by_skin(x: np.ndarray, seen: Read, sources: np.ndarray, faces: Any, pairs: Pairs) -> dict[str, dict[str, float]]:
    """Scores by thirds of the target's skin tone; the copy's error beside them, since dark pixels differ by less."""
    tone = faces.parameters[pairs.target_rows, NAMES.index("skin")]
    place = np.minimum((3 * tone).astype(int), 2)
    cosine = np.einsum("skd,sd->sk", seen.identity, sources)
    found = {}
    for k, name in enumerate(TONES):
        here = np.flatnonzero(place == k)
        if pairs.exact is None or not len(here):
            continue
        inside = pairs.union()[:, here]
        copy = np.broadcast_to(pairs.targets[None, here], x[:, here].shape)
        scores, copied = (_error(y, pairs.exact[:, here], inside, "inside") for y in (x[:, here], copy))
        found[name] = {"targets": float(len(here)), **scores, "l1_of_copy": copied["l1_inside"]}
        found[name] |= {"to_source": float(cosine[:, here].mean())}
    return found


def _probes(model: Any, faces: Any, num_probe: int, seed: int) -> tuple[dict[str, Probe], list[str]]:
    """Every identity factor read off the attribute vector and off the background map, on people held out."""
    people = len(np.unique(faces.identities))
    if people < FEWEST_PEOPLE or not hasattr(faces, "parameters"):
        return {}, [f"no probes: they need the parameters of at least {FEWEST_PEOPLE} people, found {people} people"]
    rows = np.sort(np.random.default_rng(seed).permutation(len(faces))[:num_probe])
    factors, groups = faces.parameters[rows][:, [NAMES.index(name) for name in IDENTITY]], faces.identities[rows]
    found = {}
    for name, codes in encode_targets(model, faces, rows).items():
        for kind, probe in (("linear", linear_probe), ("MLP", mlp_probe)):
            found[f"{name} {kind}"] = probe(factors, codes, groups, seed=seed)
    return found, []


def encode_targets(model: Any, faces: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What the model keeps of targets: ``attributes`` (n, d), and its background map averaged to 4 x 4, (n, 16 channels)."""
    kept: dict[str, list[np.ndarray]] = {"attributes": [], "background": []}
    with for_inference(model):
        for start in range(0, len(rows), CHUNK):
            x, mask = (on_device(model, each) for each in look_at(faces, rows[start : start + CHUNK]))
            maps = F.adaptive_avg_pool2d(model.background(x, mask=mask[:, None]), SIDE)
            kept["attributes"].append(model.attributes(x, mask=mask[:, None]).float().cpu().numpy())
            kept["background"].append(maps.flatten(1).float().cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in kept.items()}


def _size_note(judge: Any, pairs: Pairs) -> list[str]:
    shape = getattr(judge, "image_shape", None)
    side = pairs.sources.shape[-1]
    if shape is None or shape[-1] == side:
        return []
    return [f"the judge reads {shape[-1]} pixels: these images of {side} were averaged down for it"]
