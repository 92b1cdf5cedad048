"""Pictures of every kind that Pillow reads become numbers from 0 to 1, or one sentence."""

import warnings

import numpy as np
import pytest
from PIL import Image

from isofield.errors import InputError
from isofield.io.formats.idx import parse_idx
from isofield.io.formats.raw import Damage
from isofield.io.pictures import grey, read_picture, rgb

RAMP = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (8, 1))
UNIT = RAMP / np.float32(255)


def of_array(values: np.ndarray, mode: str | None = None) -> Image.Image:
    image = Image.fromarray(values)
    return image.convert(mode) if mode else image


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("grey.png", of_array(RAMP)),
        ("deep.png", of_array(RAMP.astype(np.uint16) * 257)),
        ("deep.tif", of_array(RAMP.astype(np.int32) * 257)),
        ("float.tif", of_array(UNIT)),
        ("palette.gif", of_array(RAMP, "P")),
        ("color.png", of_array(RAMP, "RGB")),
        ("print.tif", of_array(RAMP, "RGB").convert("CMYK")),
        ("alpha.png", of_array(RAMP, "RGBA")),
        ("both.png", of_array(RAMP, "LA")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_mode_gives_the_same_numbers(tmp_path, name, image):
    image.save(tmp_path / name)
    picture = read_picture(tmp_path / name)
    assert picture.dtype == np.float32 and picture.ndim == 3
    np.testing.assert_allclose(grey(picture), UNIT, atol=2e-3)
    np.testing.assert_allclose(rgb(picture), np.repeat(UNIT[..., None], 3, axis=2), atol=2e-3)


@pytest.mark.parametrize("top", [1, 255, 1000, 4095])
def test_few_bits_in_files_of_16_count_by_their_largest_value(tmp_path, top):
    """From 4096 on 65535 is white."""
    of_array(np.array([[0, top]], np.uint16)).save(tmp_path / "low.png")
    assert read_picture(tmp_path / "low.png").tolist() == [[[0], [1]]]
    of_array(np.array([[0, 4096 + top]], np.uint16)).save(tmp_path / "high.png")
    assert read_picture(tmp_path / "high.png").max() == np.float32(4096 + top) / 65535
    of_array(np.zeros((1, 2), np.uint16)).save(tmp_path / "none.png")
    assert read_picture(tmp_path / "none.png").tolist() == [[[0], [0]]]


def test_transparency_is_the_shape_and_white_for_colours(tmp_path):
    image = of_array(np.zeros((4, 4), np.uint8), "P")
    image.putpixel((1, 2), 7)
    image.save(tmp_path / "icon.gif", transparency=image.getpixel((0, 0)))
    picture = read_picture(tmp_path / "icon.gif")
    assert grey(picture).sum() == 1 and grey(picture)[2, 1] == 1
    assert rgb(picture)[0, 0].tolist() == [1, 1, 1]


def test_a_turned_photograph_is_upright(tmp_path):
    image = of_array(RAMP, "RGB")
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a right angle
    image.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    assert read_picture(tmp_path / "photo.jpg").shape == (16, 8, 3)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (of_array(RAMP.astype(np.int32) * 100_000), "more than 16 bits"),
        (of_array(UNIT * 3), "not from 0 to 1"),
        (of_array(np.full((4, 4), np.nan, np.float32)), "not from 0 to 1"),
        (Image.new("1", (10_000, 10_000)), "more than 50 million pixels"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, image, words):
    """By one sentence: Pillow's own warning of large pictures does not come with it."""
    image.save(tmp_path / "a.tif")
    with warnings.catch_warnings(), pytest.raises(InputError, match=words):
        warnings.simplefilter("error")
        read_picture(tmp_path / "a.tif")


def test_idx_files_of_every_type_and_broken_ones():
    for code, kind in ((8, ">u1"), (9, ">i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")):
        values = np.arange(6).reshape(2, 3).astype(kind)
        head = bytes([0, 0, code, 2]) + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
        np.testing.assert_array_equal(parse_idx(head + values.tobytes()), values)
        with pytest.raises(Damage):
            parse_idx(head + values.tobytes()[:-1])
    huge = bytes([0, 0, 8, 3]) + b"\xff" * 12  # sizes are bounded by the file before anything is allocated
    with pytest.raises(Damage, match="promises 4294967295 x"):
        parse_idx(huge + b"\0" * 100)
    with pytest.raises(Damage):
        parse_idx(bytes([0, 0, 8, 200]))
