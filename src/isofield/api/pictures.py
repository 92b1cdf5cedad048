"""Pictures in a space of pictures: shapes in the plane by their signed distances, and images by their colours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from isofield.api.observations import entries_in
from isofield.api.space import ShapeSpace
from isofield.configs import PrepareConfig, SampleKind
from isofield.configs.preparing import prepare_config
from isofield.datasets import Entry, Prepared, by_kind, ids_of
from isofield.datasets.layout import CLOUDS, MESHES, is_prepared
from isofield.datasets.layouts import PICTURE_FILES
from isofield.datasets.pictures import sampled
from isofield.errors import InputError, with_article
from isofield.io.pictures import read_picture
from isofield.render import planes
from isofield.sampling.picture_samples import filled, grid
from isofield.threads import deterministic
from isofield.types import Shape, Similarity

AT_ONCE = 16
"""Pictures that are inferred at once."""
POINTS = 2**14
"""Pixels of a picture whose values are computed at once."""
TRUE = {"plane": ("plane",), "contour": ("plane",), "image": ("image",)}
"""The kind of samples that the errors of a picture are computed on, by the first kind that a space reads."""
RANGE = 2.0
"""From the least value of a channel, -1, to the greatest one."""


@dataclass(frozen=True, eq=False)
class ObservedPicture:
    """A picture as a space reads it.

    id: its name. shape: samples of the kinds that the space reads. similarity: from the pixels of its file to the
    plane. pixels: along each side. values: true signed distances (p, p), or colours (p, p, c) from -1 to 1, at the
    pixels; None where there are none.
    """

    id: str
    shape: Shape
    similarity: Similarity
    pixels: int
    values: np.ndarray | None


@dataclass(frozen=True)
class PictureResult:
    """A picture in a space.

    observed: what it was inferred from. code: (l,). values: signed distances (p, p), or colours (p, p, c), of its field
    at the pixels of the observation. squared, absolute: the mean of the squared and of the absolute error there, or
    None where the observation has no values. wrong: the fraction of pixels on the wrong side of the contour; psnr: in
    decibels, of images; each None for the other kind. seconds: of its code, the mean of those inferred at once.
    note: what makes its code doubtful, "" for nothing; None where the method does not look.
    """

    observed: ObservedPicture
    code: np.ndarray
    values: np.ndarray
    squared: float | None = None
    absolute: float | None = None
    wrong: float | None = None
    psnr: float | None = None
    seconds: float | None = None
    note: str | None = None

    @property
    def id(self) -> str:
        """The picture's name."""
        return self.observed.id


Inputs = list[tuple[str, Callable[[], ObservedPicture]]]
"""Names of pictures, and what reads each of them."""


def infer_pictures(
    space: ShapeSpace, pictures: Iterable[ObservedPicture], device: str = "cpu", by: str | None = None
) -> Iterator[PictureResult]:
    """Pictures in a space, several at a time. device: where codes are inferred. by: the setting `infer_by` of the
    space's method, its own by default. Raises InputError for a space of shapes in space, and as `ShapeSpace.inferring`.
    """
    check_pictures(space)
    waiting, method = iter(pictures), space.inferring(by, device)
    while some := list(islice(waiting, AT_ONCE)):
        begun = time.perf_counter()
        *_, last = method.infer([one.shape for one in some], 0, method.table.device.type)
        seconds = (time.perf_counter() - begun) / len(some)
        assert last.code is not None
        notes: Sequence[str | None] = last.notes or [None] * len(some)
        for one, code, note in zip(some, last.code.cpu().numpy(), notes, strict=True):
            yield replace(_compared(one, code, picture_of(space, code, one.pixels)), seconds=seconds, note=note)


def picture_of(space: ShapeSpace, code: np.ndarray, resolution: int | None = None) -> np.ndarray:
    """The picture of a code (l,): signed distances (r, r), or colours (r, r, c) from -1 to 1, at the centres of
    resolution x resolution pixels, by default those of the training pictures. Raises InputError for a code of another
    length."""
    size = space.prepare.pixels if resolution is None else resolution
    z = torch.tensor(space.checked(code))
    points = torch.from_numpy(grid(size, size).reshape(1, -1, 2).astype(np.float32))
    with deterministic(), torch.no_grad():
        values = torch.cat([cast(Tensor, space.module(part, z)) for part in points.split(POINTS, dim=1)], dim=1)
    return values[0].reshape(size, size, *values.shape[2:]).double().numpy()


def drawn(values: np.ndarray) -> np.ndarray:
    """(r, r, 3) uint8 of signed distances (r, r) with their level sets, or of colours (r, r, c)."""
    return planes.level_sets(values, thick=len(values) / 96) if values.ndim == 2 else planes.colors(values)


def observe_picture(
    picture: str | os.PathLike[str] | np.ndarray, prepare: PrepareConfig, kinds: Sequence[str], name: str = "picture"
) -> ObservedPicture:
    """A picture, in a file or an array (h, w) or (h, w, c) from 0 to 1, sampled as `prepare` says; of an image its
    largest square in the middle. kinds: of samples. Raises InputError for a picture that cannot be used."""
    values = _checked(picture, name) if isinstance(picture, np.ndarray) else read_picture(Path(picture))
    both = tuple(dict.fromkeys([*kinds, *TRUE[kinds[0]]]))
    config = replace(prepare, samples=cast("tuple[SampleKind, ...]", both), crops=1, half=False)
    try:
        made = sampled(values, name, config)
    except InputError as error:
        raise InputError(f"{name} was rejected: {error}.") from None
    return _observed(name, made.rows, kinds, Similarity(made.center, made.scale), config.pixels)


