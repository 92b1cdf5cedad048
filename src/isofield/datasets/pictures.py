"""One picture of a data set: its samples in the plane, judged and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isofield import render
from isofield.configs import PrepareConfig
from isofield.datasets.layout import Entry
from isofield.datasets.manifest import Record
from isofield.datasets.prepare_shape import PICTURE, fingerprint, seed_of, write_shape
from isofield.errors import InputError
from isofield.io.pictures import PICTURES, grey, rgb
from isofield.render import planes
from isofield.sampling import picture_samples

SMALLEST = 4
"""Fewest pixels along a side of a picture."""


def crops_of(entries: Sequence[Entry], config: PrepareConfig) -> list[Entry]:
    """The entries of the crops of pictures: ID/00, ID/01, and so on; the pictures themselves where each has one."""
    if "image" not in config.samples or config.crops == 1:
        return list(entries)
    digits = max(2, len(str(config.crops - 1)))
    return [replace(entry, id=f"{entry.id}/{k:0{digits}d}") for entry in entries for k in range(config.crops)]


@dataclass(frozen=True)
class PictureSamples:
    """Samples of a picture, or of a crop.

    rows: by kind. figures: for the report. center, scale: the similarity from pixels (column, row), with whole numbers
    at their corners, to the plane. drawn: (h, w, 3) for the report.
    """

    rows: dict[str, np.ndarray]
    figures: dict[str, float]
    center: tuple[float, float, float]
    scale: float
    drawn: np.ndarray


def sampled(picture: np.ndarray, id_: str, config: PrepareConfig) -> PictureSamples:
    """Samples of a picture (h, w, c) from 0 to 1, drawn with the seed of its id.

    Raises InputError for a picture that is too small, and for a shape on one side of 0.5.
    """
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST:
        raise InputError(f"it has {width} x {height} pixels: give at least {SMALLEST} along each side")
    return _crop(picture, id_, config) if "image" in config.samples else _shape(picture, id_, config)


def prepare_picture(entry: Entry, out: Path, config: PrepareConfig) -> Record:
    """Samples one picture, or one crop, and writes the samples. Raises InputError for a picture that is damaged, and as
    `sampled` does."""
    picture = _picture(entry)
    made = sampled(picture, entry.id, config)
    figures = {"width": picture.shape[1], "height": picture.shape[0], **made.figures}
    record = Record(
        entry.id, entry.label, str(entry.path), "accept", "", figures, made.center, made.scale, {}, fingerprint(entry)
    )
    return write_shape(out, record, made.rows, config.half, lambda folder: render.save(made.drawn, folder / PICTURE))


def _shape(picture: np.ndarray, id_: str, config: PrepareConfig) -> PictureSamples:
    """The samples of the shape whose pixels are brighter than 0.5, or darker with `config.dark`."""
    height, width = picture.shape[:2]
    bright = 1 - grey(picture) if config.dark else grey(picture)
    values = picture_samples.resized(picture_samples.squared(bright), config.pixels)
    segments = picture_samples.contour_of(values)
    distance = picture_samples.signed_distance(values, segments)
    rows: dict[str, np.ndarray] = {}
    if "plane" in config.samples:
        rows["plane"] = picture_samples.plane(distance, _random(id_, config, "plane"))
    if "contour" in config.samples:
        count = min(config.count, config.pixels**2)
        rows["contour"] = picture_samples.contour(segments, count, _random(id_, config, "contour"))
    length = float(np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1).sum())
    figures = {"inside": round(float((values > picture_samples.LEVEL).mean()), 4), "length": round(length, 3)}
    both = (planes.colors(2 * values - 1), planes.level_sets(distance))
    return PictureSamples(rows, figures, (width / 2, height / 2, 0.0), 2 / max(height, width), planes.strip(*both))


def _crop(picture: np.ndarray, id_: str, config: PrepareConfig) -> PictureSamples:
    """The colours of a square part of a picture: a random one, or the largest one in the middle with --crops 1."""
    height, width = picture.shape[:2]
    if config.crops == 1:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
    else:
        top, left, side = picture_samples.crop(height, width, config.pixels, _random(id_, config, "crop"))
    part = rgb(picture[top : top + side, left : left + side])
    values = picture_samples.resized(part, config.pixels, cubic=True)
    rows = {"image": picture_samples.image(values, _random(id_, config, "image"))}
    figures = {"side": side, "deviation": round(float(values.std()), 4)}
    return PictureSamples(
        rows, figures, (left + side / 2, top + side / 2, 0.0), 2 / side, planes.colors(2 * values - 1)
    )


def _random(id_: str, config: PrepareConfig, kind: str) -> np.random.Generator:
    return np.random.default_rng([*seed_of(id_, config), 1, *kind.encode()])


def _picture(entry: Entry) -> np.ndarray:
    """The picture (h, w, c) of an entry, which stays in memory for the next crop."""
    key = (entry.path, fingerprint(entry))
    if entry.picture is None:
        raise TypeError(f"{entry.path} is not a picture")
    if key not in _LAST or entry.path.suffix.lower() not in PICTURES:  # a file of many has a cache of its own
        _LAST.clear()
        _LAST[key] = entry.picture()
    return _LAST[key]


_LAST: dict[tuple[Path, str], np.ndarray] = {}
"""The last picture that this process has read, by its file."""
