"""Any folder of images: every kind of file becomes the pixels that it shows, and labels find their images."""

import warnings

import numpy as np
import pytest
from PIL import Image

from dlq.datasets import DataError, MissingFile, WrongFile, image_folder
from dlq.datasets.files.gallery import natural

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def read(path, size=4, **options):
    return image_folder(path, size=size, progress=False, **options)


def corners(side=4):
    """Red and green above, blue and black below."""
    pixels = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    pixels[:half, :half], pixels[:half, half:], pixels[half:, :half] = RED, GREEN, BLUE
    return pixels


def colours(image):
    """Pixels (C, H, W) -> the colours of the four corners, clockwise from above left."""
    return [tuple(int(v) for v in image[:, y, x]) for y, x in ((0, 0), (0, -1), (-1, -1), (-1, 0))]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# Pixels


def test_an_image_of_the_asked_size_is_kept_pixel_for_pixel(tmp_path):
    Image.fromarray(noise(8, 8, 3)).save(tmp_path / "a.png")
    data = read(tmp_path, 8)
    np.testing.assert_array_equal(data.images[0], noise(8, 8, 3).transpose(2, 0, 1))
    assert (data.image_shape, data.factors.shape, data.name) == ((3, 8, 8), (1, 0), tmp_path.name)


def test_a_smaller_pixel_is_the_average_of_its_area_in_the_central_square(tmp_path):
    wide = noise(8, 14, 3)
    Image.fromarray(wide).save(tmp_path / "a.png")
    expected = wide[:, 3:11].reshape(4, 2, 4, 2, 3).mean((1, 3))
    np.testing.assert_allclose(read(tmp_path).images[0], expected.transpose(2, 0, 1), atol=1)  # rounded twice


def test_sizes_and_kinds_may_differ_and_small_ones_are_enlarged(tmp_path):
    Image.new("RGB", (3, 3), RED).save(tmp_path / "a.bmp")
    Image.new("L", (90, 50), 7).save(tmp_path / "b.tif")
    Image.new("RGB", (60, 60), BLUE).save(tmp_path / "c.jpg", quality=95)
    a, b, c = read(tmp_path).images[:]
    assert set(colours(a)) == {RED}
    assert set(colours(b)) == {(7, 7, 7)}
    np.testing.assert_allclose(c.reshape(3, -1), np.broadcast_to([[0], [0], [255]], (3, 16)), atol=2)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [RED, GREEN, BLACK, BLUE]),
        (2, [GREEN, RED, BLUE, BLACK]),
        (3, [BLACK, BLUE, RED, GREEN]),
        (4, [BLUE, BLACK, GREEN, RED]),
        (5, [RED, BLUE, BLACK, GREEN]),
        (6, [BLUE, RED, GREEN, BLACK]),
        (7, [BLACK, GREEN, RED, BLUE]),
        (8, [GREEN, BLACK, BLUE, RED]),
    ],
)
def test_exif_says_which_way_is_up(tmp_path, orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(corners()).save(tmp_path / "a.png", exif=exif)
    assert colours(read(tmp_path).images[0]) == expected


def test_unreadable_exif_is_ignored(tmp_path):
    Image.fromarray(corners()).save(tmp_path / "a.png", exif=b"Exif\0\0nonsense")
    assert colours(read(tmp_path).images[0]) == [RED, GREEN, BLACK, BLUE]


def test_a_palette_with_a_transparent_colour(tmp_path):
    image = Image.fromarray(np.array([[0, 0, 1, 1]] * 2 + [[2, 2, 3, 3]] * 2, np.uint8), mode="P")
    image.putpalette([*RED, *GREEN, *BLUE, *BLACK])
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.gif", transparency=3)
    image.save(tmp_path / "c.png", transparency=3)
    plain, gif, png = read(tmp_path).images[:]
    assert colours(plain) == [RED, GREEN, BLACK, BLUE]
    assert colours(gif) == colours(png) == [RED, GREEN, WHITE, BLUE]


def test_transparency_lies_on_white(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 51)).save(tmp_path / "a.png")
    Image.new("LA", (4, 4), (0, 0)).save(tmp_path / "b.png")
    Image.new("RGB", (4, 4), GREEN).save(tmp_path / "c.png", transparency=GREEN)
    a, b, c = read(tmp_path).images[:]
    assert set(colours(a)) == {(255, 204, 204)}  # a fifth of red on white
    assert set(colours(b)) == set(colours(c)) == {WHITE}


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    values = np.linspace(0, 65_535, 16).reshape(4, 4).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values).save(tmp_path / "b.tif")
    (tmp_path / "c.pgm").write_bytes(b"P5 4 4 65535\n" + values.astype(">u2").tobytes())
    for image in read(tmp_path, channels=1).images[:]:
        np.testing.assert_array_equal(image[0], np.rint(values / 257))