def pictures_in(
    inputs: Sequence[str | os.PathLike[str]], space: ShapeSpace, split: str | os.PathLike[str] | None = None
) -> Inputs:
    """The pictures in files, in folders of them, or in one prepared data set, without reading them.

    split: of a prepared data set, the ids to take. Raises InputError as `api.observed_in` does.
    """
    check_pictures(space)
    paths = [Path(path) for path in inputs]
    if len(paths) == 1 and is_prepared(paths[0]):
        ids = None if split is None else ids_of(paths[0], split, "test")
        prepared = by_kind(paths[0], space.kinds, ids)
        first = prepared[space.kinds[0]]
        config = prepare_config(first.settings)
        prepared |= by_kind(paths[0], [*{*TRUE[space.kinds[0]]} & {*config.samples}], ids)
        read = partial(_of_prepared, prepared, space.kinds, config.pixels)
        return [(record.id, partial(read, row)) for row, record in enumerate(first.records)]
    if split is not None:
        raise InputError(f"--split applies only to a prepared data set, and {paths[0]} is not one: leave it out.")
    return [(entry.id, partial(_of_entry, entry, space)) for entry in entries_in(paths, PICTURE_FILES)]


def held_out_pictures(
    space: ShapeSpace, data: str | os.PathLike[str], split: str | os.PathLike[str], most: int
) -> list[PictureResult]:
    """The first pictures, at most `most`, of a prepared data set that are in the part "test" of a split and not in its
    part "train"; none where the split has no such parts, or the data do not have all of its pictures."""
    try:
        learned, ids = ({*ids_of(data, split, part)} for part in ("train", "test"))
        named = pictures_in([data], space, split)
    except InputError:
        return []
    some = [read() for name, read in named if name in ids - learned][:most]
    return [*infer_pictures(space, some)]


def check_pictures(space: ShapeSpace) -> None:
    """Raises InputError for a space of shapes in space."""
    if not space.of_pictures:
        raise InputError(
            f"{with_article(space.method)} space is of shapes in space, not of pictures: give meshes or clouds."
        )


def _checked(values: np.ndarray, name: str) -> np.ndarray:
    """An array as a picture (h, w, c). Raises InputError where it is not one."""
    picture = values[..., None] if values.ndim == 2 else values
    if picture.ndim != 3 or not 1 <= picture.shape[2] <= 4:
        raise InputError(f"{name} has the shape {values.shape}: a picture is (h, w) or (h, w, c), c from 1 to 4.")
    if not ((picture >= 0) & (picture <= 1)).all():  # NaN is not, either
        raise InputError(f"{name} has values that are not from 0 to 1: scale them.")
    return np.asarray(picture, np.float32)


def _of_entry(entry: Entry, space: ShapeSpace) -> ObservedPicture:
    if entry.picture is None and entry.path.suffix.lower() in (*MESHES, *CLOUDS):
        raise InputError(
            f"{entry.path} is a shape in space, and {with_article(space.method)} space is of pictures: give "
            f"{PICTURE_FILES}."
        )
    values = read_picture(entry.path) if entry.picture is None else entry.picture()
    return observe_picture(values, space.prepare, space.kinds, entry.id)


def _of_prepared(prepared: dict[str, Prepared], kinds: Sequence[str], pixels: int, row: int) -> ObservedPicture:
    rows = {kind: part.rows(row) for kind, part in prepared.items()}
    record = prepared[kinds[0]].records[row]
    return _observed(record.id, rows, kinds, record.similarity, pixels)


def _observed(
    name: str, rows: Mapping[str, np.ndarray], kinds: Sequence[str], similarity: Similarity, pixels: int
) -> ObservedPicture:
    """A picture whose samples are these rows, those of `kinds` for the space to read."""
    seen = Shape(rows={kind: np.asarray(rows[kind], np.float32) for kind in kinds})
    values = None
    if "image" in rows:
        values = filled(rows["image"], pixels)
    elif "plane" in rows:
        values = filled(rows["plane"], pixels)[..., 0]
    return ObservedPicture(name, seen, similarity, pixels, values)


def _compared(observed: ObservedPicture, code: np.ndarray, values: np.ndarray) -> PictureResult:
    """The result, with the errors of values against the observed ones."""
    true = observed.values
    if true is None:
        return PictureResult(observed, code, values)
    error = values - true
    squared, absolute = float(np.square(error).mean()), float(np.abs(error).mean())
    if values.ndim == 2:
        wrong = float(((values < 0) != (true < 0)).mean())
        return PictureResult(observed, code, values, squared, absolute, wrong)
    decibels = float(10 * np.log10(RANGE**2 / max(squared, 1e-12)))
    return PictureResult(observed, code, values, squared, absolute, psnr=decibels)
