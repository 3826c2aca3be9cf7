"""Swap models whose answer is known, on rendered faces that they have seen, and a judge of pixels."""

import functools

import numpy as np
import torch
from torch import nn

from dlq.datasets import identity_faces
from dlq.datasets.faces import IDENTITY, NAMES, Portraits, SwapFaces
from dlq.swaps.pairs import look_at

SIZE = 24


class People(SwapFaces):
    """Rendered people whose images and exact swaps are drawn once."""

    def __init__(self, *arguments, **options):
        super().__init__(identity_faces(*arguments, **options))
        self.drawn = {}

    def exact(self, source_rows, target_rows, *, device="cpu"):
        keys = [*zip(map(int, source_rows), map(int, target_rows), strict=True)]
        new = [key for key in dict.fromkeys(keys) if key not in self.drawn]
        if new:
            found = self.faces.swap(*np.array(new).T)
            self.drawn |= {key: [part[k] for part in found] for k, key in enumerate(new)}
        return Portraits(*(torch.stack(parts) for parts in zip(*(self.drawn[key] for key in keys), strict=True)))


class Exact(nn.Module):
    """Knows the faces by their pixels and gives the exact swap; its attributes are all that is not identity."""

    def __init__(self, faces):
        super().__init__()
        self.faces, self.weight = faces, nn.Parameter(torch.ones(3))
        self.known = look_at(faces, np.arange(len(faces)))[0]
        self.image_shape = self.known.shape[1:]
        self.seen_masks = []

    def rows(self, x):
        gap = np.abs(x.numpy()[:, None] - self.known[None]).mean((2, 3, 4))
        assert (gap.min(1) < 1e-6).all(), "an image that is not one of the faces"
        return gap.argmin(1)

    def truth(self, source, target):
        return self.faces.exact(self.rows(source), self.rows(target)).images.float() / 255

    def swap(self, source, target, mask=None):
        self.seen_masks.append(mask)
        return self.truth(source, target)

    def attributes(self, target, mask=None):
        return torch.from_numpy(self.faces.parameters[self.rows(target)][:, len(IDENTITY) :])

    def background(self, target, mask=None):
        return target * (1 - mask)


class Copies(Exact):
    """Gives the target back; its attributes are the target's identity."""

    def swap(self, source, target, mask=None):
        return target.clone()

    def attributes(self, target, mask=None):
        return torch.from_numpy(self.faces.parameters[self.rows(target)][:, : len(IDENTITY)])


class OnePerson(Exact):
    """Whatever the source, it paints the first person."""

    def swap(self, source, target, mask=None):
        first = torch.from_numpy(self.known[:1]).expand(len(source), -1, -1, -1)
        return self.truth(first, target)


class Half(Exact):
    """Half of the way from the target to the exact swap."""

    def swap(self, source, target, mask=None):
        return (self.truth(source, target) + target) / 2


class PixelJudge(nn.Module):
    """Reads parameters by a ridge regression on pixels of faces of its own; who it is, are those of identity."""

    identity_names, other_names = IDENTITY, NAMES[len(IDENTITY) : NAMES.index("hair_colour")]

    def __init__(self, faces):
        super().__init__()
        x = look_at(faces, np.arange(len(faces)))[0]
        self.image_shape, self.num = x.shape[1:], len(IDENTITY) + len(self.other_names)
        table = torch.from_numpy(faces.parameters)[:, : self.num]
        self.mean, self.std = table.mean(0), table.std(0)
        flat = torch.from_numpy(x).flatten(1)
        self.centre = flat.mean(0)
        kernel = (flat - self.centre) @ (flat - self.centre).T
        solved = torch.linalg.solve(kernel + 2.0 * torch.eye(len(x)), self.standardised(table))
        self.weight = nn.Parameter((flat - self.centre).T @ solved)

    def standardised(self, parameters):
        return (parameters[:, : self.num] - self.mean) / self.std

    def forward(self, x):
        found = (x.flatten(1) - self.centre) @ self.weight
        return _Reading(*found.split([len(IDENTITY), len(self.other_names)], 1))

    def embed(self, x):
        return nn.functional.normalize(self(x).identity, dim=1)


@functools.cache
def crowd():
    """Forty people in three pictures each."""
    return People(40, 3, SIZE, seed=5)


@functools.cache
def pixel_judge():
    """A judge that learnt from people who are not in the crowd."""
    return PixelJudge(identity_faces(240, 1, SIZE, seed=6))


class _Reading:
    def __init__(self, identity, others):
        self.identity, self.others = identity, others
