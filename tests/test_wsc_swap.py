"""WSC-swap: what may reach the result and what may not, each switch of the ablation, losses by hand, and that it learns."""

import json

import numpy as np
import pytest
import torch

import dlq
from dlq.checkpoints import card
from dlq.cli import faces as recipes
from dlq.cli import main
from dlq.cli.study import swap as study
from dlq.datasets import DataError
from dlq.datasets.faces import IDENTITY, NAMES, draw_sources, from_array, random_faces, render
from dlq.datasets.faces.camera import project, turn
from dlq.datasets.faces.head import HALF
from dlq.datasets.faces.parameters import Columns
from dlq.metrics import linear_probe, mlp_probe
from dlq.models import AveragedReader, build, face_reader, wsc_swap
from dlq.models.wsc_swap import game, losses, networks
from dlq.models.wsc_swap.game import LATE, WARM
from dlq.models.wsc_swap.masks import dilated, filled
from dlq.models.wsc_swap.place import surface
from dlq.models.wsc_swap.removal import Guess, Pairs
from dlq.swaps.evaluate import encode_targets
from dlq.swaps.judges import find_judge

SHAPE = (3, 16, 16)
SHIPPED = ["wsc-swap-faces", "wsc-swap-faces-128"]
ROWS = {
    "full": {},
    "skip": {"skip": True, "encoders": 1, "identity_removal": None, "preservation": False},
    "one encoder": {"encoders": 1, "identity_removal": None, "preservation": False},
    "no removal": {"identity_removal": None},
    "no preservation": {"preservation": False},
    "skip beside two encoders": {"skip": True},
    "pair": {"identity_removal": "pair"},
    "soft": {"composite": "soft", "oracle": True},
    "all is painted": {"composite": None},
    "discriminator": {"weights": [10.0, 1.0, 3.0, 10.0, 1.0, 0.5, 1.0, 0.3]},
}


@pytest.fixture(scope="module")
def people():
    return dlq.datasets.swap_faces(6, 3, 16, seed=4)


@pytest.fixture(scope="module")
def reader(people):
    reader = face_reader(SHAPE, width=4)
    dlq.fit(reader, people, steps=30, batch_size=16, progress=False, device="cpu")
    return reader


def make(reader, **more):
    return wsc_swap(reader.image_shape, reader=reader, width=4, **more)


@pytest.fixture(params=[16, 32])
def sized(request, people, reader, monkeypatch):
    """A reader and people of one size; at 32 pixels the head is painted at 16, as it is at 64 for 128."""
    monkeypatch.setattr(networks, "CORE", 16)
    if request.param == 16:
        return reader, people
    return AveragedReader(reader, (3, 32, 32)), dlq.datasets.swap_faces(6, 3, 32, seed=4)


def batch_of(model, people, n=8, seed=0):
    return model.make_batch(people, torch.arange(n), torch.Generator().manual_seed(seed))


def pair(people, n=3):
    source, target = np.arange(n), np.arange(n) + 9
    return people.batch(source), people.batch(target), people.mask_batch(target)


# --- what may reach the result


@pytest.mark.parametrize("row", ROWS)
def test_pixels_of_the_targets_face_reach_the_result_through_the_attributes_alone(sized, row):
    reader, people = sized
    model, (source, target, mask) = make(reader, **ROWS[row]).eval(), pair(people)
    codes = model.codes(source, target, mask)
    wide = dilated(mask, model.dilation)
    other = target + wide * (torch.rand_like(target) - target)
    maps = (model._look(x, wide)[1] for x in (target, other))
    read = reader(target)
    first, second = (model._paint(codes, target, wide, read, m)[0] for m in maps)
    leaks = row in ("skip", "one encoder", "skip beside two encoders")
    assert torch.equal(first, second) != leaks


