"""Which latents a slider moves, and through which values: pure functions of numpy arrays.

A *code* is one level per slider, counted from 0. A latent's levels run from its smallest value to its largest.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

MOST_COMBINATIONS = 12  # of a group of latents: as many as have room for a thumbnail each
NUM_LEVELS = 9  # of a continuous latent
PERCENTILES = (2, 98)


class Slider(NamedTuple):
    """One slider: at level k its ``latents`` take the values ``values[k]``; values is (num_levels, len(latents))."""

    name: str
    latents: tuple[int, ...]
    values: np.ndarray


def make_sliders(
    codebook: Sequence[np.ndarray] | None,
    names: Sequence[str],
    *,
    groups: Mapping[str, Iterable] | None,
    latents: np.ndarray | None,
    start: np.ndarray | None,
    levels: Sequence[np.ndarray] | None = None,
) -> list[Slider]:
    """Makes the sliders of a model that has a codebook, of one that names its own levels, or of one that has neither."""
    if codebook is not None:
        return quantized_sliders(codebook, names, groups=groups, latents=latents, start=start)
    if groups:
        raise ValueError(
            "groups= needs a model with a codebook; a continuous latent has no combinations to choose from"
        )
    if levels is not None:
        return level_sliders(levels, names, start=start)
    if latents is None:
        raise ValueError("the latents of this model are continuous; give their range: latents=dlq.encode(model, data)")
    return continuous_sliders(latents, names, start=start)


def quantized_sliders(
    codebook: Sequence[np.ndarray],
    names: Sequence[str],
    *,
    groups: Mapping[str, Iterable] | None = None,
    latents: np.ndarray | None = None,
    start: np.ndarray | None = None,
) -> list[Slider]:
    """Makes one slider a group, over the combinations that occur in ``latents``, then one for each latent left over.

    A group keeps its most frequent combinations, at most twelve, and always that of ``start``; the rest are mostly rare.
    A group of no latents (a factor that no latent holds) gets no slider.
    """
    groups = _check_groups(groups or {}, len(codebook))
    if latents is None:
        latents = np.empty((0, len(codebook)))
    if groups and not len(latents):
        raise ValueError("groups= needs latents= (the combinations that occur): latents=dlq.encode(model, data)")
    sliders = []
    for name, members in groups.items():
        allowed = [codebook[i] for i in members]
        first = None if start is None else snap(start[None, list(members)], allowed)
        sliders.append(Slider(name, members, _combinations(snap(latents[:, members], allowed), first)))
    grouped = {i for members in groups.values() for i in members}
    single = [i for i in range(len(codebook)) if i not in grouped]
    return sliders + [Slider(names[i], (i,), np.unique(codebook[i])[:, None]) for i in single]


def _combinations(rows, first):
    """The most frequent distinct rows, with ``first`` (1, k) among them, in lexicographic order."""
    values, counts = np.unique(rows, axis=0, return_counts=True)
    if first is not None:
        counts = np.where((values == first).all(1), 0, counts)  # not twice
    values = values[np.argsort(-counts, kind="stable")][: np.count_nonzero(counts)]
    if first is not None:
        values = np.vstack([first, values])
    return np.unique(values[:MOST_COMBINATIONS], axis=0)


def smooth_order(pictures: np.ndarray) -> list[int]:
    """Orders pictures so that neighbours look alike: from the one least like all, always to the nearest one left."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    distance = np.linalg.norm(flat[:, None] - flat[None], axis=-1)
    order = [int(distance.sum(1).argmax())]
    while len(order) < len(flat):
        left = [k for k in range(len(flat)) if k not in order]
        order.append(left[int(distance[order[-1], left].argmin())])
    return order


def continuous_sliders(latents: np.ndarray, names: Sequence[str], *, start: np.ndarray | None = None) -> list[Slider]:
    """Makes one slider a latent: nine even levels between its 2nd and 98th percentile.

    The level nearest to ``start`` takes its exact value, so that the starting picture is the reconstruction itself.
    """
    low, high = np.percentile(latents, PERCENTILES, axis=0)
    return level_sliders(np.linspace(low, high, NUM_LEVELS).T, names, start=start)


def level_sliders(
    levels: Iterable[np.ndarray], names: Sequence[str], *, start: np.ndarray | None = None
) -> list[Slider]:
    """Makes one slider a latent over the given levels, of which the one nearest to ``start`` takes its exact value."""
    sliders = []
    for i, (name, values) in enumerate(zip(names, levels, strict=True)):
        values = np.array(values, np.float32)
        if start is not None:
            values[np.abs(values - start[i]).argmin()] = start[i]
        sliders.append(Slider(name, (i,), np.unique(values)[:, None]))
    return sliders


