"""The face reader: its units, its mirror, what it refuses, and what the shipped ones read off people never seen."""

import numpy as np
import pytest
import torch

import dlq
from dlq.checkpoints import card
from dlq.cli import faces as recipes
from dlq.cli import main
from dlq.datasets.faces import IDENTITY, LANDMARKS, NAMES, from_array, random_faces, render
from dlq.models import AveragedReader, OwnReader, build, face_reader, with_weights
from dlq.models.face_reader import MIRRORED, OTHERS, Reading, measure, mirrored

SHAPE = (3, 16, 16)


@pytest.fixture(scope="module")
def people():
    return dlq.datasets.swap_faces(5, 2, 16, seed=4)


def batch(people, seed=0):
    reader = face_reader(SHAPE, width=4)
    return reader, reader.make_batch(people, torch.arange(10), torch.Generator().manual_seed(seed))


def test_units_are_those_of_random_faces():
    reader = face_reader(SHAPE, width=4)
    table = torch.from_numpy(random_faces(20_000, torch.Generator().manual_seed(5)))
    read = reader.standardised(table)
    torch.testing.assert_close(read.mean(0), torch.zeros(31), atol=0.05, rtol=0)
    torch.testing.assert_close(read.std(0), torch.ones(31), atol=0.05, rtol=0)
    assert (*reader.identity_names, *reader.other_names) == (*IDENTITY, *OTHERS) == NAMES[:31]


def test_pose_is_in_degrees_and_shares():
    reader = face_reader(SHAPE, width=4)
    table = torch.from_numpy(random_faces(3, torch.Generator().manual_seed(1)))
    values = reader.standardised(table)
    reading = Reading(values[:, :13], values[:, 13:], None, torch.zeros(3, 1, 16, 16))
    expected = table[:, [NAMES.index(n) for n in ("yaw", "pitch", "roll", "zoom", "shift_x", "shift_y")]]
    torch.testing.assert_close(reader.pose(reading), expected, atol=1e-4, rtol=0)


def test_a_mirrored_image_is_the_image_of_the_mirrored_parameters():
    table = random_faces(4, torch.Generator().manual_seed(2))
    table[:, [NAMES.index(name) for name in ("parting", "hair_length")]] = 0
    other = table.copy()
    other[:, [NAMES.index(name) for name in MIRRORED]] *= -1
    first, second = render(from_array(table), 32), render(from_array(other), 32)
    difference = (first.skin.flip(2) - second.skin).abs().mean()
    assert difference < 0.01 < (first.skin - second.skin).abs().mean()
    torch.testing.assert_close(
        mirrored(first.landmarks, 32), second.landmarks, atol=0.15, rtol=0
    )  # pupils: of a curved eye


def test_half_of_a_batch_is_mirrored_with_its_truth(people):
    reader, truth = batch(people)
    x = people.batch(np.arange(10))
    flipped = (truth.x != x).flatten(1).any(1)
    assert 0 < flipped.sum() < 10
    wanted = torch.from_numpy(people.parameters[:, NAMES.index("yaw")]) * torch.where(flipped, -1.0, 1.0)
    torch.testing.assert_close(reader.pose(truth.reading)[:, 0], wanted, atol=1e-4, rtol=0)
    assert torch.equal(truth.x[flipped], x[flipped].flip(3))
    name = LANDMARKS.index("pupil_left")
    found, before = truth.reading.landmarks[flipped][:, name, 0], people.landmarks[flipped.numpy()]
    torch.testing.assert_close(found, 16 - torch.from_numpy(before[:, LANDMARKS.index("pupil_right"), 0]))
    torch.testing.assert_close(truth.reading.identity, reader.standardised(torch.from_numpy(people.parameters))[:, :13])


def test_the_loss_by_hand(people):
    reader, truth = batch(people)
    reader.eval()
    read, true = reader(truth.x), truth.reading
    expected = (read.identity - true.identity).square().mean() + (read.others - true.others).square().mean()
    expected += ((read.landmarks - true.landmarks) / 2).square().mean()  # an eighth of 16 pixels is 2
    p, m = read.mask.clamp(1e-4, 1 - 1e-4), true.mask
    expected -= 0.5 * (m * p.log() + (1 - m) * (1 - p).log()).mean()
    assert reader.loss(truth)[0].item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("variant", ["strided", "wide_kernels"])
