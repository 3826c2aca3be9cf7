"""Sets of faces: CelebA's own layout, and the folders of CelebA-HQ, FFHQ, VGGFace2 and FaceForensics++."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from dlq.datasets import DataError, MissingFile, WrongFile, celeba, celeba_hq, faceforensics, ffhq, vggface2

NAMES = [f"{k:06d}.jpg" for k in range(1, 7)]
PARTS = [0, 0, 1, 0, 2, 2]
ATTRIBUTES = ["5_o_Clock_Shadow", *(f"Attribute_{k}" for k in range(2, 40)), "Young"]
SIGNS = np.random.default_rng(0).choice([-1, 1], (6, 40))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def jpeg(k, size=(178, 218)):
    """Grey 20 k + 30, with a white frame 15 wide at the left and the right, 35 high above and below."""
    pixels = np.full((size[1], size[0]), 255, np.uint8)
    pixels[35:-35, 15:-15] = 20 * k + 30
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(buffer, "jpeg", quality=100)
    return buffer.getvalue()


def write_images(folder, form, images):
    if form == "zip":
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
            for name, content in images.items():
                archive.writestr(f"img_align_celeba/{name}", content)
        return
    inside = folder / "img_align_celeba" / ("img_align_celeba" if form == "twice" else "")
    inside.mkdir(parents=True)
    for name, content in images.items():
        (inside / name).write_bytes(content)


def write(folder, form="folder", *, attributes=None, parts=None, **images):
    lines = [f"{name}  " + " ".join(f"{v:2d}" for v in signs) + " " for name, signs in zip(NAMES, SIGNS, strict=True)]
    text = "\n".join(["6", " ".join(ATTRIBUTES) + " ", *lines]) + "\n"
    (folder / "list_attr_celeba.txt").write_text(attributes or text)
    text = "".join(f"{name} {part}\n" for name, part in zip(NAMES, PARTS, strict=True))
    (folder / "list_eval_partition.txt").write_text(parts or text)
    write_images(folder, form, {name: images.get(f"_{name[5]}", jpeg(k)) for k, name in enumerate(NAMES)})
    return folder


def read(folder, split="all", size=16, **options):
    return celeba(folder, split=split, size=size, progress=False, num_images=6, **options)


# CelebA


@pytest.mark.parametrize("form", ["folder", "twice", "zip"])
@pytest.mark.parametrize(("split", "rows"), [("train", [0, 1, 3]), ("valid", [2]), ("test", [4, 5]), ("all", range(6))])
def test_each_part_has_its_images_and_attributes(tmp_path, form, split, rows):
    data = read(write(tmp_path, form), split)
    assert data.images[:][:, 0, 8, 8].tolist() == [20 * k + 30 for k in rows]
    np.testing.assert_array_equal(data.factors, SIGNS[[*rows]] > 0)
    assert (data.factor_names, data.factor_sizes) == (tuple(ATTRIBUTES), (2,) * 40)
    assert data.factor_values[3].tolist() == [-1, 1]


def test_the_crop_leaves_the_frame_out_and_without_it_the_whole_image_is_squeezed(tmp_path):
    folder = write(tmp_path)
    cropped, whole, wide = read(folder).images[0], read(folder, crop=None).images[0], read(folder, crop=178).images[0]
    assert np.abs(cropped.astype(int) - 30).max() <= 2
    assert (whole[0, 0] == 255).all()
    np.testing.assert_allclose(whole[0, 8, 0], 255, atol=2)
    mixed = (255 * 3.875 + 30 * 7.25) / 11.125  # a column is 11.125 pixels: the second has 3.875 of the 15 of the frame
    np.testing.assert_allclose(whole[0, 8, 1], mixed, atol=8)
    np.testing.assert_allclose([wide[0, 8, 1], wide[0, 0, 8]], [mixed, 255], atol=8)


def test_the_folders_in_which_the_authors_keep_the_texts(tmp_path):
    write(tmp_path)
    for folder, name in (("Anno", "list_attr_celeba.txt"), ("Eval", "list_eval_partition.txt")):
        (tmp_path / folder).mkdir()
        (tmp_path / name).rename(tmp_path / folder / name)
    assert len(read(tmp_path, "train")) == 3


def test_who_it_is(tmp_path):
    write(tmp_path)
    with pytest.raises(MissingFile, match=r"has no identity_CelebA.txt"):
        read(tmp_path, identity=True)
    (tmp_path / "identity_CelebA.txt").write_text(
        "".join(f"{n} {k}\n" for n, k in zip(NAMES, (7, 7, 3, 9, 1, 7), strict=True))
    )
    data = read(tmp_path, "train", identity=True)
    assert data.factor_names[-1] == "identity"
    assert [data.factor_values[-1][k] for k in data.factors[:, -1]] == [7, 7, 9]
    np.testing.assert_array_equal(data.factors[:, :40], SIGNS[[0, 1, 3]] > 0)


LINE = " ".join(["1"] * 40)
HEAD = " ".join(ATTRIBUTES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>\nquota\n</html>", "is a web page; a count, 40 names and a line for each image"),
        (f"7\n{HEAD}\n" + "".join(f"{n} {LINE}\n" for n in NAMES), "a text of 8 lines"),
        (f"5\n{HEAD}\n" + "".join(f"{n} {LINE}\n" for n in NAMES[:5]), "lists 5 images, 6 are expected"),
        (f"6\n{HEAD}\n" + "".join(f"{n} {LINE}\n" for n in NAMES[:5]) + f"000006.jpg {LINE} 1", "line 8 is not"),
        (f"6\n{HEAD}\n" + "".join(f"{n} {LINE}\n" for n in NAMES[:5]) + f"000006.jpg {LINE[:-1]}0", "line 8 is not"),
        (f"6\n{HEAD}\n" + "".join(f"{NAMES[0]} {LINE}\n" for n in NAMES), "lists an image twice"),
    ],
)
def test_wrong_attributes(tmp_path, text, message):
    with pytest.raises(WrongFile, match=message) as caught:
        read(write(tmp_path, attributes=text))
    assert "list_attr_celeba.txt" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>", "is not made of lines with a file name and a number"),
        ("000001.jpg x\n", "is not made of lines"),
        ("".join(f"{name} 3\n" for name in NAMES), "has the number 3, 0, 1 and 2 are expected"),
        ("000001.jpg 0\n", r"lists 1 images, list_attr_celeba.txt 6, of which 5 are not in the first"),
    ],
)
def test_wrong_parts(tmp_path, text, message):
    with pytest.raises(WrongFile, match=message):
        read(write(tmp_path, parts=text), "train")


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_wrong_images(tmp_path, form):
    write(tmp_path, form, _2=jpeg(1, (200, 218)), _4=jpeg(3)[:900], _5=b"<html>")
    with pytest.raises(WrongFile, match="3 of 6 images cannot be read") as caught:
        read(tmp_path)
    text = str(caught.value)
    inside = "img_align_celeba.zip" if form == "zip" else "img_align_celeba"
    assert f"{tmp_path / inside / '000002.jpg'} (200 x 218 pixels (width x height) in place of 178 x 218)" in text
    assert "000004.jpg (" in text
    assert "official: img_align_celeba" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"<html>", "is a web page; a zip file is expected"), (b"PK\x03\x04" + bytes(99), "damaged or cut short")],
)
def test_a_zip_that_is_none(tmp_path, content, message):
    write(tmp_path, "zip")
    (tmp_path / "img_align_celeba.zip").write_bytes(content)
    with pytest.raises(WrongFile, match=message):
        read(tmp_path)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(MissingFile, match=r"has no list_attr_celeba.txt"):
        read(tmp_path)
    with pytest.raises(MissingFile, match="does not exist"):
        read(tmp_path / "nothing")
    write(tmp_path)
    with pytest.raises(MissingFile, match="is a file; give the folder"):
        read(tmp_path / "list_attr_celeba.txt")
    (tmp_path / "img_align_celeba" / NAMES[3]).unlink()
    with pytest.raises(MissingFile, match=r"lacks 1 of 6 images \(000004.jpg\)"):
        read(tmp_path)
    (tmp_path / "list_eval_partition.txt").unlink()
    with pytest.raises(MissingFile, match=r"has no list_eval_partition.txt"):
        read(tmp_path, "train")
    with pytest.raises(DataError, match="split is 'val'"):
        read(tmp_path, "val")
    with pytest.raises(DataError, match=r"crop|size is 200"):
        read(tmp_path, crop=200)
    with pytest.raises(WrongFile, match="lists 6 images, 202,599 are expected"):
        celeba(tmp_path, split="all")


# Folders


def squares(folder, values, side=8, ending="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for k, value in enumerate(values):
        Image.new("L", (side, side), value).save(folder / f"{k}.{ending}")
    return folder


@pytest.mark.parametrize(("reader", "inside"), [(celeba_hq, "CelebA-HQ-img"), (ffhq, "thumbnails128x128"), (ffhq, ".")])
def test_square_images_in_natural_order(tmp_path, reader, inside):
    squares(tmp_path / inside, range(12))
    data = reader(tmp_path, size=4, num_images=12, progress=False)
    assert data.images[:][:, 0, 0, 0].tolist() == [*range(12)]
    assert (data.name, data.factor_names, data.image_shape) == (reader.__name__, (), (3, 4, 4))


def test_thumbnails_serve_up_to_their_size(tmp_path):
    squares(tmp_path / "thumbnails128x128", [1])
    squares(tmp_path / "images1024x1024" / "00000", [2])
    for size, value in ((128, 1), (129, 2)):
        assert ffhq(tmp_path, size=size, num_images=1, progress=False).images[0][0, 0, 0] == value


def test_another_number_or_another_size_of_images(tmp_path):
    squares(tmp_path, range(3))
    with pytest.raises(WrongFile, match=r"holds 3 images, 70,000 are expected; complete it, or give num_images"):
        ffhq(tmp_path, progress=False)
    assert len(celeba_hq(tmp_path, size=4, num_images=None, progress=False)) == 3
    Image.new("L", (9, 9)).save(tmp_path / "1.png")
    with pytest.raises(WrongFile, match=r"1 of 3 .*1.png \(9 x 9 pixels \(width x height\) in place of 8 x 8"):
        ffhq(tmp_path, size=4, num_images=3, progress=False)
    Image.new("L", (9, 8)).save(tmp_path / "0.png")
    with pytest.raises(WrongFile, match="9 x 8 pixels, a square is expected; image_folder reads any images"):
        ffhq(tmp_path, size=4, num_images=3, progress=False)
    (tmp_path / "0.png").write_bytes(b"<html>")
    with pytest.raises(WrongFile, match="is a web page; an image is expected"):
        ffhq(tmp_path, size=4, num_images=3, progress=False)


def test_identities(tmp_path):
    for k, (split, person) in enumerate([("train", "n000002"), ("train", "n000010"), ("test", "n000001")]):
        squares(tmp_path / split / person, [10 * k, 10 * k + 1], side=8 + k, ending="bmp")
    train, test = (vggface2(tmp_path, split=split, size=4, progress=False) for split in ("train", "test"))
    assert train.images[:][:, 0, 0, 0].tolist() == [0, 1, 10, 11]
    assert train.factors[:, 0].tolist() == [0, 0, 1, 1]
    assert train.factor_values[0].tolist() == ["n000002", "n000010"]
    assert test.factor_values[0].tolist() == ["n000001"]
    assert len(vggface2(tmp_path / "train", size=4, progress=False)) == 4
    squares(tmp_path / "train", [0])
    with pytest.raises(WrongFile, match=r"has 1 images outside folders of persons \(0.png\)"):
        vggface2(tmp_path, size=4, progress=False)
    with pytest.raises(DataError, match="split is 'all'"):
        vggface2(tmp_path, split="all")
    with pytest.raises(MissingFile, match="does not exist"):
        vggface2(tmp_path / "nothing")


def test_frames_know_their_videos(tmp_path):
    squares(tmp_path / "original_sequences" / "youtube" / "c23" / "frames" / "054", [1, 2])
    squares(tmp_path / "manipulated_sequences" / "Deepfakes" / "c23" / "frames" / "071_054", [3])
    squares(tmp_path / "manipulated_sequences" / "Deepfakes" / "c23" / "masks" / "071_054", [99])
    data = faceforensics(tmp_path, size=4, progress=False)
    assert data.factor_names == ("target", "source", "method")
    known = [tuple(values[k] for values, k in zip(data.factor_values, row, strict=True)) for row in data.factors]
    assert known == [(71, 54, "Deepfakes"), (54, 54, "original"), (54, 54, "original")]
    assert data.images[:][:, 0, 0, 0].tolist() == [3, 1, 2]
    squares(tmp_path / "loose", [4])
    with pytest.raises(WrongFile, match="lies in no folder named as a video, such as 071 or 071_054"):
        faceforensics(tmp_path, size=4, progress=False)
