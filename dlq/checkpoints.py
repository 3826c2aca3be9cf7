"""Save, load, resume: a folder with ``model.json`` and safetensors files, never a pickle.

``model.json`` names the preset and its arguments, the training state, and each tensor file with its sha256. Tensor files are
named after their content and ``model.json`` is replaced last, so a crash at any moment leaves a checkpoint that loads.
"""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import re
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import nn

from dlq.atomic import WriteError, write_atomic
from dlq.history import History, TrainingState
from dlq.models import build

FORMAT = 1
OURS = re.compile(r"(weights|training)-[0-9a-f]{8}\.safetensors|\.(model\.json|.*\.safetensors)\.\d+\.part")
SHIPPED = Path(__file__).parent / "shipped"  # a folder a model, each a checkpoint with its card


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or belongs to another model; nothing was changed."""


def save(
    model: nn.Module, path: str | os.PathLike, *, half: bool = False, training: bool = True, card: dict | None = None
) -> Path:
    """Saves a model in the folder ``path`` (made if needed) and returns it; what was there stays until all is written.

    ``half`` stores weights in half precision; ``training=False`` leaves out what going on needs, the parts that a model
    names in ``opponents`` too (they begin anew where it is trained again); ``card`` is plain JSON that is kept with it.
    Raises WriteError with the cause where it cannot be written.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise WriteError(
            f"{folder} is a file; give the name of a folder, such as {folder.with_name(folder.stem + '-run')}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=5):
            _write(folder, model, half, getattr(model, "training_state", None) if training else None, card)
    except Timeout:
        raise WriteError(
            f"{folder} is being written by another process; wait for it, or choose another folder"
        ) from None
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(f"cannot write to {folder}: {error.strerror or error}; choose another folder") from error
    return folder


def load(path: str | os.PathLike, *, model: nn.Module | None = None, device: torch.device | str = "cpu") -> Any:
    """Loads the model in the folder ``path``, or a shipped one by name (``dlq.load("qlae-rooms")``), ready for use.

    A model that no preset built is loaded into ``model``, built by you as before. ``fit`` goes on where training stopped.
    Raises CheckpointError, before anything is changed, where files are missing, damaged or of another shape.
    """
    folder = _folder(path)
    record = _read_record(folder)
    weights = _read_tensors(folder, record["weights"])
    entry = record["training"]
    state = None if entry is None else _training_state(entry, _read_tensors(folder, entry))
    model = _built(folder, record["preset"]) if model is None else model
    if state is None:
        weights = {name: value for name, value in model.state_dict().items() if _is_opponents(model, name)} | weights
    _check_weights(folder, model, weights)
    model.load_state_dict(weights)
    model.training_state = state  # type: ignore[assignment]
    return model.to(device).eval()


def _built(folder: Path, preset: dict[str, Any] | None) -> nn.Module:
    if preset is None:
        raise CheckpointError(f"{folder} holds a model that no preset built; build it, and pass it as model=")
    try:
        return build(preset["name"], preset["arguments"])
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{folder} holds a model that cannot be built here ({error}); update dlq") from error


def card(path: str | os.PathLike) -> dict:
    """The card of a saved model: how it was trained and what it scored; empty where there is none."""
    return _read_record(_folder(path))["card"] or {}


def shipped() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(folder.parent.name for folder in SHIPPED.glob("*/model.json"))


def _write(folder: Path, model: nn.Module, half: bool, state: TrainingState | None, card: dict | None) -> None:
    kept = {k: v for k, v in model.state_dict().items() if state is not None or not _is_opponents(model, k)}
    weights = {k: v.half() if half and v.is_floating_point() else v for k, v in kept.items()}
    preset = getattr(model, "preset", None)
    record: dict[str, Any] = {
        "format": FORMAT,
        "dlq": importlib.metadata.version("dlq") if _is_installed() else "source",
        "torch": torch.__version__,
        "preset": preset and {"name": preset.name, "arguments": preset.arguments},
        "weights": _write_tensors(folder, "weights", weights),
        "training": None,
        "card": card,
    }
    if state is not None:
        tensors, plain = _flatten(state)
        record["training"] = _write_tensors(folder, "training", tensors) | plain
    write_atomic(folder / "model.json", json.dumps(record | {"sha256": _digest(record)}, indent=1).encode())
    named = {entry["file"] for entry in (record["weights"], record["training"]) if entry}
    for old in folder.iterdir():
        if OURS.fullmatch(old.name) and old.name not in named:
            old.unlink(missing_ok=True)


def _is_opponents(model: nn.Module, name: str) -> bool:
    return name.partition(".")[0] in getattr(model, "opponents", ())


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()


def _is_installed() -> bool:
    return any(True for _ in importlib.metadata.distributions(name="dlq"))


def _write_tensors(folder: Path, kind: str, tensors: dict[str, torch.Tensor]) -> dict[str, str]:
    content = tensors_to_bytes({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    digest = hashlib.sha256(content).hexdigest()
    write_atomic(folder / f"{kind}-{digest[:8]}.safetensors", content)
    return {"file": f"{kind}-{digest[:8]}.safetensors", "sha256": digest}


def _flatten(state: TrainingState) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A training state as tensors and plain JSON values."""
    states = state.saved | {name: optimizer.state_dict() for name, optimizer in state.optimizers.items()}
    tensors = {
        f"optimizer/{player}/{index}/{name}": value
        for player, optimizer in states.items()
        for index, values in optimizer["state"].items()
        for name, value in values.items()
    }
    if state.best is not None:
        tensors |= {f"best/{name}": value for name, value in state.best[1].items()}
    if state.kept is not None:
        tensors["kept/rows"] = state.kept
    tensors |= {f"twin/{name}": value for name, value in (state.twin or {}).items()}
    return tensors, {
        "seed": state.seed,
        "step": state.step,
        "groups": {player: optimizer["param_groups"] for player, optimizer in states.items()},
        "best": state.best and state.best[0],
        "history": dataclasses.asdict(state.history),
    }


def _training_state(record: dict[str, Any], tensors: dict[str, torch.Tensor]) -> TrainingState:
    saved: dict[str, dict] = {player: {"state": {}, "param_groups": g} for player, g in record["groups"].items()}
    best, twin, kept = {}, {}, None
    for key, value in tensors.items():
        kind, rest = key.split("/", 1)
        if kind == "best":
            best[rest] = value
        elif kind == "twin":
            twin[rest] = value
        elif kind == "kept":
            kept = value
        else:
            player, index, name = rest.rsplit("/", 2)
            saved[player]["state"].setdefault(int(index), {})[name] = value
    state = TrainingState(record["seed"], record["step"], saved=saved, history=History(**record["history"]), kept=kept)
    state.best, state.twin = (record["best"], best) if best else None, twin or None
    return state


def _folder(path: str | os.PathLike) -> Path:
    """The folder that ``path`` means: a run, the ``model.json`` in it, or the name of a shipped model."""
    folder = Path(path)
    if folder.name == "model.json":
        folder = folder.parent
    if not folder.exists() and len(folder.parts) == 1 and (SHIPPED / folder).is_dir():
        return SHIPPED / folder
    if not folder.is_dir():
        raise CheckpointError(
            f"there is no checkpoint folder {folder}; give one that dlq.save or `dlq train` made, "
            f"or the name of a shipped model ({', '.join(shipped()) or 'none'})"
        )
    return folder


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / "model.json").read_text())
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} has no model.json, so it is no checkpoint; give a folder that dlq.save made"
        ) from None
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{folder / 'model.json'} cannot be read ({error}); save the model again") from None
    if not isinstance(record, dict) or not {"format", "sha256"} <= record.keys():
        raise CheckpointError(f"{folder / 'model.json'} was not written by dlq.save; give a folder that it made")
    if record["format"] != FORMAT:
        raise CheckpointError(f"{folder} has format {record['format']}, this version reads {FORMAT}; update dlq")
    if record.pop("sha256") != _digest(record):
        raise CheckpointError(f"{folder / 'model.json'} is damaged or was changed by hand; copy or save it again")
    return record


def _read_tensors(folder: Path, entry: dict[str, str]) -> dict[str, torch.Tensor]:
    """The tensors of one file, once its content is known to be what was written."""
    path = folder / Path(entry["file"]).name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}); copy the whole folder again") from None
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise CheckpointError(
            f"{path} is damaged: {len(content):,} bytes whose checksum is not the one in model.json; copy it again"
        )
    try:
        return tensors_from_bytes(content)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}); save the model again") from None


def _check_weights(folder: Path, model: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Names and shapes must agree before anything is loaded: torch itself would load the half that fits."""
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    if expected == found:
        return
    wrong = sorted(set(expected.items()) ^ set(found.items()))
    name = wrong[0][0]
    raise CheckpointError(
        f"the checkpoint {folder} belongs to another model: {len({n for n, _ in wrong})} weights differ, "
        f"the first is {name}, which is {found.get(name, 'missing')} in the file and "
        f"{expected.get(name, 'missing')} in the model; build the model with the arguments it was saved with"
    )
