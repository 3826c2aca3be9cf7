"""The public files: small ones of the same layout go the same way, wrong ones are refused in a sentence."""

import re
import sys

import numpy as np
import pytest
import torch

from dlq.datasets import DataError, MissingFile, WrongFile, dsprites, shapes3d, sprites

h5py = pytest.importorskip("h5py")

SMALL = (3, 2, 4, 3, 2)
NPZ = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
ROOM = (2, 3, 2, 2, 4, 3)


def grid(sizes):
    return np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), sizes), axis=1)


def dsprites_arrays(**changes):
    """What the official npz holds, at small sizes; metadata is a pickle there too."""
    classes = np.concatenate([np.zeros((144, 1), np.int64), grid(SMALL)], axis=1)
    values = classes / 10 + np.array([1, 1, 0.5, 0, 0, 0])
    imgs = (sprites(64, SMALL).images[:][:, 0] > 0).astype(np.uint8)
    arrays = {"metadata": np.array({"author": "x"}, dtype=object), "imgs": imgs}
    arrays |= {"latents_classes": classes, "latents_values": values}
    return {key: value for key, value in (arrays | changes).items() if value is not None}


def write_npz(path, **changes):
    np.savez_compressed(path, **dsprites_arrays(**changes))
    return path


def write_dsprites_h5(path, **changes):
    arrays = dsprites_arrays(**changes)
    with h5py.File(path, "w") as file:
        for key, name in (
            ("imgs", "imgs"),
            ("latents_classes", "latents/classes"),
            ("latents_values", "latents/values"),
        ):
            if key in arrays:
                chunks = (50, 2, 4) if key == "imgs" and arrays[key].shape == (144, 64, 64) else None
                file.create_dataset(name, data=arrays[key], chunks=chunks)
    return path


def room_arrays(**changes):
    rng = np.random.default_rng(0)
    values = [np.arange(10) / 10] * 3 + [np.linspace(0.75, 1.25, 8), np.arange(4.0), np.linspace(-30, 30, 15)]
    labels = np.stack([v[c] for v, c in zip(values, grid(ROOM).T, strict=True)], axis=1)
    return {"images": rng.integers(0, 256, (288, 64, 64, 3), dtype=np.uint8), "labels": labels} | changes


def write_rooms(path, **changes):
    with h5py.File(path, "w") as file:
        for key, value in room_arrays(**changes).items():
            if value is not None:
                file[key] = value
    return path


@pytest.mark.parametrize("write", [write_npz, write_dsprites_h5])
def test_dsprites(tmp_path, write):
    path = write(tmp_path / ("x.npz" if write is write_npz else "x.hdf5"))
    data, same = dsprites(path, sizes=SMALL), sprites(64, SMALL)
    assert data.factor_names == ("shape", "scale", "orientation", "x", "y")
    assert (data.factor_sizes, data.image_shape, data.is_grid) == (SMALL, (1, 64, 64), True)
    np.testing.assert_array_equal(data.factors, same.factors)
    np.testing.assert_array_equal(data.images[:], same.images[:])
    torch.testing.assert_close(data.batch([5, 3, 5]), same.batch([5, 3, 5]), rtol=0, atol=0)
    np.testing.assert_allclose(data.factor_values[1], [0.5, 0.6])
    np.testing.assert_array_equal(data.resized(32).images[7], from_mean(same.images[7]))


def from_mean(image):
    return np.floor(image.reshape(1, 32, 2, 32, 2).mean((2, 4)) + 0.5).astype(np.uint8)


def test_a_folder_that_holds_the_official_name(tmp_path):
    write_npz(tmp_path / NPZ)
    assert len(dsprites(str(tmp_path), sizes=SMALL)) == 144


@pytest.mark.parametrize("in_memory", [True, False])
def test_shapes3d(tmp_path, in_memory):
    data = shapes3d(write_rooms(tmp_path / "3dshapes.h5"), sizes=ROOM, in_memory=in_memory)
    expected = room_arrays()["images"].transpose(0, 3, 1, 2)
    assert data.factor_names == ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
    np.testing.assert_array_equal(data.factors, grid(ROOM))
    np.testing.assert_allclose(data.factor_values[3], [0.75, 0.75 + 0.5 / 7])
    np.testing.assert_array_equal(data.images[17], expected[17])
    rows = np.array([250, 3, 3, 0, 287])  # neither sorted nor unique
    np.testing.assert_array_equal(data.images[rows], expected[rows])
    np.testing.assert_array_equal(data.batch(rows).numpy(), expected[rows].astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(data.images.array[10:20], expected[10:20])
    part = data.split(0.5)[0]
    np.testing.assert_array_equal(part.images[4], expected[data.index(part.factors[4])])


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (dsprites, b"", "is empty; an npz file or an HDF5 file is expected"),
        (dsprites, b"<!DOCTYPE html><html>", "is a web page"),
        (shapes3d, b"\n <html>quota exceeded", "is a web page; an HDF5 file is expected: download it again"),
        (shapes3d, b"version https://git-lfs.github.com/spec/v1\noid", "is a Git LFS pointer"),
        (shapes3d, b"PK\x03\x04....", "is an npz file; an HDF5 file is expected"),
        (dsprites, b"\x93NUMPY", "is an npy file"),
        (dsprites, b"GIF89a", "is of another kind"),
        (dsprites, b"PK\x03\x04" + bytes(200), "damaged or cut short"),
        (shapes3d, b"\x89HDF\r\n\x1a\n" + bytes(200), "damaged or cut short"),
    ],
)
def test_what_is_not_the_file(tmp_path, read, content, message):
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(WrongFile, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("read", [dsprites, shapes3d])
def test_no_file(tmp_path, read):
    with pytest.raises(MissingFile, match="does not exist; give the path of"):
        read(tmp_path / "nothing.npz")
    with pytest.raises(MissingFile, match=r"the folder .* has no .*put the file there"):
        read(tmp_path)
    assert issubclass(MissingFile, DataError)
    assert issubclass(DataError, ValueError)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["npz", "hdf5", "rooms"])
