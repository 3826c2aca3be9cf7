"""Damaged files: whatever bytes change, a reader gives images or a DataError, and writes nowhere but into the cache.

100 damaged copies for each reader; FUZZ_SECONDS=60 (``make fuzz``) goes on with new ones for as long for each.
"""

import csv
import gzip
import io
import os
import shutil
import struct
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlq.datasets import DataError, dsprites, mpi3d, shapes3d
from dlq.datasets.files.cars3d import cars3d
from dlq.datasets.files.celeba import celeba
from dlq.datasets.files.cifar10 import cifar10
from dlq.datasets.files.face_folders import celeba_hq, faceforensics, ffhq, vggface2
from dlq.datasets.files.idx import mnist
from dlq.datasets.files.image_folder import image_folder
from dlq.datasets.files.nvidia import FALCOR_SIZES, ISAAC_SIZES, falcor3d, isaac3d
from dlq.datasets.files.smallnorb import smallnorb

h5py = pytest.importorskip("h5py")
hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
RNG = np.random.default_rng(0)
SPRITES, ROOMS, MPI, NORB = (2, 1, 2, 2, 1), (1, 1, 2, 1, 2, 2), (1, 2, 1, 2, 1, 2, 1), (2, 1, 2, 1, 2)
ISAAC = (2, 1, 1, 2, 1, 1, 1, 1, 1)
FALCOR = (2, 1, 1, 2, 1, 1, 1)


def grid(sizes):
    return np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), sizes), axis=1)


def pixels(*shape):
    return RNG.integers(1, 256, shape, dtype=np.uint8)


# Small files of each layout


def sprites_arrays():
    classes = np.concatenate([np.zeros((8, 1), np.int64), grid(SPRITES)], axis=1)
    return {"imgs": pixels(8, 64, 64) % 2, "latents_classes": classes, "latents_values": classes / 2}


def write_dsprites_npz(folder):
    np.savez_compressed(folder / "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz", **sprites_arrays())


def write_dsprites_h5(folder):
    with h5py.File(folder / "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.hdf5", "w") as file:
        for key, array in sprites_arrays().items():
            name = key.replace("latents_", "latents/")
            file.create_dataset(name, data=array, chunks=(4, 8, 8) if key == "imgs" else None, compression="gzip")


def write_shapes3d(folder):
    with h5py.File(folder / "3dshapes.h5", "w") as file:
        file.create_dataset("images", data=pixels(8, 64, 64, 3), chunks=(4, 32, 32, 3), compression="gzip")
        file["labels"] = grid(ROOMS) * 0.1


def write_mpi3d(folder, save=np.savez):
    save(folder / "mpi3d_toy.npz", images=pixels(8, 64, 64, 3))


def write_nvidia(folder, sizes, labels):
    with (folder / labels).open("wb") as file:
        np.save(file, grid(sizes) / np.maximum(1, np.array(sizes) - 1))
    (folder / "images").mkdir()
    for row in range(4):
        Image.fromarray(pixels(16, 16, 3)).save(folder / "images" / f"{row:06d}.png")


def write_nvidia_zip(folder):
    inside = folder / "Isaac3D_down128"
    inside.mkdir()
    write_nvidia(inside, ISAAC, "labels.npy")
    with zipfile.ZipFile(folder / "Isaac3D_down128.zip", "w") as archive:
        for path in sorted(inside.rglob("*")):
            archive.write(path, path.relative_to(folder))
    shutil.rmtree(inside)


def norb_matrix(array):
    magic = {"uint8": 0x1E3D4C55, "int32": 0x1E3D4C54}[array.dtype.name]
    dims = (*array.shape, *(1,) * (3 - array.ndim))
    return struct.pack(f"<ii{len(dims)}i", magic, array.ndim, *dims) + array.tobytes()


def write_smallnorb(folder, pack=gzip.compress, end=".gz"):
    found = (grid(NORB) * [1, 1, 1, 2, 1] + [0, 4, 0, 0, 0]).astype(np.int32)
    arrays = {"dat": pixels(8, 2, 96, 96), "cat": found[:, 0], "info": np.ascontiguousarray(found[:, 1:])}
    for kind, array in arrays.items():
        name = f"smallnorb-5x46789x9x18x6x2x96x96-training-{kind}.mat{end}"
        (folder / name).write_bytes(pack(norb_matrix(array)))


