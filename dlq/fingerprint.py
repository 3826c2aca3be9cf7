"""The sha256 of a model: which weights made what is passed on. Needs numpy alone, so that pages and files can carry it."""

import hashlib
from typing import Any


def digest(module: Any) -> str:
    """The sha256 of a torch module's weights, buffers and their names, in hexadecimal."""
    found = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        array = value.detach().cpu().double().numpy()  # whatever they are stored as
        found.update(f"{name} {array.shape} ".encode() + array.astype("<f8").tobytes())
    return found.hexdigest()