@pytest.mark.parametrize("row", ["full", "no removal", "no preservation"])
def test_the_attributes_see_the_face_alone(sized, row):
    reader, people = sized
    model, (_, target, mask) = make(reader, **ROWS[row]).eval(), pair(people)
    wide = dilated(mask, model.dilation)
    elsewhere = target + (1 - wide) * (torch.rand_like(target) - target)
    inside = target + wide * (torch.rand_like(target) - target)
    assert torch.equal(model.attributes(target, mask), model.attributes(elsewhere, mask))
    assert not torch.equal(model.attributes(target, mask), model.attributes(inside, mask))
    assert torch.equal(model.background(target, mask), model.background(inside, mask))


def test_one_encoder_has_no_map_of_its_own_and_skips_add_maps(reader):
    full, one, skip = (make(reader, **ROWS[row]) for row in ("full", "one encoder", "skip"))
    assert one.outside is None
    assert full.outside is not None
    assert full.compressed is None
    assert skip.skips is not None
    assert one.skips is None
    same = full.generator.state_dict().keys() == one.generator.state_dict().keys()
    assert same
    assert full.generator.join.weight.shape == one.generator.join.weight.shape


@pytest.mark.parametrize(("composite", "encoders"), [("soft", 2), ("surroundings", 2), ("surroundings", 1), (None, 2)])
def test_the_painting_is_laid_over_what_the_design_says(reader, people, composite, encoders):
    model, (source, target, mask) = make(reader, composite=composite, encoders=encoders).eval(), pair(people)
    torch.nn.init.zeros_(model.generator.out.weight)
    with torch.no_grad():
        model.generator.out.bias[:] = torch.tensor([0.5, 0.5, 0.5, 0.0])
    without_face = filled(target, 1 - dilated(mask, model.dilation))
    over = {("soft", 2): target, ("surroundings", 2): without_face}.get(
        (composite, encoders), torch.full_like(target, 0.5)
    )
    torch.testing.assert_close(model.swap(source, target, mask), 0.5 * 0.5 + 0.5 * over)


# --- the game


@pytest.mark.parametrize("row", ROWS)
def test_every_part_learns_the_reader_stays_and_each_parameter_has_one_owner(sized, row):
    reader, people = sized
    model = make(reader, **ROWS[row]).train()
    before = {name: value.clone() for name, value in model.reader.state_dict().items()}
    players = model.players()
    owned = [id(p) for player in players for group in player.groups for p in group.parameters]
    assert sorted(owned) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    batch = batch_of(model, people)
    for player in players:
        for p in model.parameters():
            p.grad = None
        loss, terms = player.loss(batch, torch.Generator())
        torch.testing.assert_close(loss, torch.stack([*terms.values()]).sum())
        loss.backward()
        silent = 0
        for group in player.groups:
            silent += sum(p.grad is None or not p.grad.abs().sum() for p in group.parameters)
        allowed = int(player.name == "discriminator")  # the last bias pushes real and drawn equally at the start
        assert silent <= allowed, f"{silent} parameters of the {player.name} receive no gradient"
    assert all(torch.equal(value, before[name]) for name, value in model.reader.state_dict().items())
    assert not any(p.requires_grad for p in model.reader.parameters())


def test_each_switch_takes_its_term_away(reader, people):
    terms = {row: set(make(reader, **ROWS[row]).loss(batch_of(make(reader, **ROWS[row]), people))[1]) for row in ROWS}
    assert terms["full"] - terms["no removal"] == {"removal"}
    assert terms["full"] - terms["no preservation"] == {"kept by encoder", "kept in result"}
    assert terms["soft"] - terms["full"] == {"mask"}
    assert terms["discriminator"] - terms["full"] == {"adversarial"}
    assert terms["skip"] == terms["one encoder"] == terms["full"] - {"removal", "kept by encoder", "kept in result"}
    names = {row: [player.name for player in make(reader, **ROWS[row]).players()] for row in ROWS}
    assert names["full"] == names["pair"] == ["swapper", "identity adversary"]
    assert names["discriminator"] == ["swapper", "identity adversary", "discriminator"]
    assert names["no removal"] == ["swapper"]


