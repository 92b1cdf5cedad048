"""MNIST's own files (LeCun et al. 1998), and others like them: NAME-images-idx3-ubyte and NAME-labels-idx1-ubyte."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from isofield.datasets.layout import Entry, Layout, files
from isofield.errors import InputError
from isofield.io.pictures import read_idx

IMAGES, LABELS = "images", "labels"
ENDINGS = tuple(f"{IMAGES}{dot}idx3-ubyte{packed}" for dot in "-." for packed in ("", ".gz"))


def find(folder: Path) -> Iterator[Entry]:
    """Every picture of every such file by its number (00042), which follows the file's name (t10k/00042) where there
    are several. Its class is its label, where the file of the labels is beside that of the images.

    Raises InputError for a damaged file, and for another number of labels than of images.
    """
    found: dict[Path, Path] = {}
    for path in files(folder, ENDINGS):  # of a file and its compressed copy, the first
        found.setdefault(path.relative_to(folder).with_name(path.name.removesuffix(".gz")), path)
    for name, path in found.items():
        yield from of_file(path, f"{name.with_name(set_of(name)).as_posix()}/" if len(found) > 1 else "")


def set_of(path: Path) -> str:
    """The name of the set whose pictures a file has: t10k."""
    return path.name.split(IMAGES)[0].rstrip("-._") or "images"


def of_file(path: Path, prefix: str = "") -> Iterator[Entry]:
    """Every picture of one such file; prefix: of the ids. Raises InputError as `find` does."""
    images, labels = array(path), _labels(path)
    if images.ndim != 3 or images.dtype.kind != "u" or 0 in images.shape:
        raise InputError(f"{path} holds an array {images.shape}, not pictures of bytes: copy it again.")
    if labels is not None and labels.shape != images.shape[:1]:
        raise InputError(f"{path} has {len(images)} images, and there are {labels.size} labels: copy both again.")
    for row in range(len(images)):
        label = "" if labels is None else str(labels[row])
        yield Entry(f"{prefix}{row:05d}", label, path, picture=partial(picture, path, row))


def picture(path: Path, row: int) -> np.ndarray:
    """(h, w, 1) float32 from 0 to 1: one picture of a file."""
    return (array(path)[row].astype(np.float32) / 255)[..., None]


def array(path: Path) -> np.ndarray:
    """The array of a file, which stays in memory for the next call. Raises InputError for a damaged file."""
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): copy it again.") from None
    return _kept(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=2)
def _kept(path: Path, size: int, time: int) -> np.ndarray:
    return read_idx(path)


def _labels(path: Path) -> np.ndarray | None:
    """The labels beside a file of images, compressed or not; None where there are none."""
    name = path.name.removesuffix(".gz").replace(IMAGES, LABELS).replace("idx3", "idx1")
    there = next((file for end in ("", ".gz") if (file := path.with_name(name + end)).is_file()), None)
    return None if there is None else read_idx(there)


LAYOUT = Layout(find, "the folder of NAME-images-idx3-ubyte, or its .gz")
