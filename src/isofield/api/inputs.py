"""What `fit` is given: a file, a mesh, points or depth images, read, checked and cleaned."""

from __future__ import annotations

import os
import warnings
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import trimesh

from isofield import io
from isofield.configs.common import Quality
from isofield.io.reading import read_hashed
from isofield.points import (
    FEWEST,
    check_cloud,
    check_faces,
    drop_duplicates,
    inliers,
    merge_twins,
    noise_level,
    sample_mesh,
    scattered,
    select,
    voxel_box,
    voxel_count,
    voxel_downsample,
)
from isofield.types import Cloud, View

DENSE = 200_000
"""More points than this are downsampled first."""
KEPT = {"fast": 100_000, "balanced": 200_000, "best": 400_000}
"""Points that downsampling leaves, at most, by quality; of a larger cloud more, with the cube root of its size."""
FINEST_VOXELS = 14
"""The finest of the numbers of cells that are tried is 2^(this / 2) times the least."""
NOISE_OF_CELL, LEAST_VOXELS = 0.4, 64
"""The noise is at most this fraction of a cell, unless a side would have fewer cells than this."""
MANY, SHRUNK = 0.02, 0.1
"""Outliers are warned of where they are more than this fraction of the points, or where a side of the box is shorter by
more than this fraction without them."""
SCATTERED = 0.25
"""Scattered points are left out where they are at least this fraction: 0.42 of a tree, 0.2 of the vertices of an animal
with thin legs."""

Source = str | os.PathLike[str] | trimesh.Trimesh | Cloud | np.ndarray | View | Sequence[View]


def brought(source: Source) -> tuple[str, str | None, Cloud | trimesh.Trimesh]:
    """The name of the input, the SHA-256 of its file, and its checked points or mesh."""
    digest: str | None = None
    shape: trimesh.Trimesh | Cloud
    if views := views_of(source):
        name, shape = f"{len(views)} depth images", io.cloud_of(views)
    elif isinstance(source, (str, os.PathLike)):
        name, (shape, digest) = str(source), read_hashed(source)
    else:
        name, shape = io.shape_of(source)
    if isinstance(shape, Cloud):
        return name, digest, check_cloud(shape, name)
    return name, digest, check_faces(shape, name)


def sampled(shape: Cloud | trimesh.Trimesh, name: str, samples: int, seed: int) -> Cloud:
    """The points, or as many points on the faces of a mesh as `samples` says."""
    return shape if isinstance(shape, Cloud) else check_cloud(sample_mesh(shape, samples, seed), name)


def views_of(source: Source) -> list[View]:
    """The depth images of an input; none for any other input."""
    if isinstance(source, View):
        return [source]
    if isinstance(source, (list, tuple)) and source and all(isinstance(view, View) for view in source):
        return list(source)
    return []


def cleaned(cloud: Cloud, name: str, quality: Quality) -> tuple[Cloud, np.ndarray]:
    """The cloud without duplicates and outliers, downsampled where it is denser than the field resolves, and the
    outliers (k, 3); warns where these are many, or where the box is smaller without them."""
    cloud = merge_twins(drop_duplicates(cloud))
    if len(cloud.points) > DENSE:
        cloud = _thinned(cloud, KEPT[quality])
    kept = inliers(cloud.points)
    clean, outliers = select(cloud, kept), cloud.points[~kept]
    before, after = np.ptp(cloud.points, axis=0), np.ptp(clean.points, axis=0)
    shrunk = (before - after) / np.maximum(before, 1e-300)
    where = [f"{part:.0%} along {axis}" for part, axis in zip(shrunk, "xyz", strict=True) if part > SHRUNK]
    if where or len(outliers) > MANY * len(kept):
        box = f", which shrinks the box by {' and '.join(where)}" if where else ""
        warnings.warn(
            f"{name}: {len(outliers)} of {len(kept)} points are left out as outliers{box}; if they belong to the "
            "surface, fit that part of the points on its own",
            stacklevel=4,
        )
    return clean, outliers


def on_surfaces(cloud: Cloud, name: str) -> tuple[Cloud, np.ndarray]:
    """The cloud without points that belong to no surface, and these points (k, 3), with a warning; all points where
    these are few, or almost none would be left."""
    kept = ~scattered(cloud.points)
    if np.count_nonzero(~kept) < SCATTERED * len(kept) or np.count_nonzero(kept) < FEWEST:
        return cloud, np.empty((0, 3))
    kept[kept] = inliers(cloud.points[kept])
    warnings.warn(
        f"{name}: {np.count_nonzero(~kept)} of {len(kept)} points lie scattered in space, as leaves do, or on parts "
        "that are thinner than their spacing; no surface is fitted to them (--surface closed fits one)",
        stacklevel=4,
    )
    return select(cloud, kept), cloud.points[~kept]


def _thinned(cloud: Cloud, kept: int) -> Cloud:
    """One point for each of the finest cells that leave few enough points, or of wider ones where the noise is wider:
    the mean over a cell narrower than the noise would still scatter, in several layers.

    Cells of one size thin dense parts only, so that the density of the points that are left follows the cells of the
    field, and not that of the scan.
    """
    most = kept * (len(cloud.points) / DENSE) ** (1 / 3)
    tried = [round(LEAST_VOXELS * 2 ** (step / 2)) for step in range(FINEST_VOXELS + 1)]
    box = voxel_box(cloud.points)
    cells = tried[max(bisect_right(tried, most, key=lambda cells: voxel_count(cloud.points, cells, box)) - 1, 0)]
    first = voxel_downsample(cloud, cells)
    side = float(np.ptp(first.points, axis=0).max()) / cells
    wider = noise_level(first.points) / (NOISE_OF_CELL * side)
    return first if wider <= 1 else voxel_downsample(cloud, max(LEAST_VOXELS, int(cells / wider)))
