"""A model as widgets hold it: a copy in evaluation mode that reads and writes numpy arrays."""

import copy

import numpy as np

from dlq.fingerprint import digest
from dlq.widgets.layers import Layer
from dlq.widgets.tiles import to_pixels

CHUNK = 256  # images decoded at once


class Snapshot:
    """A copy of the model, so that a widget never touches the mode or the gradients of one that is being trained."""

    def __init__(self, model):
        # Without the optimizers' moments, which weigh twice as much as the model.
        without = {id(state): None for state in [getattr(model, "training_state", None)] if state is not None}
        self._model = copy.deepcopy(model, without).eval().requires_grad_(False)
        self.image_shape = tuple(self._model.image_shape)
        self.num_latents = self._model.num_latents
        self.codebook = _arrays(self._model.codebook)
        self.levels = _arrays(
            getattr(self._model, "levels", None)
        )  # of a model that says what its latents move through
        if self.image_shape[0] not in (1, 3):
            raise ValueError(f"the model's images have {self.image_shape[0]} channels; 1 or 3 can be shown")

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Encodes one image, float (C, H, W) in [0, 1], to float32 (num_latents,)."""
        return self._run(self._model.encode, x[None])[0]

    def encode_all(self, x: np.ndarray) -> np.ndarray:
        """Encodes images, float32 (n, C, H, W) in [0, 1], to float32 (n, num_latents)."""
        return np.concatenate([self._run(self._model.encode, x[i : i + CHUNK]) for i in range(0, len(x), CHUNK)])

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Decodes (n, num_latents) to uint8 (n, C, H, W)."""
        return np.concatenate([to_pixels(self.draw(z[i : i + CHUNK])) for i in range(0, len(z), CHUNK)])

    def draw(self, z: np.ndarray) -> np.ndarray:
        """Decodes (n, num_latents) to float32 (n, C, H, W) in [0, 1], all at once."""
        return self._run(self._model.decode, z)

    def layers(self, z: np.ndarray) -> list[Layer]:
        """The decoder as a list of layers, checked on the codes z; a ValueError says why a page cannot run it."""
        from dlq.widgets.decoders import describe

        return describe(self._model, self.draw, z)

    def digest(self) -> str:
        """The sha256 of all weights and their names."""
        return digest(self._model)

    def _run(self, function, values):
        import torch

        weight = next(self._model.parameters(), torch.zeros(()))
        with torch.no_grad():
            return function(torch.from_numpy(values).to(weight.device, weight.dtype)).float().cpu().numpy()


def _arrays(tensors) -> list[np.ndarray] | None:
    return None if tensors is None else [v.detach().cpu().numpy().astype(np.float32) for v in tensors]


def as_x(image: object, shape: tuple[int, int, int]) -> np.ndarray:
    """Reads an image (uint8, or float in [0, 1]; numpy or torch) as float32 (C, H, W) of the given shape."""
    if hasattr(image, "detach"):
        image = image.detach().cpu().numpy()
    image = np.asarray(image)
    if image.shape != shape:
        raise ValueError(f"image has shape {image.shape}, the model takes {shape}; give one image (C, H, W)")
    if image.dtype == np.uint8:
        return image.astype(np.float32) / 255
    x = image.astype(np.float32)
    if not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(
            f"image has values from {x.min():.4g} to {x.max():.4g}; give uint8, or floats in [0, 1] (image / 255)"
        )
    return x