def test_removal_gains_its_weight_and_the_discriminator_wakes_late(reader, people):
    model = make(reader, weights=[10.0, 1.0, 3.0, 10.0, 1.0, 0.5, 1.0, 0.3])
    batch = batch_of(model, people)
    whole = model.loss(batch)[1]["removal"]
    model.training_state = dlq.history.TrainingState(0, step=5, total=100)
    torch.testing.assert_close(model.loss(batch)[1]["removal"], whole * 0.05 / WARM)
    assert "adversarial" not in model.loss(batch)[1]
    assert model.discriminator_loss(batch)[0] == 0
    model.training_state.step = round(50 * sum(LATE))
    assert model.discriminator_loss(batch)[0] > 0
    assert "adversarial" not in model.loss(batch)[1]


def test_pairs_of_one_person_come_first_and_are_the_share_that_is_asked_for(reader, people):
    model = make(reader, same_share=0.25)
    batch = batch_of(model, people)
    assert batch.is_same.tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    sources = draw_sources(people.identities, np.arange(8), 2, torch.Generator().manual_seed(0))
    same = people.identities[sources] == people.identities[:8]
    assert same.tolist() == [True, True, *[False] * 6]
    assert not (sources == np.arange(8)).any()
    assert torch.equal(batch.source, people.batch(sources))


def test_the_oracle_knows_the_true_attributes(reader, people):
    batch = batch_of(make(reader, oracle=True), people)
    true = reader.standardised(torch.from_numpy(people.parameters[:8]))[:, 13:]
    assert torch.equal(batch.others, true)
    assert batch_of(make(reader), people).others is None


# --- losses by hand


def test_the_adversarys_guess_and_its_gradient_by_hand():
    removal = Guess(4, 2).eval()  # nothing seen yet: no line, the network alone
    removal.network = torch.nn.Linear(4, 2, bias=False)
    z, who = torch.randn(3, 4, requires_grad=True), torch.randn(3, 2)
    weight = removal.network.weight.detach()
    removal.hide(z, who).backward()
    torch.testing.assert_close(z.grad, 2 * (z.detach() @ weight.T) @ weight / 6)
    torch.testing.assert_close(removal(z, who), (z @ weight.T - who).square().sum() / 6)


def test_what_a_line_can_tell_is_solved_for_and_not_learnt():
    removal, generator = Guess(4, 2), torch.Generator().manual_seed(0)
    torch.nn.init.zeros_(removal.network[-1].weight)
    torch.nn.init.zeros_(removal.network[-1].bias)
    line = torch.randn(4, 2, generator=generator)
    for _ in range(400):
        z = 3 + torch.randn(48, 4, generator=generator)
        removal(z, (z - 3) @ line)
    torch.testing.assert_close(removal.guess(z), (z - 3) @ line, atol=0.3, rtol=0.05)
    before = removal.moments.clone()
    removal.eval()(z, z[:, :2])
    assert torch.equal(removal.moments, before), "what is scored is not learnt from"


def test_the_pair_classifier_knows_true_pairs_and_the_encoder_makes_it_unsure():
    removal = Pairs(2, 2)
    z, who = torch.randn(5, 2), torch.randn(5, 2)
    torch.nn.init.zeros_(removal.network[-1].weight)
    torch.nn.init.zeros_(removal.network[-1].bias)
    assert removal(z, who).item() == pytest.approx(np.log(2))
    assert removal.hide(z, who).item() == pytest.approx(0, abs=1e-6)
    torch.nn.init.constant_(removal.network[-1].bias, 2.0)  # "true" of everything, at 2
    assert removal(z, who).item() == pytest.approx((np.log1p(np.exp(-2)) + np.log1p(np.exp(2))) / 2)
    assert removal.hide(z, who).item() == pytest.approx((np.log1p(np.exp(-2)) + np.log1p(np.exp(2))) / 2 - np.log(2))


def test_the_identity_loss_stops_at_the_margin():
    wanted = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    found = torch.tensor([[1.0, 0.1], [0.0, 2.0], [-1.0, 0.0]], requires_grad=True)
    loss = losses.same_person(found, wanted, 0.75)
    torch.testing.assert_close(loss, torch.tensor([0.0, 0.75, 1.75]))
    loss.sum().backward()
    assert found.grad[0].abs().sum() == 0
    assert found.grad[1].abs().sum() > 0


