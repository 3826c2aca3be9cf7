"""What only a CUDA device can show; skipped elsewhere. `python -m dlq bench --gpu` runs these and counts them."""

import json
import math

import numpy as np
import pytest
import torch

from dlq.checkpoints import load, save
from dlq.cli.bench import gpu, paper, report
from dlq.datasets import from_arrays, rooms, sprites
from dlq.evaluation import encode, evaluate
from dlq.models import qlae, qlae_paper
from dlq.training import NonFiniteError, fit

pytestmark = pytest.mark.gpu

SIZES = (4, 4, 4, 3, 1, 3)


def small(**more):
    data = rooms(16, SIZES)
    return qlae(data.image_shape, num_latents=9, **more), data


def test_training_learns():
    model, data = small()
    history = fit(model, data, steps=600, device="cuda", progress=False)
    first, last = np.mean(history.terms["reconstruction"][:5]), np.mean(history.terms["reconstruction"][-5:])
    assert last < 0.8 * first
    assert next(model.parameters()).is_cuda


def test_going_on_from_a_checkpoint_is_training_at_once(tmp_path):
    once, data = small()
    fit(once, data, steps=40, device="cuda", progress=False)
    half, _ = small()
    fit(half, data, steps=20, device="cuda", progress=False)
    save(half, tmp_path)
    again = load(tmp_path)
    fit(again, data, steps=40, device="cuda", progress=False)
    a, b = (torch.cat([p.detach().flatten() for p in model.parameters()]) for model in (once, again))
    # Sums of gradients may come in another order; a lost optimizer state would move most weights by the learning rate.
    assert (a - b).abs().quantile(0.99) < 1e-4


@pytest.mark.parametrize(
    "data", [rooms(64, (10, 10, 10, 4, 4, 3)), sprites(64, (3, 3, 4, 8, 8))], ids=["rooms", "sprites"]
)
def test_rendered_batches_are_those_of_the_cpu(data):
    rows = np.random.default_rng(0).integers(len(data), size=256)
    there, here = data.batch(rows, "cuda"), data.batch(rows)
    assert there.is_cuda
    levels = ((there.cpu() - here) * 255).abs()
    assert levels.max() <= 1.001
    assert (levels > 0.5).float().mean() < 1e-3


def test_stored_images_are_kept_on_the_device_and_are_the_same():
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 16, 16), dtype=np.uint8)
    x = from_arrays(images).batch([3, 1, 3], "cuda")
    assert torch.equal(x.cpu(), torch.from_numpy(images[[3, 1, 3]]).float() / 255)


@pytest.mark.parametrize(("build", "size", "tolerance"), [(qlae, 16, 1e-4), (qlae_paper, 64, 2e-2)])
def test_latents_are_those_of_the_cpu(build, size, tolerance):
    data = rooms(size, SIZES)
    model, rows = build(data.image_shape, num_latents=9), range(200)
    here, codes = encode(model.encoder, data, rows=rows), encode(model, data, rows=rows)
    model.to("cuda")
    there = encode(model.encoder, data, rows=rows)
    assert np.abs(there - here).max() < tolerance * max(1, np.abs(here).max())  # convolutions may run in TF32
    assert (encode(model, data, rows=rows) == codes).mean() > 0.98


def test_scores_are_those_of_the_cpu():
    model, data = small()
    fit(model, data, steps=300, device="cuda", progress=False)
    there, here = evaluate(model, data), evaluate(model.to("cpu"), data)
    assert there.psnr == pytest.approx(here.psnr, abs=0.05)
    assert there.infomec.modularity == pytest.approx(here.infomec.modularity, abs=0.02)


def test_nan_stops_before_the_step_that_would_spoil_the_weights():
    model, data = small()
    fit(model, data, steps=3, device="cuda", progress=False)
    before, genuine = {k: v.clone() for k, v in model.state_dict().items()}, model.loss
    model.loss = lambda x: (genuine(x)[0] * math.nan, genuine(x)[1])
    with pytest.raises(NonFiniteError, match="at step 3, before this step was taken"):
        fit(model, data, steps=6, device="cuda", progress=False)
    assert model.training_state.step == 3
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_papers_model_trains_in_bfloat16_near_float32():
    losses = {}
    for bf16 in (False, True):
        model, data = paper.build(paper.PAPER._replace(sizes=SIZES, batch_size=16), bf16=bf16)
        losses[bf16] = fit(model, data, steps=5, device="cuda", progress=False).terms
        assert all(p.dtype == torch.float32 and p.isfinite().all() for p in model.parameters())
    assert all(math.isfinite(value) for values in losses[True].values() for value in values)
    assert losses[True]["reconstruction"][0] == pytest.approx(losses[False]["reconstruction"][0], rel=0.02)


def test_the_bench_sees_the_device():
    device = torch.device("cuda")
    row = gpu.speed(paper.TINY, device, True)
    assert row["peak_memory_mb"] > 0
    assert row["steps_per_second"] > 0
    found = json.loads(json.dumps(report.circumstances(device)))
    assert found["device"] == torch.cuda.get_device_name()
    assert found["cuda"]["runtime"] == torch.version.cuda


def test_a_slice_goes_on_on_the_device(tmp_path):
    device = torch.device("cuda")
    first = gpu.train(paper.TINY, device, tmp_path, None, deadline=math.inf)
    second = gpu.train(paper.TINY, device, tmp_path, tmp_path, deadline=math.inf)
    assert (first["step"], second["step"], second["resumed_at"]) == (4, 8, [4])
