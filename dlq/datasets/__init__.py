"""Datasets with known factors: rendered here, read from the public files, or made of your own arrays."""

from dlq.datasets.arrays import from_arrays as from_arrays
from dlq.datasets.base import FactorDataset as FactorDataset
from dlq.datasets.digits import digits as digits
from dlq.datasets.errors import DataError as DataError
from dlq.datasets.errors import MissingFile as MissingFile
from dlq.datasets.errors import WrongFile as WrongFile
from dlq.datasets.files import dsprites as dsprites
from dlq.datasets.files import shapes3d as shapes3d
from dlq.datasets.rooms import rooms as rooms
from dlq.datasets.sprites import sprites as sprites
