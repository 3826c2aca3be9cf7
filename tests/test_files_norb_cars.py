"""Small NORB and Cars3D: written in the public formats, byte by byte where the format is simple, and read back."""

import gzip
import struct

import numpy as np
import pytest
from scipy.io import savemat

from dlq.datasets import DataError, MissingFile, WrongFile, cars3d, smallnorb

SMALL = (2, 2, 3, 2, 2)  # 48 pairs of images; a step of each factor is 24, 12, 4, 2 and 1 rows in the grid
HALVES = {
    "training": "smallnorb-5x46789x9x18x6x2x96x96-training-",
    "testing": "smallnorb-5x01235x9x18x6x2x96x96-testing-",
}
ORDER = np.random.default_rng(1).permutation(48)  # the official rows are shuffled too


def matrix(array):
    """The format of NORB: a magic number, the number of dimensions, at least three of them, the numbers."""
    magic = {"uint8": 0x1E3D4C55, "int32": 0x1E3D4C54}[array.dtype.name]
    dims = (*array.shape, *(1,) * (3 - array.ndim))
    return struct.pack(f"<ii{len(dims)}i", magic, array.ndim, *dims) + array.tobytes()


def pairs():
    return np.random.default_rng(0).integers(0, 256, (48, 2, 96, 96), dtype=np.uint8)


def labels(instances):
    """(48, 5) in the order of the file: category, instance as published, elevation, azimuth in twos, lighting."""
    grid = np.stack(np.unravel_index(np.arange(48), SMALL), axis=1)
    grid[:, 1] = np.take(instances, grid[:, 1])
    return (grid * [1, 1, 1, 2, 1])[ORDER].astype(np.int32)


def write(folder, half="training", packed=False, instances=(4, 9), **changes):
    found = labels(instances)
    arrays = {"dat": pairs()[ORDER], "cat": found[:, 0], "info": found[:, 1:]} | changes
    for kind, array in arrays.items():
        content = array if isinstance(array, bytes) else matrix(np.ascontiguousarray(array))
        file = folder / f"{HALVES[half]}{kind}.mat{'.gz' if packed else ''}"
        file.write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("camera", [0, 1])
def test_smallnorb(tmp_path, packed, camera):
    data = smallnorb(write(tmp_path, packed=packed), sizes=SMALL, camera=camera)
    assert data.factor_names == ("category", "instance", "elevation", "azimuth", "lighting")
    assert (data.factor_sizes, data.image_shape, data.is_grid) == (SMALL, (1, 96, 96), True)
    assert data.index((1, 1, 2, 0, 1)) == 24 + 12 + 8 + 1
    np.testing.assert_array_equal(data.images[45], pairs()[45, camera : camera + 1])
    np.testing.assert_array_equal(data.images[:], pairs()[:, camera : camera + 1])
    np.testing.assert_array_equal(data.batch([3, 3]).numpy()[1, 0], pairs()[3, camera] / np.float32(255))


def test_what_the_factors_stand_for(tmp_path):
    category, instance, elevation, azimuth, lighting = smallnorb(write(tmp_path), sizes=SMALL).factor_values
    assert list(category) == ["animal", "human"]
    assert list(instance) == [4, 9]
    assert list(elevation) == [30, 35, 40]
    assert list(azimuth) == [0, 20]
    assert list(lighting) == [0, 1]


def test_the_two_halves_of_one_folder(tmp_path):
    write(tmp_path)
    write(tmp_path, "testing", packed=True, instances=(0, 5), dat=255 - pairs()[ORDER])
    train = smallnorb(tmp_path, sizes=SMALL)
    test = smallnorb(tmp_path / f"{HALVES['training']}dat.mat", train=False, sizes=SMALL)
    assert list(test.factor_values[1]) == [0, 5]
    np.testing.assert_array_equal(test.images[:], 255 - train.images[:])


def test_unpacked_pixels_are_mapped(tmp_path):
    stored = smallnorb(write(tmp_path), sizes=SMALL).images.source
    assert isinstance(stored.array, np.memmap)
    assert not stored.array.flags.writeable


