"""MPI3D: rows are in the published grid order, pixels stay in the file, and the number of rows tells the complex set."""

import re
import zipfile

import numpy as np
import pytest

from dlq.datasets import DataError, MissingFile, WrongFile, mpi3d
from dlq.datasets.files import npy

SMALL = (2, 3, 2, 1, 2, 2, 3)  # 144 images; a step of each factor is 72, 24, 12, 12, 6, 3 and 1 rows
NAMES = ("object_color", "object_shape", "object_size", "camera_height", "background_color")
NAMES += ("horizontal_axis", "vertical_axis")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pixels(count=144):
    return np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)


def save_npy(path, images):
    with path.open("wb") as file:
        np.save(file, images)


def save_stored(path, images):
    with path.open("wb") as file:
        np.savez(file, images=images)


def save_compressed(path, images):
    with path.open("wb") as file:
        np.savez_compressed(file, images=images)


SAVE = pytest.mark.parametrize("save", [save_npy, save_stored, save_compressed])


@SAVE
def test_every_layout_gives_the_same_images(tmp_path, save):
    save(tmp_path / "mpi3d_toy.npz", pixels())
    data = mpi3d(tmp_path / "mpi3d_toy.npz", sizes=SMALL)
    expected = pixels().transpose(0, 3, 1, 2)
    assert (data.name, data.factor_names, data.factor_sizes, data.is_grid) == ("mpi3d_toy", NAMES, SMALL, True)
    assert data.index((1, 0, 1, 0, 1, 0, 2)) == 72 + 12 + 6 + 2
    np.testing.assert_array_equal(data.images[92], expected[92])
    rows = np.array([143, 7, 7, 0])  # neither sorted nor unique
    np.testing.assert_array_equal(data.batch(rows).numpy(), expected[rows].astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(data.images[:], expected)


@SAVE
def test_pixels_are_mapped_not_read(tmp_path, save):
    save(tmp_path / "mpi3d_toy.npz", pixels())
    array = mpi3d(tmp_path / "mpi3d_toy.npz", sizes=SMALL).images.array
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


def test_a_compressed_file_is_unpacked_once_and_a_stored_one_never(tmp_path, cache):
    save_stored(tmp_path / "a.npz", pixels())
    mpi3d(tmp_path / "a.npz", sizes=SMALL)
    assert not cache.exists()
    save_compressed(tmp_path / "b.npz", pixels())
    first, again = (mpi3d(tmp_path / "b.npz", sizes=SMALL).images.array for _ in range(2))
    assert first.filename == again.filename
    assert [file.suffix for file in cache.rglob("*") if file.is_file() and file.suffix != ".lock"] == [".npy"]


def test_a_compressed_file_of_more_than_one_piece_goes_on_from_any_row(tmp_path):
    from dlq.datasets.files.mpi3d import _unpacked

    save_compressed(tmp_path / "a.npz", pixels(1030))  # two pieces, of 1,024 and of 6
    expected = pixels(1030).transpose(0, 3, 1, 2)
    for first in (0, 1000, 1024, 1027):
        np.testing.assert_array_equal(np.concatenate(list(_unpacked(tmp_path / "a.npz", first))), expected[first:])


def test_a_member_is_found_by_its_own_header(tmp_path):
    """np.savez gives the member a longer extra field in front of it than in the list at the end of the file."""
    save_stored(tmp_path / "a.npz", pixels(3))
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        info = archive.getinfo("images.npy")
    start = npy.start_of(tmp_path / "a.npz", "images.npy")
    assert start != info.header_offset + 30 + len(info.filename) + len(info.extra)
    assert (tmp_path / "a.npz").read_bytes()[start : start + 6] == b"\x93NUMPY"


def sparse(path, count):
    """A file of the official length that takes almost no room: all but the first image is a hole."""
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, 64, 64, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"\x07" * 12288)
        file.truncate(file.tell() + 12288 * (count - 1))
    return path


