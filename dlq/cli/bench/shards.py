"""Tensors in several files of a bounded size, so that each fits where large files do not."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load, save
from torch import Tensor

from dlq.atomic import write_atomic
from dlq.checkpoints import CheckpointError

MAX_BYTES = 15_000_000
HEADER = 256  # bytes that the description of one tensor takes at most


def write_shards(
    folder: Path, stem: str, tensors: Mapping[str, Tensor], *, max_bytes: int = MAX_BYTES
) -> list[dict[str, str]]:
    """Writes ``stem-1.safetensors``, … of at most ``max_bytes`` each, and returns each file's name and sha256.

    Raises ValueError where one tensor alone is larger.
    """
    groups: list[dict[str, Tensor]] = [{}]
    room = max_bytes - HEADER
    for name, tensor in tensors.items():
        needed = tensor.nbytes + HEADER
        if needed > max_bytes - HEADER:
            raise ValueError(f"{name} takes {tensor.nbytes:,} bytes, a file may have {max_bytes:,}; raise max_bytes")
        if needed > room:
            groups.append({})
            room = max_bytes - HEADER
        groups[-1][name] = tensor.detach().cpu().contiguous()
        room -= needed
    entries = []
    for number, group in enumerate(groups, 1):
        content = save(group)
        path = write_atomic(folder / f"{stem}-{number}.safetensors", content)
        entries.append({"file": path.name, "sha256": hashlib.sha256(content).hexdigest()})
    return entries


def read_shards(folder: Path, entries: list[dict[str, str]]) -> dict[str, Tensor]:
    """The tensors of all files; CheckpointError where one is missing or is not what was written."""
    tensors: dict[str, Tensor] = {}
    for entry in entries:
        path = folder / Path(entry["file"]).name
        if not path.is_file():
            raise CheckpointError(f"{path} is missing; copy all {len(entries)} files of {folder}")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise CheckpointError(f"{path} is damaged: its checksum is not the one written beside it; copy it again")
        tensors |= load(content)
    return tensors
