"""How a dataset is described, and the files that are published with a checksum: only these can be downloaded."""

from typing import NamedTuple

NOT_CHECKED = "not checked"
BUILT_IN = ("rooms", "sprites", "faces", "digits")


class Download(NamedTuple):
    """A file that ``fetch`` may get: name, address, checksum as "algorithm:hex", bytes (None: not published)."""

    name: str
    address: str
    checksum: str
    bytes: int | None = None
    unpack: tuple[str, ...] = ()  # members of the archive that are kept, by how they begin


class Entry(NamedTuple):
    """A dataset in words and numbers; "-" and None stand for what is not known or does not apply.

    files      one of these names is in the dataset's folder once it is there; empty: any file
    size       what the files take on disk, in words
    address    where a person gets them
    """

    name: str
    summary: str
    factors: str
    num_images: int | None
    image_size: str
    files: tuple[str, ...]
    size: str
    licence: str
    address: str | None
    downloads: tuple[Download, ...] = ()

    @property
    def checksum(self) -> str | None:
        """Of the first file; None where no checksum is published."""
        return self.downloads[0].checksum if self.downloads else None

    @property
    def fetchable(self) -> bool:
        """Whether ``fetch`` gets it: both an address and a checksum are known."""
        return bool(self.downloads)

    @property
    def built_in(self) -> bool:
        """Whether it needs no file of its own."""
        return self.name in BUILT_IN


DSPRITES = "https://github.com/google-deepmind/dsprites-dataset/raw/fa310c66517cfc1939d77fe17c725154efc97127/"
DSPRITES_NAME = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
NORB = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/"
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
IDX = tuple(f"{part}-{what}-ubyte.gz" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1"))
IDX_BARE = tuple(name.removesuffix(".gz") for name in IDX)
NORB_FILES = tuple(
    f"smallnorb-5x{half}-{kind}.mat.gz"
    for half in ("46789x9x18x6x2x96x96-training", "01235x9x18x6x2x96x96-testing")
    for kind in ("dat", "cat", "info")
)


def _downloads(base: str, names: tuple[str, ...], *facts: tuple[int, str]) -> tuple[Download, ...]:
    """Files in one folder of the web, with (bytes, sha256) of each."""
    return tuple(
        Download(name, base + name, f"sha256:{digest}", size) for name, (size, digest) in zip(names, facts, strict=True)
    )


NORB_DOWNLOADS = _downloads(
    NORB,
    NORB_FILES,
    (131_896_188, "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873"),
    (348, "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa"),
    (71_052, "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32"),
    (130_799_817, "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474"),
    (347, "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff"),
    (10_428, "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2"),
)
MNIST_FILES = _downloads(
    MNIST,
    IDX,
    (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)
FASHION_FILES = _downloads(
    FASHION,
    IDX,
    (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)
DSPRITES_FILES = (
    Download(
        f"{DSPRITES_NAME}.hdf5",
        f"{DSPRITES}{DSPRITES_NAME}.hdf5",
        "sha256:729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
        28_024_106,
    ),
)
SHAPES3D_FILES = (
    Download(
        "3dshapes.h5",
        "https://storage.googleapis.com/3d-shapes/3dshapes.h5",
        "sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
        267_573_662,
    ),
)
CARS_FILES = (
    Download(
        "nips2015-analogy-data.tar.gz",
        "http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
        "md5:4e866a7919c1beedf53964e6f7a23686",
        unpack=("data/cars/",),  # the rest of the archive is unrelated data
    ),
)
CIFAR_FILES = (
    Download(
        "cifar-10-binary.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170_052_171,
    ),
)
