"""A folder of photographs for a face swap: consent, who is who, masks; and that it trains like rendered faces."""

import numpy as np
import pytest
import torch
from PIL import Image

import dlq
from dlq.datasets import DataError, MissingFile, WrongFile, swap_folder
from dlq.datasets.faces import draw_sources
from dlq.models import OwnReader
from dlq.swaps.pairs import pairs_of

pytestmark = pytest.mark.filterwarnings("ignore:these are pictures of people:UserWarning")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def write(folder, *names, size=(32, 32), value=None):
    """Images under these names, the k-th of them grey 10 k + 10, or all of one value."""
    for k, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (10 * k + 10 if value is None else value,) * 3).save(path)
    return folder


def read(folder, size=16, **options):
    return swap_folder(folder, size, **{"i_have_consent": True, "progress": False, **options})


PEOPLE = ("ada/1.png", "ada/2.png", "bob/1.png", "bob/2.png", "bob/10.png")


def test_sub_folders_are_people(tmp_path):
    data = read(write(tmp_path, *PEOPLE))
    assert data.files == ("ada/1.png", "ada/2.png", "bob/1.png", "bob/2.png", "bob/10.png")
    assert (data.identities.tolist(), data.people.tolist()) == ([0, 0, 1, 1, 1], ["ada", "bob"])
    assert data.image_shape == (3, 16, 16)
    assert [int(x) for x in (255 * data.batch([3, 0])[:, 0, 0, 0]).round()] == [40, 10]
    sources = draw_sources(data.identities, np.array([0, 2]), 1, torch.Generator().manual_seed(0))
    assert sources[0] == 1
    assert sources[1] in (0, 1)


def test_an_oval_by_hand(tmp_path):
    data = read(write(tmp_path, *PEOPLE), masks=(0.5, 0.5, 0.25, 0.5))
    mask = data.mask_batch([0])
    assert mask.shape == (1, 1, 16, 16)
    assert mask.unique().tolist() == [0, 1]
    assert mask.mean() == pytest.approx(np.pi * 0.25 * 0.5, abs=0.02)
    assert mask[0, 0, 8, 3] == 0 < mask[0, 0, 8, 5]


def test_masks_of_a_flat_folder(tmp_path):
    images = write(tmp_path / "images", "a.jpg", "b.jpg", "10.jpg", size=(64, 32))
    masks = write(tmp_path / "masks", "a.png", "b.png", "10.png", size=(64, 32), value=0)
    for name in ("a", "b", "10"):
        picture = np.zeros((32, 64), np.uint8)
        picture[:16, 16:48] = 255  # the upper half of the centre
        Image.fromarray(picture).save(masks / f"{name}.png")
    data = read(images, masks=masks)
    assert data.files == ("10.jpg", "a.jpg", "b.jpg")
    assert sorted(data.identities) == [0, 1, 2]
    np.testing.assert_array_equal(data.masks[1], np.repeat([255, 0], 8)[:, None].repeat(16, 1))
    pairs = pairs_of(data, [0], [1, 2])
    assert pairs.exact is None
    np.testing.assert_array_equal(pairs.target_mask[0], data.masks[1] / 255)


def test_masks_may_lie_within_the_folder_of_images(tmp_path):
    write(tmp_path, "ada/1.png", "ada/2.png")
    write(tmp_path / "masks", "ada/1.png", "ada/2.png", value=255)
    assert len(read(tmp_path, masks=tmp_path / "masks")) == 2


def test_nobody_is_read_without_consent_and_with_it_a_notice_is_shown(tmp_path):
    write(tmp_path, *PEOPLE)
    with pytest.raises(DataError, match=r"with their consent or a licence.*say i_have_consent=True"):
        swap_folder(tmp_path, 16)
    with pytest.warns(UserWarning, match="make no swap of anyone who did not agree"):
        data = read(tmp_path)
    assert data.notice in repr(data)


@pytest.mark.parametrize(
    ("names", "options", "error", "message"),
    [
        (
            ("ada/1.png", "ada/2.png", "bob/1.png"),
            {},
            DataError,
            r"1 people have fewer than 2 images \(bob has 1\).*=1",
        ),
        (("ada/1.png", "ada/2.png", "c.png"), {}, WrongFile, "1 images of .* lie in no sub-folder"),
        (PEOPLE, {"masks": (0.5, 0.5, 0.2)}, DataError, "give an oval as centre x"),
        (PEOPLE, {"masks": (0.01, 0.01, 0.001, 0.001)}, DataError, "5 images have no face region"),
        (PEOPLE, {"size": 8}, DataError, "size is 8; give a whole number of pixels from 16 to 256"),
    ],
)
def test_folders_that_do_not_fit(tmp_path, names, options, error, message):
    with pytest.raises(error, match=message):
        read(write(tmp_path, *names), **options)
    assert len(read(write(tmp_path / "more", "ada/1.png", "bob/1.png"), images_per_identity=1)) == 2


@pytest.mark.parametrize(
    ("masks", "options", "error", "message"),
    [
        (("ada/1.png",), {}, MissingFile, r"1 of 2 images have no mask in .* \(ada/2\); give each one"),
        (
            ("ada/1.png", "ada/2.png"),
            {"size": (16, 16)},
            DataError,
            r"16 x 16 pixels, its image has 32 x 32.*the same size",
        ),
        (("ada/1.png", "ada/2.png"), {"value": 0}, DataError, "2 images have no face region"),
    ],
)
def test_masks_that_do_not_fit(tmp_path, masks, options, error, message):
    write(tmp_path / "images", "ada/1.png", "ada/2.png")
    write(tmp_path / "masks", *masks, **{"value": 255, **options})
    with pytest.raises(error, match=message):
        read(tmp_path / "images", masks=tmp_path / "masks")


@pytest.mark.parametrize("size", [128, 256])
def test_a_swap_of_larger_images_learns_from_a_folder_with_a_network_of_ones_own(tmp_path, size):
    data = read(write(tmp_path, *PEOPLE, size=(size, size)), size)
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 8))
    reader = OwnReader(data.image_shape, network)
    weights = [10.0, 1.0, 3.0, 10.0, 1.0, 0.5, 3.0, 0.3]
    model = dlq.wsc_swap(data.image_shape, reader=reader, preservation=False, width=2, weights=weights)
    before = {name: p.clone() for name, p in model.named_parameters() if p.requires_grad}
    dlq.fit(model, data, steps=4, batch_size=2, progress=False, device="cpu")
    same = [name for name, p in model.named_parameters() if name in before and torch.equal(p, before[name])]
    assert same in ([], ["discriminator.6.bias"]), "real and drawn push the last bias equally at the start"
    x = data.batch([0, 2])
    assert model.swap(x, x.flip(0), data.mask_batch([2, 0])).shape == (2, 3, size, size)