def test_reconstruction_and_surroundings_by_hand():
    target = torch.zeros(2, 1, 2, 2)
    result = torch.tensor([[[[0.5, 0.0], [0.0, 0.0]]], [[[1.0, 1.0], [0.0, 0.0]]]])
    flat = torch.ones(2, 1, 2, 2)
    each = losses.reconstruction(result, target, flat)
    torch.testing.assert_close(each, torch.tensor([(0.5 + 0.75) / 4, 8 / 4]))
    assert losses.over(each, torch.tensor([0.0, 1.0])) == 2
    assert losses.over(each, torch.zeros(2)) == 0
    mask = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).expand(2, 1, 2, 2)
    torch.testing.assert_close(losses.outside(result, target, mask), torch.tensor([0.0, 1 / 3]))
    assert losses.outside(result, target, torch.ones(2, 1, 2, 2)).sum() == 0


def test_expressions_count_three_times():
    names = ("skin", "smile")
    found, wanted = torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)
    assert losses.kept(found, wanted, losses.importance(names)).item() == (1 + 3 * 4) / 4


def test_eyes_and_mouth_count_more(people):
    weight = losses.around_features(torch.from_numpy(people.landmarks[:1]), people.batch([0]))
    right, down = people.landmarks[0, losses.FEATURES[0]]
    assert weight[0, 0, int(down), int(right)] > 2.5
    assert weight[0, 0, 0, 0] == pytest.approx(1, abs=1e-3)
    assert (losses.around_features(None, people.batch([0])) == 1).all()


# --- masks and places


def test_masks_grow_by_pixels():
    mask = torch.zeros(2, 1, 9, 9)
    mask[:, :, 4, 4] = 0.3
    grown = dilated(mask, torch.tensor([0, 2]))
    assert grown.sum((1, 2, 3)).tolist() == [1, 25]
    assert dilated(mask, 1).sum().item() == 18


def test_a_hole_is_filled_from_what_lies_around_it():
    x = torch.arange(16.0).reshape(1, 1, 4, 4) / 16
    known = torch.ones(1, 1, 4, 4)
    assert torch.equal(filled(x, known), x)
    known[..., :2, :2] = 0
    found = filled(x, known)
    assert torch.equal(found[known > 0], x[known > 0])
    hole, around = found[known == 0], x[known > 0]
    assert (hole >= around.min()).all()
    assert (hole <= around.max()).all()
    assert hole.std() > 0, "what is near counts more than what is far"
    other = torch.where(known > 0, x, 9.0)
    assert torch.equal(filled(other, known), found)
    assert torch.equal(filled(x, torch.zeros_like(known)), torch.full_like(x, 0.5))


def test_training_masks_grow_by_one_or_two_pixels_at_32(people):
    model = wsc_swap((3, 32, 32), reader=face_reader(width=4), width=2)
    assert model.dilation == 2
    assert wsc_swap(SHAPE, reader=face_reader(SHAPE, width=4), width=2).dilation == 1


def test_rays_meet_the_average_head_where_the_camera_projects_it():
    table = torch.from_numpy(random_faces(4, torch.Generator().manual_seed(3)))
    pose = table[:, [NAMES.index(n) for n in ("yaw", "pitch", "roll", "zoom", "shift_x", "shift_y")]]
    point, hit = surface(pose, 33, 33)
    half = torch.tensor(HALF, dtype=torch.float32)
    face = Columns(table.T.contiguous())
    back = project(turn(face).about((point * half).flatten(1, 2)), face, 33).unflatten(1, (33, 33))
    rows, columns = torch.meshgrid(torch.arange(33) + 0.5, torch.arange(33) + 0.5, indexing="ij")
    sure = hit > 0.6
    assert 0.2 < sure.float().mean() < 0.7
    for found, wanted in ((back[..., 0], columns), (back[..., 1], rows)):
        torch.testing.assert_close(found[sure], wanted.expand(4, -1, -1)[sure], atol=0.02, rtol=0)


# --- use


