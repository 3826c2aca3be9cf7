"""What is saved comes back whole or not at all, and training goes on from it as if it had never stopped."""

import hashlib
import json
import os
import pickle
import random
import signal
import time

import numpy as np
import pytest
import torch
from filelock import FileLock
from torch import nn

import dlq.checkpoints as checkpoints
from dlq.atomic import WriteError
from dlq.checkpoints import CheckpointError, card, load, save, shipped
from dlq.models import AutoEncoder, autoencoder, qlae
from dlq.nn import DenseDecoder, DenseEncoder
from dlq.quantizers import FSQ
from dlq.recipe import Group, Player
from dlq.training import fit

IMAGES = np.random.default_rng(0).integers(0, 256, (21, 1, 6, 6), dtype=np.uint8)


def train(model, steps, **options):
    return fit(model, IMAGES, **{"batch_size": 8, "progress": False, "device": "cpu", "steps": steps} | options)


def small(seed=0) -> nn.Module:
    return qlae((1, 6, 6), 3, [3, 2, 4], width=8, seed=seed)


def own(seed=0) -> nn.Module:
    """A model that no preset built."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = DenseEncoder((1, 6, 6), 2, width=8), DenseDecoder((1, 6, 6), 2, width=8)
        return AutoEncoder(encoder, FSQ(2, 3), decoder, image_shape=(1, 6, 6), num_latents=2)


def weights(model) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def everything(model) -> dict[str, torch.Tensor]:
    """Weights and every tensor of the optimizers, copied."""
    state, training = weights(model), model.training_state
    stored = training.saved | {name: optimizer.state_dict() for name, optimizer in training.optimizers.items()}
    for player, optimizer in stored.items():
        for index, values in optimizer["state"].items():
            state |= {f"{player}/{index}/{name}": value.clone() for name, value in values.items()}
    return state


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def tensor_file(folder, kind="weights"):
    (path,) = folder.glob(f"{kind}-*.safetensors")
    return path


def rewrite(folder, change) -> None:
    """Changes model.json and makes its checksum right again, as somebody who means harm would."""
    record = json.loads((folder / "model.json").read_text())
    del record["sha256"]
    change(record)
    digest = hashlib.sha256(json.dumps(record).encode()).hexdigest()
    (folder / "model.json").write_text(json.dumps(record | {"sha256": digest}))


@pytest.fixture
def trained():
    model = small()
    train(model, 5)
    return model


@pytest.fixture
def folder(trained, tmp_path):
    return save(trained, tmp_path / "run", card={"score": 0.5})


# --- what comes back


def test_everything_comes_back(trained, folder):
    model = load(folder)
    assert same(everything(model), everything(trained))
    assert [v.tolist() for v in model.codebook] == [v.tolist() for v in trained.codebook]
    assert model.preset == trained.preset
    assert model.training_state.history == trained.training_state.history
    assert not model.training
    x = torch.from_numpy(IMAGES / 255).float()
    assert torch.equal(model.encode(x), trained.encode(x))


def test_a_checkpoint_is_found_by_its_folder_as_text_or_by_its_record(folder):
    expected = weights(load(folder))
    assert same(weights(load(str(folder))), expected)
    assert same(weights(load(folder / "model.json")), expected)


@pytest.mark.parametrize("stop", [4, 5])
def test_going_on_from_a_file_equals_never_having_stopped(tmp_path, stop):
    """At the end of an epoch and within one; with a settling phase, and saved again before going on."""
    whole, part = small(), small()
    once = train(whole, 13, settle=3)
    train(part, stop)
    save(load(save(part, tmp_path / "a")), tmp_path / "b")
    loaded = load(tmp_path / "b")
    history = train(loaded, 13, settle=3)
    assert same(everything(loaded), everything(whole))
    assert (history.steps, history.terms) == (once.steps, once.terms)
    assert train(load(tmp_path / "b"), stop).stopped == "already finished"


def test_the_best_weights_so_far_come_back(tmp_path):
    whole, part = small(), small()
    train(whole, 12, keep_best=True)
    part.training_state = None
    train(part, 12, keep_best=True, watch=lambda m, h: h.steps[-1] == 7 and os.kill(os.getpid(), signal.SIGINT))
    loaded = load(save(part, tmp_path))
    assert (
        loaded.training_state.best[0] == part.training_state.best[0] == min(part.training_state.history.terms["total"])
    )
    train(loaded, 12, keep_best=True)
    assert same(weights(loaded), weights(whole))


class Game(nn.Module):
    """Two players, of which the first keeps rows aside and whose epochs leave a trace in ``prior``."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
        self.register_buffer("prior", torch.zeros(2))

    def before_epoch(self, data, generator):
        self.prior = self.a.detach().clone()
        return torch.randperm(len(data), generator=generator)[:9]

    def players(self):
        return [
            Player("first/player", [Group([self.a])], lambda x, g: self._loss(x, 1)),
            Player("second", [Group([self.b])], lambda x, g: self._loss(x, -1), every=2),
        ]

    def _loss(self, x, sign):
        loss = sign * (self.a * self.b).sum() * x.mean()
        return loss, {"score": loss}