def test_black_and_white_and_cmyk(tmp_path):
    Image.fromarray(corners()[:, :, 0] > 0).save(tmp_path / "a.png")
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "b.tif")
    bits, ink = read(tmp_path).images[:]
    assert colours(bits) == [WHITE, BLACK, BLACK, BLACK]
    assert set(colours(ink)) == {RED}


def test_grey_is_luma(tmp_path):
    Image.fromarray(corners()).save(tmp_path / "a.png")
    assert colours(read(tmp_path, channels=1).images[0]) == [(76,), (150,), (0,), (29,)]  # .299 .587 .114 of 255


def test_of_several_frames_the_first(tmp_path):
    Image.new("RGB", (4, 4), RED).save(
        tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (4, 4), BLUE)]
    )
    assert set(colours(read(tmp_path).images[0])) == {RED}


def test_a_large_jpeg_is_decoded_smaller_and_shows_the_same(tmp_path):
    Image.fromarray(corners(256)).save(tmp_path / "a.jpg", quality=95)
    for found, expected in zip(colours(read(tmp_path).images[0]), [RED, GREEN, BLACK, BLUE], strict=True):
        np.testing.assert_allclose(found, expected, atol=12)


# Order, cache


def test_the_order_is_natural():
    names = ["b/1.png", "a/10.png", "a/9.png", "2.png", "A/10b.png", "10.png", "img_2_10.png", "img_2_9.png"]
    assert sorted(names, key=natural) == [
        "2.png", "10.png", "A/10b.png", "a/9.png", "a/10.png", "b/1.png", "img_2_9.png", "img_2_10.png"
    ]  # fmt: skip