def write_cars3d(folder):
    savemat = pytest.importorskip("scipy.io").savemat
    (folder / "list.txt").write_text("car_001_mesh\ncar_002_mesh\n")
    for number in (1, 2):
        arrays = {"im": pixels(128, 128, 3, 1, 1), "mask": pixels(4, 4)}
        savemat(folder / f"car_00{number}_mesh.mat", arrays, do_compression=number == 1)


def write_mnist(folder):
    for name, array, packed in (("images-idx3", pixels(6, 28, 28), True), ("labels-idx1", np.arange(6), False)):
        content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        content += array.astype(np.uint8).tobytes()
        path = folder / f"train-{name}-ubyte{'.gz' * packed}"
        path.write_bytes(gzip.compress(content) if packed else content)


def write_cifar10(folder):
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for number in range(1, 6):
            rows = pixels(2, 3073)
            rows[:, 0] %= 10
            info = tarfile.TarInfo(f"cifar-10-batches-bin/data_batch_{number}.bin")
            info.size = rows.nbytes
            archive.addfile(info, io.BytesIO(rows.tobytes()))


def write_celeba(folder):
    names = [f"{number:06d}.jpg" for number in range(1, 5)]
    lines = ["4", " ".join(f"A{k}" for k in range(40)), *(f"{name} {' '.join(['-1', ' 1'] * 20)}" for name in names)]
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    (folder / "list_eval_partition.txt").write_text("\n".join(f"{name} {k // 3}" for k, name in enumerate(names)))
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for name in names:
            archive.writestr(f"img_align_celeba/{name}", picture_bytes("JPEG", (218, 178, 3)))


def picture_bytes(kind, shape):
    out = io.BytesIO()
    Image.fromarray(pixels(*shape)).save(out, kind)
    return out.getvalue()


KINDS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tif": "TIFF", "ppm": "PPM"}


def write_pictures(folder, *within, endings=tuple(KINDS), shape=(20, 20, 3)):
    for place in within or (".",):
        (folder / place).mkdir(parents=True, exist_ok=True)
        for number, ending in enumerate(endings):
            (folder / place / f"{number}.{ending}").write_bytes(picture_bytes(KINDS[ending], shape))


def write_labelled(folder):
    write_pictures(folder, endings=("png", "jpg"))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["name", "hue", "size"], ["0.png", "1", "0.5"], ["1.jpg", "2", "big, red"]])


def read_labelled(folder):
    return image_folder(folder, size=16, factors=folder / "labels.csv", progress=False)


TWO = ("png", "jpg")
READERS = {
    "dsprites npz": (write_dsprites_npz, lambda at: dsprites(at, sizes=SPRITES)),
    "dsprites hdf5": (write_dsprites_h5, lambda at: dsprites(at, sizes=SPRITES)),
    "shapes3d": (write_shapes3d, lambda at: shapes3d(at, sizes=ROOMS)),
    "shapes3d in its file": (write_shapes3d, lambda at: shapes3d(at, sizes=ROOMS, in_memory=False)),
    "mpi3d": (write_mpi3d, lambda at: mpi3d(at, sizes=MPI)),
    "mpi3d compressed": (lambda at: write_mpi3d(at, np.savez_compressed), lambda at: mpi3d(at, sizes=MPI)),
    "isaac3d": (
        lambda at: write_nvidia(at, ISAAC, "labels.npy"),
        lambda at: isaac3d(at, size=16, sizes=ISAAC, progress=False),
    ),
    "isaac3d zip": (write_nvidia_zip, lambda at: isaac3d(at, size=16, sizes=ISAAC, progress=False)),
    "falcor3d": (
        lambda at: write_nvidia(at, FALCOR, "train-rec.labels"),
        lambda at: falcor3d(at, size=16, sizes=FALCOR, progress=False),
    ),
    "smallnorb": (lambda at: write_smallnorb(at, bytes, ""), lambda at: smallnorb(at, sizes=NORB)),
    "smallnorb gzipped": (write_smallnorb, lambda at: smallnorb(at, sizes=NORB)),
    "cars3d": (write_cars3d, lambda at: cars3d(at, sizes=(1, 1, 2), progress=False)),
    "mnist": (write_mnist, lambda at: mnist(at, num_images=(6, 6))),
    "cifar10": (write_cifar10, lambda at: cifar10(at, per_file=2)),
    "celeba": (write_celeba, lambda at: celeba(at, size=16, num_images=4, progress=False)),
    "image folder": (write_pictures, lambda at: image_folder(at, size=16, progress=False)),
    "image folder, grey": (write_pictures, lambda at: image_folder(at, size=16, channels=1, progress=False)),
    "image folder with labels": (write_labelled, read_labelled),
    "celeba_hq": (
        lambda at: write_pictures(at, endings=TWO),
        lambda at: celeba_hq(at, size=16, num_images=2, progress=False),
    ),
    "ffhq": (
        lambda at: write_pictures(at, "thumbnails128x128/00000", endings=TWO),
        lambda at: ffhq(at, size=16, num_images=2, progress=False),
    ),
    "vggface2": (
        lambda at: write_pictures(at, "train/n000001", "train/n000002", endings=("jpg",)),
        lambda at: vggface2(at, size=16, progress=False),
    ),
    "faceforensics": (
        lambda at: write_pictures(at, "original_sequences/071", "manipulated_sequences/Face2Face/071_054", endings=TWO),
        lambda at: faceforensics(at, size=16, progress=False),
    ),
}


