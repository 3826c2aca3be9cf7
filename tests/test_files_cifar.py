"""CIFAR-10: the binary archive and its unpacked files, and what must be refused, pickles first."""

import io
import tarfile

import numpy as np
import pytest

from dlq.datasets import DataError, MissingFile, WrongFile, cifar10

NAMES = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]


def batches():
    """Four rows in each file: a label, then the planes red, green, blue."""
    rng = np.random.default_rng(0)
    rows = {name: rng.integers(0, 256, (4, 3073), dtype=np.uint8) for name in NAMES}
    for k, row in enumerate(rows.values()):
        row[:, 0] = (k, 9, 0, 3)
    return rows


def write_tar(path, rows=None, folder="cifar-10-batches-bin/", mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in reversed((rows or batches()).items()):  # the order in the archive means nothing
            content = content if isinstance(content, bytes) else content.tobytes()
            member = tarfile.TarInfo(folder + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_folder(folder, rows=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (rows or batches()).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.tobytes())
    return folder


@pytest.mark.parametrize("form", ["tar.gz", "tar", "around the tar", "bins", "around the bins"])
def test_pixels_and_labels(tmp_path, form):
    if form in ("tar.gz", "tar"):
        path = write_tar(tmp_path / f"x.{form}", mode="w:gz" if form == "tar.gz" else "w")
    elif form == "around the tar":
        path = write_tar(tmp_path / "cifar-10-binary.tar.gz").parent
    else:
        path = write_folder(tmp_path / "cifar-10-batches-bin")
        path = path if form == "bins" else tmp_path
    before = sorted(tmp_path.rglob("*"))
    train, test, both = (cifar10(path, split=split, per_file=4) for split in ("train", "test", "both"))
    rows = batches()
    assert [len(train), len(test), len(both)] == [20, 4, 24]
    third = rows["data_batch_3.bin"][1]
    assert train.images[9][0, 5, 7] == third[1 + 5 * 32 + 7]
    assert train.images[9][1, 31, 0] == third[1 + 1024 + 31 * 32]
    assert train.images[9][2, 31, 31] == third[-1]
    np.testing.assert_array_equal(test.images[:].reshape(4, -1), rows["test_batch.bin"][:, 1:])
    np.testing.assert_array_equal(both.factors[:, 0], [label for k in range(6) for label in (k, 9, 0, 3)])
    assert (both.factor_names, both.factor_values[0][both.factors[1, 0]]) == (("label",), "truck")
    assert sorted(tmp_path.rglob("*")) == before


def test_the_python_version_is_refused_by_name(tmp_path):
    for path in (
        write_tar(tmp_path / "cifar-10-python.tar.gz", {"data_batch_1": b"\x80\x04."}, "cifar-10-batches-py/"),
        tmp_path,
        write_folder(tmp_path / "py", {"data_batch_1": b"\x80\x04.", "batches.meta": b"\x80\x04."}),
        tmp_path / "py" / "data_batch_1",
    ):
        with pytest.raises(WrongFile, match=r"pickles are never read; give the binary version, cifar-10-binary.tar.gz"):
            cifar10(path)


@pytest.mark.parametrize("form", ["tar", "folder"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows["data_batch_2.bin"].tobytes()[:-1], "12,291 bytes, 12,292 are expected"),
        (lambda rows: rows["data_batch_2.bin"].tobytes() + b"x", "more bytes, 12,292 are expected"),
        (lambda rows: b"", "0 bytes"),
        (lambda rows: np.full((4, 3073), 10, np.uint8), "labels up to 10, 0 to 9"),
    ],
)
def test_wrong_content(tmp_path, change, message, form):
    rows = batches()
    rows["data_batch_2.bin"] = change(rows)
    path = write_tar(tmp_path / "x.tar.gz", rows) if form == "tar" else write_folder(tmp_path, rows)
    with pytest.raises(WrongFile, match=message) as caught:
        cifar10(path, per_file=4)
    assert "data_batch_2.bin" in str(caught.value)
    assert "official: cifar-10-binary.tar.gz, 170 MB, https://" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "is a web page"),
        (b"", "is empty"),
        (b"PK\x03\x04" + bytes(100), "is an npz file"),
        (b"\x1f\x8b" + bytes(100), "damaged or cut short"),
        (b"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer"),
    ],
)
def test_what_is_not_the_file(tmp_path, content, message):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(WrongFile, match=message):
        cifar10(tmp_path / "x.tar.gz")


@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_cut_short(tmp_path, share):
    path = write_tar(tmp_path / "x.tar.gz")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(WrongFile, match="damaged or cut short"):
        cifar10(path, per_file=4, split="both")


def test_no_file(tmp_path):
    with pytest.raises(MissingFile, match=r"does not exist; give the path of cifar-10-binary.tar.gz"):
        cifar10(tmp_path / "nothing")
    with pytest.raises(MissingFile, match=r"has neither cifar-10-binary.tar.gz nor data_batch_1.bin"):
        cifar10(tmp_path)
    rows = batches()
    del rows["data_batch_4.bin"]
    with pytest.raises(MissingFile, match=r"has no data_batch_4.bin"):
        cifar10(write_folder(tmp_path / "bins", rows), per_file=4)
    with pytest.raises(WrongFile, match=r"holds no data_batch_4.bin"):
        cifar10(write_tar(tmp_path / "x.tar.gz", rows), per_file=4)
    with pytest.raises(DataError, match="split is 'valid'"):
        cifar10(tmp_path, split="valid")