def snap(latents: np.ndarray, codebook: Sequence[np.ndarray]) -> np.ndarray:
    """Replaces each latent by the nearest value of its codebook; a value that is not in the codebook is an error."""
    snapped = np.empty(latents.shape, np.float32)
    for i, values in enumerate(codebook):
        snapped[:, i] = values[np.abs(latents[:, i, None] - values[None]).argmin(1)]
    distance = np.abs(snapped - latents)
    if distance.size and distance.max() > 1e-3:
        row, column = np.unravel_index(distance.argmax(), distance.shape)
        raise ValueError(
            f"latents holds {latents[row, column]:.4g}, the codebook's nearest is {snapped[row, column]:.4g};"
            " encode the data again with this model: latents=dlq.encode(model, data)"
        )
    return snapped


def code_of(latents: np.ndarray, sliders: Sequence[Slider]) -> np.ndarray:
    """Finds each row's nearest level on every slider: (n, num_latents) to int64 (n, num_sliders)."""
    columns = []
    for slider in sliders:
        gap = latents[:, None, list(slider.latents)] - slider.values[None]
        columns.append((gap**2).sum(-1).argmin(1))
    return np.stack(columns, 1)


def latents_of(codes: np.ndarray, sliders: Sequence[Slider]) -> np.ndarray:
    """Writes codes as latent vectors: (n, num_sliders) to float32 (n, num_latents)."""
    latents = np.empty((len(codes), sum(len(slider.latents) for slider in sliders)), np.float32)
    for column, slider in enumerate(sliders):
        latents[:, list(slider.latents)] = slider.values[codes[:, column]]
    return latents


def seen_codes(latents: np.ndarray, sliders: Sequence[Slider]) -> np.ndarray:
    """Lists the distinct codes that occur in the latents, int64 (n, num_sliders), as far as the sliders reach them."""
    rows = np.unique(latents, axis=0)
    codes = code_of(rows, sliders)
    return np.unique(codes[np.isclose(latents_of(codes, sliders), rows, atol=1e-3).all(1)], axis=0)


def unseen_flags(codes: np.ndarray, seen: np.ndarray) -> str:
    """Writes one character a code: 1 where it is not among the ``seen`` ones, otherwise 0."""
    known = set(map(tuple, seen.tolist()))
    return "".join("0" if tuple(code) in known else "1" for code in codes.tolist())


def value_texts(slider: Slider) -> list[str]:
    """Writes each level's values for the reader: ``0.50``, or ``-1.00, 0.50`` for latents that move together."""
    return [", ".join(f"{value + 0.0:.2f}" for value in row) for row in slider.values]


def check_code(code: Iterable, sliders: Sequence[Slider]) -> list[int]:
    """Returns the code as a list of ints, or says which entry does not fit which slider."""
    code = [operator.index(level) for level in code]
    if len(code) != len(sliders):
        raise ValueError(
            f"code has {len(code)} entries, this widget has {len(sliders)} sliders; give one level a slider"
        )
    for position, (level, slider) in enumerate(zip(code, sliders, strict=True)):
        if not 0 <= level < len(slider.values):
            raise ValueError(
                f"code[{position}] is {level}, but '{slider.name}' has levels 0 to {len(slider.values) - 1}"
            )
    return code


def check_names(names: Iterable | None, num_latents: int) -> list[str]:
    """Returns one name a latent: the given ones, or ``latent 0`` and so on."""
    if names is None:
        return [f"latent {i}" for i in range(num_latents)]
    names = [str(name) for name in names]
    if len(names) != num_latents:
        raise ValueError(f"names has {len(names)} entries, the model has {num_latents} latents; give one name a latent")
    return names


def check_latents(latents: object, num_latents: int) -> np.ndarray:
    """Returns float32 (n, num_latents), or says what is wrong with it."""
    latents = np.asarray(latents, np.float32)
    if latents.ndim != 2 or latents.shape[1] != num_latents or len(latents) == 0:
        raise ValueError(f"latents has shape {latents.shape}; expected (n, {num_latents}), as dlq.encode(model, data)")
    if not np.isfinite(latents).all():
        raise ValueError(
            f"latents has {np.sum(~np.isfinite(latents))} values that are NaN or infinite; all must be finite"
        )
    return latents


def _check_groups(groups: Mapping[str, Iterable], num_latents: int) -> dict[str, tuple[int, ...]]:
    owner: dict[int, str] = {}
    checked = {str(name): tuple(operator.index(i) for i in members) for name, members in groups.items()}
    for name, members in checked.items():
        for i in members:
            if not 0 <= i < num_latents:
                raise ValueError(f"group '{name}' names latent {i}, but the model has latents 0 to {num_latents - 1}")
            if i in owner:
                raise ValueError(f"latent {i} is in '{owner[i]}' and in '{name}'; a latent can be in one group only")
            owner[i] = name
    return {name: members for name, members in checked.items() if members}