# Damage

DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "cut", "insert", "duplicate", "remove"]),
        st.sampled_from(["start", "anywhere", "end"]),
        st.floats(0, 1),
        st.integers(1, 64),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content, changes):
    content = bytearray(content)
    for kind, region, share, length, value in changes:
        span = len(content) if region == "anywhere" else min(len(content), 256)
        at = int(share * max(0, span - 1)) + (len(content) - span if region == "end" else 0)
        if kind == "cut":
            del content[at:]
        elif kind == "remove":
            del content[at : at + length]
        elif kind == "insert":
            content[at:at] = bytes([value]) * length
        elif kind == "duplicate":
            content[at:at] = content[at : at + length]
        elif at < len(content):
            content[at] = value if kind == "set" else content[at] ^ (1 << value % 8)
    return bytes(content)


def listing(folder):
    return {path.relative_to(folder): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def read_damaged(read, template, which, changes):
    """Reads a copy of which one file is damaged; returns whether it was read."""
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        root = Path(root)
        shutil.copytree(template, root / "in")
        files = sorted(path for path in (root / "in").rglob("*") if path.is_file())
        file = files[which % len(files)]
        file.write_bytes(damaged(file.read_bytes(), changes))
        before = listing(root / "in")
        (root / "cwd").mkdir()
        patch.chdir(root / "cwd")
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        try:
            data = read(root / "in")
            data.images[[0, len(data) - 1]]
            x = data.batch([len(data) // 2])
            works = data.factors.shape == (len(data), len(data.factor_names)) and float(x.max()) <= 1
            assert works
            del data, x
            said = ""
        except DataError as error:
            works, said = False, str(error)
        assert "\n" not in said
        assert listing(root / "in") == before
        assert sorted(path.name for path in root.iterdir() if path.name != "cache") == ["cwd", "in"]
        assert not [*(root / "cwd").iterdir()]
        return works


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused_in_a_sentence(name, tmp_path):
    write, read = READERS[name]
    write(tmp_path)
    assert read_damaged(read, tmp_path, 0, []), "the undamaged files are read"

    @hypothesis.settings(
        max_examples=100,
        deadline=None,
        database=None,
        derandomize=not SECONDS,
        suppress_health_check=[*hypothesis.HealthCheck],
    )
    @hypothesis.given(st.integers(0, 63), DAMAGE)
    def attempt(which, changes):
        read_damaged(read, tmp_path, which, changes)

    end = time.monotonic() + SECONDS
    attempt()
    while time.monotonic() < end:
        attempt()


def test_the_readers_of_numbered_grids_know_the_published_sizes():
    assert np.prod(ISAAC_SIZES) == 737_280
    assert np.prod(FALCOR_SIZES) == 233_280


def test_damage_is_what_it_says():
    assert damaged(b"abcd", [("cut", "start", 1.0, 1, 0)]) == b"abc"
    assert damaged(b"abcd", [("remove", "start", 0.0, 2, 0)]) == b"cd"
    assert damaged(b"abcd", [("insert", "end", 1.0, 2, 120)]) == b"abcxxd"
    assert damaged(b"abcd", [("duplicate", "start", 0.0, 2, 0)]) == b"ababcd"
    assert damaged(b"abcd", [("flip", "start", 0.0, 1, 1), ("set", "start", 1.0, 1, 122)]) == b"cbcz"
