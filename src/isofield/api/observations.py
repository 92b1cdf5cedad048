"""Samples of the signed distance of unseen shapes, made as those of the training shapes were."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import trimesh

from isofield import io
from isofield.configs import PrepareConfig
from isofield.datasets import Prepared, Record, find, ids_of, read_deepsdf
from isofield.datasets.layout import is_prepared
from isofield.datasets.normalization import moved, similarity_for
from isofield.datasets.prepare_shape import distance_of, samples, seed_of
from isofield.datasets.quality_gate import GateResult, judge_mesh
from isofield.errors import InputError
from isofield.points import check_cloud, denoise, inliers, orient
from isofield.sampling.training_samples import oriented_samples
from isofield.types import Cloud, SdfSamples, Similarity

SAMPLES = 60_000
"""Samples of a mesh or a cloud."""
NEAR = 0.005
"""A sample this near to the surface counts as a point of it."""

Source = str | os.PathLike[str] | trimesh.Trimesh | Cloud


@dataclass(frozen=True)
class ShapeSamples:
    """An observed shape. id: its name. samples: in its normalised space. similarity: from its own units to there."""

    id: str
    samples: SdfSamples
    similarity: Similarity

    @property
    def surface(self) -> np.ndarray:
        """Points (n, 3) near its surface, normalised."""
        near = np.abs(self.samples.distance) < NEAR
        if self.samples.free is not None:
            near &= ~self.samples.free
        return np.asarray(self.samples.points[near], np.float64)


def observe(source: Source, prepare: PrepareConfig, name: str | None = None) -> ShapeSamples:
    """A mesh, a cloud, or samples in DeepSDF's form (.npz with pos and neg), sampled as `prepare` says.

    Raises InputError for a file that cannot be read, and for a shape that the quality gate rejects.
    """
    label = name or (Path(source).stem if isinstance(source, (str, os.PathLike)) else type(source).__name__)
    if isinstance(source, (str, os.PathLike)) and is_samples(Path(source)):
        rows, _, similarity = read_deepsdf(source)
        rows, similarity = moved(rows, similarity, prepare)
        return of_rows(label, np.random.default_rng(prepare.seed).permutation(rows), similarity)
    config = replace(prepare, samples=("signed",), count=SAMPLES, points=min(prepare.points, SAMPLES), half=False)
    shape, where = (io.read(source), str(source)) if isinstance(source, (str, os.PathLike)) else (source, label)
    if isinstance(shape, trimesh.Trimesh):
        return _of_mesh(judge_mesh(shape, where, config), label, config)
    return _of_cloud(shape, label, config)


Inputs = list[tuple[str, Callable[[], ShapeSamples]]]
"""Names of shapes, and what reads each of them."""


def observed_in(
    inputs: Sequence[str | os.PathLike[str]], prepare: PrepareConfig, split: str | os.PathLike[str] | None = None
) -> Inputs:
    """The shapes in files, in folders of them, or in one prepared data set, without reading them.

    split: of a prepared data set, the ids to take. Raises InputError for a missing input, equal names, and a split of
    anything else than a prepared data set; reading a shape raises it for a damaged file.
    """
    paths = [Path(path) for path in inputs]
    if len(paths) == 1 and is_prepared(paths[0]):
        ids = None if split is None else ids_of(paths[0], split, "test")
        prepared = Prepared(paths[0], "signed", ids=ids)
        before = prepared.settings.get("normalize", "shape")
        if before != prepare.normalize:
            raise InputError(
                f"{paths[0]} was prepared with --normalize {before}, and the training data of the space with "
                f"{prepare.normalize}: prepare it that way into another folder."
            )
        return [
            (record.id, partial(_of_prepared, prepared, index, prepare))
            for index, record in enumerate(prepared.records)
        ]
    if split is not None:
        raise InputError(f"--split applies only to a prepared data set, and {paths[0]} is not one: leave it out.")
    named: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"There is no file {path}: check the spelling.")
        some = [(entry.id, entry.path) for entry in find(path)[1]] if path.is_dir() else [(path.stem, path)]
        for name, one in some:
            if name in named:
                raise InputError(f"{named[name]} and {one} would both be called {name}: rename one.")
            named[name] = one
    return [(name, partial(observe, path, prepare, name)) for name, path in named.items()]


def is_samples(path: Path) -> bool:
    """Whether a file has the two arrays of DeepSDF's samples."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {"pos", "neg"} <= {*arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def of_prepared(prepared: Prepared, prepare: PrepareConfig) -> Iterator[ShapeSamples]:
    """The shapes of a prepared data set, normalised as `prepare` says."""
    return (_of_prepared(prepared, index, prepare) for index in range(len(prepared)))


def _of_prepared(prepared: Prepared, index: int, prepare: PrepareConfig) -> ShapeSamples:
    rows, record = np.array(prepared.rows(index)[:SAMPLES], np.float32), prepared.records[index]
    return of_rows(record.id, *moved(rows, similarity_of(record), prepare))


def of_rows(name: str, rows: np.ndarray, similarity: Similarity) -> ShapeSamples:
    """A shape of samples (n, 4) in random order. Raises InputError where none is inside."""
    if not (rows[:, 3] < 0).any():
        raise InputError(f"{name} has no samples inside (with negative distances): a space needs both sides.")
    return ShapeSamples(name, SdfSamples(rows[:, :3], rows[:, 3]), similarity)


def similarity_of(record: Record) -> Similarity:
    """The similarity from a prepared shape's own units to the normalised space."""
    x, y, z = record.center
    return Similarity((x, y, z), record.scale)


def _of_mesh(judged: GateResult, name: str, config: PrepareConfig) -> ShapeSamples:
    if judged.solids is None or judged.similarity is None:
        raise InputError(f"{name} was rejected: {judged.reason}.")
    rows = samples(judged, config, seed_of(name, config), distance_of(judged, config))["signed"]
    if not len(rows):
        raise InputError(f"{name} has no sample with a certain sign: prepare with another --sign.")
    return of_rows(name, rows, judged.similarity)


def _of_cloud(cloud: Cloud, name: str, config: PrepareConfig) -> ShapeSamples:
    """Points are oriented first."""
    cloud = check_cloud(cloud, name)
    kept = inliers(cloud.points)
    normals = None if cloud.normals is None else cloud.normals[kept]
    similarity = similarity_for(cloud.points[kept], config)
    oriented = denoise(orient(similarity.apply(cloud.points[kept]), normals))
    random = np.random.default_rng(seed_of(name, config))
    return of_rows(name, oriented_samples(oriented, SAMPLES, config.near, random), similarity)
