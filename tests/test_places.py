"""Readers that are given no path: they take the files from where datasets are looked for, and say where that is."""

import inspect

import numpy as np
import pytest
from PIL import Image
from test_files_idx import SMALL, arrays, write

from dlq.datasets import MissingFile, files, mnist, mpi3d, vggface2
from dlq.datasets.catalogue import ENTRIES

NAMED = sorted({name.partition("_")[0] if name.startswith("mpi3d") else name for name in ENTRIES} & {*dir(files)})


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    """No test sees this machine's own files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DLQ_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("name", NAMED)
def test_without_files_every_reader_says_where_it_looked_and_what_to_do(name, tmp_path):
    assert inspect.signature(getattr(files, name)).parameters["path"].default is None
    with pytest.raises(
        MissingFile, match=f"no files of {name}.* at {tmp_path}/data/{name}.* or .*set DLQ_DATA"
    ) as caught:
        getattr(files, name)()
    said, entry = str(caught.value), ENTRIES.get(name) or ENTRIES["mpi3d_toy"]
    assert "\n" not in said
    assert (f"dlq datasets fetch {name}" in said) == entry.fetchable
    assert entry.address is None or said.count(entry.address) == 1


def test_the_first_folder_that_holds_the_files_is_read_and_a_given_path_comes_before_it(tmp_path):
    for folder, seed in (("cache/dlq/mnist", 1), ("data/mnist", 2), ("given", 3)):
        (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / folder, **{"train-images": arrays(seed)["train-images"]})
    for options, seed in (({}, 2), ({"path": tmp_path / "given"}, 3), ({"path": tmp_path / "cache/dlq/mnist"}, 1)):
        images = mnist(num_images=SMALL, **options).images[:]
        np.testing.assert_array_equal(images[:, 0], arrays(seed)["train-images"])


def test_of_the_four_mpi3d_the_one_on_disk_is_read_and_of_two_a_path_must_be_given(tmp_path):
    sizes, pixels = (1, 1, 1, 1, 1, 2, 2), np.arange(4 * 64 * 64 * 3, dtype=np.uint8).reshape(4, 64, 64, 3)
    for name in ("mpi3d_real", "mpi3d_toy"):
        (tmp_path / "data" / name).mkdir(parents=True)
        np.savez(tmp_path / "data" / name / f"{name}.npz", images=pixels)
        if name == "mpi3d_real":
            data = mpi3d(sizes=sizes)
            assert data.name == "mpi3d_real"
            np.testing.assert_array_equal(data.images[:], pixels.transpose(0, 3, 1, 2))
    with pytest.raises(MissingFile, match=f"mpi3d_toy, mpi3d_real are on disk; .* such as {tmp_path}/data/mpi3d_toy"):
        mpi3d(sizes=sizes)


def test_a_folder_of_pictures_is_found_and_what_is_wrong_with_it_ends_with_the_official_size(tmp_path):
    person = tmp_path / "data" / "vggface2" / "train" / "n000001"
    person.mkdir(parents=True)
    Image.new("RGB", (20, 20)).save(person / "1.png")
    assert len(vggface2(size=16, progress=False)) == 1
    (person / "2.png").write_bytes(b"<html>")
    with pytest.raises(ValueError, match=r"2.png \(a web page\); .* \(official: train, 40 GB\)"):
        vggface2(size=16, progress=False)
