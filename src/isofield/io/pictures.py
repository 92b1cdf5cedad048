"""Pictures in files: PNG, JPEG and what else Pillow reads, as numbers from 0 to 1; and idx files of many pictures."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np

from isofield.errors import InputError
from isofield.files import printable
from isofield.io.formats.idx import parse_idx
from isofield.io.formats.raw import Damage

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm", ".pnm")
"""Extensions of pictures that are searched for in folders."""
MOST = 50_000_000
"""Most pixels of a picture: as 32-bit numbers in four channels they take 0.8 GB."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the luminance (ITU-R BT.601)."""
UNREADABLE = "save it again as .png"
NO_PICTURE = "give a picture (.png .jpg)"
UNIFORM, OBJECT = 6 / 255, 12 / 255
"""A background is uniform where the border of a picture deviates by less from a smooth function, and pixels that
deviate by more are the object's."""
BORDER = 0.8
"""Fraction of the border that must show the background: an object may reach it."""
SPECK = 0.02
"""Parts of an object with a smaller fraction of its pixels are dropped."""
LOW = 4096
"""16-bit pictures with all values below this are those of sensors with fewer bits: their largest value is 1."""
MARGIN = 0.05
"""White margin around an object on every side, as a fraction of its longer side."""


def read_picture(path: Path) -> np.ndarray:
    """The picture (h, w, c) in a file, float32 from 0 to 1; c is 1 (grey), 2 (grey and alpha), 3 (sRGB) or 4 (sRGB and
    alpha). The first frame of an animation; turned as its EXIF data say.

    Raises InputError for a file that is not a picture, is damaged, or has more than `MOST` pixels.
    """
    from PIL import Image, ImageOps

    name = printable(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # its size is checked here
            image = Image.open(path)
        with image:
            if image.width * image.height > MOST:
                raise _too_large(name)
            upright = ImageOps.exif_transpose(image)
            values = np.asarray(upright.convert(_mode(upright)))
    except FileNotFoundError:
        raise InputError(f"there is no file {name}.") from None
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, struct.error) as error:
        if isinstance(error, InputError):
            raise
        if "cannot identify" in str(error):
            raise InputError(f"{name} cannot be read as a picture (it is not one): {NO_PICTURE}.") from None
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{name} cannot be read as a picture ({reason}): {UNREADABLE}.") from None
    return _unit(values if values.ndim == 3 else values[..., None], name)


def read_idx(path: Path) -> np.ndarray:
    """The array in an idx file, plain or compressed by gzip. Raises InputError for one that is damaged."""
    name = printable(path)
    try:
        return parse_idx(path.read_bytes())
    except Damage as damage:
        raise InputError(f"{name} {damage.what}: {damage.remedy}.") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}): check it.") from None


def grey(picture: np.ndarray) -> np.ndarray:
    """(h, w) of a picture (h, w, c): its alpha where that varies, so that transparent pixels are outside a shape; else
    its luminance."""
    channels = picture.shape[2]
    if channels in (2, 4) and np.ptp(picture[..., -1]) > 0:
        return picture[..., -1]
    return picture[..., 0] if channels < 3 else picture[..., :3] @ LUMA


def rgb(picture: np.ndarray) -> np.ndarray:
    """(h, w, 3) of a picture (h, w, c), transparent pixels on white."""
    channels = picture.shape[2]
    color = picture[..., :3] if channels > 2 else np.repeat(picture[..., :1], 3, axis=2)
    if channels in (2, 4):
        alpha = picture[..., -1:]
        color = alpha * color + (1 - alpha)
    return color


def framed(picture: np.ndarray) -> np.ndarray | None:
    """The object of a picture (h, w, c) from 0 to 1 in the middle of a white square (k, k, 3), with a margin.

    The object is what is opaque, where alpha varies; else what differs from a uniform background, which may change
    slowly over the picture; else the largest square in the middle. None where nothing differs from the background.
    """
    color, mask = rgb(picture), object_of(picture)
    height, width = mask.shape
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    side = min(height, width) if mask.all() else int(np.ceil((1 + 2 * MARGIN) * longest))
    top, left = (rows[0] + rows[-1] + 1 - side) // 2, (columns[0] + columns[-1] + 1 - side) // 2
    square = np.ones((side, side, 3), np.float32)
    inside = (slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width)))
    target = (slice(inside[0].start - top, inside[0].stop - top), slice(inside[1].start - left, inside[1].stop - left))
    square[target] = np.where(mask[inside][..., None], color[inside], 1)
    return square


def object_of(picture: np.ndarray) -> np.ndarray:
    """(h, w) bool: the pixels of the object of a picture, as `framed` says; all where its background is not uniform."""
    from scipy.ndimage import label

    if picture.shape[2] in (2, 4) and np.ptp(picture[..., -1]) > 0:
        return np.asarray(picture[..., -1] > OBJECT)
    color = rgb(picture).astype(np.float64)
    row, column = (axis / max(len(axis) - 1, 1) * 2 - 1 for axis in (np.arange(n) for n in color.shape[:2]))
    y, x = np.meshgrid(row, column, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], -1)
    border = np.ones(x.shape, bool)
    border[1:-1, 1:-1] = False
    kept, seen = terms[border], color[border]
    near = np.abs(seen - np.median(seen, 0)).max(1) <= np.quantile(np.abs(seen - np.median(seen, 0)).max(1), BORDER)
    for _ in range(3):  # without the pixels of an object that reaches the border
        background = np.linalg.lstsq(kept[near], seen[near], rcond=None)[0]
        deviation = np.abs(seen - kept @ background).max(1)
        near = deviation <= max(np.quantile(deviation, BORDER), UNIFORM)
    if np.quantile(deviation, BORDER) > UNIFORM:
        return np.ones(x.shape, bool)
    mask = np.abs(color - terms @ background).max(-1) > OBJECT
    parts, count = label(mask)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    large = np.concatenate([[False], sizes >= SPECK * sizes.sum()])
    return np.asarray(large[parts])


def _mode(image: object) -> str:
    """The mode to convert an image to: that of its file where this keeps its numbers."""
    mode, transparent = image.mode, "transparency" in image.info  # type: ignore[attr-defined]
    if mode.startswith("I") or mode == "F":
        return str(mode)
    if mode in ("1", "L", "LA", "La"):
        return "LA" if transparent or mode in ("LA", "La") else "L"
    return "RGBA" if transparent or mode in ("RGBA", "RGBa", "PA") else "RGB"


def _unit(values: np.ndarray, name: str) -> np.ndarray:
    """Stored numbers to those from 0 to 1: 8 bits, 16 bits (also in Pillow's 32-bit mode), or floats as they are; of 16
    bits with values below `LOW` the largest becomes 1."""
    if values.dtype.kind == "f":
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise InputError(f"{name} has values that are not from 0 to 1: scale them.")
        return values.astype(np.float32)
    if values.dtype.itemsize > 2 and (values.min() < 0 or values.max() > 65535):
        raise InputError(f"{name} has values of more than 16 bits: save it with 8 or 16 bits.")
    if values.dtype.itemsize == 1:
        return values.astype(np.float32) / 255
    return values.astype(np.float32) / (65535 if (largest := values.max()) >= LOW else max(largest, 1))


def _too_large(name: str) -> InputError:
    return InputError(f"{name} has more than {MOST // 1_000_000} million pixels: scale it down.")