@pytest.mark.parametrize(
    ("file", "count", "name", "sizes", "color", "shape"),
    [
        ("mpi3d_toy.npy", 1_036_800, "mpi3d_toy", (6, 6, 2, 3, 3, 40, 40), "olive", "sphere"),
        ("mpi3d_realistic.npy", 1_036_800, "mpi3d_realistic", (6, 6, 2, 3, 3, 40, 40), "olive", "sphere"),
        ("mpi3d_real.npy", 1_036_800, "mpi3d_real", (6, 6, 2, 3, 3, 40, 40), "olive", "sphere"),
        ("mpi3d_real.npy", 460_800, "mpi3d_complex", (4, 4, 2, 3, 3, 40, 40), "red", "beer-cup"),
        ("mpi3d_real_complex.npy", 1_036_800, "mpi3d_real", (6, 6, 2, 3, 3, 40, 40), "olive", "sphere"),
        ("x.npy", 1_036_800, "mpi3d", (6, 6, 2, 3, 3, 40, 40), "olive", "sphere"),
    ],
)
def test_the_number_of_rows_tells_the_set(tmp_path, file, count, name, sizes, color, shape):
    data = mpi3d(sparse(tmp_path / file, count))
    assert (data.name, data.factor_sizes, len(data)) == (name, sizes, count)
    assert (data.factor_values[0][-1], data.factor_values[1][-1]) == (color, shape)
    assert data.index([0, 0, 0, 0, 1, 0, 0]) == 1600
    assert data.index([1, 0, 0, 0, 0, 0, 0]) == sizes[1] * 2 * 3 * 3 * 1600
    assert data.index([n - 1 for n in sizes]) == count - 1
    assert data.images[0].min() == 7
    assert data.images[count - 1].max() == 0


def test_a_folder(tmp_path):
    with pytest.raises(MissingFile, match=r"has no mpi3d_toy.npz or .*\(official: mpi3d_toy.npz, 12.7 GB, https://"):
        mpi3d(tmp_path)
    save_stored(tmp_path / "mpi3d_real.npz", pixels())
    assert mpi3d(tmp_path, sizes=SMALL).name == "mpi3d_real"
    save_stored(tmp_path / "mpi3d_toy.npz", pixels())
    with pytest.raises(MissingFile, match=r"holds mpi3d_toy.npz, mpi3d_real.npz; give the path of one"):
        mpi3d(tmp_path, sizes=SMALL)


@SAVE
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((144, 64, 64, 3), np.uint8), "every image that was looked at is black"),
        (np.zeros((143, 64, 64, 3), np.uint8), "images is uint8 (143, 64, 64, 3), uint8 (144, 64, 64, 3) is expected"),
        (np.zeros((144, 3, 64, 64), np.uint8), "images is uint8 (144, 3, 64, 64)"),
        (np.zeros((144, 64, 64, 3), np.float32), "images is float32"),
        (np.asfortranarray(pixels()), "is in Fortran order"),
        (np.uint8(3), "images is uint8 ()"),
        (np.array([{}]), "images is object (1,)"),
    ],
)
def test_arrays_that_are_not_mpi3d(tmp_path, save, images, message):
    save(tmp_path / "a.npz", images)
    with pytest.raises(WrongFile, match=re.escape(message)):
        mpi3d(tmp_path / "a.npz", sizes=SMALL)


@SAVE
def test_a_small_file_is_not_taken_for_the_official_one(tmp_path, save):
    save(tmp_path / "a.npz", pixels())
    with pytest.raises(WrongFile, match=r"images has 144 rows, 1,036,800 \(toy, realistic, real\) or 460,800"):
        mpi3d(tmp_path / "a.npz")


@SAVE
@pytest.mark.parametrize("share", [0.0001, 0.3, 0.999])
def test_cut_short(tmp_path, cache, save, share):
    save(tmp_path / "a.npz", pixels())
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WrongFile, match="damaged or cut short"):
        mpi3d(tmp_path / "a.npz", sizes=SMALL)
    assert not cache.exists()


def test_flipped_bytes_in_a_compressed_file_leave_nothing_behind(tmp_path, cache):
    save_compressed(tmp_path / "a.npz", pixels())
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 50] = bytes(50)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(WrongFile, match="damaged"):
        mpi3d(tmp_path / "a.npz", sizes=SMALL)
    assert {file.suffix for file in cache.rglob("*.*")} == {".lock"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<html>quota", "is a web page; an npz file or an npy file is expected"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"\x1f\x8b\x08\x00", "is a gzip file"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (bytes(257) + b"ustar" + bytes(300), "is a tar archive"),
    ],
)
def test_what_is_not_the_file(tmp_path, content, message):
    path = tmp_path / "mpi3d_real_complex.npz"
    path.write_bytes(content)
    with pytest.raises(WrongFile, match=message) as caught:
        mpi3d(path)
    assert "mpi3d_complex.npz, 5.7 GB, https://drive.google.com" in str(caught.value)


def test_another_member(tmp_path):
    np.savez(tmp_path / "a.npz", pictures=pixels(3))
    with pytest.raises(WrongFile, match="lacks images, it holds pictures"):
        mpi3d(tmp_path / "a.npz")


def test_a_cache_folder_without_permission(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    save_compressed(tmp_path / "a.npz", pixels())
    with pytest.raises(DataError, match=r"cannot write .*MB\).*set XDG_CACHE_HOME to a folder with room"):
        mpi3d(tmp_path / "a.npz", sizes=SMALL)