FOUND = labels((4, 9))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dat": pairs()[:47]}, r"dat.mat.*the matrix is uint8 \(47, 2, 96, 96\), uint8 \(48, 2, 96, 96\) is expected"),
        ({"dat": pairs()[:, 0]}, r"the matrix is uint8 \(48, 96, 96\)"),
        ({"dat": matrix(pairs())[:-1]}, "dat.mat.* (has 884,735 bytes of pixels, 884,736|is damaged or cut short)"),
        ({"dat": matrix(pairs()) + b"\0"}, "(has 884,737 bytes of pixels, 884,736|goes on after its 48 pairs)"),
        (
            {"dat": FOUND},
            "something else than a NORB matrix of uint8|is a NORB matrix of int32; a NORB matrix of uint8",
        ),
        ({"dat": matrix(pairs())[:20]}, "the matrix is uint8 .*is expected"),
        ({"cat": FOUND[:40, 0]}, r"cat.mat.*the matrix is int32 \(40,\), integer \(48,\) is expected"),
        ({"cat": matrix(FOUND[:, 0])[:-4]}, "cat.mat.* has 188 bytes of labels, 192 are expected"),
        ({"cat": FOUND[:, 0] + 1}, "the factors take .2, 2, 3, 2, 2. values, .2, 2, 3, 2, 2. are expected"),
        ({"cat": FOUND[:, 0] * 0}, r"the factors take \(1, 2, 3, 2, 2\) values"),
        ({"info": FOUND[:, 1:] + [1, 0, 0, 0]}, "the instances are .*4, 6, 7, 8, 9.* are expected"),
        ({"info": FOUND[:, 1:] - [0, 1, 0, 0]}, "the factors take"),
        ({"info": FOUND[:, 1:] + [0, 0, 1, 0]}, "azimuth takes odd numbers"),
        ({"info": FOUND[::-1, 1:]}, "not every combination once"),
    ],
)
def test_norbs_that_are_not(tmp_path, packed, changes, message):
    changes = {
        kind: x if isinstance(x, bytes) or x.dtype == np.uint8 else x.astype(np.int32) for kind, x in changes.items()
    }
    with pytest.raises(WrongFile, match=message) as caught:
        smallnorb(write(tmp_path, packed=packed, **changes), sizes=SMALL)
    assert str(caught.value).endswith(", 263 MB, https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/)")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9999])
@pytest.mark.parametrize("kind", ["dat", "cat", "info"])
def test_norb_cut_short(tmp_path, kind, share):
    write(tmp_path, packed=True)
    path = tmp_path / f"{HALVES['training']}{kind}.mat.gz"
    content = path.read_bytes()
    path.write_bytes(content[: max(12, int(len(content) * share))])
    with pytest.raises(WrongFile, match=r"damaged or cut short|unpacks to something else"):
        smallnorb(tmp_path, sizes=SMALL)


def test_other_mistakes_with_norb(tmp_path):
    with pytest.raises(
        MissingFile, match=r"has no smallnorb-5x46789x9x18x6x2x96x96-training-dat.mat or .*dat.mat.gz; put"
    ):
        smallnorb(tmp_path)
    (tmp_path / "page.mat").write_bytes(b"<html>")
    with pytest.raises(WrongFile, match=r"page.mat is a web page; a NORB matrix of uint8 or"):
        smallnorb(tmp_path / "page.mat")
    write(tmp_path)
    with pytest.raises(MissingFile, match=r"testing-dat.mat"):
        smallnorb(tmp_path, train=False, sizes=SMALL)
    with pytest.raises(DataError, match="camera is 2; give 0 for the left image of each pair, or 1 for the right one"):
        smallnorb(tmp_path, camera=2)
    with pytest.raises(WrongFile, match=r"integer \(24300, 4\) is expected"):
        smallnorb(tmp_path)
    (tmp_path / f"{HALVES['training']}info.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(
        WrongFile, match=r"info.mat is a MATLAB file; a NORB matrix of int32 or a gzip file is expected"
    ):
        smallnorb(tmp_path, sizes=SMALL)


CARS = (2, 3, 4)  # 24 images; a step of elevation is 12 rows, of azimuth 4, of the car 1
LISTED = ["car_003_mesh", "car_001_mesh", "car_010_mesh", "car_002_mesh"]


