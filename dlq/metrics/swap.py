"""Who is in a swapped picture, told from embeddings and read-outs alone: no network is run here.

Face swapping without skip connections: X. Ren, X. Chen, P. Yao, H.-Y. Shum and B. Wang, "Reinforced Disentanglement for
Face Swapping without Skip Connection", ICCV 2023, arXiv 2307.07928. The paper proposes a metric of identity consistency
whose definition was not accessible to us: consistency, leak and retrieval here are *ours*, and none is the paper's number.

Axes: S sources, K targets for each, d numbers of an embedding. Consistency alone rewards a generator that always paints
the same person, and similarity alone an identity that is overdone: read them together, and beside the values that the
exact swaps get, since no embedding is blind to pose, light and hair.
"""

from typing import Any, NamedTuple

import numpy as np

LEAST_READ = 0.2  # correlation of read-outs of exact swaps with the truth: below, the judge does not see a factor


class SwapIdentity(NamedTuple):
    """Means over sources; ``by_source`` has them for each, (S, 5) in this order.

    ``consistency``: cosine between two results of one source; 1 if the person does not depend on the target.
    ``leak``: how much closer a result is to its own target than to the others; 0 if it carries nothing of that person.
    ``retrieval``: share of results whose nearest in the gallery of sources and own targets is their source.
    ``to_source``, ``to_target``: mean cosines.
    """

    consistency: float
    leak: float
    retrieval: float
    to_source: float
    to_target: float
    by_source: np.ndarray


def swap_identity(results: Any, sources: Any, targets: Any) -> SwapIdentity:
    """Scores embeddings of results (S, K, d) against those of their sources (S, d) and targets (S, K, d) or (K, d).

    K is at least 2. Embeddings need not have length 1. Raises ValueError where shapes do not belong together.
    """
    results, sources, targets = _checked(results, sources, targets)
    own = np.einsum("skd,sd->sk", results, sources)
    across = np.einsum("sid,sjd->sij", results, targets)
    beside = np.einsum("sid,sjd->sij", results, results)
    same = np.eye(results.shape[1], dtype=bool)
    columns = [
        beside[:, ~same].mean(1),
        across[:, same].mean(1) - across[:, ~same].mean(1),
        _retrieved(results, sources, across[:, same]).mean(1),
        own.mean(1),
        across[:, same].mean(1),
    ]
    by_source = np.stack(columns, axis=1)
    consistency, leak, retrieval, to_source, to_target = by_source.mean(0).tolist()
    return SwapIdentity(consistency, leak, retrieval, to_source, to_target, by_source)


class Transfer(NamedTuple):
    """How far each factor follows the source and the target, (F,) each: 1 and 0 for a perfect swap, 0 and 1 for a copy.

    Above 1 an identity is overdone. NaN where the judge cannot read a factor even off the exact swaps.
    """

    on_source: np.ndarray
    on_target: np.ndarray

    @property
    def means(self) -> tuple[float, float]:
        """Over the factors that can be read."""
        seen = ~np.isnan(self.on_source)
        if not seen.any():
            return float("nan"), float("nan")
        return float(self.on_source[seen].mean()), float(self.on_target[seen].mean())


def transfer(read: Any, exact: Any, sources: Any, targets: Any) -> Transfer:
    """Least-squares slopes of factors read off results on the true factors of source and target, relative to exact swaps.

    ``read`` and ``exact`` (S, K, F) are a judge's read-outs of the results and of the exact swaps, ``sources`` (S, F) and
    ``targets`` (K, F) the true factors. The slope on the source is divided by that of the exact swaps; from the slope on
    the target theirs is taken away before the same division: a judge that shrinks its read-outs shrinks both.
    """
    read, exact = np.asarray(read, float), np.asarray(exact, float)
    sources, targets = np.asarray(sources, float), np.asarray(targets, float)
    shape = (len(sources), len(targets), sources.shape[-1])
    if read.shape != shape or exact.shape != shape or targets.shape[1:] != sources.shape[1:]:
        raise ValueError(
            f"found read-outs {read.shape} and {exact.shape} for factors {sources.shape} of sources and {targets.shape} of "
            "targets; give (S, K, F), (S, K, F), (S, F) and (K, F)"
        )
    ours, theirs = _slopes(read, sources, targets), _slopes(exact, sources, targets)
    seen = theirs[0] * sources.std(0) > LEAST_READ * exact.std((0, 1))
    unit = np.where(seen, theirs[0], np.nan)
    return Transfer(ours[0] / unit, (ours[1] - theirs[1]) / unit)


def change_correlation(results: Any, exact: Any, mask: Any = None) -> float:
    """Correlation of what the source changes in the pictures with what it changes in the exact swaps, -1 to 1.

    ``results`` and ``exact`` (S, K, C, H, W); ``mask`` (S, K, H, W) says which pixels count. From every pixel its mean
    over the sources is taken away, for each target: pose, light and hair drop out, the person is left. Results that do
    not depend on the source have no correlation: 0.
    """
    results, exact = np.asarray(results, np.float32), np.asarray(exact, np.float32)
    if results.shape != exact.shape or results.ndim != 5:
        raise ValueError(f"found pictures {results.shape} and {exact.shape}; both must be (S, K, C, H, W)")
    weight = np.ones(results.shape[3:], np.float32) if mask is None else np.asarray(mask, np.float32)[:, :, None]
    ours, theirs = ((each - each.mean(0, keepdims=True)) * weight for each in (results, exact))
    first, second = (float(np.sqrt(np.square(each).sum(dtype=float))) for each in (ours, theirs))
    if first <= 1e-4 * second or second == 0:  # rounding alone
        return 0.0
    return float((ours * theirs).sum(dtype=float) / (first * second))


def _checked(results: Any, sources: Any, targets: Any) -> list[np.ndarray]:
    results, sources, targets = (np.asarray(each, float) for each in (results, sources, targets))
    fits = results.ndim == 3 and sources.shape == results[:, 0].shape and results.shape[1] >= 2
    if not fits or targets.shape not in (results.shape, results.shape[1:]):
        raise ValueError(
            f"found results {results.shape}, sources {sources.shape} and targets {targets.shape}; give (S, K, d) with K at "
            "least 2, (S, d) and (S, K, d) or (K, d)"
        )
    whole = [results, sources, np.broadcast_to(targets, results.shape)]
    for name, each in zip(("results", "sources", "targets"), whole, strict=True):
        lengths = np.linalg.norm(each, axis=-1)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise ValueError(f"some embeddings of {name} are zero or not finite; look at what the judge returned")
    return [each / np.linalg.norm(each, axis=-1, keepdims=True) for each in whole]


def _retrieved(results: np.ndarray, sources: np.ndarray, to_target: np.ndarray) -> np.ndarray:
    """Whether the own source is nearest, (S, K): among all sources and the result's own target."""
    near = np.einsum("skd,rd->skr", results, sources)
    own = np.einsum("sks->sk", near)
    others = near.copy()
    others[np.arange(len(sources)), :, np.arange(len(sources))] = -np.inf
    return own > np.maximum(others.max(-1), to_target)  # a tie is no find


def _slopes(read: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Slopes on source and target, (2, F): the design is a full grid, so each comes from its own axis."""
    by_source, by_target = read.mean(1), read.mean(0)
    parts = []
    for means, truth in ((by_source, sources), (by_target, targets)):
        centred = truth - truth.mean(0)
        parts.append((centred * means).sum(0) / np.square(centred).sum(0).clip(1e-12))
    return np.stack(parts)
