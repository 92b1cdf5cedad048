"""Samples of the signed distance of unseen shapes, made as those of the training shapes were."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import trimesh

from isofield import io
from isofield.api.photos import Photos, photos_in, read_photos
from isofield.api.scans import fitted
from isofield.configs import PrepareConfig, SampleKind
from isofield.datasets import Entry, Prepared, by_kind, find, ids_of, read_deepsdf
from isofield.datasets.layout import is_prepared
from isofield.datasets.layouts import SOLID_FILES, in_file
from isofield.datasets.normalization import PICTURED, fixed, moved, similarity_for
from isofield.datasets.prepare_shape import distance_of, samples, seed_of
from isofield.datasets.quality_gate import FACELESS, GateResult, judge_cloud, judge_mesh
from isofield.errors import InputError, with_article
from isofield.files import distinct_names
from isofield.io.pictures import PICTURES
from isofield.points import check_cloud, denoise, inliers, orient
from isofield.sampling.training_samples import oriented_samples
from isofield.sampling.unsigned_rows import seen_surface
from isofield.types import IDENTITY, Cloud, SdfSamples, Shape, Similarity, normalization

SIGNED = ("signed",)
"""The kind of samples that most spaces read."""
SAMPLES = 60_000
"""Samples of a mesh or a cloud."""
FEW = 100
"""Fewer samples than this do not determine a shape."""
NEAR = 0.005
"""A sample this near to the surface counts as a point of it."""
INSIDE = 1.05
"""Most samples inside a shape are nearer to the origin: normalised shapes lie in the unit ball."""

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | trimesh.Trimesh | Cloud | np.ndarray


@dataclass(frozen=True)
class ShapeSamples:
    """An observed shape.

    id: its name. samples: in its normalised space, or None where the space reads other kinds. similarity: from its own
    units to there. rows: (n, k) samples of those kinds, by kind.
    """

    id: str
    samples: SdfSamples | None
    similarity: Similarity
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """What a method sees of it."""
        return Shape(samples=self.samples, rows=self.rows)

    @property
    def surface(self) -> np.ndarray:
        """Points (n, 3) near its surface, normalised; none where the samples do not show it."""
        if self.samples is None:
            return np.asarray(seen_surface(self.shape), np.float64)
        near = np.abs(self.samples.distance) < NEAR
        if self.samples.free is not None:
            near &= ~self.samples.free
        return np.asarray(self.samples.points[near], np.float64)


def observe(
    source: Source, prepare: PrepareConfig, name: str | None = None, kinds: Sequence[str] = SIGNED,
    anywhere: bool = False,
) -> ShapeSamples:  # fmt: skip
    """A mesh, a cloud or points (n, 3), sampled as `prepare` says; or samples, x, y, z and signed distance: an array
    (n, 4), or a file in DeepSDF's form (.npz with pos and neg). For a space that reads views a picture, or a folder or
    a list of pictures of one shape.

    Samples are in the frame that `prepare` gives its shapes: normalised, or in their own units where all have one
    frame. Those that are not finite are left out with a warning. kinds: of samples. anywhere: the pose is still to be
    searched, so that samples without signs are normalised by the shape's own box. Raises InputError for a file that
    cannot be read, for a shape that the quality gate rejects, and for samples of another kind or frame.
    """
    if "views" in kinds:
        return _of_photos(_photos(source), prepare, name)
    if isinstance(source, (str, os.PathLike)) and Path(source).suffix.lower() in PICTURES and Path(source).is_file():
        raise InputError(
            f"{source} is a picture, and this space reads none: give a mesh or a cloud, or a space of image-codes or "
            "neural-pull-image; `isofield complete` takes depth images."
        )
    dims = tuple(getattr(source, "shape", ()))  # of an array
    label = name or (
        Path(source).stem if isinstance(source, (str, os.PathLike)) else "array" if dims else io.shape_of(source)[0]
    )
    if dims and (len(dims) != 2 or dims[1] not in (3, 4, 6)):
        raise InputError(
            f"the array has the shape {dims}: give points (n, 3), points and normals (n, 6), or samples (n, 4), x, y, "
            "z and signed distance."
        )
    if isinstance(source, (str, os.PathLike)) and is_samples(Path(source)):
        rows, dropped, similarity = read_deepsdf(source)
        return _of_samples(rows, dropped, str(source), label, similarity, prepare, kinds)
    if dims[1:] == (4,):
        numbers = io.table_of(source)
        rows = numbers[np.isfinite(numbers).all(1)].astype(np.float32)
        return _of_samples(rows, len(numbers) - len(rows), label, label, IDENTITY, prepare, kinds)
    config = replace(prepare, samples=cast("tuple[SampleKind, ...]", tuple(kinds)), count=SAMPLES, half=False)
    if "signed" in kinds:
        config = replace(config, points=min(prepare.points, SAMPLES))
    elif anywhere:
        config = replace(config, normalize="shape", similarity=None)
    if prepare.fit:
        return _of_mesh(fitted(source, config), label, config)  # type: ignore[arg-type]  # a list is of pictures
    given, shape = io.shape_of(source)
    where = given if isinstance(source, (str, os.PathLike)) else label
    if isinstance(shape, trimesh.Trimesh):
        return _of_mesh(judge_mesh(shape, where, config), label, config)
    return _of_cloud(shape, where, label, config)


def _of_samples(
    rows: np.ndarray, dropped: int, where: str, name: str, similarity: Similarity, prepare: PrepareConfig,
    kinds: Sequence[str],
) -> ShapeSamples:  # fmt: skip
    """A shape of samples (n, 4); dropped: how many others were not finite."""
    if "signed" not in kinds:
        raise InputError(f"{where} has signed samples, and this space reads {' and '.join(kinds)} ones: give a scan.")
    if not len(rows):
        raise InputError(f"{where} has no samples that are finite: give {FEW} at least.")
    if dropped:
        warnings.warn(
            f"{where}: {dropped} of {len(rows) + dropped} samples are left out, as they are not finite", stacklevel=3
        )
    rows, similarity = moved(rows, similarity, prepare)
    inside = np.linalg.norm(rows[rows[:, 3] < 0, :3], axis=1)
    if len(inside) and (reach := float(np.median(inside))) > INSIDE:
        remedy = "normalise the samples" if fixed(prepare) is None else "give the samples in the units of their meshes"
        raise InputError(
            f"{where} has samples inside the shape at {reach:.4g} from the origin, normalised, and the shapes of this "
            f"space lie in the unit ball: {remedy}, or give a mesh or a cloud."
        )
    return of_rows(name, np.random.default_rng(prepare.seed).permutation(rows), similarity)


Inputs = list[tuple[str, Callable[[], ShapeSamples]]]
"""Names of shapes, and what reads each of them."""


def observed_in(
    inputs: Sequence[str | os.PathLike[str]], prepare: PrepareConfig, split: str | os.PathLike[str] | None = None,
    kinds: Sequence[str] = SIGNED, part: str = "test", anywhere: bool = False,
) -> Inputs:  # fmt: skip
    """The shapes in files, in folders of them, or in one prepared data set, without reading them; for a space that
    reads views as `photos_in` says.

    Shapes are named as their files or, where two are equal, by the paths below the folder that all have in common.
    split: of a prepared data set, the ids to take: this part of it, where it has parts. anywhere: as in `observe`, of
    files. Raises InputError for a missing input, equal names, and a split of anything else than a prepared data set;
    reading a shape raises it for a damaged file.
    """
    paths = [Path(path) for path in inputs]
    if len(paths) == 1 and is_prepared(paths[0]):
        ids = None if split is None else ids_of(paths[0], split, part)
        prepared = by_kind(paths[0], kinds, ids)
        first = prepared[kinds[0]]
        before = first.settings.get("normalize", "shape")
        if before != prepare.normalize:
            raise InputError(
                f"{paths[0]} was prepared with --normalize {before}, and the training data of the space with "
                f"{prepare.normalize}: prepare it that way into another folder."
            )
        return [
            (record.id, partial(_of_prepared, prepared, index, prepare)) for index, record in enumerate(first.records)
        ]
    if split is not None:
        raise InputError(
            f"--split applies only to a prepared data set, and {paths[0]} is not one: prepare the shapes first, or "
            "leave it out."
        )
    if "views" in kinds:
        return [(photos.id, partial(_of_photos, photos, prepare)) for photos in photos_in(paths)]
    read = partial(observe, prepare=prepare, kinds=kinds, anywhere=anywhere)
    return [(entry.id, partial(read, entry.path, name=entry.id)) for entry in entries_in(paths, SOLID_FILES)]


def _photos(source: Source) -> Photos:
    """The pictures of one shape. Raises InputError for anything else, and for pictures of several shapes."""
    if isinstance(source, (str, os.PathLike)):
        (photos, *others) = photos_in([Path(source)])
        if others:
            raise InputError(f"{source} has pictures of several shapes: give the folder of one of them.")
        return photos
    if isinstance(source, (list, tuple)) and source and all(isinstance(one, (str, os.PathLike)) for one in source):
        return Photos(Path(source[0]).stem, tuple(map(Path, source)))
    raise InputError(
        f"{with_article(type(source).__name__)} is not a picture, and this space reads pictures: give a file of one, "
        "or a folder or a list of files that show one shape."
    )


def _of_photos(photos: Photos, prepare: PrepareConfig, name: str | None = None) -> ShapeSamples:
    """A shape in pictures."""
    pictures, similarity = read_photos(photos, prepare)
    return ShapeSamples(name or photos.id, None, similarity, {"views": pictures})


def entries_in(paths: Sequence[Path], wanted: str) -> list[Entry]:
    """The shapes in files and in folders of them, named as `observed_in` says. wanted: what a folder should contain,
    for the error message. Raises InputError for a missing file, a folder without shapes, and equal names."""
    found: list[Entry] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"there is no file {path}: check the spelling.")
        found += find(path, wanted=wanted)[1] if path.is_dir() else in_file(path, len(paths) == 1)
    names = distinct_names([entry.id for entry in found], [entry.path for entry in found])
    return [replace(entry, id=name) for entry, name in zip(found, names, strict=True)]


def is_samples(path: Path) -> bool:
    """Whether a file has the two arrays of DeepSDF's samples."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {"pos", "neg"} <= {*arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def of_prepared(prepared: Mapping[str, Prepared], prepare: PrepareConfig) -> Iterator[ShapeSamples]:
    """The shapes of a prepared data set, by kind of samples, normalised as `prepare` says."""
    return (_of_prepared(prepared, index, prepare) for index in range(len(next(iter(prepared.values())))))