def test_every_parameter_learns_and_is_in_one_group(people, variant):
    reader = face_reader(SHAPE, width=4, variant=variant)
    reader.loss(reader.make_batch(people, torch.arange(10), torch.Generator().manual_seed(0)))[0].backward()
    assert all(p.grad.abs().sum() > 0 for p in reader.parameters())
    grouped = [id(p) for group in reader.players()[0].groups for p in group.parameters]
    assert sorted(grouped) == sorted(id(p) for p in reader.parameters())


def test_it_learns(people):
    reader = face_reader(SHAPE, width=8)
    history = dlq.fit(reader, people, steps=60, batch_size=10, progress=False, device="cpu")
    first, last = history.terms["total"][0], np.mean(history.terms["total"][-5:])
    assert last < 0.5 * first


def test_embeddings_have_length_one_and_features_halve():
    reader = face_reader(SHAPE, width=4).eval()
    x = torch.rand(3, *SHAPE)
    torch.testing.assert_close(reader.embed(x).norm(dim=1), torch.ones(3))
    torch.testing.assert_close(reader.embed(x) * reader(x).identity.norm(dim=1, keepdim=True), reader(x).identity)
    assert [m.shape[2] for m in reader.features(x)] == [8, 4, 2]
    assert torch.equal(reader.encode(x)[:, :13], reader(x).identity)


def test_measure_is_the_mean_cosine_of_two_images_of_one_person(people):
    reader = face_reader(SHAPE, width=4).eval()
    e = reader.embed(people.batch(np.arange(10)))
    assert measure(reader, people) == pytest.approx((e[::2] * e[1::2]).sum(1).mean().item(), abs=1e-5)
    assert float(reader.same_person) == measure(reader, people)


def test_it_is_built_again_from_its_record(tmp_path):
    reader = face_reader(SHAPE, width=4, variant="wide_kernels", seed=3)
    again = build(reader.preset.name, reader.preset.arguments)
    assert all(torch.equal(a, b) for a, b in zip(reader.parameters(), again.parameters(), strict=True))
    dlq.save(reader, tmp_path / "reader")
    x = torch.rand(2, *SHAPE)
    assert torch.equal(dlq.load(tmp_path / "reader").encode(x), reader.eval().encode(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: face_reader((3, 24, 24)), "squares with a side of 16, 32"),
        (lambda: face_reader((3, 16, 32)), "images are 16 x 32"),
        (lambda: face_reader(SHAPE, variant="deep"), "variant is 'deep'; give one of strided, wide_kernels"),
        (lambda: face_reader(SHAPE, width=4)(torch.rand(2, 3, 32, 32)), r"built for \(batch, \(3, 16, 16\)\)"),
        (
            lambda: dlq.fit(face_reader(SHAPE, width=4), np.zeros((8, *SHAPE), np.uint8), steps=1, progress=False),
            "learns from rendered faces",
        ),
    ],
)
def test_what_does_not_suit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- networks of one's own


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 5)

    def forward(self, x):
        assert x.shape[2:] == (12, 12)
        return self.layer(x.mean((2, 3)))


def test_an_identity_network_of_ones_own_reads_faces():
    network = Tiny()
    reader = OwnReader(SHAPE, network, side=12)
    x = torch.rand(2, *SHAPE)
    wide = torch.nn.functional.interpolate(x, (12, 12), mode="bilinear", align_corners=False, antialias=True)
    expected = torch.nn.functional.normalize(network(2 * wide - 1), dim=1)
    torch.testing.assert_close(reader.embed(x), expected)
    torch.testing.assert_close(reader(x).identity, expected * 5**0.5)
    assert reader.pose(reader(x)).tolist() == [[0, 0, 0, 1, 0, 0]] * 2
    model = dlq.wsc_swap(SHAPE, reader=reader, preservation=False, width=2)
    assert model.swap(x, x.flip(0)).shape == x.shape
    with pytest.raises(ValueError, match="build the swap with preservation=False"):
        dlq.wsc_swap(SHAPE, reader=reader, width=2)


def test_weights_come_from_safetensors_files_only(tmp_path):
    from safetensors.torch import save_file

    first, second = Tiny(), Tiny()
    save_file(first.state_dict(), tmp_path / "tiny.safetensors")
    loaded = with_weights(second, tmp_path / "tiny.safetensors")
    assert torch.equal(loaded.layer.weight, first.layer.weight)
    assert not any(p.requires_grad for p in loaded.parameters())
    with pytest.raises(ValueError, match="never downloaded"):
        with_weights(second, tmp_path / "backbone.safetensors")
    with pytest.raises(ValueError, match="can run code"):
        with_weights(second, tmp_path / "backbone.pth")
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="belongs to another network: bias is missing there"):
        with_weights(torch.nn.Linear(3, 5), tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match="cannot be read"):
        with_weights(second, tmp_path / "broken.safetensors")