def test_a_swap_is_codes_drawn_and_batches_do_not_mix(reader, people):
    model, (source, target, mask) = make(reader).eval(), pair(people)
    result = model.swap(source, target, mask)
    assert torch.equal(result, model.draw(model.codes(source, target, mask), target, mask))
    assert result.min() >= 0
    assert result.max() <= 1
    for k in range(3):
        one = model.swap(*(part[k : k + 1] for part in (source, target, mask)))
        torch.testing.assert_close(one[0], result[k], atol=1e-5, rtol=1e-4)
    assert torch.equal(model.encode(target), model.codes(target, target))
    assert model.codes(source, target, mask).shape == (3, model.num_latents)
    assert torch.equal(model.codes(source, target, mask)[:, :13], reader(source).identity)


def test_without_a_mask_the_readers_own_is_taken(reader, people):
    model, (source, target, _) = make(reader).eval(), pair(people)
    guess = (reader(target).mask > 0.5).float()
    assert torch.equal(model.swap(source, target), model.swap(source, target, guess))
    assert torch.equal(model.swap(source, target, guess[:, 0]), model.swap(source, target, guess))


def test_sliders_on_one_target_move_what_they_name(reader, people):
    model, (source, target, mask) = make(reader).eval(), pair(people)
    onto = model.onto(target[0], mask[0])
    assert onto.latent_names[:1] + onto.latent_names[13:14] == ("face_width", "smile")
    z = onto.encode(source)
    expected = model.swap(source, target[:1].expand(3, -1, -1, -1), mask[:1].expand(3, -1, -1, -1))
    torch.testing.assert_close(onto.decode(z), expected, atol=1e-5, rtol=1e-4)
    moved = z.clone()
    moved[:, 13] += 1
    assert not torch.allclose(onto.decode(moved), expected, atol=1e-4)
    asked = moved[:, 13:] - onto._read(model.attributes(target[:1], mask[:1]))
    assert asked[0].round(decimals=4).tolist() == [1, 0, 0, 0, 0]


def test_a_short_training_learns_to_rebuild_and_goes_on_from_a_file(reader, people, tmp_path):
    whole, half = make(reader), make(reader)
    options = {"batch_size": 8, "progress": False, "device": "cpu"}
    history = dlq.fit(whole, people, steps=30, **options)
    assert history.terms["swapper outside"][-1] < 0.7 * history.terms["swapper outside"][0]
    half.training_state = None
    dlq.fit(half, people, steps=30, watch=lambda model, h: stop_at(model, 12), **options)
    assert half.training_state.step == 12
    dlq.save(half, tmp_path / "half")
    again = dlq.load(tmp_path / "half")
    dlq.fit(again, people, steps=30, **options)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=1e-6, rtol=1e-5, msg=name)


def stop_at(model, step):
    model.training_state.stop = model.training_state.step >= step


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_the_reader_and_the_judge_that_suit_the_images_are_taken(size):
    swap, side = wsc_swap((3, size, size), width=2), min(size, 64)
    assert swap.reader.image_shape == (3, size, size)
    assert swap.face.factor == size // side
    assert swap.generator.sides == [side, 128, 256][: {32: 1, 64: 1, 128: 2, 256: 3}[size]]
    assert find_judge(None, swap, size).image_shape == (3, side, side)
    with pytest.raises(ValueError, match="the judge is the network that this model was trained with"):
        find_judge("face-reader" if size == 32 else "face-reader-64", swap, size)


def test_a_larger_swap_starts_from_a_smaller_one(reader, people, monkeypatch):
    monkeypatch.setattr(networks, "CORE", 16)
    small = make(reader, seed=1)
    large = make(AveragedReader(reader, (3, 64, 64)), seed=2)
    assert large.warm == WARM
    assert large.start_from(small) == ["generator.finer"]
    assert large.warm == 0, "what was cleared of identity must not fill again while removal gains weight"
    batch = batch_of(small, people)
    whole = small.loss(batch)[1]["removal"]
    small.training_state = dlq.history.TrainingState(0, step=0, total=100)
    assert small.loss(batch)[1]["removal"] == 0
    small.warm.zero_()
    assert small.loss(batch)[1]["removal"] == whole
    for name in ("face.trunk.0.0.weight", "generator.texture.0.weight", "outside.fine.0.weight"):
        assert torch.equal(large.state_dict()[name], small.state_dict()[name])
    for finer in large.generator.finer:
        torch.nn.init.zeros_(finer.out.weight)
        torch.nn.init.zeros_(finer.out.bias)
    coarse, fine = people, dlq.datasets.swap_faces(6, 3, 64, seed=4)
    small.dilation, large.dilation = 1, 4
    drawn, wanted = large.eval().swap(*pair(fine)), small.eval().swap(*pair(coarse))
    assert (torch.nn.functional.avg_pool2d(drawn, 4) - wanted).abs().mean() < 0.02, (
        "it begins as the smaller one, enlarged"
    )
    with pytest.raises(ValueError, match="the other swap has another design or width"):
        wsc_swap(SHAPE, reader=reader, width=8).start_from(small)