@pytest.mark.parametrize("stop", [3, 4])
def test_a_game_that_sets_rows_aside_goes_on_from_a_file(tmp_path, stop):
    whole, part = Game(), Game()
    train(whole, 8, batch_size=3)
    train(part, stop, batch_size=3)
    loaded = load(save(part, tmp_path), model=Game())
    train(loaded, 8, batch_size=3)
    assert same(everything(loaded), everything(whole))
    assert same(weights(load(tmp_path, model=Game())), weights(part))


def test_a_model_of_a_model_comes_back(trained, tmp_path):
    sharp = trained.sharpened(12)
    loaded = load(save(sharp, tmp_path))
    assert same(weights(loaded), weights(sharp))
    assert [p.requires_grad for p in loaded.parameters()] == [p.requires_grad for p in sharp.parameters()]


def test_a_model_that_no_preset_built_is_loaded_into_one_like_it(tmp_path):
    model = own(seed=0)
    train(model, 3)
    save(model, tmp_path)
    with pytest.raises(CheckpointError, match="no preset built; build it, and pass it as model="):
        load(tmp_path)
    loaded = load(tmp_path, model=own(seed=1))
    assert same(everything(loaded), everything(model))


def test_without_training_the_weights_come_back_and_nothing_else(trained, tmp_path):
    save(trained, tmp_path, training=False)
    assert [path.name[:7] for path in tmp_path.glob("*.safetensors")] == ["weights"]
    model = load(tmp_path)
    assert same(weights(model), weights(trained))
    assert train(model, 3).steps == [1, 2, 3], "it begins anew"


def test_weights_of_a_file_do_not_inherit_the_training_of_the_model_they_are_loaded_into(trained, tmp_path):
    fresh = small(seed=1)
    save(fresh, tmp_path, training=False)
    loaded = load(tmp_path, model=trained)
    assert same(weights(loaded), weights(fresh))
    assert train(loaded, 5).stopped == "finished"


def test_half_precision_halves_the_file_and_keeps_few_values(trained, tmp_path):
    sizes = [tensor_file(save(trained, tmp_path / str(half), half=half)).stat().st_size for half in (False, True)]
    payload = 4 * sum(value.numel() for value in trained.state_dict().values())
    assert sizes[0] - sizes[1] == pytest.approx(payload / 2, abs=200)
    model = load(tmp_path / "True")
    for name, value in trained.state_dict().items():
        assert model.state_dict()[name].dtype == torch.float32
        torch.testing.assert_close(model.state_dict()[name], value, rtol=2**-11, atol=1e-7)
    z = model.encode(torch.from_numpy(IMAGES / 255).float())
    assert all(torch.isin(column, values).all() for column, values in zip(z.T, model.codebook, strict=True))


def test_a_card_is_kept_with_the_model(folder, trained, tmp_path):
    assert card(folder) == {"score": 0.5}
    assert card(save(trained, tmp_path / "bare")) == {}


def test_saving_does_not_change_the_model(trained, tmp_path):
    trained.train()
    before, random_state = everything(trained), torch.get_rng_state()
    save(trained, tmp_path, half=True)
    assert trained.training
    assert same(before, everything(trained))
    assert torch.equal(random_state, torch.get_rng_state())


# --- writing over what was there


