"""A prepared data set with its true meshes and a split: what the benchmarks of spaces take as arguments."""

from __future__ import annotations

import argparse
import re
import zlib
from functools import cached_property
from pathlib import Path

import numpy as np
import trimesh

from isofield import io, render
from isofield.datasets import Prepared, ids_of
from isofield.evaluate import shapes_in
from isofield.evaluate.distances import chamfer_l2, match
from isofield.evaluate.surface_samples import SurfaceSamples, sample_surface
from isofield.types import Cloud, Similarity, View

POINTS = 10_000
"""Points of a shape for a Chamfer distance."""
PRESCREEN, KEPT = 1500, 6
"""Points that rank the training shapes for retrieval, and the number of them that are compared in full."""
SIZE = (200, 200)
"""Pixels of a depth image."""


class Data:
    """A folder of `isofield prepare`, the folder of the true meshes (ID with any extension), and a split."""

    def __init__(self, data: str, truth: str, split: str) -> None:
        self.train, self.test = (ids_of(data, split, part) for part in ("train", "test"))
        records = Prepared(data, "signed").records
        self.similarity = {record.id: Similarity(tuple(record.center), record.scale) for record in records}
        self.files = shapes_in(Path(truth))

    def mesh(self, id_: str) -> trimesh.Trimesh:
        """The true mesh of a shape, normalised as its samples are."""
        mesh = io.read(self.files[id_])
        return trimesh.Trimesh(self.similarity[id_].apply(mesh.vertices), mesh.faces, process=False)

    @cached_property
    def training_points(self) -> dict[str, SurfaceSamples]:
        """Points of every training shape."""
        return {id_: drawn(self.mesh(id_), row) for row, id_ in enumerate(self.train)}

    def retrieval(self, truth: SurfaceSamples) -> float:
        """The least Chamfer distance of a training shape to a truth."""
        training = self.training_points
        rough = {id_: chamfer(one.first(PRESCREEN), truth.first(PRESCREEN)) for id_, one in training.items()}
        return min(chamfer(training[id_], truth) for id_ in sorted(rough, key=lambda id_: rough[id_])[:KEPT])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """DATA TRUTH SPLIT."""
    parser.add_argument("data", metavar="DATA", help="the folder that `isofield prepare` wrote")
    parser.add_argument("truth", metavar="TRUTH", help="the folder of the true meshes, named by the shapes' ids")
    parser.add_argument("split", metavar="SPLIT.json", help="the file that `isofield split` wrote")


def number(id_: str) -> int:
    """The seed of a shape: the number at the end of its id, or a hash of the id."""
    digits = re.search(r"\d+$", id_)
    return int(digits.group()) if digits else zlib.crc32(id_.encode())


def depth_image(mesh: trimesh.Trimesh, seed: int) -> View:
    """A depth image of a mesh from a random direction, not far above or below."""
    random = np.random.default_rng(seed)
    direction = float(random.uniform(0, 360)), float(random.uniform(-10, 40))
    return render.depth(mesh, render.frame(np.asarray(mesh.vertices), view=direction, size=SIZE)).view()


def chamfer(pred: SurfaceSamples, truth: SurfaceSamples) -> float:
    """Sum of the mean squared distances, x 1000."""
    return 2000 * chamfer_l2(match(pred, truth))


def drawn(shape: trimesh.Trimesh | Cloud, seed: int) -> SurfaceSamples:
    """Points of a shape."""
    return sample_surface(shape, POINTS, np.random.default_rng(seed), "shape")
