"""Training: one loop for every model. ``fit`` trains, ``sharpen`` gives a trained model a decoder for larger pictures."""

from dlq.history import History, TrainingState
from dlq.training.fit import device, fit, sharpen
from dlq.training.steps import NonFiniteError

__all__ = ["History", "NonFiniteError", "TrainingState", "device", "fit", "sharpen"]