# --- those that come with dlq


def test_larger_images_are_averaged_down():
    reader = face_reader((3, 16, 16), width=2).eval()
    large = AveragedReader(reader, (3, 32, 32))
    x = dlq.datasets.swap_faces(3, 1, 32, seed=9).batch(np.arange(3))
    small = x.unflatten(3, (16, 2)).unflatten(2, (16, 2)).mean((3, 5))
    read, own = large(x), reader(small)
    torch.testing.assert_close(read.identity, own.identity)
    torch.testing.assert_close(read.others, own.others)
    torch.testing.assert_close(read.landmarks, 2 * own.landmarks)
    torch.testing.assert_close(large.pose(read), reader.pose(own))
    torch.testing.assert_close(large.embed(x), reader.embed(small))
    assert read.mask.shape == (3, 1, 32, 32)
    torch.testing.assert_close(read.mask.mean(), own.mask.mean(), atol=0.01, rtol=0)
    assert large.same_person == reader.same_person


@pytest.mark.parametrize("shape", [(3, 24, 24), (3, 8, 8), (3, 32, 64), (1, 32, 32)])
def test_only_whole_multiples_can_be_averaged(shape):
    with pytest.raises(ValueError, match=r"takes images of shape \(3, 16, 16\), and .* is no whole multiple"):
        AveragedReader(face_reader((3, 16, 16), width=2), shape)


def test_images_of_another_size_are_refused_by_an_averaged_reader():
    large = AveragedReader(face_reader((3, 16, 16), width=2).eval(), (3, 32, 32))
    with pytest.raises(ValueError, match=r"images have shape \(1, 3, 16, 16\), this face reader was built for"):
        large(torch.zeros(1, 3, 16, 16))


@pytest.fixture
def quick(monkeypatch, tmp_path):
    recipes.people.cache_clear()
    few = {"PEOPLE": {32: 4, 64: 4}, "IMAGES_EACH": 2, "UNSEEN_PEOPLE": 8}
    few |= {"READER_STEPS": dict.fromkeys(recipes.READER_STEPS, 2)}
    for name, value in few.items():
        monkeypatch.setattr(recipes, name, value)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    recipes.people.cache_clear()


@pytest.mark.parametrize("name", ["face-reader", "face-judge", "face-reader-64"])
def test_the_recipes_leave_readers_with_honest_cards(quick, name):
    assert main(["reproduce", name, "--no-progress"]) == 0
    reader, scores = dlq.load(quick / name), card(quick / name)["scores"]
    unseen = recipes.people(reader.image_shape[1], recipes.UNSEEN, 8, 8)
    assert scores["auc"] == pytest.approx(recipes.reading_scores(reader, unseen)["auc"], abs=1e-6)
    assert sum(path.stat().st_size for path in (quick / name).iterdir()) < 4_000_000


@pytest.mark.parametrize("name", ["face-reader", "face-judge", "face-reader-64", "face-judge-64"])
def test_the_shipped_readers_know_people_that_they_have_never_seen(name):
    reader = dlq.load(name)
    unseen = dlq.datasets.swap_faces(40, 4, reader.image_shape[1], seed=987)
    scores, told = recipes.reading_scores(reader, unseen), card(name)["scores"]
    assert scores["auc"] > 0.98
    assert told["auc"] > 0.98
    for group in ("identity", "pose", "light", "expression"):
        assert scores[f"r2_{group}"] == pytest.approx(told[f"r2_{group}"], abs=0.1)


@pytest.mark.parametrize("name", ["face-reader-64", "face-judge-64"])
def test_at_64_pixels_they_read_all_that_a_swap_is_about(name):
    told = card(name)["scores"]
    assert told["r2_identity"] > 0.8
    assert told["r2_pose"] > 0.95
    assert told["r2_light"] > 0.8
    assert told["r2_expression"] > 0.7


@pytest.mark.parametrize("size", [32, 64])
def test_the_judge_is_another_network_than_the_reader(size):
    end = "-64" if size == 64 else ""
    reader, judge = dlq.load(f"face-reader{end}"), dlq.load(f"face-judge{end}")
    assert [p.shape for p in reader.trunk.parameters()] != [p.shape for p in judge.trunk.parameters()]
    x = dlq.datasets.swap_faces(3, 1, size, seed=9).batch(np.arange(3))
    assert not torch.allclose(reader(x).identity, judge(x).identity, atol=0.01)