def _of_prepared(prepared: Mapping[str, Prepared], index: int, prepare: PrepareConfig) -> ShapeSamples:
    """One shape of a data set with several kinds of samples."""
    rows: dict[str, np.ndarray] = {}
    for kind, part in prepared.items():
        record = part.records[index]
        some = part.rows(index)[:SAMPLES]
        some = np.array(some, some.dtype if kind in PICTURED else np.float32)
        rows[kind], similarity = moved(some, record.similarity, prepare, kind)
    return _of_kinds(record.id, rows, similarity)


def _of_kinds(name: str, rows: Mapping[str, np.ndarray], similarity: Similarity) -> ShapeSamples:
    """A shape of samples by kind. Raises InputError for signed ones that are all outside."""
    if "signed" in rows:
        return of_rows(name, rows["signed"], similarity)
    plain = {kind: some if kind in PICTURED else np.asarray(some, np.float32) for kind, some in rows.items()}
    return ShapeSamples(name, None, similarity, plain)


def of_rows(name: str, rows: np.ndarray, similarity: Similarity) -> ShapeSamples:
    """A shape of samples (n, 4) in random order. Raises InputError where none is inside, or none outside."""
    for side, sign, some in (("inside", "negative", rows[:, 3] < 0), ("outside", "positive", rows[:, 3] > 0)):
        if not some.any():
            raise InputError(f"{name} has no samples {side} (with {sign} distances): a space needs some on both sides.")
    if len(rows) < FEW:
        warnings.warn(f"{name} has only {len(rows)} samples, which say little of a shape", stacklevel=2)
    return ShapeSamples(name, SdfSamples(rows[:, :3], rows[:, 3]), similarity)


