"""The public files of dSprites and Shapes3D, checked before they are trusted; nothing is downloaded or unpickled."""

from dlq.datasets.files.dsprites import dsprites as dsprites
from dlq.datasets.files.shapes3d import shapes3d as shapes3d