def test_saving_again_replaces_and_leaves_no_stale_files(folder, trained):
    names = {path.name for path in folder.iterdir()}
    train(trained, 7)
    (folder / f".{tensor_file(folder).name}.99999.part").write_bytes(b"of a process that was killed")
    (folder / ".model.json.99999.part").write_bytes(b"{")
    save(trained, folder)
    after = {path.name for path in folder.iterdir()}
    assert len(after) == len(names) == 4  # model.json, two tensor files, the lock
    assert len(after - names) == 2
    assert same(everything(load(folder)), everything(trained))


def test_saving_removes_only_what_it_wrote(folder, trained):
    others = ["mine.safetensors", "weights-of-mine.safetensors", ".notes.part", "training.json"]
    for name in others:
        (folder / name).write_text("mine")
    train(trained, 6)
    save(trained, folder)
    assert all((folder / name).read_text() == "mine" for name in others)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=["stop", "full"])
@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_save_that_breaks_off_at_any_write_leaves_the_old_checkpoint(folder, trained, monkeypatch, write, error):
    before, calls, replace = everything(trained), [], os.replace
    train(trained, 7)

    def broken(a, b):
        calls.append(b)
        if len(calls) == write:
            raise error
        replace(a, b)

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises((KeyboardInterrupt, WriteError)):
        save(trained, folder)
    assert same(everything(load(folder)), before)
    monkeypatch.undo()
    save(trained, folder)
    assert same(everything(load(folder)), everything(trained))
    assert len(list(folder.iterdir())) == 4


def test_a_save_killed_at_any_moment_leaves_a_checkpoint_that_loads(tmp_path):
    """A child saves two models in turn and is killed; what loads is one of them, whole."""
    first, second = (autoencoder((1, 32, 32), 4, width=96, seed=seed) for seed in (0, 1))
    save(first, tmp_path)
    draws = random.Random(0)
    for _ in range(8):
        child = os.fork()
        if child == 0:
            while True:
                save(second, tmp_path)
                save(first, tmp_path)
        time.sleep(draws.uniform(0.01, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = weights(load(tmp_path))
        assert same(found, weights(first)) or same(found, weights(second))
    save(first, tmp_path)
    assert not list(tmp_path.glob("*.part"))
    assert len(list(tmp_path.glob("*.safetensors"))) == 1


def test_a_folder_that_another_process_is_writing_is_left_to_it(folder, trained, monkeypatch):
    monkeypatch.setattr(checkpoints, "FileLock", lambda path, timeout: FileLock(path, timeout=0.05))
    before = (folder / "model.json").read_bytes()
    with FileLock(folder / ".lock"), pytest.raises(WriteError, match="is being written by another process"):
        save(trained, folder)
    assert (folder / "model.json").read_bytes() == before


def test_missing_parents_are_made(trained, tmp_path):
    assert save(trained, tmp_path / "a" / "b" / "c") == tmp_path / "a" / "b" / "c"
    assert same(weights(load(tmp_path / "a" / "b" / "c")), weights(trained))


def test_a_file_in_the_way_is_named(trained, tmp_path):
    (tmp_path / "run.pt").write_text("mine")
    with pytest.raises(WriteError, match=r"run\.pt is a file; give the name of a folder, such as .*run-run"):
        save(trained, tmp_path / "run.pt")
    with pytest.raises(WriteError, match=r"cannot write to .*choose another folder"):
        save(trained, tmp_path / "run.pt" / "run")
    assert (tmp_path / "run.pt").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(trained, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="Permission denied"):
            save(trained, tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)


# --- what is damaged


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "flipped": flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "html": lambda path: path.write_text("<!DOCTYPE html><title>404 Not Found</title>"),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
    "missing": lambda path: path.unlink(),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "pickle": lambda path: path.write_bytes(pickle.dumps({"weights": [1, 2]})),
}


def assert_refused(folder, message="", *, model=None) -> None:
    """Loading fails in one sentence, and a model it was to be loaded into is as before, training state and all."""
    if model is None:
        model = small(seed=1)
        train(model, 2)
    before, state, training = everything(model), model.training_state, model.training
    with pytest.raises(CheckpointError, match=message) as error:
        load(folder, model=model)
    assert "\n" not in str(error.value)
    assert same(before, everything(model))
    assert model.training_state is state
    assert model.training == training


@pytest.mark.parametrize("kind", ["weights", "training", "record"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_by_name_before_anything_is_changed(folder, damage, kind):
    path = folder / "model.json" if kind == "record" else tensor_file(folder, kind)
    DAMAGE[damage](path)
    named = "run has no model.json" if (damage, kind) == ("missing", "record") else path.name
    assert_refused(folder, named)
    with pytest.raises(CheckpointError, match=named):
        load(folder)


def test_no_flipped_bit_of_the_record_goes_unnoticed(folder):
    """Except in a last digit that no float can hold, where what is read is what was written."""
    path = folder / "model.json"
    content = path.read_bytes()
    expected, refused = checkpoints._read_record(folder), 0
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            assert checkpoints._read_record(folder) == expected
        except CheckpointError:
            refused += 1
    assert refused > 0.9 * len(content) / 7


def test_a_pickle_with_the_right_checksum_is_not_run(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "boom"),)

    content = pickle.dumps(Bomb())
    tensor_file(folder).write_bytes(content)
    rewrite(folder, lambda record: record["weights"].update(sha256=hashlib.sha256(content).hexdigest()))
    assert_refused(folder, "is no safetensors file")
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "..", "../secret.safetensors"])
def test_a_name_with_slashes_does_not_lead_out_of_the_folder(folder, name, tmp_path):
    """The file it points at holds just the right bytes."""
    content = tensor_file(folder).read_bytes()
    (tmp_path / "secret.safetensors").write_bytes(content)
    (tmp_path.parent / "x").write_bytes(content)
    rewrite(folder, lambda record: record["weights"].update(file=name))
    assert_refused(folder, "cannot be read")


