"""Folders of png files: Isaac3D and Falcor3D, and the file that their pixels are gathered in once."""

import inspect
import multiprocessing
import os
import shutil
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlq.datasets import DataError, MissingFile, WrongFile, falcor3d, isaac3d
from dlq.datasets.files import gallery

ISAAC = (1, 2, 1, 1, 2, 1, 3, 1, 2)  # 24 images; a step of robot_x is 12 rows, object_scale 6, lighting 2, wall 1
FALCOR = (2, 1, 3, 1, 1, 1, 2)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The cache folder of these tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dlq" / "images"


def picture(row, side=32):
    """Blocks of 2 x 2 pixels of one colour, another picture for each row."""
    blocks = np.random.default_rng(row).integers(0, 256, (side // 2, side // 2, 3), dtype=np.uint8)
    return blocks.repeat(2, axis=0).repeat(2, axis=1)


def labels(sizes):
    grid = np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), sizes), axis=1)
    return grid / np.maximum(1, np.array(sizes) - 1)


def write(root, sizes, file="labels.npy", values=None):
    (root / "images").mkdir(parents=True, exist_ok=True)
    with (root / file).open("wb") as out:
        np.save(out, labels(sizes) if values is None else values)
    for row in range(int(np.prod(sizes))):
        Image.fromarray(picture(row)).save(root / "images" / f"{row:06d}.png")
    return root


def test_isaac3d(tmp_path):
    data = isaac3d(write(tmp_path / "Isaac3D_down128", ISAAC), size=32, sizes=ISAAC, progress=False)
    assert data.factor_names[:5] == ("object_shape", "robot_x", "robot_y", "camera_height", "object_scale")
    assert data.factor_names[5:] == ("lighting_intensity", "lighting_y_dir", "object_color", "wall_color")
    assert (data.name, data.factor_sizes, data.image_shape) == ("isaac3d", ISAAC, (3, 32, 32))
    row = data.index((0, 1, 0, 0, 1, 0, 2, 0, 1))
    assert row == 12 + 6 + 4 + 1
    np.testing.assert_array_equal(data.images[row], picture(23).transpose(2, 0, 1))
    np.testing.assert_array_equal(
        data.images[[5, 2, 5]], np.stack([picture(r) for r in (5, 2, 5)]).transpose(0, 3, 1, 2)
    )
    assert isinstance(data.images.array, np.memmap)
    assert not data.images.array.flags.writeable
    assert list(data.factor_values[6]) == [0, 0.5, 1]


def test_falcor3d(tmp_path):
    write(tmp_path / "Falcor3D_down128", FALCOR, "train-rec.labels")
    data = falcor3d(tmp_path, size=32, sizes=FALCOR, progress=False)  # the folder around it
    assert data.factor_names[:4] == ("lighting_intensity", "lighting_x_dir", "lighting_y_dir", "lighting_z_dir")
    assert data.factor_names[4:] == ("camera_x", "camera_y", "camera_z")
    row = data.index((1, 0, 2, 0, 0, 0, 1))
    assert row == 6 + 4 + 1
    np.testing.assert_array_equal(data.images[row], picture(11).transpose(2, 0, 1))