def flat(folder, values, ending=".png"):
    """Images of one grey value each, named img0, img1, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, value in enumerate(values):
        Image.new("L", (4, 4), value).save(folder / f"img{k}{ending}")
    return folder


def greys(data):
    return data.images[:][:, 0, 0, 0].tolist()


def test_images_are_decoded_once_and_again_when_one_changes(tmp_path, monkeypatch):
    flat(tmp_path, range(12))
    assert greys(read(tmp_path)) == [*range(12)]
    with monkeypatch.context() as without:
        without.setattr(Image, "open", None)
        data = read(tmp_path)
    assert greys(data) == [*range(12)]
    assert isinstance(data.images.array, np.memmap)
    Image.new("L", (9, 9), 200).save(tmp_path / "img3.png")
    assert greys(read(tmp_path))[3] == 200
    np.testing.assert_array_equal(read(tmp_path).batch([3, 0, 3]).numpy()[:, 0, 0, 0] * 255, [200, 0, 200])


def test_hidden_and_other_files_are_no_images(tmp_path):
    flat(tmp_path, [5])
    for name in ("._img0.png", "notes.txt", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    flat(tmp_path / ".thumbs", [9])
    assert greys(read(tmp_path)) == [5]


def test_links_are_followed_and_never_round_in_circles(tmp_path):
    flat(tmp_path / "elsewhere", [7])
    flat(tmp_path / "here" / "b", [8])
    (tmp_path / "here" / "a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "here" / "b" / "up").symlink_to(tmp_path / "here")
    data = read(tmp_path / "here", classes="which")
    assert (greys(data), data.factor_values[0].tolist()) == ([7, 8], ["a", "b"])


# Factors


def classes(tmp_path):
    flat(tmp_path / "dog", [1, 2])
    flat(tmp_path / "cat" / "tabby", [3])
    return tmp_path


def test_sub_folders_are_a_factor_when_asked(tmp_path):
    assert read(classes(tmp_path)).factor_names == ()
    data = read(tmp_path, classes="animal")
    assert data.factor_names == ("animal",)
    assert [data.factor_values[0][k] for k in data.factors[:, 0]] == ["cat", "dog", "dog"]
    assert greys(data) == [3, 1, 2]
    flat(tmp_path, [4])
    with pytest.raises(DataError, match=r"1 images .* in no sub-folder \(img0.png\); move"):
        read(tmp_path, classes="animal")


def table(path, text, encoding="utf-8"):
    path.write_text(text, encoding=encoding)
    return path


def test_a_table_of_labels(tmp_path):
    flat(tmp_path / "images", [10, 11, 12])
    csv = 'file,shape,size,angle\nimg2.png,cube,2,0.5\nimg0.png,ball,10,-1\nimg1.png,"cube",2,0.25\n'
    data = read(tmp_path / "images", factors=table(tmp_path / "labels.csv", csv, "utf-8-sig"))
    assert greys(data) == [10, 11, 12]
    assert data.factor_names == ("shape", "size", "angle")
    assert [values.tolist() for values in data.factor_values] == [["ball", "cube"], [2, 10], [-1, 0.25, 0.5]]
    np.testing.assert_array_equal(data.factors, [[0, 1, 0], [1, 0, 1], [1, 0, 2]])


def test_names_with_folders_and_another_column(tmp_path):
    flat(tmp_path / "a", [1])
    flat(tmp_path / "b", [2])
    labels = table(tmp_path / "l.csv", "id,where\n7,b\\img0.png\n5,./a/img0.png\n")
    data = read(tmp_path, factors=str(labels), names="where", classes="folder")
    assert data.factor_names == ("folder", "id")
    assert [data.factor_values[1][k] for k in data.factors[:, 1]] == [5, 7]


def test_a_number_too_long_to_be_kept_exactly_stays_a_name(tmp_path):
    flat(tmp_path, [1, 2])
    labels = table(tmp_path / "l.csv", f"f,id\nimg0.png,{10**20}\nimg1.png,{10**20 + 1}\n")
    assert read(tmp_path, factors=labels).factor_sizes == (2,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f,k\nimg0.png,1\n", r"no row for 1 images \(img1.png\)"),
        ("f,k\nimg0.png,1\nimg1.png,1\nimg2.png,1\n", r"1 rows without an image .*\(img2.png\)"),
        ("f,k\nimg0.png,1\nimg1.png,1\nimg0.png,2\n", r"1 names have more than one row \(img0.png\)"),
        ("f,k\nimg0.png,1\nimg1.png,\n", "column 'k' is empty in 1 rows"),
        ("f,k\nimg0.png,1\nimg1.png,nan\n", "column 'k' is not finite in 1 rows"),
        ("f,k\nimg0.png,1\nimg1.png,2,3\n", "row 3 has 3 cells, 2 are expected"),
        ("f,k,k\nimg0.png,1,1\nimg1.png,2,3\n", "'k' twice"),
        ("f;k\nimg0.png;1\n", r"is no table \(2 rows, 1 columns in the first\); .* separated by commas"),
        ("", r"is empty \(0 rows"),
        ("<html>\n</html>\n", "is a web page"),
        ('f,k\n"img0.png,1\n', "is no csv file in UTF-8"),
    ],
)
def test_a_table_that_does_not_belong_to_the_images(tmp_path, text, message):
    flat(tmp_path, [1, 2])
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, factors=table(tmp_path / "l.csv", text))
    assert str(tmp_path / "l.csv") in str(caught.value)


def test_more_that_is_wrong_with_tables(tmp_path):
    flat(tmp_path, [1, 2])
    good = table(tmp_path / "l.csv", "f,k\nimg0.png,1\nimg1.png,2\n")
    with pytest.raises(DataError, match="no column 'name'; give names one of f, k"):
        read(tmp_path, factors=good, names="name")
    with pytest.raises(MissingFile, match="give factors the path of a csv"):
        read(tmp_path, factors=tmp_path)
    with pytest.raises(WrongFile, match="is no csv file in UTF-8"):
        read(tmp_path, factors=tmp_path / "img0.png")
    flat(tmp_path / "again", [3])
    with pytest.raises(DataError, match=r"names have more than one image \(img0.png\)"):
        read(tmp_path, factors=good)


# What cannot be read


def spoiled(tmp_path):
    flat(tmp_path, range(8))
    (tmp_path / "img2.png").write_bytes(b"<html>")
    whole = tmp_path / "img5.png"
    Image.fromarray(noise(64, 64)).save(whole)
    whole.write_bytes(whole.read_bytes()[:2000])
    (tmp_path / "img6.png").write_bytes(whole.read_bytes()[:10])
    (tmp_path / "img7.png").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    return tmp_path


def test_unreadable_images_are_counted_and_named_and_nothing_is_kept(tmp_path, cache):
    with pytest.raises(WrongFile, match="4 of 8 images cannot be read") as caught:
        read(spoiled(tmp_path))
    text = str(caught.value)
    assert "img2.png (a web page)" in text
    assert "img5.png (" in text
    assert "img6.png (a damaged PNG image), …; replace them, or leave them out with skip_unreadable=True" in text
    assert not [file for file in cache.rglob("*") if file.suffix in (".npy", ".part")]


def test_unreadable_images_can_be_left_out_and_are_remembered(tmp_path, monkeypatch):
    spoiled(tmp_path)
    with pytest.warns(UserWarning, match=r"4 of 8 images cannot be read and are left out: .*img2.png"):
        assert greys(read(tmp_path, skip_unreadable=True)) == [0, 1, 3, 4]
    monkeypatch.setattr(Image, "open", None)  # neither the images nor which are readable is found out again
    with pytest.warns(UserWarning, match="4 of 8"):
        data = read(tmp_path, skip_unreadable=True)
    assert greys(data) == [0, 1, 3, 4]


def test_a_csv_may_have_rows_for_images_that_are_left_out(tmp_path):
    rows = "".join(f"img{k}.png,{k * k}\n" for k in range(8))
    with pytest.warns(UserWarning, match="4 of 8"):
        data = read(spoiled(tmp_path), factors=table(tmp_path / "l.csv", f"f,k\n{rows}"), skip_unreadable=True)
    assert data.factor_values[0][data.factors[:, 0]].tolist() == [grey**2 for grey in greys(data)]
    with pytest.warns(UserWarning, match="4 of 8"), pytest.raises(DataError, match="1 rows without an image"):
        read(tmp_path, factors=table(tmp_path / "l.csv", f"f,k\n{rows}img8.png,64\n"), skip_unreadable=True)


def test_nothing_is_left_out_without_need(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert greys(read(flat(tmp_path, [1, 2]), skip_unreadable=True)) == [1, 2]
    for name in ("img0.png", "img1.png"):
        (tmp_path / name).write_bytes(b"GIF89a")
    with pytest.warns(UserWarning, match="2 of 2"), pytest.raises(WrongFile, match=r"no image in .* can be read"):
        read(tmp_path, skip_unreadable=True)


@pytest.mark.parametrize("limit", [50, 20])
def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path, monkeypatch, limit):
    flat(tmp_path, [1])
    Image.new("L", (8, 8)).save(tmp_path / "b.png")  # 64 pixels: more than the limit, or than twice the limit
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with (
        warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
        pytest.raises(WrongFile, match=r"1 of 2 images .*b\.png \(.*more than (the 50|40)"),
    ):
        read(tmp_path)


def test_values_that_are_no_pixels_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    Image.fromarray(np.full((4, 4), 70_000, np.int32)).save(tmp_path / "b.tif")
    with pytest.raises(WrongFile, match=r"floating-point values.*from 70000 to 70000; save it with 8 or 16 bits"):
        read(tmp_path)


def test_wrong_places_and_arguments(tmp_path):
    with pytest.raises(MissingFile, match="does not exist; give the path of a folder"):
        read(tmp_path / "nothing")
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(MissingFile, match="is a file, a folder of images is expected; unpack it"):
        read(tmp_path / "x.zip")
    with pytest.raises(MissingFile, match=r"holds no images \(1 other files\)"):
        read(tmp_path)
    flat(tmp_path, [1])
    with pytest.raises(DataError, match="size is 2; give a whole number of pixels from 4"):
        read(tmp_path, 2)
    with pytest.raises(DataError, match="channels is 4; give 3 for colour or 1 for grey"):
        read(tmp_path, channels=4)
