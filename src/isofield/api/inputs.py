"""What `fit` is given (a file, a mesh, points or depth images), read and checked, and what a method observes of it:
cleaned, in its normalised space."""

from __future__ import annotations

import os
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import trimesh

from isofield import io
from isofield.configs.common import Quality, Surface
from isofield.io.reading import read_hashed
from isofield.points import (
    FEWEST,
    Openness,
    check_cloud,
    check_faces,
    drop_duplicates,
    evened_lines,
    inliers,
    local_spacing,
    merge_repeats,
    merge_twins,
    noise_level,
    openness,
    sample_mesh,
    scattered,
    select,
    spacing,
    voxel_box,
    voxel_count,
    voxel_downsample,
)
from isofield.solids.triangles import indexed
from isofield.topology import areas
from isofield.types import Cloud, Observation, Similarity, View, normalization, triple

DENSE = 200_000
"""More points than this are downsampled first."""
KEPT = {"fast": 100_000, "balanced": 200_000, "best": 400_000}
"""Points that downsampling leaves, at most, by quality; of a larger cloud more, with the cube root of its size."""
FINEST_VOXELS = 14
"""The largest number of cells that is tried is 2^(this / 2) times the smallest."""
NOISE_OF_CELL, LEAST_VOXELS = 0.4, 64
"""The noise is at most this fraction of a cell, unless a side would have fewer cells than this."""
MANY, SHRUNK = 0.02, 0.1
"""Outliers are warned of where they are more than this fraction of the points, or where a side of the box is shorter by
more than this fraction without them."""
SCATTERED = 0.25
"""Scattered points are left out where they are at least this fraction: 0.42 of a tree, 0.2 of the vertices of an animal
with thin legs."""
SHEET, BLOCK = 0.15, "as asked, around points that enclose no volume"
"""The reason of a surface that is to be closed where the winding number at its points, averaged over both sides, is
nearer to 0 than this: 1/2 on a closed surface, 0.3 on half of a sphere, 0 on a sheet."""
MARGIN, EXACT_MARGIN = 0.1, 0.03
"""Room around the surface, as a fraction of its longest side: of a field that was fitted, and of an exact one."""

Source = str | os.PathLike[str] | trimesh.Trimesh | Cloud | np.ndarray | View | Sequence[View]


def brought(source: Source) -> tuple[str, str | None, Cloud | trimesh.Trimesh]:
    """The name of the input, the SHA-256 of its file, and its points or mesh, which are not yet checked."""
    if views := views_of(source):
        return f"{len(views)} depth images", None, io.cloud_of(views)
    if isinstance(source, (str, os.PathLike)):
        shape, digest = read_hashed(source)
        return str(source), digest, shape
    name, shape = io.shape_of(source)
    return name, None, shape


def checked_shape(shape: Cloud | trimesh.Trimesh, name: str) -> Cloud | trimesh.Trimesh:
    """The finite points or faces; raises InputError as `check_cloud` and `check_faces` do."""
    return check_cloud(shape, name) if isinstance(shape, Cloud) else check_faces(shape, name)


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
    """The cloud without duplicates and outliers, downsampled where it is denser than the field resolves and along the
    lines of a scanner, and the outliers (k, 3); warns of such lines, where outliers are many, or where the box is
    smaller without them."""
    cloud = merge_twins(drop_duplicates(cloud))
    merged = merge_repeats(cloud)
    if len(merged.points) < len(cloud.points):
        warnings.warn(
            f"{name}: most points lie in small groups, as where a sensor at rest measures each place many times: "
            f"the means of the groups are fitted, {len(merged.points)} points of {len(cloud.points)}",
            stacklevel=4,
        )
        cloud = merged
    if len(cloud.points) > DENSE:
        cloud = _thinned(cloud, KEPT[quality])
    if not (stay := evened_lines(cloud.points)).all():
        warnings.warn(
            f"{name}: the points lie in lines, as those of a scanner with few rings: {np.count_nonzero(stay)} of "
            f"{len(stay)} are fitted, about as near to each other along the lines as across; --close-holes joins lines "
            "that stay apart",
            stacklevel=4,
        )
        cloud = select(cloud, stay)
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


@dataclass(frozen=True, eq=False)
class FitInput:
    """An observation, and what is stored of it beside the field.

    similarity: from the user's units to the normalised space. cloud: whose colours and attributes belong to the points
    of the observation. outliers: (k, 3) points that were left out, in the user's units. surface: open or closed, and
    why. spacing: of the points. lower, upper: (3,) box of the surface. margin: room around it. All lengths but those of
    the outliers are normalised.
    """

    observation: Observation
    similarity: Similarity
    cloud: Cloud
    outliers: np.ndarray
    surface: Openness
    spacing: float
    lower: np.ndarray
    upper: np.ndarray
    margin: float


