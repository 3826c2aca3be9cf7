"""Rendered faces of nobody, of which everything is known: who it is, expression, pose, gaze, light, hair, background.

A linear morphable head, painted in its own coordinates, lit and drawn by a depth buffer, in plain torch. No photograph,
scan, or face model of anybody is behind it, and nothing is downloaded. ``faces`` is a grid of a few factors,
``identity_faces`` are random people with all their parameters, ``render`` draws any face.
"""

from dlq.datasets.faces.grid import faces as faces
from dlq.datasets.faces.identities import IdentityFaces as IdentityFaces
from dlq.datasets.faces.identities import identity_faces as identity_faces
from dlq.datasets.faces.identities import swap as swap
from dlq.datasets.faces.landmarks import LANDMARKS as LANDMARKS
from dlq.datasets.faces.pairs import SwapFaces as SwapFaces
from dlq.datasets.faces.pairs import draw_sources as draw_sources
from dlq.datasets.faces.pairs import swap_faces as swap_faces
from dlq.datasets.faces.parameters import EXPRESSION as EXPRESSION
from dlq.datasets.faces.parameters import HAIR as HAIR
from dlq.datasets.faces.parameters import IDENTITY as IDENTITY
from dlq.datasets.faces.parameters import NAMES as NAMES
from dlq.datasets.faces.parameters import Face as Face
from dlq.datasets.faces.parameters import as_array as as_array
from dlq.datasets.faces.parameters import from_array as from_array
from dlq.datasets.faces.parameters import random_faces as random_faces
from dlq.datasets.faces.render import Portraits as Portraits
from dlq.datasets.faces.render import render as render