def _of_mesh(judged: GateResult, name: str, config: PrepareConfig) -> ShapeSamples:
    if judged.solids is None or judged.similarity is None:
        raise _rejected(name, judged, config)
    rows = samples(judged, config, seed_of(name, config), distance_of(judged, config))
    if not len(next(iter(rows.values()))):
        raise InputError(f"{name} has no sample with a certain sign: prepare with another --sign.")
    return _of_kinds(name, rows, judged.similarity)


def _rejected(name: str, judged: GateResult, config: PrepareConfig) -> InputError:
    """What is wrong; with a remedy for a shape in another position or unit whose samples have no signs."""
    reason = judged.reason.removesuffix(".")
    if reason.startswith("outside: ") and "signed" not in config.samples:
        reason = f"{reason.split(': use')[0]}: search for its place and unit with --pose similarity"
    return InputError(f"{name} was rejected: {reason}.")


def _of_cloud(cloud: Cloud, where: str, name: str, config: PrepareConfig) -> ShapeSamples:
    """Points are oriented first for signed samples."""
    if "signed" not in config.samples:
        if more := [kind for kind in config.samples if kind not in FACELESS]:
            raise InputError(
                f"{where} has no faces, and this space reads {' and '.join(more)} samples, which need a closed mesh: "
                "make one with `isofield fit`."
            )
        judged = judge_cloud(cloud, where, config)
        if judged.similarity is None:
            raise _rejected(name, judged, config)
        if judged.figures["outliers"]:
            number, given = judged.figures["outliers"], judged.figures["points"]
            warnings.warn(f"{where}: {number:.0f} of {given:.0f} points are left out as outliers", stacklevel=2)
        if "unsigned" in config.samples:
            warnings.warn(f"{where} has no faces: distances are to its points, not to triangles", stacklevel=2)
        return _of_kinds(name, samples(judged, config, seed_of(name, config), None), judged.similarity)
    cloud = check_cloud(cloud, name)
    kept = inliers(cloud.points)
    normals = None if cloud.normals is None else cloud.normals[kept]
    similarity = similarity_for(cloud.points[kept], config)
    oriented = denoise(orient(similarity.apply(cloud.points[kept]), normals))
    random = np.random.default_rng(seed_of(name, config))
    return of_rows(name, oriented_samples(oriented, SAMPLES, config.near, random), similarity)


def in_own_box(observed: ShapeSamples, prepare: PrepareConfig) -> ShapeSamples:
    """A shape of samples without signs, normalised by the box of its surface. prepare: as for the space."""
    own = normalization(observed.similarity.invert(observed.surface))
    config = replace(prepare, normalize="dataset", similarity=(*own.center, own.scale))
    rows = {kind: moved(some, observed.similarity, config, kind)[0] for kind, some in observed.rows.items()}
    return replace(observed, similarity=own, rows=rows)