def test_the_discriminator_soon_tells_what_is_blurred_and_scores_faces_only():
    faces = dlq.datasets.swap_faces(12, 2, 32, seed=4)
    swap = wsc_swap(faces.image_shape, weights=[1.0] * 8)
    x, mask = faces.batch(range(24)), faces.mask_batch(range(24))
    blurred = torch.nn.functional.avg_pool2d(x, 3, 1, padding=1)
    optimizer = torch.optim.Adam(swap.discriminator.parameters(), 2e-3)
    for _ in range(30):
        (real, shown), (drawn, painted) = (swap._judged(images, mask, None) for images in (x, blurred))
        loss = losses.over(torch.relu(1 - real), shown) + losses.over(torch.relu(1 + drawn), painted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1.0, "2 is a coin"
    nowhere = torch.zeros_like(mask)
    nowhere[:, :, :8, :8] = 1.0
    elsewhere = x.clone()
    elsewhere[:, :, 24:] = 0.5
    scores = [losses.over(*swap._judged(images, nowhere, None)) for images in (x, elsewhere)]
    assert torch.equal(*scores)


def test_a_discriminator_sees_a_square_of_larger_images():
    x = torch.rand(2, 4, 256, 256)
    generator = torch.Generator().manual_seed(0)
    seen = [game.patch(x, generator) for _ in range(8)]
    assert {part.shape for part in seen} == {(2, 4, 64, 64)}
    corners = {(x[0, 0] == part[0, 0, 0, 0]).nonzero()[0].tolist()[0] for part in seen}
    assert len(corners) > 1
    assert all(48 <= corner <= 144 for corner in corners), "faces are seldom in the corners of pictures"
    small = torch.rand(2, 4, 64, 64)
    assert game.patch(small, generator) is small


def test_seeds_decide_everything(reader):
    first, second, third = (make(reader, seed=seed) for seed in (0, 0, 1))
    same = [torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)]
    assert all(same)
    assert not torch.equal(first.generator.join.weight, third.generator.join.weight)


def test_it_is_built_again_from_its_record(reader, people, tmp_path):
    model, (source, target, mask) = make(reader, encoders=1, weights=[1.0] * 8).eval(), pair(people)
    again = build(model.preset.name, model.preset.arguments)
    assert again.weights == model.weights
    assert again.design == model.design
    dlq.save(model, tmp_path / "swap", half=False)
    assert torch.equal(dlq.load(tmp_path / "swap").swap(source, target, mask), model.swap(source, target, mask))


def test_a_model_that_is_done_is_saved_without_its_opponents(reader, people, tmp_path):
    model, (source, target, mask) = make(reader, **ROWS["discriminator"]), pair(people)
    dlq.fit(model, people, steps=2, batch_size=4, progress=False, device="cpu")
    dlq.save(model, tmp_path / "whole")
    dlq.save(model, tmp_path / "done", training=False)
    whole, done = dlq.load(tmp_path / "whole"), dlq.load(tmp_path / "done")
    assert torch.equal(whole.adversary.moments, model.adversary.moments)
    assert not torch.equal(done.adversary.moments, model.adversary.moments)
    sizes = [sum(path.stat().st_size for path in (tmp_path / name).glob("weights*")) for name in ("whole", "done")]
    assert sizes[1] < sizes[0]
    assert torch.equal(done.swap(source, target, mask), whole.swap(source, target, mask))
    dlq.fit(done, people, steps=2, batch_size=4, progress=False, device="cpu")  # the opponents begin anew


