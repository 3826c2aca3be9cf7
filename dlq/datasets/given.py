"""What a user hands to ``fit``, ``encode`` or ``evaluate``: a dataset, or simply an array of images."""

from collections.abc import Sequence
from typing import Any

from dlq.datasets.arrays import from_arrays
from dlq.datasets.errors import DataError


def as_dataset(data: Any, image_shape: Sequence[int] | None = None) -> Any:
    """A dataset as it is, an array of images as a dataset without factors; DataError where the shape is not the model's."""
    data = data if hasattr(data, "batch") else from_arrays(data)
    if image_shape is not None and tuple(data.image_shape) != tuple(image_shape):
        raise DataError(
            f"the data have images of shape {tuple(data.image_shape)}, the model was built for {tuple(image_shape)}; "
            "build it with data.image_shape, or give it data.resized(size)"
        )
    return data