def test_cut_short(tmp_path, kind, share):
    write = {"npz": write_npz, "hdf5": write_dsprites_h5, "rooms": write_rooms}[kind]
    path = write(tmp_path / f"x.{kind.replace('rooms', 'h5')}")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    read, sizes = (shapes3d, ROOM) if kind == "rooms" else (dsprites, SMALL)
    with pytest.raises(WrongFile, match="damaged or cut short"):
        read(path, sizes=sizes)


def test_flipped_bytes_in_the_pixels(tmp_path):
    path = write_npz(tmp_path / "x.npz")
    content = bytearray(path.read_bytes())
    at = content.index(b"imgs.npy") + 400
    content[at : at + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(WrongFile):
        dsprites(path, sizes=SMALL)


SHUFFLED = np.random.default_rng(0).permutation(144)
CLASSES = np.concatenate([np.zeros((144, 1), np.int64), grid(SMALL)], axis=1)


@pytest.mark.parametrize("write", [write_npz, write_dsprites_h5])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"imgs": None}, "lacks imgs, it holds latents/classes"),
        ({"latents_classes": None}, "lacks latents/classes"),
        ({"imgs": np.zeros((144, 64, 64))}, "imgs is float64 (144, 64, 64), uint8 (144, 64, 64) is expected"),
        ({"imgs": np.zeros((143, 64, 64), np.uint8)}, "imgs is uint8 (143, 64, 64)"),
        ({"imgs": np.zeros((144, 32, 32), np.uint8)}, "imgs is uint8 (144, 32, 32)"),
        ({"imgs": np.full((144, 64, 64), 255, np.uint8)}, "pixels up to 255, 0 and 1 are expected"),
        ({"imgs": np.zeros((144, 64, 64), np.uint8)}, "every image is black"),
        ({"latents_classes": CLASSES[:100]}, "latents_classes is int64 (100, 6), integer (144, 6) is expected"),
        ({"latents_classes": CLASSES / 2}, "latents_classes is float64"),
        ({"latents_classes": CLASSES[SHUFFLED]}, "not every combination once, last factor fastest"),
        ({"latents_classes": CLASSES * [1, 1, 1, 2, 1, 1]}, "(3, 2, 4, 3, 2) are expected"),
        ({"latents_classes": CLASSES + [1, 0, 0, 0, 0, 0]}, "color takes several values"),
        ({"latents_values": CLASSES * 0.0}, "disagree on how many values"),
    ],
)
def test_dsprites_that_are_not(tmp_path, write, changes, message):
    path = write(tmp_path / "x", **changes)
    path = path if path.exists() else path.with_suffix(".npz")
    with pytest.raises(WrongFile, match=re.escape(message).replace("/", "[_/]")):
        dsprites(path, sizes=SMALL)


LABELS = room_arrays()["labels"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "lacks labels, it holds images"),
        ({"images": np.zeros((288, 3, 64, 64), np.uint8)}, "images is uint8 (288, 3, 64, 64), uint8 (288, 64, 64, 3)"),
        ({"images": np.zeros((288, 64, 64, 3), np.float32)}, "images is float32"),
        ({"labels": LABELS[:-1]}, "labels is float64 (287, 6)"),
        ({"labels": LABELS.astype(int)}, "labels is int64"),
        ({"labels": np.where(LABELS == 0.1, np.nan, LABELS)}, "384 labels are not finite"),
        ({"labels": LABELS[::-1].copy()}, "not every combination once"),
        ({"labels": LABELS * [1, 1, 0, 1, 1, 1]}, "the factors take (2, 3, 1, 2, 4, 3) values"),
    ],
)
def test_shapes3d_that_are_not(tmp_path, changes, message):
    with pytest.raises(WrongFile, match=re.escape(message)):
        shapes3d(write_rooms(tmp_path / "x.h5", **changes), sizes=ROOM)


def test_a_small_file_is_not_taken_for_the_official_one(tmp_path):
    with pytest.raises(WrongFile, match=r"\(737280, 6\) is expected"):
        dsprites(write_npz(tmp_path / "x.npz"))
    with pytest.raises(WrongFile, match=r"uint8 \(480000, 64, 64, 3\) is expected"):
        shapes3d(write_rooms(tmp_path / "x.h5"))


@pytest.mark.parametrize("read", [dsprites, shapes3d])
def test_without_h5py(tmp_path, monkeypatch, read):
    path = write_rooms(tmp_path / "x.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r'needs h5py; install it with: pip install "dlq\[data\]"'):
        read(path)