def test_exact_swaps_of_pairs_are_those_of_the_renderer(people):
    exact = people.exact([0, 1], [9, 10])
    table = people.parameters[[9, 10]].copy()
    table[:, :13] = people.parameters[[0, 1], :13]
    assert torch.equal(exact.images, render(from_array(table), 16).images)
    assert (people.masks[9] == (people.faces.portraits([9]).skin[0] * 255 + 0.5).to(torch.uint8).numpy()).all()


# --- the recipe, the study, and what comes with dlq


@pytest.fixture
def quick(monkeypatch, tmp_path):
    recipes.people.cache_clear()
    few = {"PEOPLE": {32: 4, 64: 4, 128: 4}, "IMAGES_EACH": 2, "UNSEEN_PEOPLE": 33}
    few["STAGES"] = {size: [stage | {"steps": 2} for stage in stages] for size, stages in recipes.STAGES.items()}
    for name, value in few.items():
        monkeypatch.setattr(recipes, name, value)
    for name, value in {"ROWS": {"full": {}, "no preservation": {"preservation": False}}, "TEST_PEOPLE": 33}.items():
        monkeypatch.setattr(study, name, value)
    monkeypatch.setattr(study, "TEST_IMAGES", 1)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    recipes.people.cache_clear()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_recipe_leaves_a_small_model_with_its_scores(quick, name):
    assert main(["reproduce", name, "--no-progress"]) == 0
    folder = quick / name
    assert sum(path.stat().st_size for path in folder.iterdir()) < 4_000_000
    assert card(folder)["scores"].keys() >= {"leak_over_exact", "retrieval", "correlation", "attributes linear"}
    again, shipped = dlq.load(folder), dlq.load(name)
    assert again.weights == shipped.weights
    assert again.dilation == shipped.dilation == card(name)["trained_dilation"] // recipes.USED


def test_a_larger_size_adds_finer_stages_and_leaves_the_smaller_swap_as_it_is(quick):
    small = recipes.trained(None, recipes.people(64, 0, 4, 2), recipes.STAGES[64][-1] | {"steps": 2}, False)
    large = recipes.trained(small, recipes.people(128, 0, 4, 2), recipes.STAGES[128][0] | {"steps": 2}, False)
    before = build(large.preset.name, large.preset.arguments)
    before.start_from(small)
    started, now = before.state_dict(), large.state_dict()
    moved = {name for name in now if not torch.equal(started[name], now[name])}
    assert {name.partition(".finer")[0] for name in moved if not name.startswith("discriminator")} == {"generator"}
    assert {f"generator.finer.0.{part}" for part in ("out.weight", "texture.0.weight", "join.weight")} <= moved
    assert [player.name for player in large.players()] == ["swapper", "discriminator"], "nothing is left to be cleared"
    with pytest.raises(ValueError, match="a swap of 64 pixels paints the head at that size, without finer stages"):
        small.only_finer()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_cards_of_shipped_swaps_tell_the_recipe(name):
    told, swap = card(name), dlq.load(name)
    assert told["stages"] == recipes.STAGES[swap.image_shape[1]]
    assert told["batch_size"] == recipes.SWAP_BATCH[swap.image_shape[1]]
    assert swap.weights == losses.Weights(*told["stages"][-1]["weights"])
    assert swap.design.composite == told["stages"][-1]["composite"]


