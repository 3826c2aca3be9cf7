"""WSC-swap in parts: the preset, the model, its networks, its losses, and where each pixel looks on the head."""

from dlq.models.wsc_swap.game import WSCSwap as WSCSwap
from dlq.models.wsc_swap.losses import Weights as Weights
from dlq.models.wsc_swap.presets import wsc_swap as wsc_swap