def zipped(root, path):
    """The folder as the published archive of the same name."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.*")):
            archive.write(file, file.relative_to(root.parent))
    return path


@pytest.mark.parametrize("given", ["Isaac3D_down128.zip", "."])
def test_the_zip_is_read_as_it_is(tmp_path, folder, given):
    root = write(tmp_path / "x" / "Isaac3D_down128", ISAAC)
    zipped(root, tmp_path / "Isaac3D_down128.zip")
    shutil.rmtree(tmp_path / "x")
    data = isaac3d(tmp_path / given, size=32, sizes=ISAAC, progress=False)
    np.testing.assert_array_equal(data.images[23], picture(23).transpose(2, 0, 1))
    again = isaac3d(tmp_path / given, size=32, sizes=ISAAC, progress=False)
    assert again.images.array.filename == data.images.array.filename


def test_zips_that_are_not(tmp_path, folder):
    path = tmp_path / "Isaac3D_down128.zip"
    for content, message in (
        (b"<html>", "is a web page; a zip file, or"),
        (b"PK\x03\x04" + bytes(90), "is damaged or cut"),
    ):
        path.write_bytes(content)
        with pytest.raises(WrongFile, match=message):
            isaac3d(path)
    root = write(tmp_path / "Falcor3D_down128", FALCOR, "train-rec.labels")
    with pytest.raises(WrongFile, match=r"holds no labels.npy"):
        isaac3d(zipped(root, path))
    (root / "images" / "000011.png").unlink()
    with pytest.raises(MissingFile, match=r"zip lacks 1 of 12 images, such as 000011.png"):
        falcor3d(zipped(root, path), sizes=FALCOR)
    root = write(tmp_path / "Falcor3D_down128", FALCOR, "train-rec.labels")
    content = bytearray(zipped(root, path).read_bytes())
    at = content.index(b"images/000003.png") + 200
    content[at : at + 9] = bytes(9)
    path.write_bytes(content)
    with pytest.raises(WrongFile, match=r"1 of 12 images cannot be read: .*zip/000003.png"):
        falcor3d(path, size=32, sizes=FALCOR, progress=False)
    assert not [file for file in folder.glob("*") if file.suffix != ".lock"]


@pytest.mark.parametrize(("read", "count"), [(isaac3d, 737_280), (falcor3d, 233_280)])
def test_published_sizes_have_the_published_number_of_images(read, count):
    assert int(np.prod(inspect.signature(read).parameters["sizes"].default)) == count


def test_a_smaller_size_is_bicubic(tmp_path):
    data = isaac3d(write(tmp_path, ISAAC), size=16, sizes=ISAAC, progress=False)
    expected = Image.fromarray(picture(7)).resize((16, 16), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(data.images[7], np.asarray(expected).transpose(2, 0, 1))


@pytest.mark.parametrize(
    "written", [labels(ISAAC).astype(np.float32), labels(ISAAC) * 0.9999999, labels(ISAAC).round(4)]
)
def test_labels_are_rounded_never_cut_off(tmp_path, written):
    data = isaac3d(write(tmp_path, ISAAC, values=written), size=32, sizes=ISAAC, progress=False)
    assert data.is_grid


def changed(row, column, value):
    array = labels(ISAAC)
    array[row, column] = value
    return array


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (changed(2, 6, 0.4), "lighting_y_dir of image 2 is 0.4, a whole number of 2 parts of 1 is expected"),
        (changed(23, 1, 2.0), "robot_x of image 23 is 2, a whole number of 1 parts"),
        (changed(0, 4, -1.0), "object_scale of image 0 is -1"),
        (changed(5, 8, np.nan), "wall_color of image 5 is nan"),
        (changed(5, 6, 0.0), "not every combination once, last factor fastest"),
        (labels(ISAAC)[:, ::-1].copy(), "a whole number|not every combination|the factors take"),
        (labels(ISAAC)[:20], r"the array is float64 \(20, 9\), float \(24, 9\) is expected"),
        (labels(ISAAC).astype(int), "the array is int64"),
        (np.array([{}]), "the array is object"),
    ],
)
def test_labels_off_the_grid(tmp_path, folder, values, message):
    with pytest.raises(WrongFile, match=message) as caught:
        isaac3d(write(tmp_path, ISAAC, values=values), size=32, sizes=ISAAC)
    assert "(official: Isaac3D_down128, 13 GB (128 px), https://drive.google.com" in str(caught.value)
    assert not folder.exists()


def damage(root, how):
    """One mistake of the usual kind in a good folder."""
    path = root / "images" / "000003.png"
    if how == "missing":
        path.unlink()
    if how == "no images":
        shutil.rmtree(root / "images")
    if how == "cut":
        path.write_bytes(path.read_bytes()[:600])
    if how == "empty":
        path.write_bytes(b"")
    if how == "larger":
        Image.fromarray(picture(3, 64)).save(path)
    if how == "first is a pointer":
        (root / "images" / "000000.png").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    if how == "first is wide":
        Image.fromarray(picture(3)[:16]).save(root / "images" / "000000.png")
    if how == "first is cut":
        (root / "images" / "000000.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    if how == "labels are a page":
        (root / "labels.npy").write_bytes(b"<html>")
    if how == "labels are cut":
        (root / "labels.npy").write_bytes((root / "labels.npy").read_bytes()[:-1])


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("missing", MissingFile, r"images lacks 1 of 24 images, such as 000003.png; download or unpack it again"),
        ("no images", MissingFile, r"images does not exist; give the folder that holds both"),
        ("cut", WrongFile, r"1 of 24 images cannot be read: .*000003.png .*; download or unpack them again"),
        ("empty", WrongFile, r"cannot be read: .*000003.png"),
        ("larger", WrongFile, r"000003.png \(64 x 64 pixels, the first image has 32 x 32"),
        ("first is a pointer", WrongFile, r"000000.png is a Git LFS pointer.*; a PNG image is expected"),
        ("first is wide", WrongFile, r"000000.png has 32 x 16 pixels, a square is expected"),
        ("first is cut", WrongFile, r"000000.png cannot be read as an image"),
        ("labels are a page", WrongFile, r"labels.npy is a web page; an npy file is expected"),
        ("labels are cut", WrongFile, r"labels.npy is damaged or cut short"),
    ],
)
def test_folders_that_are_not(tmp_path, folder, how, error, message):
    damage(write(tmp_path / "Isaac3D_down128", ISAAC), how)
    with pytest.raises(error, match=message):
        isaac3d(tmp_path, size=32, sizes=ISAAC, progress=False)
    assert not [file for file in folder.glob("*") if file.suffix != ".lock"]


def test_places_that_are_not_the_folder(tmp_path):
    with pytest.raises(MissingFile, match=r"nothing does not exist; give the folder that holds labels.npy and images"):
        isaac3d(tmp_path / "nothing")
    with pytest.raises(MissingFile, match=r"has train-rec.labels in 0 of its folders"):
        falcor3d(tmp_path)
    with pytest.raises(WrongFile, match=r"float \(737280, 9\) is expected"):
        isaac3d(write(tmp_path, ISAAC))


@pytest.mark.parametrize(
    ("size", "message"), [(33, "these images have 32 pixels"), (8, "from 16"), (True, "from 16"), ("a", "whole number")]
)
def test_other_sizes(tmp_path, size, message):
    with pytest.raises(DataError, match=message):
        isaac3d(write(tmp_path, ISAAC), size=size, sizes=ISAAC, progress=False)


# The file in which images are gathered


def some(tmp_path, count=10):
    paths = [tmp_path / f"{number}.raw" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number, 255 - number]))
    return paths


def read(path):
    """The first byte of a file in the upper half of the image, the second in the lower one."""
    return np.frombuffer(path.read_bytes(), np.uint8).repeat(2).reshape(2, 2, 1)


def gathered(paths, read=read, key="a"):
    return gallery.decoded(key, paths, paths, (1, 2, 2), read, remedy="x", progress=False)


def expected(count=10):
    numbers = np.arange(count, dtype=np.uint8)
    return np.stack([numbers, 255 - numbers], axis=1).repeat(2, axis=1).reshape(count, 1, 2, 2)


class Counting:
    """Reads as read does, remembers what it was asked for, and stops at one file as Ctrl-C would."""

    def __init__(self, stop_at=None):
        self.asked, self.stop_at = [], stop_at

    def __call__(self, path):
        self.asked.append(path.stem)
        if path.stem == self.stop_at:
            raise KeyboardInterrupt
        return read(path)


def test_images_are_read_once(tmp_path):
    paths, count = some(tmp_path), Counting()
    for _ in range(3):
        images = gathered(paths, count)
        np.testing.assert_array_equal(images, expected())
    assert sorted(count.asked, key=int) == [str(n) for n in range(10)]
    assert not images.flags.writeable


def test_a_changed_file_key_or_order_makes_other_images(tmp_path, folder):
    paths = some(tmp_path)
    gathered(paths)
    paths[4].write_bytes(bytes([77, 78]))
    os.utime(paths[4], ns=(1, 1))
    assert gathered(paths)[4, 0, 0, 0] == 77
    np.testing.assert_array_equal(gathered(paths[:3][::-1]), expected(3)[::-1])
    black = gathered(paths, lambda path: 0 * read(path), "b/../../c d")
    assert black.max() == 0
    assert len(list(folder.glob("*.npy"))) == 4
    assert Path(black.filename).parent == folder


def test_an_interrupted_build_goes_on(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(gallery, "PIECE", 2)
    paths, first, second = some(tmp_path), Counting(stop_at="7"), Counting()
    with pytest.raises(KeyboardInterrupt):
        gathered(paths, first)
    assert not list(folder.glob("*.npy"))
    part = next(folder.glob("*.part"))
    part.write_bytes(part.read_bytes()[:-1])  # and the last image was written in part
    np.testing.assert_array_equal(gathered(paths, second), expected())
    assert sorted(second.asked) == ["5", "6", "7", "8", "9"]
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("length", [0, 10, 128, 129, 168])
def test_a_part_of_any_length_ends_in_the_same_file(tmp_path, folder, length):
    paths = some(tmp_path)
    target = Path(gathered(paths).filename)
    whole = target.read_bytes()
    target.unlink()
    target.with_suffix(".part").write_bytes(whole[:length])
    gathered(paths)
    assert target.read_bytes() == whole


@pytest.mark.parametrize("length", [0, 50, 128, 167])
def test_a_finished_file_that_was_cut_is_made_anew(tmp_path, length):
    paths = some(tmp_path)
    target = Path(gathered(paths).filename)
    target.write_bytes(target.read_bytes()[:length])
    np.testing.assert_array_equal(gathered(paths), expected())


def build(paths, start, results):
    start.wait()
    results.put((os.getpid(), int(gathered(paths).sum())))


def test_two_processes_at_once(tmp_path, folder):
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    paths, start, results = some(tmp_path, 200), context.Event(), context.Queue()
    workers = [context.Process(target=build, args=(paths, start, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    start.set()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert {total for _, total in found} == {200 * 2 * 255}
    assert {file.suffix for file in folder.iterdir()} <= {".npy", ".lock"}
    assert len(list(folder.glob("*.npy"))) == 1


def test_no_room(tmp_path, folder, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 90, 10))
    with pytest.raises(
        DataError, match=r"cannot write .*a-2-.*npy \(0.0 MB\): No space left .*; set XDG_CACHE_HOME to"
    ):
        gathered(some(tmp_path))
    assert {file.suffix for file in folder.iterdir()} == {".lock"}


def test_a_missing_file(tmp_path):
    paths = some(tmp_path)
    paths[3].unlink()
    with pytest.raises(MissingFile, match=r"3.raw does not exist"):
        gathered(paths)