def of_faces(triangles: np.ndarray, similarity: Similarity, cloud: Cloud, surface: Openness) -> FitInput:
    """Faces, (m, 3, 3) normalised, points on them in the user's units, and whether they enclose a volume."""
    observation = Observation(
        similarity.apply(cloud.points), cloud.normals, 0.0, triangles, oriented=True, open=surface.open
    )
    corners = triangles.reshape(-1, 3)
    low, high = corners.min(0), corners.max(0)
    apart = float(np.sqrt(areas(*indexed(triangles)).sum() / len(cloud.points)))
    return FitInput(
        observation, similarity, cloud, np.empty((0, 3)), surface, apart, low, high,
        EXACT_MARGIN * float((high - low).max()),
    )  # fmt: skip


def of_points(
    cloud: Cloud, name: str, quality: Quality, *, mesh: trimesh.Trimesh | None, views: Sequence[View],
    noise: float | None, surface: Surface, trusted: bool,
) -> FitInput:  # fmt: skip
    """Points in the user's units, cleaned and normalised; warns as `cleaned` does.

    mesh: whose faces they were drawn from, or None. views: the depth images that they come from, if any. noise: as a
    fraction of the diagonal, None to estimate it. trusted: the orientation of the normals that came is right.
    """
    # Whatever the unit, distances are taken where they neither overflow nor vanish; outliers do not set the scale.
    first = normalization(cloud.points)
    mapped = _mapped(cloud, first)
    clean, outliers = cleaned(mapped, name, quality)
    similarity, points, sensors = _normalised(clean, first)
    shown = Openness(surface == "open", "as asked")
    if surface == "auto":
        scanned = mapped.points if len(points) + len(outliers) < len(mapped.points) else None
        shown = openness(points, sensors, scanned=scanned)
        if shown.scattered:
            clean, loose = on_surfaces(clean, name)
            outliers = np.concatenate([outliers, loose])
            similarity, points, sensors = _normalised(clean, first)
            shown = openness(points, sensors, scanned=scanned)
    elif surface == "closed":
        found = openness(points, sensors)
        shown = Openness(False, BLOCK if found.open and abs(found.level) < SHEET else "as asked", seen=found.seen)
    measured = views or io.rays_of(cloud)
    free = io.free_of(measured, similarity) if measured else None
    faces = None if mesh is None else similarity.apply(np.asarray(mesh.triangles))
    low, high = points.min(0), points.max(0)
    deviation = None if noise is None else noise * float(np.linalg.norm(high - low))
    kept = trusted and clean.normals is not None
    if trusted and clean.normals is not None and not shown.open and _inward(points, clean.normals):
        warnings.warn(
            f"{name}: the normals point inward in the mean, and are kept as they are; --normals auto orients them",
            stacklevel=4,
        )
    observation = Observation(points, clean.normals, deviation, faces, free, sensors, kept, shown.open, shown.seen)
    return FitInput(
        observation, similarity, clean, first.invert(outliers), shown, spacing(points), low, high,
        MARGIN * float((high - low).max()),
    )  # fmt: skip


def _inward(points: np.ndarray, normals: np.ndarray) -> bool:
    """Whether normals (n, 3) at points (n, 3) of a closed surface point inward: by Gauss's theorem the sum of
    areas * points . normals is three times the volume."""
    area = np.square(local_spacing(points))
    about = points - np.average(points, axis=0, weights=area)
    return float(np.einsum("n,nd,nd->", area, about, normals)) < 0


def _mapped(cloud: Cloud, similarity: Similarity) -> Cloud:
    """The cloud in the space that the similarity leads to."""
    sensors = None if cloud.sensors is None else similarity.apply(cloud.sensors)
    return replace(cloud, points=similarity.apply(cloud.points), sensors=sensors)


def _normalised(cloud: Cloud, first: Similarity) -> tuple[Similarity, np.ndarray, np.ndarray | None]:
    """The similarity from the user's units to the normalised space of a cloud, which `first` has mapped, and in that
    space the points (n, 3) and sensors (n, 3)."""
    similarity = _after(first, normalization(cloud.points))
    sensors = None if cloud.sensors is None else similarity.apply(first.invert(cloud.sensors))
    return similarity, similarity.apply(first.invert(cloud.points)), sensors


def _after(first: Similarity, second: Similarity) -> Similarity:
    """The similarity that applies `first`, then `second`."""
    center = np.asarray(first.center) + np.asarray(second.center) / first.scale
    return Similarity(triple(center), first.scale * second.scale)