def car(number):
    """What a file holds: (height, width, channel, azimuth, elevation), another set of images for every car."""
    return np.random.default_rng(number).integers(0, 256, (128, 128, 3, 3, 2), dtype=np.uint8)


def write_cars(folder, compressed=False):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "list.txt").write_text("\n".join(LISTED) + "\n")
    for number, name in enumerate(LISTED):
        arrays = {"im": car(number), "mask": car(number)[:, :, 0] > 9}
        savemat(folder / f"{name}.mat", arrays, do_compression=compressed)
    return folder


@pytest.mark.parametrize("compressed", [False, True])
def test_cars3d(tmp_path, compressed):
    write_cars(tmp_path / "data" / "cars", compressed)
    data = cars3d(tmp_path, sizes=CARS, progress=False)
    assert data.factor_names == ("elevation", "azimuth", "object_type")
    assert (data.factor_sizes, data.image_shape, data.is_grid) == (CARS, (3, 128, 128), True)
    assert data.index((1, 2, 3)) == 12 + 8 + 3
    for elevation, azimuth, number in ((0, 0, 0), (1, 2, 3), (1, 0, 2), (0, 1, 1)):
        image = data.images[12 * elevation + 4 * azimuth + number]
        np.testing.assert_array_equal(image, car(number)[:, :, :, azimuth, elevation].transpose(2, 0, 1))
    assert data.resized(64).image_shape == (3, 64, 64)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mask": car(0)[:, :, 0]}, "lacks im, it holds mask"),
        ({"im": car(0).astype(float)}, r"im is double \(128, 128, 3, 3, 2\), uint8 \(128, 128, 3, 3, 2\) is expected"),
        ({"im": car(0)[:64]}, r"im is uint8 \(64, 128, 3, 3, 2\)"),
        ({"im": {"a": 1}}, r"im is struct \(1, 1\)"),
    ],
)
def test_cars_that_are_not(tmp_path, arrays, message):
    savemat(write_cars(tmp_path) / "car_010_mesh.mat", arrays)
    with pytest.raises(WrongFile, match=f"car_010_mesh.mat:? {message}") as caught:
        cars3d(tmp_path, sizes=CARS, progress=False)
    assert "official: nips2015-analogy-data.tar.gz, http://www.scottreed.info" in str(caught.value)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("length", [12, 128, 135, 180, 2000, 290_000])
def test_a_car_cut_short(tmp_path, compressed, length):
    path = write_cars(tmp_path, compressed) / "car_001_mesh.mat"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WrongFile, match=r"car_001_mesh.mat (is damaged or cut short|lacks im)"):
        cars3d(tmp_path, sizes=CARS, progress=False)


def test_other_mistakes_with_cars(tmp_path):
    with pytest.raises(MissingFile, match=r"holds no list.txt; give the folder data/cars of the unpacked archive"):
        cars3d(tmp_path)
    write_cars(tmp_path)
    with pytest.raises(WrongFile, match=r"list.txt lists 4 names, 183 different names of files are expected"):
        cars3d(tmp_path)
    archive = tmp_path / "nips2015-analogy-data.tar.gz"
    archive.write_bytes(gzip.compress(b"x"))
    with pytest.raises(WrongFile, match="is a gzip file; unpack the archive, and give its folder data/cars"):
        cars3d(archive)
    (tmp_path / "car_001_mesh.mat").write_bytes(b"<html>")
    with pytest.raises(WrongFile, match=r"car_001_mesh.mat is a web page; a MATLAB file is expected"):
        cars3d(tmp_path, sizes=CARS, progress=False)
    (tmp_path / "car_001_mesh.mat").unlink()
    with pytest.raises(MissingFile, match=r"car_001_mesh.mat does not exist; give the path of every car of list.txt"):
        cars3d(tmp_path, sizes=CARS, progress=False)
    (tmp_path / "list.txt").write_text("../a b c d")
    with pytest.raises(WrongFile, match="4 different names of files are expected"):
        cars3d(tmp_path, sizes=CARS, progress=False)


@pytest.mark.parametrize("sizes", [(4, 24), (4, 24, 184), (0, 1, 1), "abc"])
def test_sizes_that_cars_cannot_have(tmp_path, sizes):
    with pytest.raises(DataError, match="sizes"):
        cars3d(tmp_path, sizes=sizes)
