"""A model as widgets hold it: a copy in evaluation mode that reads and writes numpy arrays."""

import copy

import numpy as np

from dlq.widgets.tiles import to_pixels

CHUNK = 256  # images decoded at once


class Snapshot:
    """A copy of the model, so that a widget never touches the mode or the gradients of one that is being trained."""

    def __init__(self, model):
        self._model = copy.deepcopy(model).eval().requires_grad_(False)
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

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Decodes (n, num_latents) to uint8 (n, C, H, W)."""
        chunks = [to_pixels(self._run(self._model.decode, z[i : i + CHUNK])) for i in range(0, len(z), CHUNK)]
        return np.concatenate(chunks)

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