def test_a_record_changed_by_hand_is_refused(folder):
    path = folder / "model.json"
    path.write_text(path.read_text().replace('"step": 5', '"step": 4'))
    assert_refused(folder, "damaged or was changed by hand")


def test_a_newer_format_asks_for_an_update(folder):
    rewrite(folder, lambda record: record.update(format=2))
    assert_refused(folder, "has format 2, this version reads 1; update dlq")


def test_a_json_of_something_else_is_no_checkpoint(folder):
    for text in ("[]", "{}", '{"format": 1}', "3"):
        (folder / "model.json").write_text(text)
        assert_refused(folder, "was not written by dlq.save")


@pytest.mark.parametrize(
    "change",
    [{"name": "vae9"}, {"arguments": {"image_shape": [1, 6, 6], "depth": 9}}, {"arguments": {"image_shape": [6, 6]}}],
)
def test_a_preset_of_another_version_asks_for_an_update(folder, change):
    rewrite(folder, lambda record: record["preset"].update(change))
    with pytest.raises(CheckpointError, match=r"cannot be built here \(.*\); update dlq"):
        load(folder)


# --- what belongs to another model


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            lambda: qlae((1, 6, 6), 3, [3, 2, 4], width=9),
            r"decoder.hidden.0.bias, which is \(8,\) in the file and \(9,\)",
        ),
        (lambda: qlae((1, 8, 8), 3, [3, 2, 4], width=8), r"decoder.out.bias, which is \(36,\) in the file and \(64,\)"),
        (
            lambda: autoencoder((1, 6, 6), 3, width=8),
            r"1 weights differ.*bottleneck.codebook.*and missing in the model",
        ),
        (own, "belongs to another model"),
    ],
)
def test_another_model_is_refused_and_stays_as_it_was(folder, other, message):
    """torch would load the layers that fit and then complain."""
    model = other()
    fit(model, np.zeros((4, *model.image_shape), np.uint8), steps=2, progress=False, device="cpu")
    assert_refused(folder, message, model=model)


def test_a_folder_that_is_none_is_explained(tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint folder .*nowhere; give one that dlq\.save"):
        load(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match=r"has no model\.json, so it is no checkpoint"):
        load(tmp_path)
    (tmp_path / "weights.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="there is no checkpoint folder"):
        load(tmp_path / "weights.pt")


def test_shipped_models_load_by_name(folder, trained, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHIPPED", folder.parent)
    assert shipped() == ["run"]
    assert same(weights(load("run")), weights(trained))
    with pytest.raises(CheckpointError, match=r"or the name of a shipped model \(run\)"):
        load("qlae-nothing")
