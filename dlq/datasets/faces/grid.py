"""A grid of faces: one person under every combination of a few factors, each taking evenly spaced values."""

import numpy as np
import torch
from torch import Tensor

from dlq.datasets.base import FactorDataset
from dlq.datasets.errors import DataError
from dlq.datasets.faces.parameters import NAMES as PARAMETERS
from dlq.datasets.faces.parameters import Face, as_array, from_array
from dlq.datasets.faces.render import LARGEST, render
from dlq.datasets.grid import check_size, check_sizes, spread
from dlq.datasets.images import Rendered

NAMES = ("yaw", "mouth", "skin", "hair", "light")
VARIED = ("yaw", "mouth_open", "skin", "hair_colour", "light_x")  # the parameters that they set
RANGES = ((-30.0, 30.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (-1.5, 1.5))
MOST = (15, 8, 10, 10, 9)
TEACHING = (5, 4, 5, 5, 5)  # 2,500 images: learnt in a minute
PERSON = Face(smile=0.3, hair_length=0.45, hair_volume=0.6, hairline=0.55, direct=0.75, ambient=0.4, zoom=1.06)


def faces(size=64, sizes=None, *, person=None) -> FactorDataset:
    """A rendered face of nobody, in colour: yaw, mouth, skin, hair and light vary, the rest stays; rendered when asked for.

    size     side in pixels, 16 to 256
    sizes    number of values of yaw, mouth, skin, hair, light, at most 15, 8, 10, 10, 9, evenly spaced; 5, 4, 5, 5, 5
             where it is left out, and with one value a factor keeps its middle one
    person   what stays: a Face of numbers; left out, an average one
    Yaw is in degrees, positive to the picture's right; mouth from closed to wide open, skin from light to dark and hair
    from black over brown and blond to grey go from 0 to 1; light is how far to the right it stands.

    These are drawings of people who do not exist: no photograph, scan or face model of anybody is behind them. They are
    meant for teaching and studying disentanglement; a method that works here has not been shown to work on photographs,
    and must not be used on photographs of people without their consent.
    """
    sizes = check_sizes(TEACHING if sizes is None else sizes, MOST, NAMES)
    values = tuple(spread(n, *ends) for n, ends in zip(sizes, RANGES, strict=True))
    painter = FacePainter(check_size(size, high=LARGEST), values, PERSON if person is None else person)
    return FactorDataset(
        "faces", Rendered(painter, sizes), factor_names=NAMES, factor_sizes=sizes, factor_values=values
    )


class FacePainter:
    """Renders one person at one size from the values of each factor."""

    def __init__(self, size: int, values: tuple[np.ndarray, ...], person) -> None:
        if not isinstance(person, Face):
            raise DataError(f"person is {type(person).__name__}; give a Face of numbers, such as Face(age=0.8)")
        table = as_array(person)
        if len(table) != 1:
            raise DataError(f"person has {len(table)} faces; give a Face of numbers")
        self.image_shape = (3, size, size)
        self.values, self.person = values, person
        self._base = torch.from_numpy(table)
        self._tables = [torch.from_numpy(v.astype(np.float32)) for v in values]

    def resized(self, size: int) -> "FacePainter":
        return FacePainter(check_size(size, high=LARGEST), self.values, self.person)

    def render(self, factors: Tensor, device: torch.device) -> Tensor:
        """Factor indices int64 (B, 5) -> images uint8 (B, 3, size, size)."""
        table = self._base.to(device).repeat(len(factors), 1)
        for k, name in enumerate(VARIED):
            table[:, PARAMETERS.index(name)] = self._tables[k].to(device)[factors[:, k]]
        return render(from_array(table), self.image_shape[1], device=device).images
