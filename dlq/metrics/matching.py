"""Which code names which class: the best one-to-one match between a discrete code and known classes.

The assignment is Kuhn's Hungarian method (scipy's); the accuracy after matching is how InfoGAN's categories are scored
(Chen et al. 2016, arXiv 1606.03657). The bound is InfoGAN's own, I(code; image) >= H(code) - E[-log Q(code | image)].
"""

from typing import NamedTuple

import numpy as np

from dlq.metrics.checks import check_codes


class Matching(NamedTuple):
    """How codes and classes go together.

    ``table`` (num_codes, num_classes) counts the pairs; row r is code ``codes[r]``, column c is class ``classes[c]``.
    ``names`` maps each code to the class that it was matched with; codes that are left over map to None.
    ``accuracy`` is the share of images whose code is matched with their class, ``purity`` the share in the most frequent
    class of their code (several codes may then name one class), ``used`` the number of codes that occur.
    """

    accuracy: float
    purity: float
    used: int
    table: np.ndarray
    codes: np.ndarray
    classes: np.ndarray
    names: dict[int, int | None]

    def __repr__(self) -> str:
        named = ", ".join(f"{code} = {'nothing' if name is None else name}" for code, name in self.names.items())
        return f"Matching(accuracy={self.accuracy:.3f}, purity={self.purity:.3f}; {named})"


def match_codes(classes: np.ndarray, codes: np.ndarray) -> Matching:
    """Matches codes (n,) with known classes (n,), both whole numbers, so that the most images agree.

    Chance is about 1 over the number of classes. Raises ValueError on other shapes, lengths, or values that are no labels.
    """
    from scipy.optimize import linear_sum_assignment

    classes, codes = _column(classes, "classes"), _column(codes, "codes")
    classes, codes = check_codes(classes, codes, min_samples=1)
    if (codes != np.floor(codes)).any():
        raise ValueError(
            f"codes must be whole numbers, found {codes[codes != np.floor(codes)][0]:.4g}; give categories"
        )
    code_values, rows = np.unique(codes.astype(np.int64), return_inverse=True)
    class_values, columns = np.unique(classes, return_inverse=True)
    shape = len(code_values), len(class_values)
    table = np.bincount(rows.ravel() * shape[1] + columns.ravel(), minlength=shape[0] * shape[1]).reshape(shape)
    matched = dict(zip(*linear_sum_assignment(-table), strict=True))
    names = {int(c): int(class_values[matched[r]]) if r in matched else None for r, c in enumerate(code_values)}
    return Matching(
        accuracy=float(sum(table[r, c] for r, c in matched.items()) / len(codes)),
        purity=float(table.max(axis=1).sum() / len(codes)),
        used=shape[0],
        table=table,
        codes=code_values,
        classes=class_values,
        names=names,
    )


def information_bound(cross_entropy: float, num_values: int) -> float:
    """The bound on the information in nats that images carry about an evenly drawn code, from Q's mean cross-entropy.

    It is at most log(num_values), reached when Q is sure and right; 0 or less says that Q knows nothing.
    """
    if num_values < 2:
        raise ValueError(f"num_values is {num_values}; a code needs at least 2 values to carry information")
    return float(np.log(num_values) - cross_entropy)


def _column(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(f"{name} has shape {values.shape}; give one number an image, as latents[:, 0]")
    return values[:, None]
