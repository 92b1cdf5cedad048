"""Fewer points, or points out of faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isofield.shapes.topology import distinct
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh


def sampled(mesh: trimesh.Trimesh, count: int, seed: int = 0) -> Cloud:
    """A cloud of `count` points, evenly at random over a mesh's faces, with the faces' normals (sides as wound)."""
    import trimesh

    points, faces = trimesh.sample.sample_surface(mesh, count, seed=seed)
    return Cloud(np.asarray(points, np.float64), np.asarray(mesh.face_normals, np.float64)[np.asarray(faces)])


def without_doubles(cloud: Cloud) -> Cloud:
    """The cloud with the first of the points at every place, in their order."""
    first, _ = distinct(cloud.points)
    return cloud if len(first) == len(cloud.points) else _chosen(cloud, first)


def thinned(cloud: Cloud, cells: int) -> Cloud:
    """The cloud with the mean of the points of every cell, `cells` along the longest side of the box of most points.

    Normals: that of the point nearest to the mean, since sides may differ; colours are left out. Far points do not
    coarsen the cells: the box is that of the central 99.8 % of each axis.
    """
    low, high = np.quantile(cloud.points, [0.001, 0.999], axis=0)
    side = float((high - low).max()) / cells
    index = np.floor((cloud.points - low) / side).astype(np.int64)
    order = np.lexsort(index.T)
    first = np.flatnonzero(np.r_[True, (np.diff(index[order], axis=0) != 0).any(1)])
    number = np.diff(np.r_[first, len(order)])
    mean = np.add.reduceat(cloud.points[order], first, axis=0) / number[:, None]
    if cloud.normals is None:
        return Cloud(mean)
    group = np.repeat(np.arange(len(first)), number)
    off = np.square(cloud.points[order] - mean[group]).sum(1)
    nearest = np.lexsort((off, group))[first]
    return Cloud(mean, cloud.normals[order][nearest])


def _chosen(cloud: Cloud, index: np.ndarray) -> Cloud:
    return Cloud(
        cloud.points[index],
        None if cloud.normals is None else cloud.normals[index],
        None if cloud.colors is None else cloud.colors[index],
    )