def test_the_study_scores_every_row_and_goes_on(quick, capsys):
    command = ["study", "swap", "--seeds", "1", "--steps", "2", "--no-progress", "--out", str(quick / "swap.json")]
    assert main(command) == 0
    record = json.loads((quick / "swap.json").read_text())
    assert [run["model"] for run in record["runs"]] == ["full", "no preservation"]
    assert all(run["beside"]["exact"]["leak_over_exact"] == 0 for run in record["runs"])
    assert main(command) == 0
    assert json.loads((quick / "swap.json").read_text()) == record
    assert "leak_over_exact" in capsys.readouterr().out


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_swaps_paint_the_source_into_the_target_for_people_never_seen(name):
    swap = dlq.load(name)
    faces = dlq.datasets.swap_faces(40, 2, swap.image_shape[1], seed=4321)
    scores = dlq.evaluate_swaps(swap, faces, num_sources=10, num_targets=10, num_probe=0)
    copy = scores.rows["copy of target"]
    assert scores.retrieval > 0.8
    assert scores.to_source > 0.7 > 0.2 > scores.to_target
    assert scores.leak_over_exact < 0.1
    assert scores.psnr_inside > copy["psnr_inside"]
    assert scores.correlation > 0.65


@pytest.mark.parametrize("name", SHIPPED)
def test_no_probe_reads_the_target_s_identity_off_the_shipped_swaps_attributes(name):
    told, swap = card(name)["scores"], dlq.load(name)
    assert told["attributes linear"] < 0.1
    assert told["attributes MLP"] < 0.1
    people = 250 if swap.image_shape[1] == 64 else 100
    faces, rows = dlq.datasets.swap_faces(people, 3, swap.image_shape[1], seed=4322), np.arange(3 * people)
    codes = encode_targets(swap, faces, rows)["attributes"]
    factors = faces.parameters[:, [NAMES.index(name) for name in IDENTITY]]
    for probe in (linear_probe, mlp_probe):
        assert probe(factors, codes, faces.identities).mean < 0.1
    other = faces.parameters[:, [NAMES.index("skin"), NAMES.index("yaw")]]
    assert linear_probe(other, codes, faces.identities).mean > 0.8, "it is no empty vector"


# --- what does not suit


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoders": 3}, "encoders is 3; give 2"),
        ({"identity_removal": "grl"}, "identity_removal is 'grl'; give 'var' or 'pair' or None"),
        ({"composite": "hard"}, "composite is 'hard'; give 'surroundings' or 'soft' or None"),
        ({"same_share": 2.0}, "same_share is 2"),
        ({"dilation": -1}, "dilation is -1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; give a number above 0"),
        ({"reader": torch.nn.Linear(2, 2)}, "a Linear cannot read faces here: it has no perceive"),
        ({"reader": face_reader((3, 32, 32), width=2)}, r"built for images of shape \(3, 32, 32\), this model for"),
        ({"reader": "face-raeder"}, "the name of a shipped model"),
        ({"reader": None}, "no face reader comes with dlq for images of 16 pixels, only for 32 and 64"),
    ],
)
def test_arguments_that_do_not_suit_are_refused(reader, arguments, message):
    with pytest.raises(ValueError, match=message):
        wsc_swap(SHAPE, **{"reader": reader, "width": 2, **arguments})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, t, m: (s[:2], t, m), r"source has shape \(2, 3, 16, 16\), target \(3, 3, 16, 16\)"),
        (lambda s, t, m: (s[..., :8], t[..., :8], m), r"this model swaps \(batch, 3, 16, 16\)"),
        (lambda s, t, m: (s, t, m[..., :8]), "give one mask of 16 x 16 for each target"),
        (lambda s, t, m: (s, t, m * torch.tensor([1.0, 0, 1])[:, None, None, None]), "target 1 has no face region"),
    ],
)
def test_images_and_masks_that_do_not_suit_are_refused(reader, people, change, message):
    with pytest.raises(ValueError, match=message):
        make(reader).swap(*change(*pair(people)))


def test_data_without_pairs_are_refused(reader, people):
    alone = dlq.datasets.swap_faces(4, 1, 16, seed=1)
    with pytest.raises(DataError, match="identity 0 has one image"):
        batch_of(make(reader), alone, 4)
    assert batch_of(make(reader, same_share=0.0), alone, 4).is_same.sum() == 0
    with pytest.raises(DataError, match="at least two identities"):
        batch_of(make(reader, same_share=0.0), dlq.datasets.swap_faces(1, 4, 16, seed=1), 4)
    with pytest.raises(ValueError, match="do not say who is shown"):
        dlq.fit(make(reader), people.images, steps=1, progress=False)
