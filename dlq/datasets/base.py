"""FactorDataset: images, and for each image the index of the value that every factor of variation took."""

from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.errors import DataError
from dlq.datasets.grid import grid_factors, is_grid
from dlq.datasets.images import Images, Rows, check_rows


class FactorDataset:
    """Images with known factors.

    images           uint8 (N, C, H, W), read by row: ``images[i]`` is numpy (C, H, W)
    factors          int64 (N, F), the index of each factor's value; F may be 0
    factor_values    for each factor the values behind the indices, or None
    is_grid          whether the rows are all combinations once, last factor fastest
    """

    def __init__(
        self,
        name: str,
        images: Images,
        *,
        factor_names: tuple[str, ...] = (),
        factor_sizes: tuple[int, ...] = (),
        factor_values: tuple[np.ndarray, ...] | None = None,
        factors: np.ndarray | None = None,
    ) -> None:
        self.name = name
        self.images = images
        self.factor_names = tuple(factor_names)
        self.factor_sizes = tuple(int(n) for n in factor_sizes)
        self.factor_values = factor_values
        self.is_grid = factors is None or is_grid(factors, self.factor_sizes)
        if factors is not None:
            self.factors = factors  # otherwise the grid, made when it is first asked for
        if self.is_grid:
            assert len(images) == int(np.prod(self.factor_sizes))

    @cached_property
    def factors(self) -> np.ndarray:
        """Factor indices, int64 (N, F)."""
        return grid_factors(self.factor_sizes)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        channels, height, width = self.image_shape
        factors = ", ".join(f"{n} ({size})" for n, size in zip(self.factor_names, self.factor_sizes, strict=True))
        colour = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
        text = f"{self.name}: {len(self):,} {colour} images of {height} x {width} pixels"
        return f"{text}; factors (number of values): {factors}" if factors else f"{text}; no factors"

    def index(self, factors):
        """Row numbers of combinations of factor indices, (..., F) -> int64 (...); DataError where there is none."""
        wanted = np.asarray(factors)
        sizes, names = self.factor_sizes, self.factor_names
        if not sizes:
            raise DataError(f"{self.name} has no factors; rows can only be chosen by number")
        if wanted.dtype.kind not in "iu" or wanted.ndim == 0 or wanted.shape[-1] != len(sizes):
            raise DataError(
                f"factors is {wanted.dtype} of shape {wanted.shape}; give whole numbers, {len(sizes)} in the last axis "
                f"({', '.join(names)})"
            )
        for column, (size, name) in enumerate(zip(sizes, names, strict=True)):
            outside = wanted[..., column][(wanted[..., column] < 0) | (wanted[..., column] >= size)]
            if outside.size:
                raise DataError(f"{name} index {outside[0]} does not exist; give a number from 0 to {size - 1}")
        codes = np.asarray(np.ravel_multi_index(tuple(np.moveaxis(wanted, -1, 0)), sizes))
        rows = codes if self.is_grid else self._find(codes)
        return rows if rows.ndim else int(rows)

    def _find(self, codes: np.ndarray) -> np.ndarray:
        known, order = self._codes
        if (known[1:] == known[:-1]).any():
            raise DataError(f"{self.name} has several images for one combination of factors; choose rows by number")
        place = np.searchsorted(known, codes).clip(max=len(known) - 1)
        missing = codes[known[place] != codes]
        if missing.size:
            combination = tuple(int(i) for i in np.unravel_index(missing.flat[0], self.factor_sizes))
            raise DataError(f"no image of {self.name} has the factors {combination}; its factors list those that exist")
        return order[place]

    @cached_property
    def _codes(self) -> tuple[np.ndarray, np.ndarray]:
        codes = np.ravel_multi_index(tuple(self.factors.T), self.factor_sizes)
        order = np.argsort(codes, kind="stable")
        return codes[order], order

    def batch(self, indices, device="cpu") -> Tensor:
        """Images of these rows as x in [0, 1], float32 (B, C, H, W) on the device: exactly ``images[i] / 255``."""
        rows = torch.from_numpy(np.atleast_1d(check_rows(indices, len(self))))
        pixels = self.images.gather(rows, torch.device(device))
        if pixels.device.type == "cpu":  # by numpy: torch's threads wait for one another where others use the cores
            return torch.from_numpy(np.divide(pixels.numpy(), np.float32(255), dtype=np.float32))
        x = pixels.to(torch.float32)
        return x.div_(torch.full((), 255.0, device=x.device))  # by a tensor: by a number, CUDA multiplies by 1/255

    def sample(self, n: int, generator: torch.Generator) -> np.ndarray:
        """n different row numbers in random order, int64 (n,); DataError where n is more than the images there are."""
        if not 0 <= n <= len(self):
            raise DataError(f"sample asks for {n} images, {self.name} has {len(self)}; ask for at most {len(self)}")
        if n * 16 > len(self):
            return torch.randperm(len(self), generator=generator, device=generator.device)[:n].cpu().numpy()
        rows = np.empty(0, dtype=np.int64)
        while len(rows) < n:  # a few rows of many: draw, and drop what was drawn before
            more = torch.randint(len(self), (n,), generator=generator, device=generator.device).cpu().numpy()
            rows = np.concatenate([rows, more])
            rows = rows[np.sort(np.unique(rows, return_index=True)[1])]
        return rows[:n]

    def split(self, *fractions, seed: int = 0) -> tuple["FactorDataset", ...]:
        """Disjoint random parts, one for each fraction, complete where the fractions sum to 1."""
        if not fractions or min(fractions) <= 0 or sum(fractions) > 1 + 1e-9:
            raise DataError(f"fractions are {fractions}; give positive numbers that sum to at most 1, such as 0.8, 0.2")
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed)).numpy()
        edges = [round(len(self) * share) for share in np.cumsum((0.0, *fractions)).clip(max=1)]
        if any(a == b for a, b in pairwise(edges)):
            raise DataError(f"{len(self)} images are too few for the fractions {fractions}: a part would be empty")
        return tuple(self._rows(np.sort(order[a:b])) for a, b in pairwise(edges))

    def _rows(self, rows: np.ndarray) -> "FactorDataset":
        return self._with(Rows(self.images, rows), self.factors[rows])

    def resized(self, size: int) -> "FactorDataset":
        """The same dataset at another size: rendered anew if it is rendered, otherwise area-averaged to a smaller one."""
        return self._with(self.images.resized(size), None if self.is_grid else self.factors)

    def _with(self, images: Images, factors: np.ndarray | None) -> "FactorDataset":
        return FactorDataset(
            self.name,
            images,
            factor_names=self.factor_names,
            factor_sizes=self.factor_sizes,
            factor_values=self.factor_values,
            factors=factors,
        )
