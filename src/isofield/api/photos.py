"""Pictures of unseen shapes, for spaces that infer a shape from them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isofield.configs import PrepareConfig
from isofield.datasets.layout import CLOUDS, MESHES
from isofield.datasets.normalization import fixed
from isofield.datasets.views import as_input
from isofield.errors import InputError
from isofield.files import distinct_names, printable
from isofield.io.pictures import PICTURES, object_of, read_picture
from isofield.types import IDENTITY, Similarity

LEAST = 32
"""Fewest pixels along a side."""


@dataclass(frozen=True)
class Photos:
    """The pictures of one shape. id: its name. paths: of the pictures."""

    id: str
    paths: tuple[Path, ...]


def photos_in(paths: Sequence[Path]) -> list[Photos]:
    """The shapes in pictures: each file shows a shape of its own, and a folder's pictures show one shape together. A
    folder without pictures stands for the folders below it that have some.

    Shapes are named as their files and folders or, where two are equal, as `distinct_names` says. Raises InputError for
    a missing file, for a folder without pictures, and for equal names.
    """
    found: list[Photos] = []
    sources: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"there is no file {path}: check the spelling.")
        if not path.is_dir():
            found.append(Photos(path.stem, (path,)))
            sources.append(path)
            continue
        parents = sorted({one.parent for one in path.rglob("*") if one.suffix.lower() in PICTURES and one.is_file()})
        if not parents:
            raise InputError(f"{printable(path)} has no pictures: give a folder with some ({' '.join(PICTURES)}).")
        for folder in [path] if path in parents else parents:
            inside = sorted(one for one in folder.iterdir() if one.suffix.lower() in PICTURES and one.is_file())
            name = path.resolve().name if folder == path else folder.relative_to(path).as_posix()
            found.append(Photos(name, tuple(inside)))
            sources.append(folder)
    names = distinct_names([one.id for one in found], sources)
    return [replace(one, id=name) for one, name in zip(found, names, strict=True)]


def read_photos(photos: Photos, prepare: PrepareConfig) -> tuple[np.ndarray, Similarity]:
    """The pictures (v, 3, s, s) uint8 of a shape, framed (`io.pictures.framed`), at the size of the prepared ones; and
    the similarity from the shape's units: the data set's, or none. Raises InputError for a picture that cannot be read,
    has too few pixels, or shows nothing; of several pictures such ones are left out with a warning."""
    pictures: list[np.ndarray] = []
    problems: list[InputError] = []
    for path in photos.paths:
        try:
            pictures.append(_read(path, prepare))
        except InputError as error:
            problems.append(error)
    if not pictures:
        raise problems[0]
    for problem in problems:
        warnings.warn(f"{str(problem).rstrip('.')} ({photos.id} is inferred from its other pictures)", stacklevel=2)
    return np.stack(pictures), fixed(prepare) or IDENTITY


def _read(path: Path, prepare: PrepareConfig) -> np.ndarray:
    """One picture, as `read_photos` says."""
    if path.suffix.lower() in (*MESHES, *CLOUDS):
        raise InputError(f"{printable(path)} is not a picture, and this space reads pictures: give one (.png .jpg).")
    picture = read_picture(path)
    height, width = picture.shape[:2]
    if min(height, width) < LEAST:
        raise InputError(f"{printable(path)} has {width} x {height} pixels: give at least {LEAST} along each side.")
    shown = object_of(picture)
    if not shown.any():
        raise InputError(f"{printable(path)} shows nothing: all its pixels have the colour of the background.")
    if shown.all():
        warnings.warn(
            f"{printable(path)} has no uniform background, so that the square in its middle counts as the object: "
            "remove the background first if it shows one",
            stacklevel=2,
        )
    return as_input(picture, prepare.pixels)
